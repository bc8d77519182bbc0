"""Bands that a line lacks as a whole: the reference that the flight core is checked against.

A detector's rows die, and archives mark bands as bad. Filled from its neighbours such a band serves the stem;
for the matched filter it is an exact sum of others, a direction in which nothing ever moves and gas should,
which the filter takes for proof that there is no gas. So the filter leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PROBES = 32
"""Pixels of a line that are looked at, spread over it."""
LEAST_PROBES = 8
"""Fewer pixels do not tell a dead band from bad pixels."""
MOST_REPAIRED = 8
"""Bad values that any pixel may have, those of the line's dead bands not counted."""
ONE_IN = 4
"""A pixel that lacks more than these and more than one band in so many says nothing of single bands."""
TOLERATED = 1.0 / 32.0
"""A band is left out until it was there in all but this share of the lines that are remembered."""
LEFT_OUT_VARIANCE = 100.0
"""Of log radiance, added to a band that is left out: all light there is varies by less."""


def dead_bands(bad: Mask) -> Mask:
    """Return the bands that are bad in most pixels of each line; where too few tell, as the line before.

    Args:
        bad: (lines, samples, bands), where radiance is a flag or no finite number.

    Returns:
        (lines, bands).
    """
    samples, bands = bad.shape[1:]
    probes = min(samples, PROBES)
    probed = bad[:, np.arange(probes) * samples // probes]
    number = probed.sum(axis=2)
    usable = (number < bands) & ((number <= MOST_REPAIRED) | (number * ONE_IN <= bands))
    count = usable.sum(axis=1)
    lacking = (probed & usable[..., None]).sum(axis=1)
    found = np.zeros((len(bad), bands), np.bool_)
    for line in range(len(bad)):
        if count[line] >= LEAST_PROBES:
            found[line] = 2 * lacking[line] > count[line]
        elif line:
            found[line] = found[line - 1]
    return found


def fill_bands(values: Array, bad: Mask) -> Array:
    """Return values with a straight line, by number of band, where they are bad.

    Args:
        values: (..., bands) float32; those of pixels without any good band stay as they are.
        bad: (..., bands).
    """
    result, bands = values.copy(), np.arange(values.shape[-1])
    flat, flat_bad = result.reshape(-1, bands.size), bad.reshape(-1, bands.size)
    for row in np.flatnonzero(flat_bad.any(axis=1) & ~flat_bad.all(axis=1)):
        gap = flat_bad[row]
        flat[row, gap] = np.interp(bands[gap], bands[~gap], flat[row, ~gap])
    return result


@dataclass(frozen=True)
class Lacking:
    """How many of the lines that are remembered lacked each of the filter's bands.

    Attributes:
        lines: (K,), forgetting included.
        all: Lines, forgetting included.
        lately: (K,) bool, lacked by a line of the last event.
    """

    lines: Array64
    all: float
    lately: Mask

    @classmethod
    def nothing(cls, bands: int) -> Lacking:
        """Return the memory of no lines."""
        return cls(np.zeros(bands), 0.0, np.zeros(bands, np.bool_))

    def updated(self, dead: Mask, memory_lines: float) -> Lacking:
        """Return the memory after an event.

        Args:
            dead: (n, K) of the lines that it judges, but for those that the caller gave up as a whole.
            memory_lines: Lines after which older ones are forgotten.
        """
        decay = memory_lines / self.all if self.all > memory_lines else 1.0
        return Lacking(
            decay * self.lines + dead.sum(axis=0), decay * self.all + len(dead), np.asarray(dead.any(axis=0))
        )

    def variance(self) -> Array64:
        """Return what the filter adds to each band's variance, (K,)."""
        out = self.lately | (self.lines > TOLERATED * self.all)
        return np.asarray(np.where(out, LEFT_OUT_VARIANCE, 0.0))
