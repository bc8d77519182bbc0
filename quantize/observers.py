"""Observers: from a tensor's histogram to the range that its eight bits cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantize.affine import Range

Counts = npt.NDArray[np.float64]

PERCENTILE = 99.99
ENTROPY_LEVELS = 128
ENTROPY_STEPS = 96
MSE_STEPS = 64
MSE_ROUNDS = 2
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Histogram:
    """How often a tensor took which value.

    Attributes:
        counts: (bins,) float64, over equal bins from low to high.
        low: Least value seen.
        high: Greatest value seen.
    """

    counts: Counts
    low: float
    high: float

    @property
    def centres(self) -> Counts:
        """(bins,) middle of each bin."""
        width = (self.high - self.low) / len(self.counts)
        return np.asarray(self.low + width * (np.arange(len(self.counts)) + 0.5))


def min_max(seen: Histogram) -> Range:
    """Return all that was seen: nothing saturates."""
    return _holding_zero(seen.low, seen.high)


def percentile(seen: Histogram) -> Range:
    """Return what lies between the outermost 0.01 % at either side."""
    total = np.cumsum(seen.counts)
    edges = np.linspace(seen.low, seen.high, len(seen.counts) + 1)
    tail = (1.0 - PERCENTILE / 100.0) * total[-1]
    below = int(np.searchsorted(total, tail, side="right"))
    above = int(np.searchsorted(total, total[-1] - tail, side="left"))
    low = seen.low if seen.low >= 0.0 else float(edges[min(below, len(edges) - 1)])
    return _holding_zero(low, float(edges[min(above + 1, len(edges) - 1)]))


def entropy(seen: Histogram) -> Range:
    """Return the symmetric threshold that loses least information (Migacz 2017, GTC S7310).

    For each threshold the clipped distribution of magnitudes is held against itself at 128 levels, by
    the Kullback-Leibler divergence.
    """
    largest = max(-seen.low, seen.high)
    if largest <= 0.0:
        return Range(0.0, 0.0)
    bins = len(seen.counts)
    slots = np.minimum((np.abs(seen.centres) / largest * bins).astype(np.int64), bins - 1)
    magnitudes = np.bincount(slots, weights=seen.counts, minlength=bins).astype(np.float64)
    first = max(ENTROPY_LEVELS, int(LEAST_SHARE * bins))
    tried = np.unique(np.linspace(first, bins, ENTROPY_STEPS).astype(np.int64))
    losses = [_divergence(magnitudes, int(stop)) for stop in tried]
    threshold = float(tried[int(np.argmin(losses))]) / bins * largest
    return _holding_zero(max(seen.low, -threshold), min(seen.high, threshold))


def _divergence(magnitudes: Counts, stop: int) -> float:
    """Return KL(P || Q) of magnitudes below bin ``stop``, the rest clipped into the last bin."""
    inside = magnitudes[:stop]
    reference = inside.copy()
    reference[-1] += magnitudes[stop:].sum()
    level = np.minimum(np.arange(stop) * ENTROPY_LEVELS // stop, ENTROPY_LEVELS - 1)
    filled = (inside > 0).astype(np.float64)
    mass = np.bincount(level, weights=inside, minlength=ENTROPY_LEVELS)
    members = np.bincount(level, weights=filled, minlength=ENTROPY_LEVELS)
    spread = np.divide(mass, members, out=np.zeros_like(mass), where=members > 0)
    quantized = spread[level] * filled
    if reference.sum() <= 0.0 or quantized.sum() <= 0.0:
        return float("inf")
    p, q = reference / reference.sum(), quantized / quantized.sum()
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / np.maximum(q[seen], 1e-12))).sum())


def least_squares(seen: Histogram) -> Range:
    """Return the range of the least mean squared error at 8 bits; its two ends are shrunk in turn."""
    span = whole = min_max(seen)
    shares = np.linspace(LEAST_SHARE, 1.0, MSE_STEPS).tolist()
    for _ in range(MSE_ROUNDS):
        for tried in (
            [Range(span.low, whole.high * share) for share in shares],
            [Range(whole.low * share, span.high) for share in shares],
        ):
            span = min([span, *tried], key=lambda item: _squared_error(seen, item))
    return span


def _squared_error(seen: Histogram, span: Range) -> float:
    """Return the summed squared error of clipping to a range and rounding to 256 numbers within it."""
    step, centres = (span.high - span.low) / 255.0, seen.centres
    clipped = np.clip(centres, span.low, span.high)
    outside = ((centres - clipped) ** 2 * seen.counts).sum()
    # Within the range rounding errors are uniform over a step.
    return float(outside + seen.counts[centres == clipped].sum() * step**2 / 12.0)


def _holding_zero(low: float, high: float) -> Range:
    return Range(min(float(low), 0.0), max(float(high), 0.0))


OBSERVERS: dict[str, Callable[[Histogram], Range]] = {
    "min-max": min_max,
    "percentile": percentile,
    "entropy": entropy,
    "mse": least_squares,
}
