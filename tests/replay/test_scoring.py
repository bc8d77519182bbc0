from __future__ import annotations

import numpy as np
import pytest

from onboard.replay.scoring import Confusion, PrecisionRecallCurve, Regression, Spread, mean_of

RNG = np.random.default_rng(11)


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """By the definition, one threshold after the other."""
    order = np.argsort(-score, kind="stable")
    hits = truth[order]
    precision = np.cumsum(hits) / np.arange(1, hits.size + 1)
    return float(precision[hits].sum() / hits.sum())


def test_confusion_adds_up_over_blocks() -> None:
    confusion = Confusion()
    confusion.add(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool))
    confusion.add(np.array([1], bool), np.array([1], bool))
    scores = confusion.scores()
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["f1"] == pytest.approx(2 / 3)
    assert scores["iou"] == pytest.approx(0.5)


def test_scores_of_nothing_are_undefined() -> None:
    confusion = Confusion()
    confusion.add(np.zeros(3, bool), np.zeros(3, bool))
    assert confusion.scores()["f1"] is None


def test_binned_average_precision_is_close_to_the_exact_one() -> None:
    truth = RNG.random(20_000) < 0.03
    score = 1 / (1 + np.exp(-(RNG.normal(-3, 2, truth.size) + 4 * truth)))
    curve = PrecisionRecallCurve()
    for part in np.array_split(np.arange(truth.size), 7):
        curve.add(truth[part], score[part].astype(np.float32))
    assert curve.average_precision() == pytest.approx(average_precision(truth, score), abs=0.005)


def test_a_perfect_score_has_an_average_precision_of_one() -> None:
    curve = PrecisionRecallCurve()
    curve.add(np.array([True, False, False]), np.array([1.0, 0.0, 0.2], np.float32))
    assert curve.average_precision() == 1.0
    assert PrecisionRecallCurve().average_precision() is None


def test_regression_finds_slope_intercept_and_bias() -> None:
    truth = RNG.uniform(500, 4000, 5000)
    line = Regression()
    for part in np.array_split(truth, 5):
        line.add(part, 0.9 * part + 50)
    results = line.results()
    assert results["slope"] == pytest.approx(0.9)
    assert results["intercept"] == pytest.approx(50)
    assert results["bias"] == pytest.approx(np.mean(0.9 * truth + 50 - truth))
    assert results["slope_through_origin"] == pytest.approx(
        (truth * (0.9 * truth + 50)).sum() / (truth**2).sum()
    )
    assert Regression().results()["slope"] is None


def test_spread_is_robust_against_a_few_outliers() -> None:
    spread = Spread()
    values = RNG.normal(20, 300, 50_000)
    values[:100] = 1e5
    for part in np.array_split(values, 3):
        spread.add(part)
    results = spread.results()
    assert results["mean"] == pytest.approx(values.mean())
    assert results["sigma"] == pytest.approx(values.std())
    assert results["robust_sigma"] == pytest.approx(300, rel=0.03)
    assert Spread().results()["sigma"] is None


def test_means_skip_what_is_undefined() -> None:
    assert mean_of([1.0, None, 0.5]) == 0.75
    assert mean_of([None]) is None
