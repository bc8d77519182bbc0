from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.models.dead_bands import LEFT_OUT_VARIANCE, Lacking, dead_bands, fill_bands


def test_bands_bad_in_most_pixels_are_dead() -> None:
    bad = np.zeros((3, 40, 12), np.bool_)
    bad[0, :, 3] = True
    bad[1, ::2, 5] = True
    bad[2, :30] = True
    bad[2, 30:, 7] = True
    found = dead_bands(bad)
    assert [np.flatnonzero(line).tolist() for line in found] == [[3], [], [7]]


def test_where_too_few_pixels_tell_the_line_before_holds() -> None:
    bad = np.zeros((4, 40, 12), np.bool_)
    bad[:3, :, 2] = True
    bad[[0, 2], :33] = True
    assert dead_bands(bad)[:, 2].tolist() == [False, True, True, False]
    assert not dead_bands(bad[:, 33:]).any()


@pytest.mark.parametrize(("dead", "known"), [(6, 6), (7, 7), (8, 8), (9, 0)])
def test_few_bands_have_dead_ones_too(dead: int, known: int) -> None:
    """A pixel may have eight bad values whatever the number of bands; beyond, a quarter of them."""
    bad = np.zeros((1, 40, 24), np.bool_)
    bad[..., :dead] = True
    assert dead_bands(bad).sum() == known


@given(st.integers(8, 300), st.integers(0, 11))
def test_a_wholly_dead_band_is_found_whatever_the_swath(samples: int, band: int) -> None:
    bad = np.zeros((1, samples, 12), np.bool_)
    bad[..., band] = True
    assert np.flatnonzero(dead_bands(bad)[0]).tolist() == [band]


def test_a_band_is_left_out_as_long_as_it_is_remembered() -> None:
    none = np.zeros((16, 3), np.bool_)
    dead = none.copy()
    dead[:8, 1] = True
    state = Lacking.nothing(3).updated(dead, 64.0)
    assert state.variance().tolist() == [0.0, LEFT_OUT_VARIANCE, 0.0]
    events = 0
    while state.variance().any():
        state, events = state.updated(none, 64.0), events + 1
    # 8 lines of 16; a thirty-second by 256 lines if nothing were forgotten, sooner as it is.
    assert 4 < events < 16


def test_gaps_are_filled_along_a_straight_line() -> None:
    values = np.array([[9.0, 1.0, 9.0, 9.0, 4.0, 9.0], [9.0] * 6], np.float32)
    bad = np.array([[True, False, True, True, False, True], [True] * 6])
    filled = fill_bands(values, bad)
    np.testing.assert_allclose(filled[0], [1.0, 1.0, 2.0, 3.0, 4.0, 4.0])
    np.testing.assert_array_equal(filled[1], values[1])


@pytest.mark.parametrize("lines", [1, 63, 64])
def test_a_single_line_leaves_a_band_out_at_once(lines: int) -> None:
    state = Lacking.nothing(2)
    for _ in range(9):
        state = state.updated(np.zeros((64, 2), np.bool_), 512.0)
    dead = np.zeros((lines, 2), np.bool_)
    dead[-1, 0] = True
    assert state.updated(dead, 512.0).variance().tolist() == [LEFT_OUT_VARIANCE, 0.0]
