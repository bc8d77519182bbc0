"""A deterministic flight session in memory, and small captures, for tests that are about files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

MINERALS = ("calcite", "hematite", "kaolinite")
STRIP = 8


@dataclass(frozen=True)
class Block:
    first_line: int
    plume_probability: NDArray[np.float32]
    plume_mask: NDArray[np.uint8]
    ch4_enhancement: NDArray[np.float32]
    ch4_sigma: NDArray[np.float32]
    mineral_probability: NDArray[np.float32]
    quality: NDArray[np.uint8]


@dataclass(frozen=True)
class Event:
    event_id: int = 1
    first_line: int = 2
    last_line: int = 5
    first_sample: int = 3
    last_sample: int = 7
    area_pixels: int = 12
    peak_line: int = 3
    peak_sample: int = 4
    centroid_line: float = 3.5
    centroid_sample: float = 4.5
    peak_enhancement: float = 4000.0
    mean_enhancement: float = 1500.0
    ime_kg: float = 33.0
    confidence: float = 0.9
    detected_at_line: int = 8
    touches_edge: bool = False


@dataclass(frozen=True)
class Lines:
    first_line: int
    radiance: NDArray[np.float32]


@dataclass
class StandIn:
    """Band 0 is the plume probability, band 1 the enhancement; strips of eight lines."""

    samples: int
    events: list[Event] = field(default_factory=list)
    minerals: tuple[str, ...] = MINERALS
    held: list[NDArray[np.float32]] = field(default_factory=list)
    delivered: int = 0
    closed: bool = False
    dropped: int = 0
    pushes: list[int] = field(default_factory=list)

    @property
    def bundle(self) -> Any:
        plan = {"strip_lines": STRIP, "plume_threshold": 0.5, "mineral_thresholds": [0.5] * 16}
        return SimpleNamespace(
            manifest={},
            name="stand-in",
            version="1",
            sequence=7,
            key_id="00",
            minerals=self.minerals,
            plan=plan,
        )

    def push(self, radiance: NDArray[np.float32]) -> list[Block]:
        self.pushes.append(radiance.shape[0])
        self.held.extend(radiance.copy())
        return [self._deliver(STRIP)] if len(self.held) >= STRIP else []

    def flush(self) -> list[Block]:
        return [self._deliver(len(self.held))] if self.held else []

    def poll_events(self) -> list[Event]:
        ready = [event for event in self.events if event.detected_at_line <= self.delivered]
        self.events = [event for event in self.events if event not in ready]
        return ready

    def health(self) -> Any:
        return SimpleNamespace(
            arena_bytes=1 << 20,
            arena_high_water=1 << 19,
            allocations_after_open=0,
            strips=1,
            events=0,
            events_dropped=self.dropped,
            lines_lacking_bands=0,
            most_lacking_bands=0,
        )

    def close(self) -> None:
        self.closed = True

    def _deliver(self, count: int) -> Block:
        lines = np.stack(self.held[:count])
        del self.held[:count]
        first, self.delivered = self.delivered, self.delivered + count
        return block(first, lines[:, :, 0], lines[:, :, 1], minerals=len(self.minerals))


def block(
    first: int,
    probability: NDArray[np.float32],
    enhancement: NDArray[np.float32],
    *,
    minerals: int = len(MINERALS),
) -> Block:
    """Products whose every layer follows from two of them."""
    quality = np.where(np.isfinite(enhancement), 0, 32) | np.where(probability < -1, 1, 0)
    good = quality == 0
    return Block(
        first_line=first,
        plume_probability=np.where(good, probability, 0).astype(np.float32),
        plume_mask=(good & (probability >= 0.5)).astype(np.uint8),
        ch4_enhancement=np.where(good, enhancement, np.nan).astype(np.float32),
        ch4_sigma=np.where(good, 100, np.nan).astype(np.float32),
        mineral_probability=np.stack(
            [np.where(good, (m + 1) / 10 + probability / 2, 0) for m in range(minerals)]
        ).astype(np.float32),
        quality=quality.astype(np.uint8),
    )


def blocks(radiance: NDArray[np.float32], size: int) -> Iterator[Lines]:
    """Consecutive blocks of lines."""
    for first in range(0, radiance.shape[0], size):
        yield Lines(first, radiance[first : first + size])


def no_files(folder: Path, *allowed: str) -> bool:
    """True if ``folder`` holds nothing but the allowed names."""
    return {entry.name for entry in folder.iterdir()} <= set(allowed)
