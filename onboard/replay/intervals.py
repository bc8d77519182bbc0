"""Intervals of confidence for shares of few cases, and shares by bin."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

Z_95 = 1.959964


def wilson_interval(hits: int, cases: int, z: float = Z_95) -> tuple[float, float]:
    """Interval of a share, by inverting the score test (Wilson 1927, JASA 22, 209).

    It stays within 0-1 and keeps its coverage for few cases, where the normal approximation does not
    (Brown, Cai, DasGupta 2001, Statistical Science 16, 101).

    Args:
        hits: Cases with a hit, at most ``cases``.
        cases: Cases; with none the interval is 0 to 1.
        z: Quantile of the normal distribution, 1.96 for 95 %.
    """
    if cases == 0:
        return 0.0, 1.0
    share, square = hits / cases, z * z
    middle = (share + square / (2 * cases)) / (1 + square / cases)
    half = z / (1 + square / cases) * sqrt(share * (1 - share) / cases + square / (4 * cases * cases))
    # At the ends the two terms are equal but for rounding.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == cases else min(1.0, middle + half)


def recall_by(values: Sequence[float], found: Sequence[bool], edges: Sequence[float]) -> list[dict[str, Any]]:
    """Recall with its 95 % interval in bins of a property.

    Args:
        values: The property of each case.
        found: Whether each was found.
        edges: Rising lower ends of the bins; the last bin has no upper end, and what lies below the first
            edge falls in a bin of its own, from 0.

    Returns:
        A row a bin that holds any case: ``from``, ``to`` (None for the last), ``true``, ``found``,
        ``recall``, ``low``, ``high``.
    """
    ends = [0.0, *edges] if not edges or edges[0] > 0 else list(edges)
    rows = []
    for number, low in enumerate(ends):
        high = ends[number + 1] if number + 1 < len(ends) else float("inf")
        inside = [hit for value, hit in zip(values, found, strict=True) if low <= value < high]
        if inside:
            bounds = wilson_interval(sum(inside), len(inside))
            rows.append(
                {
                    "from": low,
                    "to": None if high == float("inf") else high,
                    "true": len(inside),
                    "found": sum(inside),
                    "recall": sum(inside) / len(inside),
                    "low": bounds[0],
                    "high": bounds[1],
                }
            )
    return rows
