"""The player: pushes a capture's lines through a flight session, one by one, and keeps the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError
from onboard.replay.deadlines import completion_lags
from onboard.replay.quality import QualityCounts
from onboard.replay.session import FloatArray, PlumeEvent, ProductBlock, Session


class LineBlock(Protocol):
    """Consecutive lines of a capture."""

    @property
    def first_line(self) -> int: ...  # noqa: D102
    @property
    def radiance(self) -> FloatArray: ...  # noqa: D102


@dataclass
class Listeners:
    """Who hears of what passes: raw lines as read, and products as delivered."""

    lines: list[Callable[[int, FloatArray], None]] = field(default_factory=list)
    products: list[Callable[[ProductBlock], None]] = field(default_factory=list)


@dataclass
class Playback:
    """What a playback left behind.

    Attributes:
        line_seconds: Time inside the session for each line, (lines,), s.
        flush_seconds: Time inside the session after the last line, s.
        lags: From each line's arrival to its completion, (lines,), s; measured in real time, otherwise
            by the queue model of ``deadlines.completion_lags``.
        events: All plumes, in the order in which they closed.
        quality: Pixels by quality flag.
        prepare_seconds: Time spent on resampling, s.
    """

    line_seconds: NDArray[np.float64]
    flush_seconds: float = 0.0
    lags: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    events: list[PlumeEvent] = field(default_factory=list)
    quality: QualityCounts = field(default_factory=QualityCounts)
    prepare_seconds: float = 0.0

    @property
    def processing_seconds(self) -> float:
        """Time inside the session: pushes, flush, and fetching products and events."""
        return float(self.line_seconds.sum()) + self.flush_seconds


class Player:
    """Plays blocks of lines through one session.

    Lines go in one at a time, as an instrument gives them: the products are the same for any grouping,
    and only so is there a time for every line. Reading, resampling and writing stay outside the clock.

    Args:
        session: An open flight session.
        lines: Lines of the capture.
        line_period_s: Time from one line to the next, s.
        prepare: Brings a block (n, samples, bands) to the bundle's bands.
        realtime: Hold each line back until the instrument would have delivered it. Lags are then
            measured, and contain whatever else the ground does between lines.
        file: Name of the capture, for messages.
    """

    def __init__(
        self,
        session: Session,
        *,
        lines: int,
        line_period_s: float,
        prepare: Callable[[FloatArray], FloatArray],
        realtime: bool = False,
        file: str | None = None,
    ) -> None:
        self.session = session
        self.lines = lines
        self.line_period_s = line_period_s
        self.prepare = prepare
        self.realtime = realtime
        self.file = file
        self._started: float | None = None
        self._done = 0
        self._delivered = 0

    def play(self, blocks: Iterable[LineBlock], listeners: Listeners) -> Playback:
        """Play all blocks, then flush.

        Args:
            blocks: Consecutive blocks from line 0.
            listeners: Told of every block of lines and of products.

        Raises:
            CaptureError: Lines are missing.
        """
        record = Playback(np.zeros(self.lines), lags=np.zeros(self.lines))
        for block in blocks:
            self._check(block)
            for hear_lines in listeners.lines:
                hear_lines(block.first_line, block.radiance)
            started = time.perf_counter()
            prepared = self.prepare(block.radiance)
            record.prepare_seconds += time.perf_counter() - started
            for index in range(prepared.shape[0]):
                self._push(prepared[index : index + 1], record, listeners)
        self._check_complete()
        self._flush(record, listeners)
        if not self.realtime:
            seconds = record.line_seconds.copy()
            seconds[-1] += record.flush_seconds
            record.lags = completion_lags(seconds, self.line_period_s)
        return record

    def _push(self, line: FloatArray, record: Playback, listeners: Listeners) -> None:
        arrival = self._wait_for_arrival() if self.realtime else 0.0
        started = time.perf_counter()
        products = self.session.push(line)
        events = self.session.poll_events()
        ended = time.perf_counter()
        record.line_seconds[self._done] = ended - started
        record.lags[self._done] = ended - arrival
        self._done += 1
        self._deliver(products, events, record, listeners)

    def _flush(self, record: Playback, listeners: Listeners) -> None:
        started = time.perf_counter()
        products = self.session.flush()
        events = self.session.poll_events()
        record.flush_seconds = time.perf_counter() - started
        if self.realtime:
            record.lags[-1] += record.flush_seconds
        self._deliver(products, events, record, listeners)
        if self._delivered != self.lines:
            raise RuntimeError(f"the flight session delivered {self._delivered} of {self.lines} lines")

    def _deliver(
        self,
        products: Iterable[ProductBlock],
        events: Iterable[PlumeEvent],
        record: Playback,
        listeners: Listeners,
    ) -> None:
        record.events.extend(events)
        for block in products:
            self._delivered += block.quality.shape[0]
            record.quality.add(block.quality)
            for hear_products in listeners.products:
                hear_products(block)

    def _wait_for_arrival(self) -> float:
        if self._started is None:
            self._started = time.perf_counter()
        arrival = self._started + self._done * self.line_period_s
        remaining = arrival - time.perf_counter()
        if remaining > 0:
            time.sleep(remaining)
        return arrival

    def _check(self, block: LineBlock) -> None:
        expected = self._done
        if block.first_line != expected or self._done + block.radiance.shape[0] > self.lines:
            raise RuntimeError(f"block at line {block.first_line} follows line {expected} of {self.lines}")

    def _check_complete(self) -> None:
        if self._done != self.lines:
            raise CaptureError(
                "the capture ended early",
                file=self.file,
                field="radiance",
                found=f"{self._done} lines",
                expected=f"{self.lines} lines",
                remedy="download the capture again",
            )
