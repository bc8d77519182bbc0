from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.components import drop_small, label_components


def flood(mask: np.ndarray) -> int:
    """Count patches the slow way."""
    left, count = {tuple(p) for p in np.argwhere(mask).tolist()}, 0
    while left:
        count += 1
        stack = [left.pop()]
        while stack:
            line, sample = stack.pop()
            near = {(line + i, sample + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            stack += near
    return count


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_patches_are_those_of_a_flood(lines: int, samples: int, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((lines, samples)) < share
    labels, count = label_components(mask)
    assert count == flood(mask)
    np.testing.assert_array_equal(labels > 0, mask)
    for number in range(1, count + 1):
        assert flood(labels == number) == 1


@pytest.mark.parametrize(("least", "left"), [(1, 6), (2, 5), (3, 3), (4, 0)])
def test_small_patches_are_dropped(least: int, left: int) -> None:
    mask = np.zeros((6, 9), np.bool_)
    mask[0, 0] = True
    mask[2, 2] = mask[3, 3] = True  # corners touch
    mask[0, 6:9] = True
    assert int(drop_small(mask, least).sum()) == left
