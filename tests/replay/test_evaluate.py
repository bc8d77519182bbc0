from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.replay.evaluate import Criteria, evaluate_run
from onboard.replay.events import feature_collection
from onboard.replay.products import ProductsHeader, ProductsWriter
from onboard.replay.run_folder import RUN_FORMAT, write_json
from tests.replay.stand_in import MINERALS, Event, block

LINES, SAMPLES = 70, 40
PLUME = np.s_[10:20, 5:15]


def make_run(folder: Path, products: tuple[str, ...] = ("methane", "minerals")) -> Path:
    """A run that finds the plume with half of its pixels, 10 % too weak, and two false pixels."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    probability = np.full((LINES, SAMPLES), 0.1, np.float32)
    probability[10:15, 5:15] = 0.9
    probability[50, 30:32] = 0.8
    enhancement = rng.normal(0, 200, (LINES, SAMPLES)).astype(np.float32)
    enhancement[PLUME] = 0.9 * true_enhancement()[PLUME]
    enhancement[0] = np.nan
    head = ProductsHeader(LINES, SAMPLES, products, MINERALS, 64, 0.5, (0.3, 0.3, 0.3))
    with ProductsWriter(folder / "products.nc", head) as writer:
        for first in (0, 64):
            rows = slice(first, first + 64)
            writer.write(block(first, probability[rows], enhancement[rows]))
    events = [
        Event(1, 10, 14, 5, 14, 50, peak_line=12, peak_sample=7),
        Event(2, 50, 50, 30, 31, 2, peak_line=50, peak_sample=30),
    ]
    write_json(folder / "events.geojson", feature_collection(events, None, 60.0))
    write_json(folder / "summary.json", {"format": RUN_FORMAT})
    return folder


def true_enhancement() -> np.ndarray:
    values = np.zeros((LINES, SAMPLES), np.float32)
    values[PLUME] = np.linspace(600, 4000, 100).reshape(10, 10)
    return values


def make_truth(path: Path, change: Callable[[h5py.File], Any] | None = None) -> Path:
    with h5py.File(path, "w") as file:
        file["ch4_enhancement"] = true_enhancement()
        plume_id = np.zeros((LINES, SAMPLES), np.int32)
        plume_id[PLUME] = 1
        file["plume_id"] = plume_id
        valid = np.ones((LINES, SAMPLES), np.uint8)
        valid[-1] = 0
        file["valid"] = valid
        abundance = np.zeros((3, LINES, SAMPLES), np.float32)
        abundance[0, :, :20] = 0.16  # kaolinite: found nowhere but everywhere
        abundance[1, :35] = 0.1  # calcite: too little to count
        file["mineral_abundance"] = abundance
        file.create_dataset("mineral_names", data=["kaolinite", "calcite", "hematite"])
        if change is not None:
            change(file)
    return path


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
