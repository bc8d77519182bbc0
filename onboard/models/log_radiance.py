"""Log radiance, in which absorption and light add up, and the counts that the flight ring keeps it in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]

LOG_FLOOR = -4.0
LOG_CEILING = 3.0
LOG_SCALE = 4096.0
"""Counts per unit of log radiance in the flight ring (int16)."""


def log_radiance(radiance: Array, reference: Array64) -> Array:
    """Return ln(L / reference), held within [-4, 3].

    Args:
        radiance: (..., bands) float32, uW cm-2 sr-1 nm-1.
        reference: (bands,) radiance, same unit, positive.
    """
    ratio = radiance * (1.0 / reference).astype(np.float32)
    low, high = np.float32(np.exp(LOG_FLOOR)), np.float32(np.exp(LOG_CEILING))
    return np.log(np.clip(ratio, low, high, out=ratio), out=ratio)


def quantize_log(log: Array) -> npt.NDArray[np.int16]:
    """Return log radiance as the ring keeps it: int16, 4096 counts a unit, rounded to nearest even."""
    return np.asarray(np.rint(log * np.float32(LOG_SCALE)), np.int16)
