from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.replay.tiles import false_tiles, window_sums


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(1, 7))
def test_sums_are_those_of_slices(seed: int, lines: int, samples: int, window: int, stride: int) -> None:
    mask = np.random.default_rng(seed).random((lines, samples)) < 0.3
    sums = window_sums(mask, window, stride)
    brute = [
        [mask[i : i + window, j : j + window].sum() for j in range(0, samples - window + 1, stride)]
        for i in range(0, lines - window + 1, stride)
    ]
    flat = [value for row in brute for value in row]
    assert sums.ravel().tolist() == flat


def test_rule_of_more_than_ten_pixels() -> None:
    shape = (128, 128)
    none, valid = np.zeros(shape, np.bool_), np.ones(shape, np.bool_)
    found = none.copy()
    found[0, :10] = True
    assert false_tiles(found, none, valid) == (0, 9)
    found[0, 10] = True
    assert false_tiles(found, none, valid) == (1, 9)
    # A window with a true pixel is no false one.
    true = none.copy()
    true[63, 0] = True
    assert false_tiles(found, true, valid) == (0, 7)


def test_pixels_that_do_not_count() -> None:
    found = np.ones((64, 128), np.bool_)
    valid = np.zeros_like(found)
    assert false_tiles(found, np.zeros_like(found), valid) == (0, 0)
    valid[:, 64:] = True
    assert false_tiles(found, np.zeros_like(found), valid) == (2, 2)


def test_small_images_have_no_windows() -> None:
    mask = np.ones((20, 20), np.bool_)
    assert false_tiles(mask, ~mask, mask) == (0, 0)
    with pytest.raises(UsageError, match="window"):
        window_sums(mask, 0, 4)
