from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.captures.flags import FLAGS, UNKNOWN_FLAG, FlagCounts, is_flag


@pytest.mark.parametrize("value", list(FLAGS))
def test_flag_values_are_flags(value: float) -> None:
    assert is_flag(np.array([value], np.float32))[0]


@given(st.floats(-100, 1e6, width=32))
def test_radiance_is_no_flag(value: float) -> None:
    assert not is_flag(np.array([value, np.nan], np.float32)).any()


@given(st.lists(st.sampled_from([1.0, *FLAGS, -9993.0, np.nan, "part"]), min_size=1, max_size=30))
def test_every_pixel_is_counted_once(kinds: list[float | str]) -> None:
    block = np.full((1, len(kinds), 3), 5.0, np.float32)
    for i, kind in enumerate(kinds):
        if kind == "part":
            block[0, i, 1] = -9999.0
        else:
            block[0, i] = float(kind)
    counts = FlagCounts()
    counts.add(block)
    assert counts.valid == kinds.count(1.0)
    assert counts.partly_flagged == kinds.count("part")
    assert counts.non_finite == sum(kind != kind for kind in kinds)
    for value, name in FLAGS.items():
        assert counts.flagged.get(name, 0) == kinds.count(value)
    assert counts.flagged.get(UNKNOWN_FLAG, 0) == kinds.count(-9993.0)
