from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.replay.deadlines import completion_lags, judge, line_statistics


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=50), st.floats(0.001, 0.05))
def test_lags_follow_the_queue_step_by_step(seconds: list[float], period: float) -> None:
    completion, expected = 0.0, []
    for index, took in enumerate(seconds):
        completion = max(completion, index * period) + took
        expected.append(completion - index * period)
    np.testing.assert_allclose(completion_lags(np.array(seconds), period), expected, atol=1e-9)


def test_a_strip_that_takes_less_than_its_period_misses_nothing() -> None:
    seconds = np.full(256, 0.0001)
    seconds[63::64] = 0.5
    report = judge(completion_lags(seconds, 0.00926), line_period_s=0.00926, strip_lines=64)
    assert report.misses == 0
    assert report.worst_lag_s == pytest.approx(0.5)


def test_work_slower_than_the_instrument_piles_up_and_is_counted() -> None:
    report = judge(completion_lags(np.full(1280, 0.0201), 0.01), line_period_s=0.01, strip_lines=64)
    # Line i lags (i + 1) * 0.0201 - i * 0.01; beyond 0.64 s from i = 62 on.
    assert report.misses == 1280 - 62
    assert report.worst_lag_s == pytest.approx(1280 * 0.0201 - 12.79)


def test_statistics_are_in_milliseconds() -> None:
    statistics = line_statistics(np.array([0.001, 0.002, 0.003]))
    assert statistics["p50"] == pytest.approx(2.0)
    assert statistics["max"] == pytest.approx(3.0)


def test_no_lines_give_no_lags() -> None:
    assert completion_lags(np.zeros(0), 0.01).size == 0
    assert line_statistics(np.zeros(0))["max"] == 0.0
