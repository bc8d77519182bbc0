"""What a window of noisy planes tells of its noise and its columns, in operators that fly."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from onboard.models.log_radiance import LOG_FLOOR
from onboard.models.robust_fit import firm

MEAN_TO_DEVIATION = 1.2533
"""Standard deviation of a normal over its mean magnitude, sqrt(pi / 2)."""
STRIPE_CAUTION = (3.0, 2.0, 1.0, 1.0)
"""Factor on the scale in each round: the worst columns go first, since they pull their neighbours' means."""
FLOOR_MARGIN, FLOOR_STEEPNESS = 0.02, 50.0


def column_mean(values: Tensor) -> Tensor:
    """(n, c, 1, samples) means along the lines of (n, c, lines, samples)."""
    return functional.avg_pool2d(values, (values.shape[-2], 1))


def mean_of(values: Tensor) -> Tensor:
    """(n, c, 1, 1) means of (n, c, lines, samples); in two steps, since TensorRT bounds a pool's window."""
    return functional.avg_pool2d(column_mean(values), (1, values.shape[-1]))


def apply(matrix: Tensor, planes: Tensor) -> Tensor:
    """(n, a, lines, samples) of a matrix (n or 1, a, b) and planes (n, b, lines, samples)."""
    n, _, lines, samples = planes.shape
    return (matrix @ planes.reshape(n, -1, lines * samples)).reshape(n, -1, lines, samples)


def beside(columns: Tensor) -> Tensor:
    """(n, c, 1, samples) means of nine columns around each, what is missing taken as 0."""
    return functional.avg_pool2d(columns, (1, 9), stride=1, padding=(0, 4))


class Columns(NamedTuple):
    """What is valid of each column: (n, 1, 1, samples), but for ``overall``.

    Attributes:
        present: 1 for columns with a tenth of their lines or more, down to 0.
        share: 1 over the share of valid lines.
        around: 1 over the mean of ``present`` around.
        overall: (n, 1, 1, 1), 1 over its mean.
    """

    present: Tensor
    share: Tensor
    around: Tensor
    overall: Tensor

    @classmethod
    def of(cls, valid: Tensor) -> Columns:
        """Count the valid lines of (n, 1, lines, samples)."""
        lines = column_mean(valid)
        present = (10.0 * lines).clamp(0.0, 1.0)
        share, around, overall = (1.0 / (part + 1e-6) for part in (lines, beside(present), mean_of(present)))
        return cls(present, share, around, overall)


def filled(log: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Return log radiance with dead columns filled by those beside them, and 1 where none was.

    A column that lies on the floor of log radiance throughout was not measured, and would be a monstrous
    outlier; unless those beside it lie there too, as over water.
    """
    seen = ((log - (LOG_FLOOR + FLOOR_MARGIN)) * FLOOR_STEEPNESS).clamp(0.0, 1.0) * valid
    window, padding = (1, 5), (0, 2)
    share = column_mean(seen)
    around = functional.avg_pool2d(share, window, stride=1, padding=padding)
    dead = (1.0 - 20.0 * share).clamp(0.0, 1.0) * (4.0 * around - 1.0).clamp(0.0, 1.0)
    alive = 1.0 - dead
    total = functional.avg_pool2d(log * alive, window, stride=1, padding=padding)
    count = functional.avg_pool2d(alive, window, stride=1, padding=padding)
    return log * alive + total * (dead / (count + 1e-6)), alive


def roughness(planes: Tensor, valid: Tensor) -> Tensor:
    """(n, bands, 1, 1) noise as far as it changes from line to line."""
    steps = (planes[:, :, 1:] - planes[:, :, :-1]) * (valid[:, :, 1:] * valid[:, :, :-1])
    noise: Tensor = (MEAN_TO_DEVIATION * 0.5**0.5) * mean_of(steps.abs())
    return noise


def stripes(
    planes: Tensor, columns: Columns, shapes: Tensor | None = None, fit: Tensor | None = None
) -> Tensor:
    """Return how far columns' means stand out among their neighbours, (n, bands, 1, samples).

    Args:
        planes: (n, bands, lines, samples), 0 where invalid.
        columns: What is valid of each column.
        shapes: (bands, r); what these can explain does not stand out.
        fit: (1, r, bands), their fit.
    """
    averages = column_mean(planes) * columns.share
    offset = torch.zeros_like(averages)
    for caution in STRIPE_CAUTION:
        means = averages
        if shapes is not None and fit is not None:
            means = averages - apply(shapes, apply(fit, averages - offset))
        around = beside((means - offset) * columns.present) * columns.around
        even = (means - offset - around).abs() * columns.present
        scale = MEAN_TO_DEVIATION * mean_of(even) * columns.overall + 1e-6
        scale = MEAN_TO_DEVIATION * mean_of((even / scale).clamp(0.0, 1.5)) * columns.overall * scale + 1e-6
        scale = caution * scale
        offset = firm((means - around) / scale) * (scale * columns.present)
    return offset
