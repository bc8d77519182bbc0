from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.replay.evaluate import Criteria, evaluate_run
from tests.replay.scored_run import LINES, SAMPLES, make_run, make_truth


def test_scores_follow_from_the_scene(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    result = evaluate_run(run, make_truth(tmp_path / "truth.nc"))
    methane = result["methane"]
    assert methane["pixels"]["precision"] == pytest.approx(50 / 52)
    assert methane["pixels"]["recall"] == pytest.approx(0.5)
    assert methane["pixels"]["iou"] == pytest.approx(50 / 102)
    assert methane["pixels"]["auprc"] > 0.5
    assert methane["enhancement"]["slope"] == pytest.approx(0.9, abs=1e-3)
    assert methane["enhancement"]["n"] == 100
    assert methane["background"]["sigma"] == pytest.approx(200, rel=0.05)
    assert methane["valid_pixels_not_retrieved"] == SAMPLES
    assert methane["plumes"]["recall"] == 1.0
    assert methane["plumes"]["false_event_ids"] == [2]
    assert json.loads((run / "evaluation.json").read_text()) == result


def test_minerals_are_matched_by_name_and_scored_where_present(tmp_path: Path) -> None:
    result = evaluate_run(make_run(tmp_path / "run"), make_truth(tmp_path / "truth.nc"))
    minerals = result["minerals"]
    # The stand-in finds kaolinite (0.35 at least) in every valid pixel, of which half hold it.
    kaolinite = minerals["per_mineral"]["kaolinite"]
    assert kaolinite["recall"] == pytest.approx((LINES - 2) / (LINES - 1))
    assert kaolinite["precision"] == pytest.approx(0.5)
    assert minerals["per_mineral"]["calcite"]["true_pixels"] == 0
    assert minerals["macro_classes"] == 1
    assert minerals["macro_f1"] == kaolinite["f1"]


def test_the_abundance_that_counts_is_a_choice(tmp_path: Path) -> None:
    run, truth = make_run(tmp_path / "run"), make_truth(tmp_path / "truth.nc")
    result = evaluate_run(run, truth, Criteria(abundance=0.05))
    assert result["minerals"]["macro_classes"] == 2
    assert result["criteria"]["abundance"] == 0.05


def test_a_dropped_product_is_not_scored(tmp_path: Path) -> None:
    truth = make_truth(tmp_path / "truth.nc")
    assert evaluate_run(make_run(tmp_path / "a", ("methane",)), truth)["minerals"] is None
    assert evaluate_run(make_run(tmp_path / "b", ("minerals",)), truth)["methane"] is None


def drop(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]

    return change


def shrink(file: h5py.File) -> None:
    del file["plume_id"]
    file["plume_id"] = np.zeros((LINES, SAMPLES - 1), np.int32)


def bare_name(file: h5py.File) -> None:
    del file["mineral_names"]
    file["mineral_names"] = "calcite"


def rename(file: h5py.File) -> None:
    del file["mineral_names"]
    file.create_dataset("mineral_names", data=["kaolinite", "calcite", "gold"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("valid"), r"missing.*truth\.nc.*field: valid"),
        (drop("ch4_enhancement"), r"missing.*ch4_enhancement"),
        (drop("mineral_names"), r"missing.*mineral_names"),
        (shrink, r"does not belong.*plume_id.*\(70, 39\).*\(70, 40\)"),
        (bare_name, r"no list.*mineral_names"),
        (rename, r"lacks minerals.*gold.*hematite"),
    ],
)
def test_a_truth_that_does_not_fit_is_refused(
    tmp_path: Path, change: Callable[[h5py.File], None], words: str
) -> None:
    run = make_run(tmp_path / "run")
    with pytest.raises(CaptureError, match=words):
        evaluate_run(run, make_truth(tmp_path / "truth.nc", change))
    assert not (run / "evaluation.json").exists()


def test_what_is_no_run_or_no_truth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(CaptureError, match="no run folder"):
        evaluate_run(tmp_path, tmp_path / "text.nc")
    run = make_run(tmp_path / "run")
    for truth in (tmp_path / "text.nc", tmp_path / "missing.nc"):
        with pytest.raises(CaptureError, match="cannot be read"):
            evaluate_run(run, truth)


def test_damaged_events_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "events.geojson").write_text('{"features": [1]}')
    with pytest.raises(CaptureError, match=r"events of the run.*events\.geojson"):
        evaluate_run(run, make_truth(tmp_path / "truth.nc"))


GOOD = {
    "event_id": 1,
    "first_line": 0,
    "peak_line": 1,
    "last_line": 2,
    "first_sample": 0,
    "peak_sample": 1,
    "last_sample": 2,
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"peak_line": None}, "event 0: lines 0, None, 2 of 70"),
        ({"last_line": 70}, "event 0: lines 0, 1, 70 of 70"),
        ({"first_sample": -1}, "event 0: samples -1, 1, 2 of 40"),
        ({"peak_sample": 3}, "event 0: samples 0, 3, 2 of 40"),
        ({"event_id": "x"}, "event_id is 'x'"),
        ({"first_line": True}, "lines True"),
        ({}, ""),
    ],
)
def test_events_outside_the_run_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    run = make_run(tmp_path / "run")
    truth = make_truth(tmp_path / "truth.nc")
    (run / "events.geojson").write_text(json.dumps({"features": [{"properties": GOOD | change}]}))
    if not words:
        assert evaluate_run(run, truth)["methane"]["plumes"]["events"] == 1
        return
    with pytest.raises(CaptureError, match=re.escape(words)):
        evaluate_run(run, truth)
    (run / "events.geojson").write_text(json.dumps({"features": [{"properties": {"event_id": 1}}]}))
    with pytest.raises(CaptureError, match="first_line"):
        evaluate_run(run, truth)
