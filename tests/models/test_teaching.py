from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onboard.models.teaching import SURE, robust_deviation, surroundings, teaching_pixels, without_plumes
from onboard.replay.components import dilate


@given(seed=st.integers(0, 2**32), reach=st.integers(0, 12), share=st.floats(0.0, 0.2))
def test_surroundings_are_what_lies_within_reach(seed: int, reach: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((23, 17)) < share
    np.testing.assert_array_equal(surroundings(mask, reach), dilate(mask, reach))


def test_dark_and_invalid_pixels_teach_nothing_unless_nearly_all_are_dark() -> None:
    brightness = np.full((4, 10), -1.0, np.float32)
    brightness[:, :8] = -3.0
    valid = np.ones((4, 10), bool)
    valid[0] = False
    assert np.array_equal(teaching_pixels(valid, brightness), valid & (brightness > -2.0))
    brightness[:] = -3.0
    assert np.array_equal(teaching_pixels(valid, brightness), valid)


def test_the_deviation_is_that_of_the_bulk() -> None:
    values = np.random.default_rng(3).normal(0.0, 300.0, 100_000)
    values[:5000] = 50_000.0
    assert 280.0 < robust_deviation(values) < 340.0


def test_plumes_and_what_lies_around_sure_ones_stay_out() -> None:
    alpha, limit, teaches = np.zeros((40, 60)), np.full((40, 60), 100.0), np.ones((40, 60), bool)
    alpha[10, 10], alpha[30, 50] = 101.0, SURE * 100.0 + 1.0
    alone = without_plumes(alpha, limit, teaches, 0)
    assert np.array_equal(~alone, alpha > 100.0)
    around = without_plumes(alpha, limit, teaches, 3)
    assert not around[27:34, 47:54].any()
    assert np.count_nonzero(~around) == 49 + 1
    # A dark or invalid pixel is no plume, and where hardly anything would be left all stay.
    teaches[30, 50] = False
    assert np.count_nonzero(~without_plumes(alpha, limit, teaches, 3)) == 2
    teaches[30, 50] = True
    assert np.array_equal(without_plumes(alpha, limit, teaches, 60), alone)
