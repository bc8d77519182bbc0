from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.components import label_components
from onboard.scenes.gas.comparison import compare
from onboard.scenes.gas.outlines import outline_statistics
from onboard.scenes.gas.outlining import (
    OutlineRule,
    filled,
    grow,
    largest_patch,
    outline_mask,
    simulated_outlines,
    smoothed,
)
from onboard.scenes.gas.sources import Emissions
from onboard.scenes.random_fields import Field

RULE = OutlineRule()


def test_outlines_match_the_real_ones_in_size_and_shape() -> None:
    figures = outline_statistics(simulated_outlines(NumpyRandom(11), 250))
    for name, found in compare(figures).items():
        lower, median, upper = found["ratio"][1:4]
        assert 0.8 < median < 1.25, name
        assert 0.65 < lower < 1.35, name
        assert 0.65 < upper < 1.4, name
        assert found["ks"] < 0.15, name


def test_outlines_follow_their_key() -> None:
    one, same = (simulated_outlines(NumpyRandom(2), 5) for _ in range(2))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_outline_encloses_one_patch_without_holes() -> None:
    for mask in simulated_outlines(NumpyRandom(3), 20):
        assert label_components(mask)[1] == 1
        np.testing.assert_array_equal(filled(mask), mask)
        assert not mask[0].any()
        assert not mask[:, -1].any()


def test_a_disc_is_outlined_with_its_margin_and_near_patches_join() -> None:
    line, sample = np.indices((60, 80))

    def patch(at: int, radius: int) -> Field:
        return np.asarray(1000 * (np.hypot(line - 30, sample - at) < radius), np.float32)

    disc = patch(20, 8)
    alone = outline_mask(disc, 500.0, RULE)
    assert alone.sum() == pytest.approx(np.pi * (8 + RULE.margin_px) ** 2, rel=0.12)
    near = disc + patch(41, 8)
    assert outline_mask(near, 500.0, RULE).sum() > 2 * alone.sum()
    far = disc + patch(60, 6)
    np.testing.assert_array_equal(outline_mask(far, 500.0, RULE), alone)
    assert not outline_mask(disc, 2000.0, RULE).any()


@given(st.integers(0, 5))
def test_growing_a_point_makes_a_disc(distance: int) -> None:
    point = np.zeros((15, 15), bool)
    point[7, 7] = True
    disc = grow(point, distance)
    line, sample = np.indices((15, 15))
    away = np.hypot(line - 7, sample - 7)
    assert disc[away <= distance].all()
    assert not disc[away > distance + 0.5].any()


def test_holes_are_filled_and_bays_are_not() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:8, 1:8] = True
    mask[3:5, 3:5] = False
    mask[6, 5:] = False
    result = filled(mask)
    assert result[3:5, 3:5].all()
    assert not result[6, 5:].any()


def test_the_largest_patch_is_kept() -> None:
    mask = np.zeros((5, 9), bool)
    mask[1, 1] = mask[3, 5:8] = True
    assert np.argwhere(largest_patch(mask)).tolist() == [[3, 5], [3, 6], [3, 7]]
    assert not largest_patch(np.zeros((3, 3), bool)).any()


def test_smoothing_keeps_the_sum_and_spreads_by_its_deviation() -> None:
    field = np.zeros((41, 41), np.float32)
    field[20, 20] = 100
    smooth = smoothed(field, 2.0)
    assert smooth.sum() == pytest.approx(100, rel=1e-4)
    line = np.indices((41, 41))[0]
    assert (smooth * (line - 20) ** 2).sum() / 100 == pytest.approx(4, rel=0.02)


def test_rules_and_emissions_without_sense_are_refused() -> None:
    for bad in ({"sigmas": 0.0}, {"margin_px": 5, "join_px": 4}, {"smoothing_px": -1.0}):
        with pytest.raises(UsageError, match="outlining rule"):
            OutlineRule(**bad)
    with pytest.raises(UsageError, match="hardly any"):
        simulated_outlines(NumpyRandom(1), 2, emissions=Emissions(20.0, 25.0))
