"""The known answer as inputs of the graphs: a float bundle repeats its recorded probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.bundle import write_container
from export.tensorrt.checker import Source, read_source
from export.tensorrt.parity import reference_run
from export.tensorrt.samples import KNOWN, Samples
from onboard.errors import BundleError
from onboard.flight.bundle import default_bundle_path, read_container
from tests.export.samples import sample_parts
from tests.export.tensorrt.graphs import good_float


@pytest.fixture(scope="module")
def trained(float_bundle: Path) -> Source:
    return read_source(float_bundle)


def test_a_body_repeats_the_recorded_probabilities(trained: Source) -> None:
    samples = Samples(trained)
    label, values = samples.of("body.onnx")
    assert label == KNOWN
    assert values.any(axis=(1, 2, 3)).all()
    difference = samples.answer("body.onnx", reference_run(trained.graphs["body.onnx"]))
    assert difference is not None
    assert difference < 2e-3
    wrong = samples.answer(
        "body.onnx", lambda x: reference_run(trained.graphs["body.onnx"])(x) + np.float32(1)
    )
    assert wrong is not None
    assert wrong > 0.1


def test_the_stem_sees_log_radiance(trained: Source) -> None:
    label, values = Samples(trained).of("stem.onnx")
    assert label == KNOWN
    assert -4 <= values.min() < 0 < values.max() <= 3
    assert Samples(trained).answer("stem.onnx", reference_run(trained.graphs["stem.onnx"])) is None


def test_a_graph_that_does_not_take_the_known_answer_is_refused(trained: Source) -> None:
    graphs = {"body.onnx": good_float()}
    with pytest.raises(BundleError, match="known answer"):
        Samples(Source(trained.path, "bundle", trained.data, graphs)).of("body.onnx")


def test_bundles_without_known_answer_and_single_graphs_get_seeded_values() -> None:
    data = write_container(sample_parts(stem=good_float(), body=good_float()), 7)
    parts = read_container(data).parts
    graphs = {name: bytes(parts[name]) for name in ("stem.onnx", "body.onnx")}
    path = default_bundle_path()
    for source in (Source(path, "bundle", data, graphs), Source(path, "onnx", b"", {"x.onnx": good_float()})):
        for graph in source.graphs:
            label, values = Samples(source).of(graph)
            assert label == "normal values, seed 20"
            assert abs(float(values.mean())) < 0.3
            assert Samples(source).answer(graph, reference_run(good_float())) is None
