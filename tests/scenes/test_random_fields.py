from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scenes import random_fields as fields
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host

KINDS = [NumpyRandom, TorchRandom]


@given(st.integers(1, 5000))
def test_a_fast_length_is_at_least_as_long_and_has_small_factors(size: int) -> None:
    length = fields.fast_length(size)
    assert size <= length <= 1.3 * size + 1
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(8, 9), (2, 3, 97, 31)])
def test_fields_are_standard_and_follow_their_key(kind: Any, shape: tuple[int, ...]) -> None:
    one, same, other = (host(fields.spectral_field(kind(s), shape, outer=10.0, inner=1.0)) for s in (1, 1, 2))
    assert one.shape == shape
    assert one.dtype == np.float32
    np.testing.assert_allclose(one.mean(axis=(-2, -1)), 0, atol=1e-4)
    np.testing.assert_allclose(one.std(axis=(-2, -1)), 1, atol=1e-3)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_fields_of_a_batch_may_differ_in_their_parameters() -> None:
    slope = np.asarray([2.0, 3.0, 4.0], np.float32)
    field = fields.spectral_field(NumpyRandom(3), (3, 128, 128), outer=30.0, slope=slope)
    likeness = (field[:, :, 1:] * field[:, :, :-1]).mean(axis=(1, 2))
    assert likeness[0] < likeness[1] < likeness[2]


def test_a_stretched_field_changes_least_along_its_angle() -> None:
    field = fields.spectral_field(NumpyRandom(5), (256, 256), outer=20.0, stretch=4.0, angle=0.0)
    down, across = fields.slopes(field)
    assert (across**2).mean() < 0.3 * (down**2).mean()


def test_power_is_alike_along_both_axes() -> None:
    fields_ = fields.spectral_field(NumpyRandom(6), (200, 64, 64), outer=20.0, margin=0)
    along, down = fields_.mean(axis=1).var(), fields_.mean(axis=2).var()
    assert along == pytest.approx(down, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_a_level_leaves_the_asked_share_above(kind: Any) -> None:
    field = fields.spectral_field(kind(2), (2, 90, 70), outer=9.0)
    level = fields.level_above(field, kind(0).asarray([0.1, 0.6]))
    above = host(field > level[:, None, None]).mean(axis=(1, 2))
    np.testing.assert_allclose(above, [0.1, 0.6], atol=0.01)


def test_a_smooth_step_rises_from_nothing_to_all() -> None:
    values = np.linspace(-1, 2, 31, dtype=np.float32)
    step = fields.smooth_step(values, 0.0, 1.0)
    assert (np.diff(step) >= 0).all()
    np.testing.assert_array_equal(step[values <= 0], 0)
    np.testing.assert_array_equal(step[values >= 1], 1)
    np.testing.assert_array_equal(fields.smooth_step(values, 0.5, 0.5), (values > 0.5).astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_softmax_sums_to_one(kind: Any) -> None:
    weights = fields.softmax(kind(1).normal((2, 4, 6, 5)), axis=1)
    np.testing.assert_allclose(host(weights).sum(axis=1), 1, atol=1e-6)
