"""Scores of probabilities against truth, on top of torchmetrics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.classification import (
    binary_average_precision,
    binary_precision_recall_curve,
)

Array = npt.NDArray[np.float32]


def average_precision(probability: Array, label: npt.NDArray[np.bool_]) -> float:
    """Return the area under the precision-recall curve, at every threshold there is.

    Args:
        probability: Any shape, 0 to 1.
        label: Same shape.
    """
    return float(binary_average_precision(_tensor(probability), _tensor(label).int()))


def best_f1(probability: Array, label: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return (threshold, F1) where F1 is highest over every threshold there is.

    Args:
        probability: Any shape, 0 to 1.
        label: Same shape; with no true pixel at all the result is (0.5, 0).
    """
    if not label.any():
        return 0.5, 0.0
    # Sorted once: thresholds given would be tried one by one over millions of pixels.
    precision, recall, thresholds = binary_precision_recall_curve(_tensor(probability), _tensor(label).int())
    f1 = torch.nan_to_num(2 * precision * recall / (precision + recall))
    best = int(torch.argmax(f1[:-1]))
    return float(thresholds[best]), float(f1[best])


def f1_at(probability: Array, label: npt.NDArray[np.bool_], threshold: float) -> float:
    """Return F1 of ``probability >= threshold``; 0 where nothing is true and nothing found.

    Args:
        probability: Any shape, 0 to 1.
        label: Same shape.
        threshold: 0 to 1.
    """
    found = probability >= threshold
    both = float(np.count_nonzero(found & label))
    either = float(np.count_nonzero(found)) + float(np.count_nonzero(label))
    return 2.0 * both / either if either else 0.0


def _tensor(values: npt.NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values).reshape(-1))
