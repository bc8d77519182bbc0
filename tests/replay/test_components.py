from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from onboard.replay.components import MOST_LOST_LINES, dilate, label_components

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


@settings(max_examples=300, deadline=None)
@given(MASKS, st.data())
def test_lost_lines_are_passed_over_as_events_do(mask: np.ndarray, data: st.DataObject) -> None:
    lost = np.array(data.draw(st.lists(st.booleans(), min_size=len(mask), max_size=len(mask))))
    mask = mask & ~lost[:, None]
    labels, count = label_components(mask, lost)
    seen = np.flatnonzero(~lost)
    group = {(y, x): (y, x) for y, x in np.argwhere(mask).tolist()}

    def root(pixel: tuple[int, int]) -> tuple[int, int]:
        while group[pixel] != pixel:
            pixel = group[pixel]
        return pixel

    for y, x in group:
        for v, u in group:
            apart = y - v
            next_to = apart == 0 or (apart > 0 and np.searchsorted(seen, y) == np.searchsorted(seen, v) + 1)
            if next_to and apart <= MOST_LOST_LINES + 1 and abs(x - u) <= max(apart, 1):
                group[root((y, x))] = root((v, u))
    expected = {pixel: root(pixel) for pixel in group}
    assert count == len(set(expected.values()))
    pairs = {(int(labels[pixel]), mate) for pixel, mate in expected.items()}
    assert len(pairs) == count
    np.testing.assert_array_equal(labels > 0, mask)


@settings(max_examples=100, deadline=None)
@given(MASKS, st.integers(0, 3))
def test_dilation_agrees_with_scipy(mask: np.ndarray, radius: int) -> None:
    square = np.ones((2 * radius + 1, 2 * radius + 1))
    np.testing.assert_array_equal(dilate(mask, radius), ndimage.binary_dilation(mask, square))


def test_a_wound_up_component_is_one() -> None:
    spiral = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 1, 1], [1, 0, 0, 0]], bool)
    assert label_components(spiral)[1] == 1
    assert label_components(np.zeros((3, 3), bool))[1] == 0
