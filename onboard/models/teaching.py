"""Which pixels teach the matched filter what ground is, and which look like plumes and must not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MAGNITUDE_TO_DEVIATION = 1.4826
DARK_LIMIT = -2.75
"""Mean log radiance below which a pixel (water, deep shadow) is noise: it teaches the statistics nothing, and
the networks hear nothing of gas there."""
LEAST_LIT = 0.1
"""Share of lit pixels below which all pixels teach: over open water there is nothing else."""
SURE = 5.0 / 3.0
"""So many times the limit beyond which a pixel looks like a plume make it a sure one."""
LEAST_LEFT = 0.25
"""Share of teaching pixels that the surroundings of plumes must leave, or else they stay in the means."""


def teaching_pixels(valid: Mask, brightness: Array) -> Mask:
    """Return the pixels that the statistics learn from: valid ones that are not too dark.

    Args:
        valid: (n, samples).
        brightness: (n, samples) mean log radiance.
    """
    lit = valid & (brightness > np.float32(DARK_LIMIT))
    return lit if np.count_nonzero(lit) >= LEAST_LIT * np.count_nonzero(valid) else valid


def robust_deviation(values: Array64) -> float:
    """Return the standard deviation of a normal with the same median magnitude (plumes do not move it).

    Args:
        values: (n,) around zero; for even n the upper of the two middle magnitudes counts.
    """
    magnitudes = np.abs(values)
    middle = magnitudes.size // 2
    return MAGNITUDE_TO_DEVIATION * float(np.partition(magnitudes, middle)[middle])


def without_plumes(alpha: Array64, limit: Array64, teaches: Mask, reach: int) -> Mask:
    """Return the pixels that go into the means.

    Gas too faint to be seen lies around what is seen, so that this stays out as well, unless hardly
    anything would be left.

    Args:
        alpha: (n, samples) enhancement in ppm m.
        limit: (n, samples) beyond which a pixel looks like a plume, ppm m.
        teaches: (n, samples) what :func:`teaching_pixels` gives.
        reach: So many lines and samples around a sure plume stay out; 0 for none.
    """
    keep = teaches & (alpha <= limit)
    if not reach:
        return keep
    left = keep & ~surroundings(teaches & (alpha > SURE * limit), reach)
    return left if np.count_nonzero(left) >= LEAST_LEFT * np.count_nonzero(teaches) else keep


def surroundings(mask: Mask, reach: int) -> Mask:
    """Return the pixels within so many lines and samples of a true one.

    Args:
        mask: (n, samples).
        reach: Lines and samples, at least 0.
    """
    near = mask
    for axis in (0, 1):
        size = near.shape[axis]
        at = np.arange(size)
        before = np.cumsum(near, axis=axis, dtype=np.int32)
        before = np.concatenate([np.zeros_like(before.take([0], axis)), before], axis=axis)
        last, first = np.minimum(at + reach + 1, size), np.maximum(at - reach, 0)
        near = before.take(last, axis) > before.take(first, axis)
    return near
