"""Scores that add up block by block: pixels, curves, regressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOGIT_LIMIT = 16.0
CURVE_BINS = 4096
SPREAD_LIMIT = 20_000.0
SPREAD_BINS = 8000

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass
class Confusion:
    """Counts of right and wrong pixels of one class."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, truth: Bools, found: Bools) -> None:
        """Count one block; both of the same shape."""
        both = int(np.count_nonzero(truth & found))
        self.tp += both
        self.fp += int(np.count_nonzero(found)) - both
        self.fn += int(np.count_nonzero(truth)) - both

    def scores(self) -> dict[str, float | int | None]:
        """Precision, recall, F1 and IoU (None where undefined), and the number of true pixels."""
        return {
            "precision": _ratio(self.tp, self.tp + self.fp),
            "recall": _ratio(self.tp, self.tp + self.fn),
            "f1": _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn),
            "iou": _ratio(self.tp, self.tp + self.fp + self.fn),
            "true_pixels": self.tp + self.fn,
            "found_pixels": self.tp + self.fp,
        }


class PrecisionRecallCurve:
    """Average precision from histograms of the logit, so that no pixel need be kept.

    Probabilities fall in ``CURVE_BINS`` bins of equal width in the logit between +-``LOGIT_LIMIT``;
    pixels of one bin count as tied. AP = sum over falling thresholds of (R_n - R_{n-1}) P_n, as in
    scikit-learn's ``average_precision_score``.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((2, CURVE_BINS), np.int64)

    def add(self, truth: Bools, probability: NDArray[np.float32]) -> None:
        """Count one block: truth and probability (0-1) of the same shape."""
        p = np.clip(probability.astype(np.float64), 1e-9, 1 - 1e-9)
        logit = np.log(p / (1 - p))
        index = np.clip((logit + LOGIT_LIMIT) * (CURVE_BINS / (2 * LOGIT_LIMIT)), 0, CURVE_BINS - 1)
        binned = index.astype(np.int64)
        for value in (False, True):
            self._counts[int(value)] += np.bincount(binned[truth == value], minlength=CURVE_BINS)

    def average_precision(self) -> float | None:
        """Area under the curve, None without a true pixel."""
        negatives, positives = self._counts[:, ::-1]
        total = positives.sum()
        if total == 0:
            return None
        tp, fp = np.cumsum(positives), np.cumsum(negatives)
        precision = tp / np.maximum(tp + fp, 1)
        return float((precision * positives).sum() / total)


@dataclass
class Regression:
    """Ordinary least squares of retrieved on true values, from sums.

    The truth is without error, so the regression on it is unbiased; an orthogonal one would not be
    (Fuller 1987, Measurement Error Models, section 1.1).
    """

    n: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def add(self, truth: Floats, found: Floats) -> None:
        """Add one block of finite pairs, both (n,)."""
        self.n += truth.size
        self.x += float(truth.sum())
        self.y += float(found.sum())
        self.xx += float((truth * truth).sum())
        self.xy += float((truth * found).sum())

    def results(self) -> dict[str, float | int | None]:
        """Slope, intercept, slope through the origin and mean bias; None where undefined."""
        spread = self.n * self.xx - self.x**2
        if self.n < 2 or spread <= 0:
            return dict.fromkeys(("slope", "intercept", "slope_through_origin", "bias"), None) | {"n": self.n}
        slope = (self.n * self.xy - self.x * self.y) / spread
        return {
            "slope": slope,
            "intercept": (self.y - slope * self.x) / self.n,
            "slope_through_origin": self.xy / self.xx,
            "bias": (self.y - self.x) / self.n,
            "n": self.n,
        }


@dataclass
class Spread:
    """Mean, standard deviation and robust deviation of many values, from sums and a histogram."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    _bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(SPREAD_BINS, np.int64))

    def add(self, values: Floats) -> None:
        """Add one block of finite values, (n,)."""
        self.n += values.size
        self.total += float(values.sum())
        self.squares += float((values * values).sum())
        index = (values + SPREAD_LIMIT) * (SPREAD_BINS / (2 * SPREAD_LIMIT))
        self._bins += np.bincount(np.clip(index, 0, SPREAD_BINS - 1).astype(np.int64), minlength=SPREAD_BINS)

    def results(self) -> dict[str, float | int | None]:
        """``mean``, ``sigma`` and ``robust_sigma`` (half the span from the 16th to the 84th percentile)."""
        if self.n == 0:
            return {"mean": None, "sigma": None, "robust_sigma": None, "n": 0}
        mean = self.total / self.n
        variance = max(self.squares / self.n - mean**2, 0.0)
        robust = (self._quantile(0.8413) - self._quantile(0.1587)) / 2
        return {"mean": mean, "sigma": variance**0.5, "robust_sigma": robust, "n": self.n}

    def _quantile(self, part: float) -> float:
        at = int(np.searchsorted(np.cumsum(self._bins), part * self.n))
        return (at + 0.5) * (2 * SPREAD_LIMIT / SPREAD_BINS) - SPREAD_LIMIT


def mean_of(values: list[Any]) -> float | None:
    """Mean of the numbers that are not None, None if there are none."""
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
