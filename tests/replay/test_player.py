from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import CaptureError
from onboard.replay.player import Listeners, Playback, Player
from onboard.replay.session import FloatArray
from tests.replay.stand_in import Block, Event, StandIn, blocks

LINES, SAMPLES, BANDS = 21, 5, 3


def radiance(lines: int = LINES) -> FloatArray:
    return np.random.default_rng(3).random((lines, SAMPLES, BANDS)).astype(np.float32)


def play(
    session: StandIn, data: FloatArray, size: int, *, lines: int | None = None, realtime: bool = False
) -> tuple[Playback, list[Block], list[tuple[int, int]]]:
    products: list[Block] = []
    heard: list[tuple[int, int]] = []
    player = Player(
        session,
        lines=lines or data.shape[0],
        line_period_s=0.004,
        prepare=lambda block: block,
        realtime=realtime,
        file="scene.nc",
    )
    listeners = Listeners([lambda first, block: heard.append((first, block.shape[0]))], [products.append])  # type: ignore[list-item]
    return player.play(blocks(data, size), listeners), products, heard


@settings(max_examples=20, deadline=None)
@given(st.integers(1, LINES))
def test_products_do_not_depend_on_how_lines_were_read(size: int) -> None:
    record, products, heard = play(StandIn(SAMPLES), radiance(), size)
    np.testing.assert_array_equal(
        np.concatenate([block.plume_probability for block in products]), radiance()[:, :, 0]
    )
    assert [block.first_line for block in products] == [0, 8, 16]
    assert sum(count for _, count in heard) == LINES
    assert record.quality.valid == LINES * SAMPLES


def test_lines_go_in_one_by_one_and_each_has_its_time() -> None:
    session = StandIn(SAMPLES)
    record, _, _ = play(session, radiance(), 7)
    assert session.pushes == [1] * LINES
    assert record.line_seconds.shape == (LINES,)
    assert (record.line_seconds > 0).all()
    assert record.processing_seconds == pytest.approx(record.line_seconds.sum() + record.flush_seconds)


def test_only_time_inside_the_session_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    session = StandIn(SAMPLES)
    original = session.push

    def slow_push(line: FloatArray) -> list[Block]:
        time.sleep(0.002)
        return original(line)

    monkeypatch.setattr(session, "push", slow_push)
    player = Player(session, lines=LINES, line_period_s=1.0, prepare=lambda block: block)
    listeners = Listeners([lambda *_: time.sleep(0.2)], [])
    record = player.play(blocks(radiance(), LINES), listeners)
    assert 0.002 * LINES <= record.processing_seconds < 0.2


def test_events_are_kept_in_order() -> None:
    events = [Event(event_id=1, detected_at_line=8), Event(event_id=2, detected_at_line=20)]
    record, _, _ = play(StandIn(SAMPLES, events), radiance(), 4)
    assert [event.event_id for event in record.events] == [1, 2]


def test_realtime_holds_lines_back() -> None:
    started = time.perf_counter()
    record, _, _ = play(StandIn(SAMPLES), radiance(), 8, realtime=True)
    assert time.perf_counter() - started >= (LINES - 1) * 0.004
    assert (record.lags > 0).all()
    assert record.processing_seconds < (LINES - 1) * 0.004


def test_missing_lines_are_a_capture_error() -> None:
    with pytest.raises(CaptureError, match=r"ended early.*scene\.nc.*21 lines.*22 lines"):
        play(StandIn(SAMPLES), radiance(), 8, lines=22)


def test_a_session_that_loses_lines_is_our_bug() -> None:
    session = StandIn(SAMPLES)
    session.flush = lambda: []  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="delivered 16 of 21"):
        play(session, radiance(), 8)
