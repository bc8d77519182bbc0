"""What flight would already know of a capture when it comes to a patch of it.

A patch is a small part of a capture; the filter's covariance in flight is that of the whole swath.
Statistics of the patch alone would know its own clutter too well, and hide what false alarms look like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.models.streaming_filter import LOG_SCALE, FilterSettings, Statistics

Array = npt.NDArray[np.float32]
COVARIANCE_STRIDE = 8


@dataclass(frozen=True)
class Background:
    """Statistics of a patch's capture.

    Attributes:
        covariance: (bands, bands) float32, of log radiance about its column's mean, over the whole swath.
        mean: (samples, bands) float32, of the patch's columns over the lines before it; 0 if there are none.
        lines: Number of lines before it.
    """

    covariance: Array
    mean: Array
    lines: int

    def statistics(self, bands: npt.NDArray[np.int64], settings: FilterSettings) -> Statistics:
        """Return the filter's state on arrival at the patch.

        Args:
            bands: The filter's bands.
            settings: Constants of the statistics.
        """
        samples = len(self.mean)
        # The patch may weigh what it weighs in a full swath: its share of the columns.
        count = settings.memory_lines * samples / settings.covariance_stride
        return Statistics(
            mean=self.mean[:, bands].astype(np.float64),
            feature_mean=np.zeros((samples, 0)),
            weight=np.full(samples, float(self.lines)),
            scatter=self.covariance[np.ix_(bands, bands)].astype(np.float64) * count,
            feature_scatter=np.zeros(0),
            count=count,
        )


def swath_covariance(counts: npt.NDArray[np.int16]) -> Array:
    """Return the covariance of log radiance about its column's mean, from one pixel in eight.

    Args:
        counts: (lines, samples, bands) int16, 4096 a unit.

    Returns:
        (bands, bands) float32.
    """
    means = counts.mean(axis=0, dtype=np.float32)
    lines, samples, bands = counts.shape
    total, number = np.zeros((bands, bands)), 0
    for line in range(lines):
        chosen = slice(line % COVARIANCE_STRIDE, samples, COVARIANCE_STRIDE)
        off = (counts[line, chosen].astype(np.float32) - means[chosen]) / np.float32(LOG_SCALE)
        total += off.T @ off
        number += len(off)
    return (total / max(number, 1)).astype(np.float32)
