from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onboard.training.strips import filter_patch, finalised_spans
from tests.models.test_streaming_filter import ground, tables


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
