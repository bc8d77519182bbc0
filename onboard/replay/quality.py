"""Meaning of the bits of the ``quality`` layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAGS: dict[str, int] = {
    "no_data": 1,
    "cloudy": 2,
    "missing_frame": 4,
    "corrupt": 8,
    "saturated": 16,
    "non_finite": 32,
    "repaired": 64,
    "immature_statistics": 128,
}
INVALID_BITS = 1 | 2 | 4 | 8 | 32


class QualityCounts:
    """Pixels seen with each flag, and valid pixels, over all lines of a run."""

    def __init__(self) -> None:
        self._by_value = np.zeros(256, np.int64)

    def add(self, quality: NDArray[np.uint8]) -> None:
        """Count one block of the quality layer, any shape."""
        self._by_value += np.bincount(quality.ravel(), minlength=256)

    @property
    def valid(self) -> int:
        """Pixels whose products mean something."""
        values = np.arange(256)
        return int(self._by_value[(values & INVALID_BITS) == 0].sum())

    @property
    def pixels(self) -> int:
        """All pixels counted."""
        return int(self._by_value.sum())

    def as_dict(self) -> dict[str, int]:
        """Counts by name: ``pixels``, ``valid``, then one entry a flag."""
        values = np.arange(256)
        counts = {"pixels": self.pixels, "valid": self.valid}
        for name, bit in FLAGS.items():
            counts[name] = int(self._by_value[(values & bit) != 0].sum())
        return counts


def lost_lines(quality: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the (lines,) of a quality layer (lines, samples) of which no pixel carries a product."""
    return np.asarray(~valid_pixels(quality).any(axis=1))


def valid_pixels(quality: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """True where none of the bits is set that make a pixel's products void."""
    valid: NDArray[np.bool_] = (quality & INVALID_BITS) == 0
    return valid
