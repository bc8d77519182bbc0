"""The table of precisions: what is timed is what is asked, and the strip is made of real inputs."""

from __future__ import annotations

import numpy as np

from bench.quantized import COLUMNS, markdown, strip_of, time_strips
from quantize.affine import Form
from quantize.post_training import calibrate
from tests.quantize.graphs import batches, plain_graph


def test_each_graph_is_timed_as_often_as_asked() -> None:
    graphs = {"FP32": plain_graph(), "INT8": calibrate(plain_graph(), batches(1)).quantized(Form.UNSIGNED)}
    seconds = time_strips(graphs, batches(1)[0], threads=1, rounds=3)
    assert {name: len(values) for name, values in seconds.items()} == {"FP32": 3, "INT8": 3}
    assert min(min(values) for values in seconds.values()) > 0.0


def test_a_strip_is_filled_with_patches_side_by_side() -> None:
    planes = batches(2)
    strip = strip_of(planes, (1, 6, 8, 40))
    assert strip.shape == (1, 6, 8, 40)
    assert np.array_equal(strip[..., :16], planes[0][:, :, :8])
    assert np.array_equal(strip[..., 16:32], planes[1][:, :, :8])
    assert np.array_equal(strip[..., 32:], planes[0][:, :, :8, :8])
    assert np.array_equal(strip_of(planes, (1, 6, 20, 40))[:, :, 16:], strip[:, :, :4])


def test_the_table_has_a_cell_a_column() -> None:
    row = {
        "precision": "FP32",
        "methane_f1": 0.7,
        "methane_auprc": 0.75,
        "mineral_f1": 0.6,
        "sqnr_db": 200.0,
        "bytes": 1000,
        "size_ratio": 1.0,
        "milliseconds": 20.0,
        "time_ratio": 1.0,
    }
    lines = markdown([row]).splitlines()
    assert len(lines) == 3
    assert lines[2].count("|") == len(COLUMNS) + 1
    assert "exact" in lines[2]
