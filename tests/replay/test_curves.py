from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.replay.curves import SCALES, ScoreCurve


def exact_average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    order = np.argsort(-score, kind="stable")
    hits = truth[order]
    precision = np.cumsum(hits) / np.arange(1, hits.size + 1)
    return float((precision * hits).sum() / hits.sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(SCALES)))
def test_binned_figures_meet_the_exact_ones(seed: int, scale: str) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(3000) < 0.1
    raw = rng.normal(0, 1, 3000) + 1.5 * truth
    score = {"probability": 1 / (1 + np.exp(-raw)), "ppm m": 400 * raw, "score": 0.02 * raw}[scale]
    score = score.astype(np.float32)
    curve = ScoreCurve(scale)
    curve.add(truth[:1000], score[:1000])
    curve.add(truth[1000:], score[1000:])
    assert curve.average_precision() == pytest.approx(exact_average_precision(truth, score), abs=0.01)
    threshold, best = curve.best()
    assert curve.f1_at(threshold) == pytest.approx(best, abs=1e-12)
    middle = float(np.median(score))
    exact = 2 * ((score >= middle) & truth).sum() / ((score >= middle).sum() + truth.sum())
    assert curve.f1_at(middle) == pytest.approx(exact, abs=0.01)
    found = score >= threshold
    f1 = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert best == pytest.approx(f1, abs=0.01)
    tried = [
        2 * ((score >= t) & truth).sum() / ((score >= t).sum() + truth.sum())
        for t in np.quantile(score, np.linspace(0, 1, 101))
    ]
    assert best is not None
    assert best >= max(tried) - 0.01


def test_bins_are_fine_where_methane_is() -> None:
    edges = ScoreCurve("ppm m").edges()
    at = int(np.searchsorted(edges, 1000.0))
    assert edges[at] - edges[at - 1] < 4.0
    assert np.all(np.diff(edges) > 0)


def test_nothing_said_is_never_found() -> None:
    curve = ScoreCurve("ppm m")
    curve.add(np.array([True, False, True]), np.array([np.nan, np.nan, 500.0], np.float32))
    threshold, best = curve.best()
    assert 490 < threshold <= 500
    assert best == pytest.approx(2 / 3)


def test_without_truth_there_is_no_figure() -> None:
    curve = ScoreCurve("score")
    curve.add(np.zeros(4, np.bool_), np.arange(4, dtype=np.float32))
    assert curve.f1_at(2.0) is None
    assert curve.average_precision() is None
    assert curve.best() == (np.inf, None)


def test_unknown_scale_is_refused() -> None:
    with pytest.raises(UsageError, match="scale"):
        ScoreCurve("kelvin")
