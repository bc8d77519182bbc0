"""Precision against recall from histograms of a score, and the threshold that serves best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError

BINS = 4096

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scale:
    """How scores of one kind are spread over bins of equal width in ``forward(score)``.

    Attributes:
        low: Lower end of the first bin, after ``forward``.
        high: Upper end of the last bin.
        forward: Rising function of the score.
        inverse: Its inverse.
    """

    low: float
    high: float
    forward: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]


def _logit(p: Floats) -> Floats:
    q = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(q / (1 - q)))


def _asinh(unit: float, low: float, high: float) -> Scale:
    return Scale(
        float(np.arcsinh(low / unit)),
        float(np.arcsinh(high / unit)),
        lambda x: np.asarray(np.arcsinh(x / unit)),
        lambda t: np.asarray(unit * np.sinh(t)),
    )


SCALES: dict[str, Scale] = {
    "probability": Scale(-16.0, 16.0, _logit, lambda t: np.asarray(1 / (1 + np.exp(-t)))),
    "ppm m": _asinh(100.0, -20_000.0, 64_000.0),
    "score": _asinh(1e-3, -1e3, 1e3),
}
"""Kinds of score: probability 0-1; enhancement (bins of 3 ppm m at 1000); any other number."""


@dataclass
class ScoreCurve:
    """Histograms of a score over true and over other pixels; curves of many captures add up.

    Pixels of one bin count as tied. What is beyond the scale, or NaN, falls in the end bins (NaN in the
    lowest: nothing was said there).

    Attributes:
        scale: A key of ``SCALES``.
        counts: int64 (2, BINS), other and true pixels.
    """

    scale: str
    counts: Counts = field(default_factory=lambda: np.zeros((2, BINS), np.int64))

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise UsageError("no such kind of score", field="scale", found=self.scale, expected=list(SCALES))

    def add(self, truth: Bools, score: Floats) -> None:
        """Count one block: truth and score of the same shape."""
        index = self._places(score).astype(np.int64)
        for value in (0, 1):
            self.counts[value] += np.bincount(index[truth == bool(value)].ravel(), minlength=BINS)

    def average_precision(self) -> float | None:
        """Area under the curve: (R_n - R_n-1) P_n summed over falling thresholds; None if nothing is true."""
        tp, fp, total = self._falling()
        if total == 0:
            return None
        gained = np.diff(tp, prepend=0)
        return float((tp / np.maximum(tp + fp, 1) * gained).sum() / total)

    def best(self) -> tuple[float, float | None]:
        """Return the threshold where F1 of ``score >= threshold`` is highest, and that F1.

        Without true pixels F1 is None, and the threshold is above every score.
        """
        tp, fp, total = self._falling()
        edges = self.edges()[::-1]
        if total == 0:
            return float(np.inf), None
        f1 = 2 * tp / np.maximum(tp + fp + total, 1)
        # The lowest bin also holds what nothing was said of, so it cannot be asked for.
        best = int(np.argmax(f1[:-1]))
        return float(edges[best]), float(f1[best])

    def f1_at(self, threshold: float) -> float | None:
        """Return F1 of ``score >= threshold``, its bin counted whole; None if nothing is true."""
        tp, fp, total = self._falling()
        if total == 0:
            return None
        # An edge, forth and back again, must not fall into the bin below.
        place = BINS - 1 - int(self._places(np.asarray([threshold]))[0] + 1e-6)
        return float(2 * tp[place] / (tp[place] + fp[place] + total))

    def edges(self) -> npt.NDArray[np.float64]:
        """Lower ends of the bins, rising, in the score's own unit (BINS,)."""
        scale = SCALES[self.scale]
        steps = scale.low + np.arange(BINS) * ((scale.high - scale.low) / BINS)
        return np.asarray(scale.inverse(steps), np.float64)

    def _places(self, score: Floats) -> npt.NDArray[np.float64]:
        """Where scores lie, in bins; NaN in the lowest."""
        scale = SCALES[self.scale]
        place = (scale.forward(score.astype(np.float64)) - scale.low) * (BINS / (scale.high - scale.low))
        return np.asarray(np.nan_to_num(np.clip(place, 0, BINS - 1), nan=0.0))

    def _falling(self) -> tuple[Counts, Counts, int]:
        """True and false positives (BINS,) at falling thresholds, and the number of true pixels."""
        negatives, positives = self.counts[:, ::-1]
        return np.cumsum(positives), np.cumsum(negatives), int(positives.sum())
