"""Which products a capture's bands allow: the rest is dropped by name, never in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError, UsageError
from onboard.flight.limits import Limits
from onboard.replay.session import FloatArray

SHORT_CAPTURE_LINES = 32
MOST_SECONDS = 253_402_300_799  # the last one of the year 9999, as far as dates go
GAS_NM = (2110.0, 2455.0)
COARSE_NM = 9.0
"""Bands further apart than this, where methane absorbs, leave clutter that the networks never saw
(``python -m bench.resampled``: 8 nm do as well as EMIT's own, 10 nm much less)."""


class BandMatch(Protocol):
    """How a capture's bands meet a bundle's (``onboard.captures.band_match``)."""

    @property
    def identical(self) -> bool: ...  # noqa: D102
    @property
    def worst_mismatch_nm(self) -> float: ...  # noqa: D102

    def apply(self, block: FloatArray, /) -> FloatArray:
        """Resample (n, samples, bands) to the bundle's bands."""
        ...

    def uncovered(self, ranges_nm: Sequence[tuple[float, float]], /) -> list[tuple[float, float]]:
        """Parts of the ranges where the capture has no bands."""
        ...

    def summary(self) -> str:
        """What is resampled, and how far off the bands are."""
        ...


@dataclass(frozen=True)
class Selection:
    """Products to fly.

    Attributes:
        kept: Names, in the bundle's order.
        dropped: Name to the reason.
    """

    kept: tuple[str, ...]
    dropped: dict[str, str]


def select_products(
    required_nm: Mapping[str, Sequence[tuple[float, float]]],
    wanted: Sequence[str] | None,
    match: BandMatch,
    centres: NDArray[np.float64],
    file: object,
) -> Selection:
    """Keep the products that were asked for and whose bands the capture has.

    Args:
        required_nm: Product to the wavelength ranges that it needs, nm.
        wanted: Names asked for; all of the bundle's when None.
        match: The capture's bands against the bundle's.
        centres: The capture's band centres, nm, for messages.
        file: The capture, for messages.

    Raises:
        UsageError: A product was asked for that the bundle has not.
        CaptureError: No product is left.
    """
    unknown = [name for name in wanted or () if name not in required_nm]
    if unknown:
        raise UsageError(
            "the bundle has no such product",
            field="--products",
            found=", ".join(unknown),
            expected=f"some of {', '.join(required_nm)}",
        )
    kept: list[str] = []
    dropped: dict[str, str] = {}
    for name, ranges in required_nm.items():
        if wanted is not None and name not in wanted:
            continue
        missing = match.uncovered(ranges)
        if missing:
            spans = ", ".join(f"{low:.0f}-{high:.0f} nm" for low, high in missing)
            dropped[name] = f"the capture lacks bands in {spans}"
        else:
            kept.append(name)
    if not kept:
        raise CaptureError(
            "the capture lacks the bands of every product asked for",
            file=str(file),
            field="wavelengths",
            found=f"{centres.size} bands, {centres.min():.0f}-{centres.max():.0f} nm",
            expected="; ".join(f"{name}: {reason}" for name, reason in dropped.items()),
            remedy="use a capture that reaches these wavelengths, or a bundle made for this instrument",
        )
    return Selection(tuple(kept), dropped)


def warnings_before(
    selection: Selection, match: BandMatch, lines: int, centres: NDArray[np.float64]
) -> list[str]:
    """What the user must know before the first line.

    Args:
        selection: The products kept and dropped.
        match: The capture's bands against the bundle's.
        lines: Lines of the capture.
        centres: (bands,) nm of the capture.
    """
    found = [f"product {name} is dropped: {reason}" for name, reason in selection.dropped.items()]
    if not match.identical:
        found.append(f"the capture's bands are not the bundle's: {match.summary()}")
    inside = np.sort(centres[(centres >= GAS_NM[0]) & (centres <= GAS_NM[1])])
    spacing = float(np.median(np.diff(inside))) if inside.size > 1 else 0.0
    if "methane" in selection.kept and spacing > COARSE_NM:
        found.append(
            f"the capture's bands lie {spacing:.1f} nm apart where methane absorbs, further than any that "
            "the networks were trained on: expect false plumes, and hold each against the picture"
        )
    if lines < SHORT_CAPTURE_LINES:
        found.append(
            f"the capture has only {lines} lines: the statistics of a column are immature below "
            f"{SHORT_CAPTURE_LINES}, so its methane is not to be relied on"
        )
    return found


def warnings_of_limits(limits: Limits, target: str, now_unix_s: float) -> list[str]:
    """What the user must know of a bundle that flight would refuse; the ground replays it all the same.

    Args:
        limits: The bundle's.
        target: Name of this machine; "host" for any.
        now_unix_s: Seconds since 1970, UTC.
    """
    found = []
    if 0 < limits.expires_unix_s <= now_unix_s:
        day = datetime.fromtimestamp(min(limits.expires_unix_s, MOST_SECONDS), UTC).date()
        found.append(f"the bundle expired on {day}: flight refuses it by now")
    if limits.target and target not in ("host", limits.target):
        found.append(f"the bundle is for {limits.target}: a computer called {target} refuses it in flight")
    return found


def warnings_of_bands(lines: int, most: int) -> list[str]:
    """What the user must know of bands that most pixels of a line lacked.

    Args:
        lines: Lines that lacked any.
        most: Bands that the worst of them lacked.
    """
    if not lines:
        return []
    return [
        f"{lines} lines lack bands as a whole, up to {most} of them; these were filled from their neighbours "
        "and left out of the matched filter, so that less is found"
    ]
