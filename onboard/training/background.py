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
        lines: (samples,) float32, lines before it that taught each column.
    """

    covariance: Array
    mean: Array
    lines: Array

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
            weight=self.lines.astype(np.float64),
            scatter=self.covariance[np.ix_(bands, bands)].astype(np.float64) * count,
            feature_scatter=np.zeros(0),
            count=count,
        )


def column_means(counts: npt.NDArray[np.int16], teaches: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return each column's mean log radiance over the pixels that teach, and how many those are.

    Args:
        counts: (lines, samples, bands) int16, 4096 a unit.
        teaches: (lines, samples).

    Returns:
        (samples, bands) float32, 0 where nothing teaches, and (samples,) float32.
    """
    lines = teaches.sum(axis=0).astype(np.float32)
    total = np.zeros(counts.shape[1:], np.float32)
    for line, good in zip(counts, teaches, strict=True):
        total[good] += line[good]
    return total / (np.maximum(lines, 1.0) * np.float32(LOG_SCALE))[:, None], lines


def swath_covariance(counts: npt.NDArray[np.int16], teaches: npt.NDArray[np.bool_] | None = None) -> Array:
    """Return the covariance of log radiance about its column's mean, from one pixel in eight.

    Args:
        counts: (lines, samples, bands) int16, 4096 a unit.
        teaches: (lines, samples) pixels that count; all if None.

    Returns:
        (bands, bands) float32.
    """
    lines, samples, bands = counts.shape
    teaches = np.ones((lines, samples), bool) if teaches is None else teaches
    means = column_means(counts, teaches)[0]
    total, number = np.zeros((bands, bands)), 0
    for line in range(lines):
        columns = np.arange(line % COVARIANCE_STRIDE, samples, COVARIANCE_STRIDE)
        chosen = columns[teaches[line, columns]]
        off = counts[line, chosen].astype(np.float32) / np.float32(LOG_SCALE) - means[chosen]
        total += off.T @ off
        number += len(off)
    return (total / max(number, 1)).astype(np.float32)
