from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.replay.prediction import Prediction, Thresholds
from onboard.replay.protocol import Rules, choose_thresholds, results, score_capture
from onboard.replay.tally import pooled
from onboard.scenes.gas.plumes import SOURCE_DTYPE
from onboard.scenes.truth import Truth

SHAPE = (200, 160)
STRONG, FAINT, UNLABELLED = np.s_[20:30, 20:40], np.s_[100:104, 100:110], np.s_[150:153, 30:33]


def truth() -> Truth:
    """A strong plume of 200 pixels, a faint one of 40, a third below the label, and one mineral."""
    enhancement, plume_id = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.int32)
    enhancement[STRONG] = np.linspace(1000, 5000, 200).reshape(10, 20)
    enhancement[FAINT], enhancement[UNLABELLED] = 1200.0, 700.0
    plume_id[STRONG], plume_id[FAINT] = 1, 2
    sources = np.zeros(3, SOURCE_DTYPE)
    sources["plume_id"] = 1, 2, 3
    sources["emission_kg_h"] = 9000, 1500, 300
    sources["peak_ppm_m"] = 5000, 1200, 700
    minerals = np.zeros((2, *SHAPE), np.float32)
    minerals[0, :, :50] = 0.5
    valid = np.ones(SHAPE, np.uint8)
    valid[:4] = 0
    return Truth(enhancement, plume_id, minerals, ("calcite", "gypsum"), valid, sources)


def prediction() -> Prediction:
    """Finds the strong plume but for a row, the unlabelled one, a far patch of 12 pixels and one pixel."""
    score = np.full(SHAPE, 0.01, np.float32)
    score[21:30, 20:40] = score[UNLABELLED] = 0.9
    score[60:63, 130:134], score[100, 20], score[:3] = 0.8, 0.8, 0.95
    enhancement = np.random.default_rng(1).normal(0.0, 250.0, SHAPE).astype(np.float32)
    enhancement += np.float32(0.9) * truth().ch4_enhancement
    enhancement[5] = np.nan
    minerals = np.full((2, *SHAPE), 0.1, np.float32)
    minerals[0, :, :25] = 0.7
    return Prediction(score, "probability", enhancement, minerals, ("calcite", "gypsum"))


AT = Thresholds(0.5, {"calcite": 0.5, "gypsum": 0.5})


def test_figures_follow_from_the_scene() -> None:
    found = results(score_capture(prediction(), truth(), AT))
    pixels = found["pixels"]
    assert pixels["recall"] == pytest.approx(180 / 240)
    assert pixels["precision"] == pytest.approx(180 / (180 + 9 + 12 + 1))
    assert pixels["iou"] == pytest.approx(180 / (240 + 22))
    assert pixels["best_f1"] >= pixels["f1"]
    assert 0.5 < pixels["auprc"] < 1.0
    assert found["false_alarms"]["per_capture"] == 2
    assert found["false_alarms"]["large_per_capture"] == 1
    assert found["plumes"]["labelled"] == 2
    assert found["plumes"]["found"] == 1
    by_peak = {row["from"]: row["found"] for row in found["plumes"]["by_peak_ppm_m"]}
    assert by_peak == {500.0: 0, 1000.0: 0, 5000.0: 1}
    assert found["enhancement"]["slope_through_origin"] == pytest.approx(0.9, abs=0.02)
    assert found["enhancement"]["bias"] == pytest.approx(-0.1 * found_mean(), abs=40)
    assert found["background"]["sigma"] == pytest.approx(250, rel=0.03)
    assert found["minerals"]["macro_classes"] == 1
    assert found["minerals"]["per_mineral"]["calcite"]["recall"] == pytest.approx(0.5)
    assert found["minerals"]["macro_f1"] == pytest.approx(2 / 3)
    json.dumps(found, allow_nan=False)


def found_mean() -> float:
    labelled = truth().plume_id > 0
    return float(truth().ch4_enhancement[labelled].mean())


def test_tiles_with_plumes_are_no_false_ones() -> None:
    tally = score_capture(prediction(), truth(), AT)
    # Windows start at 0, 32, 64, 96, 128 (lines) and 0, 32, 64, 96 (samples).
    assert tally.empty_tiles == 20 - 2 - 4
    # The patch of 12 at (60, 130) lies in the windows from samples 96 and lines 0 and 32, of which
    # none holds a plume.
    assert tally.false_tiles == 2


def test_found_share_decides_what_is_found() -> None:
    few = prediction()
    assert few.plume_score is not None
    score = np.full(SHAPE, 0.01, np.float32)
    score[20, 20:40] = 0.9
    scored = results(score_capture(replace(few, plume_score=score), truth(), AT))
    assert scored["plumes"]["found"] == 1
    strict = results(score_capture(replace(few, plume_score=score), truth(), AT, Rules(found_share=0.2)))
    assert strict["plumes"]["found"] == 0


def test_nothing_said_is_nothing_found() -> None:
    silent = Prediction(np.full(SHAPE, np.nan, np.float32), "ppm m", np.full(SHAPE, np.nan, np.float32))
    found = results(score_capture(silent, truth(), Thresholds(-1e9)))
    assert found["pixels"]["recall"] == 0.0
    assert found["false_alarms"]["per_capture"] == 0
    assert found["enhancement"]["n"] == 0
    assert found["minerals"] is None
    json.dumps(found, allow_nan=False)


def test_thresholds_come_from_pooled_curves() -> None:
    tallies = [score_capture(prediction(), truth()) for _ in range(2)]
    unjudged = results(pooled(tallies))
    assert unjudged["plumes"] is None
    assert unjudged["false_alarms"] is None
    assert unjudged["pixels"]["best_f1"] > 0.5
    assert unjudged["minerals"]["macro_f1"] is None
    json.dumps(unjudged, allow_nan=False)
    chosen = choose_thresholds(tallies)
    assert 0.01 < chosen.plume <= 0.9
    assert 0.1 < chosen.minerals["calcite"] <= 0.7
    assert chosen.minerals["gypsum"] == np.inf
    again = pooled([score_capture(prediction(), truth(), chosen)] * 2)
    assert results(again)["pixels"]["f1"] == pytest.approx(results(pooled(tallies))["pixels"]["best_f1"])


def test_a_capture_without_plumes_has_false_alarms_alone() -> None:
    bare = truth()
    empty = replace(
        bare,
        plume_id=np.zeros(SHAPE, np.int32),
        ch4_enhancement=np.zeros(SHAPE, np.float32),
        sources=np.zeros(0, SOURCE_DTYPE),
    )
    found = results(score_capture(prediction(), empty, AT))
    assert found["pixels"]["auprc"] is None
    assert found["pixels"]["best_threshold"] is None
    assert found["plumes"]["recall"] is None
    assert found["false_alarms"]["per_capture"] == 4
    json.dumps(found, allow_nan=False)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(UsageError, match="plume_score"):
        score_capture(Prediction(np.zeros((3, 3), np.float32)), truth(), AT)
    odd = Prediction(mineral_scores=np.zeros((1, *SHAPE), np.float32), mineral_names=("quartz",))
    with pytest.raises(UsageError, match="quartz"):
        score_capture(odd, truth(), AT)
