from __future__ import annotations

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.gas.comparison import compare, ks_distance
from onboard.scenes.gas.outlines import OutlineStatistics, real_statistics


def test_the_distance_is_0_for_the_same_and_1_for_the_apart() -> None:
    values = np.random.default_rng(1).normal(size=500)
    assert ks_distance(values, values) == 0
    assert ks_distance(values, values + 100) == 1
    assert ks_distance(np.asarray([1.0, 2, 3, 4]), np.asarray([3.0, 4, 5, 6])) == pytest.approx(0.5)


def test_percentiles_stand_for_their_sample() -> None:
    rng = np.random.default_rng(2)
    real, other = rng.lognormal(0, 1, 20_000), rng.lognormal(0.4, 1, 3000)
    at = np.linspace(0, 100, 101)
    percentiles = {float(p): float(v) for p, v in zip(at, np.percentile(real, at), strict=True)}
    assert ks_distance(other, percentiles) == pytest.approx(ks_distance(other, real), abs=0.01)
    assert ks_distance(real, percentiles) < 0.01


def test_a_sample_drawn_from_the_real_percentiles_compares_as_equal() -> None:
    shares = np.random.default_rng(3).uniform(0, 100, 4000)
    figures = OutlineStatistics(
        **{n: np.interp(shares, list(v), list(v.values())) for n, v in real_statistics().items()}
    )
    for found in compare(figures).values():
        assert found["ks"] < 0.03
        np.testing.assert_allclose(found["ratio"][1:4], 1, atol=0.12)
    twice = OutlineStatistics(2 * figures.area_px, figures.length_px, figures.elongation)
    assert compare(twice)["area_px"]["ratio"][2] == pytest.approx(2, rel=0.12)
    assert compare(twice)["area_px"]["ks"] > 0.1


def test_nothing_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        ks_distance(np.zeros(0), np.ones(3))
