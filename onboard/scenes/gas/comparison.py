"""How far simulated outlines of plumes are from the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from onboard.errors import UsageError
from onboard.scenes.gas.outlines import Float64, OutlineStatistics, real_statistics


def ks_distance(sample: Float64, other: Float64 | Mapping[float, float]) -> float:
    """Return the Kolmogorov-Smirnov distance of two distributions, from 0 to 1.

    Args:
        sample: (n,) values.
        other: (m,) values, or percentiles (value by percentile) that are joined by straight lines.

    Raises:
        UsageError: If either is empty.
    """
    first = np.sort(np.asarray(sample, np.float64))
    if not first.size or not len(other):
        raise UsageError(
            "nothing to compare", found=(first.size, len(other)), expected="at least one value each"
        )
    if isinstance(other, Mapping):
        shares, values = (np.asarray(v, np.float64) for v in zip(*sorted(other.items()), strict=True))
        expected = np.interp(first, values, shares / 100, left=0.0, right=1.0)
        after = np.arange(1, first.size + 1) / first.size
        return float(max(np.abs(after - expected).max(), np.abs(after - 1 / first.size - expected).max()))
    second = np.sort(np.asarray(other, np.float64))
    both = np.concatenate([first, second])
    shares_of = [np.searchsorted(v, both, side="right") / v.size for v in (first, second)]
    return float(np.abs(shares_of[0] - shares_of[1]).max())


def compare(simulated: OutlineStatistics) -> dict[str, dict[str, Any]]:
    """Hold simulated outlines against the real ones.

    Returns:
        For each figure: ``percentiles`` (what is compared), ``real`` and ``simulated`` (values at them),
        ``ratio`` of the two, and ``ks``, the Kolmogorov-Smirnov distance.
    """
    result = {}
    at = (5, 25, 50, 75, 95)
    for name, real in real_statistics().items():
        values = getattr(simulated, name)
        there = [real[p] for p in at]
        here = [float(v) for v in np.percentile(values, at)]
        result[name] = {
            "percentiles": list(at),
            "real": there,
            "simulated": here,
            "ratio": [h / t for h, t in zip(here, there, strict=True)],
            "ks": ks_distance(values, real),
        }
    return result
