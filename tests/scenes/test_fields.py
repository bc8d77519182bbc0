from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scenes import fields


@given(st.integers(1, 5000))
def test_a_fast_length_is_at_least_as_long_and_has_small_factors(size: int) -> None:
    length = fields.fast_length(size)
    assert size <= length <= 1.3 * size + 1
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1


@pytest.mark.parametrize("shape", [(8, 9), (97, 31)])
def test_a_field_is_standard_and_follows_its_seed(shape: tuple[int, int]) -> None:
    one, same, other = (
        fields.spectral_field(np.random.default_rng(s), shape, outer=10.0, inner=1.0) for s in (1, 1, 2)
    )
    assert one.shape == shape
    assert one.dtype == np.float32
    assert abs(float(one.mean())) < 1e-4
    assert float(one.std()) == pytest.approx(1, abs=1e-3)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_smoother_slope_makes_neighbours_more_alike() -> None:
    def likeness(slope: float) -> float:
        field = fields.spectral_field(np.random.default_rng(3), (128, 128), outer=30.0, slope=slope)
        return float(np.mean(field[:, 1:] * field[:, :-1]))

    assert likeness(2.0) < likeness(3.0) < likeness(4.0)


def test_a_stretched_field_is_longer_along_its_direction() -> None:
    field = fields.spectral_field(np.random.default_rng(4), (200, 200), outer=15.0, stretch=4.0, angle=0.0)
    along = float(np.mean(field[:, 6:] * field[:, :-6]))
    across = float(np.mean(field[6:] * field[:-6]))
    assert along > across + 0.1


def test_a_constant_field_becomes_zero() -> None:
    np.testing.assert_array_equal(fields.standardised(np.full((4, 5), 7, np.float32)), 0)


@given(st.floats(-5, 5), st.floats(0.01, 3))
def test_the_step_runs_from_0_to_1_and_never_falls(low: float, width: float) -> None:
    values = np.linspace(-10, 10, 201, dtype=np.float32)
    step = fields.smooth_step(values, low, low + width)
    assert step[0] == 0
    assert step[-1] == 1
    assert (np.diff(step) >= 0).all()


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.9])
def test_the_level_leaves_the_fraction_above(fraction: float) -> None:
    field = np.random.default_rng(5).standard_normal((400, 300)).astype(np.float32)
    assert float((field > fields.level_above(field, fraction)).mean()) == pytest.approx(fraction, abs=0.01)


def test_ridges_lie_on_the_zero_line() -> None:
    slope = np.tile(np.arange(-10, 11, dtype=np.float32), (5, 1))
    ridge = fields.ridges(slope, 2.0)
    np.testing.assert_allclose(ridge[2, 8:13], [0, 0.5, 1, 0.5, 0], atol=1e-3)


def test_softmax_sums_to_one() -> None:
    weights = fields.softmax(np.random.default_rng(6).normal(size=(4, 6, 7)).astype(np.float32), 3.0)
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-5)
    assert (weights >= 0).all()


def test_warped_coordinates_stay_near_the_pixels() -> None:
    line, sample = fields.warped_coordinates(np.random.default_rng(7), (40, 30), amount=2.0, outer=10.0)
    assert np.abs(line - np.arange(40)[:, None]).max() < 12
    assert np.abs(sample - np.arange(30)).max() < 12
    assert np.abs(sample - np.arange(30)).max() > 1
