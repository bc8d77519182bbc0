from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.replay.calibration import calibration, expected_calibration_error, middles, reliability
from onboard.replay.curves import ScoreCurve


def curve_of(said: np.ndarray, true_share: np.ndarray, seed: int = 1) -> ScoreCurve:
    curve = ScoreCurve("probability")
    curve.add(np.random.default_rng(seed).random(said.size) < true_share, said)
    return curve


def test_what_means_what_it_says_has_little_error() -> None:
    said = np.random.default_rng(2).random(200_000)
    found = calibration(curve_of(said, said))
    for name in ("ece", "ece_mass", "ece_doubt", "ece_mass_doubt"):
        assert found[name] < 0.01, name
    assert found["said"] == pytest.approx(found["true"], abs=0.005)
    # The Brier score of a uniform, true probability is the mean of p (1 - p).
    assert found["brier"] == pytest.approx(1 / 6, abs=0.003)


def test_empty_pixels_flatter_the_plain_error_and_not_the_strict_one() -> None:
    said = np.concatenate([np.full(990_000, 1e-5), np.full(10_000, 0.9)])
    found = calibration(curve_of(said, np.concatenate([np.zeros(990_000), np.full(10_000, 0.5)])))
    assert found["ece"] < 0.005
    assert found["ece_doubt"] == pytest.approx(0.4, abs=0.02)
    assert found["ece_mass_doubt"] == pytest.approx(0.4, abs=0.02)
    assert found["worst_doubt"] == pytest.approx(0.4, abs=0.02)
    assert found["pixels_doubt"] == 10_000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["width", "mass"]), st.integers(1, 30), st.floats(0, 0.9))
def test_every_pixel_is_in_one_bin(seed: int, bins: str, count: int, least: float) -> None:
    said = np.random.default_rng(seed).beta(0.4, 0.6, 3000)
    curve = curve_of(said, said)
    rows = reliability(curve, bins, least, count)  # type: ignore[arg-type]
    assert len(rows) <= count
    held = curve.counts.sum(axis=0)[middles() >= least].sum()
    assert sum(row["pixels"] for row in rows) == held
    for row in rows:
        assert row["from"] <= row["said"] + 1e-12
        assert row["said"] <= row["to"] + 1e-12
    edges = [(row["from"], row["to"]) for row in rows]
    assert all(a[1] < b[0] for a, b in pairwise(edges))
    error = expected_calibration_error(rows)
    assert error is None or 0 <= error <= 1


def test_bins_of_equal_mass_are_equally_filled() -> None:
    said = np.random.default_rng(4).beta(0.5, 3.0, 150_000)
    pixels = [row["pixels"] for row in reliability(curve_of(said, said), "mass")]
    assert len(pixels) == 15
    assert max(pixels) < 1.1 * min(pixels)


def test_nothing_counted_has_no_error() -> None:
    found = calibration(ScoreCurve("probability"))
    assert found["ece"] is None
    assert found["worst_doubt"] is None
    assert found["brier"] is None


def test_only_probabilities_are_judged() -> None:
    with pytest.raises(UsageError, match="probabilities"):
        reliability(ScoreCurve("ppm m"))
    with pytest.raises(UsageError, match="no such bins"):
        reliability(ScoreCurve("probability"), count=0)
