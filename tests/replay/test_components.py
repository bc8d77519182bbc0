from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from onboard.replay.components import dilate, label_components

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@settings(max_examples=200, deadline=None)
@given(MASKS)
def test_labels_agree_with_scipy(mask: np.ndarray) -> None:
    labels, count = label_components(mask)
    expected, expected_count = ndimage.label(mask, np.ones((3, 3)))
    assert count == expected_count
    np.testing.assert_array_equal(labels > 0, mask)
    pairs = set(zip(labels[mask].tolist(), expected[mask].tolist(), strict=True))
    assert len(pairs) == count


@settings(max_examples=100, deadline=None)
@given(MASKS, st.integers(0, 3))
def test_dilation_agrees_with_scipy(mask: np.ndarray, radius: int) -> None:
    square = np.ones((2 * radius + 1, 2 * radius + 1))
    np.testing.assert_array_equal(dilate(mask, radius), ndimage.binary_dilation(mask, square))


def test_a_wound_up_component_is_one() -> None:
    spiral = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 1, 1], [1, 0, 0, 0]], bool)
    assert label_components(spiral)[1] == 1
    assert label_components(np.zeros((3, 3), bool))[1] == 0
