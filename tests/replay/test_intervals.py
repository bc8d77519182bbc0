from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.replay.intervals import recall_by, wilson_interval


def test_published_examples() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 857, table I: 81/263, 15/148, 0/20, 1/29 by method 3.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_share_and_stays_within_bounds(case: tuple[int, int]) -> None:
    hits, cases = case
    low, high = wilson_interval(hits, cases)
    assert 0.0 <= low <= high <= 1.0
    if cases:
        assert low <= hits / cases <= high
        more = wilson_interval(4 * hits, 4 * cases)
        assert more[1] - more[0] < high - low


def test_bins_partition_the_cases() -> None:
    values = [5.0, 10.0, 19.9, 20.0, 500.0]
    rows = recall_by(values, [False, True, False, True, True], [10.0, 20.0, 100.0, 1000.0])
    assert [(row["from"], row["to"], row["true"], row["found"]) for row in rows] == [
        (0.0, 10.0, 1, 0),
        (10.0, 20.0, 2, 1),
        (20.0, 100.0, 1, 1),
        (100.0, 1000.0, 1, 1),
    ]
    assert rows[1]["recall"] == 0.5
    assert rows[1]["low"] < 0.5 < rows[1]["high"]
    assert recall_by([5000.0], [True], [10.0])[0]["to"] is None
    assert recall_by([], [], [10.0]) == []
