"""What a check yields: figures, each with the band it should lie in and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

INSIDE, OUTSIDE, REPORTED, MISSING = "inside", "outside", "reported", "not measured"


@dataclass(frozen=True)
class Figure:
    """One number of the page.

    Attributes:
        key: Short name, unique on the page.
        label: What it is, in words.
        value: The number; None (or not a number) where it could not be measured.
        low: Least value of the band, or None for no lower end.
        high: Greatest value of the band, or None for no upper end.
        unit: Unit, empty for none.
        note: What a reader should know about this number.
    """

    key: str
    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """One of "inside", "outside", "reported" (no band) and "not measured"."""
        if self.value is None or not math.isfinite(self.value):
            return MISSING
        if self.low is None and self.high is None:
            return REPORTED
        above = self.low is None or self.value >= self.low
        below = self.high is None or self.value <= self.high
        return INSIDE if above and below else OUTSIDE

    @property
    def value_text(self) -> str:
        """The number as a reader wants it, with its unit."""
        if self.value is None or not math.isfinite(self.value):
            return "-"
        return f"{number(self.value, 3)} {self.unit}".strip()

    @property
    def band_text(self) -> str:
        """The band in words."""
        if self.low is None and self.high is None:
            return "-"
        if self.high is None:
            return f"at least {number(self.low or 0.0)} {self.unit}".strip()
        if self.low is None:
            return f"at most {number(self.high)} {self.unit}".strip()
        return f"{number(self.low)} to {number(self.high)} {self.unit}".strip()

    def as_dict(self) -> dict[str, object]:
        """Everything, for JSON; a number that is none becomes null."""
        finite = self.value is not None and math.isfinite(self.value)
        return {
            "key": self.key,
            "label": self.label,
            "value": self.value if finite else None,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "verdict": self.verdict,
            "note": self.note,
        }


def number(value: float, digits: int | None = None) -> str:
    """A number in plain digits: 0.0123, 1.23, 123, 12345.

    Args:
        value: The number.
        digits: Significant digits to show, zeros too; None for three at most, without idle zeros.
    """
    if value == 0:
        return "0"
    places = max(0, (digits or 3) - 1 - math.floor(math.log10(abs(value))))
    if places > 6:
        return f"{value:.2e}"
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if digits is None and "." in text else text


def tally(figures: Iterable[Figure]) -> dict[str, int]:
    """Count the verdicts."""
    counts = {INSIDE: 0, OUTSIDE: 0, REPORTED: 0, MISSING: 0}
    for figure in figures:
        counts[figure.verdict] += 1
    return counts
