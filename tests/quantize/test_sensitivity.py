from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from quantize.affine import Form
from quantize.post_training import calibrate
from quantize.runtime import outputs_of
from quantize.scoring import Scores
from quantize.sensitivity import SensitivityReport, mean_sqnr_db, measure_sensitivity
from quantize.sensitivity_report import markdown, write_report
from tests.quantize.graphs import batches, plain_graph


@pytest.fixture(scope="module")
def report() -> SensitivityReport:
    calibrated, given = calibrate(plain_graph(), batches(2)), batches(2, seed=44)
    exact = outputs_of(plain_graph(), given)

    def score(data: bytes) -> Scores:
        error = np.abs(outputs_of(data, given) - exact).mean(axis=(0, 2, 3))
        return Scores(1.0 - float(error[0]), 1.0, 1.0 - float(error[1:].mean()))

    return measure_sensitivity(calibrated, given, score)


def test_a_layer_alone_costs_less_than_all_and_leaving_one_out_gives_back(report: SensitivityReport) -> None:
    assert [item.layer for item in report.layers] == ["enter", "deep", "down", "back", "gas", "ground"]
    assert all(item.alone_sqnr_db > report.sqnr_db for item in report.layers)
    # Outputs that a head kept in float leaves unrounded aside, no layer left out makes it much worse.
    assert all(item.rest_sqnr_db > report.sqnr_db - 1.0 for item in report.layers)
    assert max(item.rest_sqnr_db for item in report.layers) > report.sqnr_db
    lost_by_all = report.exact.methane_f1 - report.quantized.methane_f1
    assert all(-1e-6 <= item.alone_methane_loss < lost_by_all for item in report.layers)


def test_a_head_costs_only_its_own_output(report: SensitivityReport) -> None:
    by_name = {item.layer: item for item in report.layers}
    assert by_name["gas"].weights == 8
    assert report.form is Form.UNSIGNED


def test_table_plot_and_figures_are_written(report: SensitivityReport, tmp_path: Path) -> None:
    figures, table, picture = write_report(report, tmp_path)
    content = json.loads(figures.read_text())
    assert [item["layer"] for item in content["layers"]] == [item.layer for item in report.layers]
    assert table.read_text().count("\n| ") == 7
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["sensitivity.json", "sensitivity.md", "sensitivity.png"]
    )
    assert "| gas |" in markdown(report)


def test_channels_that_nothing_reached_do_not_count_in_the_mean() -> None:
    exact = np.random.default_rng(0).normal(size=(1, 3, 9, 9)).astype(np.float32)
    found = exact.copy()
    found[:, 0] += 0.1 * np.sign(exact[:, 1])
    assert mean_sqnr_db(exact, found) < 30.0
    assert mean_sqnr_db(exact, exact) == 200.0
