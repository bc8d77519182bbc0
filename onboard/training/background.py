"""What flight would already know of a capture when it comes to a patch of it.

A patch is a small part of a capture; the filter's covariance in flight is that of the whole swath.
Statistics of the patch alone would know its own clutter too well, and hide what false alarms look like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.models.class_statistics import ClassStatistics
from onboard.models.filter_tables import FilterSettings
from onboard.models.ground_classes import GroundClasses
from onboard.models.log_radiance import LOG_CEILING, LOG_FLOOR, LOG_SCALE
from onboard.models.streaming_filter import Statistics
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]
COVARIANCE_STRIDE = 8


@dataclass(frozen=True)
class GroundBackground:
    """Statistics of the classes of ground of a capture, of log radiance about its column's mean.

    Attributes:
        share: (C,) float32 share of pixels.
        mean: (C, K) float32, at the filter's bands.
        second: (C, K, K) float32 mean outer product of deviations.
    """

    share: Array
    mean: Array
    second: Array

    def statistics(self, count: float) -> ClassStatistics:
        """Return them as if so many pixels of all ground were behind them."""
        counts = self.share.astype(np.float64) * count
        total = self.mean * counts[:, None]
        return ClassStatistics(
            total, counts, total.copy(), counts.copy(), self.second * counts[:, None, None]
        )


@dataclass(frozen=True)
class Background:
    """Statistics of a patch's capture.

    Attributes:
        covariance: (bands, bands) float32, of log radiance about its column's mean, over the whole swath.
        mean: (samples, bands) float32, of the patch's columns over the lines before it; 0 if there are none.
        lines: (samples,) float32, lines before it that taught each column.
        ground: Statistics of the swath's classes of ground, if there are classes.
    """

    covariance: Array
    mean: Array
    lines: Array
    ground: GroundBackground | None = None

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
            classes=None if self.ground is None else self.ground.statistics(count),
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


def ground_labels(
    counts: npt.NDArray[np.int16], ground: GroundClasses, offset: Array | None = None
) -> npt.NDArray[np.uint8]:
    """Return the class of ground (lines, samples) of pixels.

    Args:
        counts: (lines, samples, bands) int16 log radiance, 4096 counts a unit.
        ground: The codebook.
        offset: Added to log radiance at the codebook's bands, of a shape that broadcasts.
    """
    log = counts[:, :, ground.bands].astype(np.float32) * np.float32(1.0 / LOG_SCALE)
    return ground.assign(log if offset is None else np.clip(log + offset, LOG_FLOOR, LOG_CEILING))


def swath_ground(
    counts: npt.NDArray[np.int16], teaches: npt.NDArray[np.bool_], tables: FlightTables
) -> GroundBackground | None:
    """Return the statistics of a swath's classes of ground, from one pixel in eight.

    Args:
        counts: (lines, samples, bands) int16, 4096 a unit.
        teaches: (lines, samples) pixels that count.
        tables: The filter's bands, and the codebook; without one there is nothing to return.
    """
    ground, bands = tables.ground, tables.mf_bands
    if ground is None:
        return None
    means = column_means(counts[:, :, bands], teaches)[0]
    found = ClassStatistics.empty(len(ground), len(bands))
    for line in range(counts.shape[0]):
        columns = np.arange(line % COVARIANCE_STRIDE, counts.shape[1], COVARIANCE_STRIDE)
        chosen = columns[teaches[line, columns]]
        pixels = counts[line, chosen]
        off = pixels[:, bands].astype(np.float64) / LOG_SCALE - means[chosen]
        labels = ground_labels(pixels[None], ground)[0]
        found = found.updated(1.0, off, np.ones(len(off), bool), labels)
    number = np.maximum(found.count, 1.0)
    return GroundBackground(
        (found.count / max(float(found.count.sum()), 1.0)).astype(np.float32),
        (found.total / number[:, None]).astype(np.float32),
        (found.scatter / number[:, None, None]).astype(np.float32),
    )
