"""Classes of ground: a pixel's class from a few of its bands, by a fixed codebook.

One covariance for all ground lets the clutter of some ground hide weak gas over other ground; statistics by
class of ground mend that (Funk et al. 2001, IEEE TGRS 39, 1410, cluster each scene anew for it). Here the
classes are fixed beforehand, so that a line can be judged while the capture is still being imaged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError

Array64 = npt.NDArray[np.float64]
CLASS_SCALE = 1024.0
"""Counts a unit of log radiance: whole numbers, so that core and reference agree on every pixel."""
LEAST_COUNT, MOST_COUNT = -4096, 3072
MOST_CLASSES, MOST_BANDS = 64, 16
CODEBOOK = "ground-classes.json"
NEAR_NM = 10.0
"""A band further from a wavelength of the codebook than this sees something else."""


@dataclass(frozen=True)
class GroundClasses:
    """A codebook for one band table.

    Attributes:
        bands: (B,) int64, indices of the bands that are looked at.
        centres: (C, B) int16, log radiance of each class at them, 1024 counts a unit.
    """

    bands: npt.NDArray[np.int64]
    centres: npt.NDArray[np.int16]

    def __post_init__(self) -> None:
        """Refuse a codebook that cannot be flown."""
        shape = self.centres.shape
        if (
            len(shape) != 2
            or shape[1] != len(self.bands)
            or not 1 <= shape[0] <= MOST_CLASSES
            or not 1 <= shape[1] <= MOST_BANDS
            or len(set(self.bands.tolist())) != len(self.bands)
            or self.centres.min() < LEAST_COUNT
            or self.centres.max() > MOST_COUNT
        ):
            raise UsageError(
                "codebook of ground classes cannot be flown",
                field="centres",
                found=(shape, self.bands.tolist()),
                expected=f"1 to {MOST_CLASSES} classes of 1 to {MOST_BANDS} bands, each band once, "
                f"within {LEAST_COUNT} and {MOST_COUNT}",
            )

    def __len__(self) -> int:
        return len(self.centres)

    def assign(self, log: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Return the class (...,) of pixels: the nearest centre, of equals the first.

        Args:
            log: (..., B) float32 log radiance at the codebook's bands, -4 to 3.
        """
        return self.assign_counts(np.rint(log * np.float32(CLASS_SCALE)).astype(np.int32))

    def assign_counts(self, counts: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
        """Do as :meth:`assign` does, on counts (..., B) int32 of 1024 a unit."""
        # Squared distances less the pixel's own square; whole numbers far below 2**53 lose nothing.
        centres = self.centres.astype(np.float64)
        distance = (centres**2).sum(axis=1) - counts.astype(np.float64) @ (2.0 * centres.T)
        return np.asarray(distance.argmin(axis=-1), np.uint8)


def sees_classes(centres: Array64) -> bool:
    """Return whether a band table has a band near each of the shipped codebook's wavelengths.

    Args:
        centres: (bands,) nm.
    """
    return all(bool(np.abs(centres - wavelength).min() <= NEAR_NM) for wavelength in _codebook()[0])


def ground_classes(centres: Array64) -> GroundClasses:
    """Return the shipped codebook for a band table.

    Args:
        centres: (bands,) nm; each of the codebook's wavelengths goes to the nearest.

    Raises:
        UsageError: Two of its wavelengths share a band, so coarse is the table.
    """
    nm, counts = _codebook()
    bands = np.array([int(np.abs(centres - wavelength).argmin()) for wavelength in nm], np.int64)
    return GroundClasses(bands, counts)


@lru_cache(maxsize=1)
def _codebook() -> tuple[tuple[float, ...], npt.NDArray[np.int16]]:
    text = (resources.files("onboard.models") / "data" / CODEBOOK).read_text(encoding="utf-8")
    table = json.loads(text)
    return tuple(table["wavelengths_nm"]), np.asarray(table["centres"], np.int16)
