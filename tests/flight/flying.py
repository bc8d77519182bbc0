"""Helpers of this room's tests: fly a capture, join what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.flight import FlightSession, PlumeEvent, ProductBlock
from tests.support.bundles import TestBundle

Array = npt.NDArray[np.float32]
FIELDS = ("plume_probability", "plume_mask", "ch4_enhancement", "ch4_sigma", "mineral_probability", "quality")


def open_session(bundle: TestBundle, samples: int, **arguments: Any) -> FlightSession:
    """Open a session that trusts the bundle's key."""
    arguments.setdefault("trusted_keys", [bundle.public_key])
    return FlightSession(bundle.data, samples=samples, **arguments)


def push_all(
    session: FlightSession, radiance: Array, lines_per_push: int
) -> tuple[dict[str, npt.NDArray[Any]], list[PlumeEvent]]:
    """Push a whole capture in pieces and flush; returns joined products and all events."""
    blocks: list[ProductBlock] = []
    events: list[PlumeEvent] = []
    for first in range(0, len(radiance), lines_per_push):
        blocks += session.push(radiance[first : first + lines_per_push])
        events += session.poll_events()
    blocks += session.flush()
    events += session.poll_events()
    return join(blocks), events


def fly(
    bundle: TestBundle, radiance: Array, lines_per_push: int = 1 << 30, **arguments: Any
) -> tuple[dict[str, npt.NDArray[Any]], list[PlumeEvent]]:
    """Open a session, push a whole capture, close it."""
    with open_session(bundle, radiance.shape[1], **arguments) as session:
        return push_all(session, radiance, lines_per_push)


def join(blocks: Sequence[ProductBlock]) -> dict[str, npt.NDArray[Any]]:
    """Join blocks along lines, after checking that no line is missing or doubled."""
    line = 0
    for block in blocks:
        assert block.first_line == line
        line += block.quality.shape[0]
    if not blocks:
        return {name: np.zeros((0, 0)) for name in FIELDS}
    joined = {name: np.concatenate([getattr(b, name) for b in blocks], axis=-2) for name in FIELDS}
    return {**joined, "lines": np.arange(line)}


def same_bytes(one: dict[str, npt.NDArray[Any]], other: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether two captures' products agree to the last bit, NaN included."""
    return one.keys() == other.keys() and all(one[k].tobytes() == other[k].tobytes() for k in one)
