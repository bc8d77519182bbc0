from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onboard.models.streaming_filter import Statistics
from onboard.training.strips import filter_patch, finalised_spans
from tests.models.test_streaming_filter import BANDS, ground, tables


@given(st.integers(0, 2000))
def test_spans_cover_every_line_once(lines: int) -> None:
    spans = list(finalised_spans(lines))
    assert [line for first, end in spans for line in range(first, end)] == list(range(lines))
    assert all(end - first <= 64 for first, end in spans[1:])
    assert not spans or spans[0][1] == min(lines, 96)


def test_filtered_patch_has_the_patch_s_shape() -> None:
    log = ground(np.random.default_rng(1), 200, 16)
    found = filter_patch(log, np.ones((200, 16), bool), tables())
    assert found.enhancement.shape == found.sigma.shape == found.keep.shape == (200, 16)
    assert np.isfinite(found.enhancement).all()
    assert found.keep.mean() > 0.95


def test_what_is_known_of_classes_counts_only_where_there_are_classes() -> None:
    rng = np.random.default_rng(2)
    log, valid = ground(rng, 96, 16), np.ones((96, 16), bool)
    labels = rng.integers(0, 2, (96, 16)).astype(np.uint8)
    classed = replace(tables(), classes=2)
    bare = Statistics.empty(16, BANDS, 0)
    known = Statistics.empty(16, BANDS, 0, classes=2)
    plain = filter_patch(log, valid, tables(), before=known)
    np.testing.assert_array_equal(
        plain.enhancement, filter_patch(log, valid, tables(), before=bare).enhancement
    )
    found = filter_patch(log, valid, classed, before=bare, labels=labels)
    np.testing.assert_array_equal(
        found.enhancement, filter_patch(log, valid, classed, before=known, labels=labels).enhancement
    )
    assert not np.array_equal(found.enhancement, plain.enhancement)
