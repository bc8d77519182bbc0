"""Running statistics of the classes of ground, which the streaming filter keeps beside those of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]

CLASS_PRIOR = 500.0
"""Pixels of all ground that a class of ground starts from in its covariance."""
CLASS_MEAN_PRIOR = 50.0
"""Pixels of no difference that a class starts from in its mean about the columns' means."""


@dataclass
class ClassStatistics:
    """Running statistics of the classes of ground, of deviations from the columns' means.

    Attributes:
        total: (C, K) sum of deviations of the covariance's pixels.
        count: (C,) these pixels, forgetting included.
        kept_total: (C, K) the same of those that went into the means.
        kept_count: (C,).
        scatter: (C, K, K) sum of outer products of deviations.
    """

    total: Array64
    count: Array64
    kept_total: Array64
    kept_count: Array64
    scatter: Array64

    @classmethod
    def empty(cls, classes: int, bands: int) -> ClassStatistics:
        """Return statistics of nothing."""
        return cls(
            np.zeros((classes, bands)),
            np.zeros(classes),
            np.zeros((classes, bands)),
            np.zeros(classes),
            np.zeros((classes, bands, bands)),
        )

    def updated(self, decay: float, deviation: Array64, kept: Mask, labels: Labels) -> ClassStatistics:
        """Return the statistics after forgetting and new pixels.

        Args:
            decay: What is left of the old.
            deviation: (n, K) of the covariance's pixels.
            kept: (n,) whether they went into the means.
            labels: (n,) their classes.
        """
        new = ClassStatistics(*(decay * values for values in vars(self).values()))
        for index in range(len(new.count)):
            off, good = deviation[labels == index], kept[labels == index]
            new.total[index] += off.sum(axis=0)
            new.count[index] += len(off)
            new.kept_total[index] += off[good].sum(axis=0)
            new.kept_count[index] += np.count_nonzero(good)
            new.scatter[index] += off.T @ off
        return new

    def mean(self, index: int) -> Array64:
        """Return a class's mean deviation (K,), drawn towards none while few pixels are behind it."""
        return np.asarray(self.kept_total[index] / (self.kept_count[index] + CLASS_MEAN_PRIOR))

    def covariance(self, index: int, overall: Array64) -> Array64:
        """Return a class's covariance (K, K) about its mean, drawn towards that of all ground.

        Args:
            index: The class.
            overall: (K, K) covariance of all ground.
        """
        mean, count = self.mean(index), self.count[index]
        cross = np.outer(self.total[index], mean)
        about = self.scatter[index] - cross - cross.T + count * np.outer(mean, mean)
        return np.asarray((about + CLASS_PRIOR * overall) / (count + CLASS_PRIOR))
