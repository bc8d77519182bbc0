"""Seconds of a training add up over its runs."""

from __future__ import annotations

import pytest

from onboard.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("onboard.training.stopwatch.time.monotonic", lambda: now[0])
    return now


def test_runs_add_up(clock: list[float]) -> None:
    first = Stopwatch()
    clock[0] += 30.0
    kept = first.state_dict()
    assert kept == {"seconds": 30.0}
    clock[0] = 5000.0
    second = Stopwatch()
    second.load_state_dict(kept)
    clock[0] += 12.0
    assert second.seconds == 42.0


def test_a_checkpoint_of_the_same_run_is_not_counted_twice(clock: list[float]) -> None:
    watch = Stopwatch()
    clock[0] += 30.0
    kept = watch.state_dict()
    clock[0] += 5.0
    watch.load_state_dict(kept)
    assert watch.seconds == 35.0


def test_every_phase_of_a_later_run_may_load(clock: list[float]) -> None:
    watch = Stopwatch()
    watch.load_state_dict({"seconds": 10.0})
    clock[0] += 4.0
    watch.load_state_dict(watch.state_dict())
    clock[0] += 1.0
    assert watch.seconds == 15.0
