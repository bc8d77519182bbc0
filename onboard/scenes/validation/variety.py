"""Check 6, in spectra: how many spectra of the ground are truly different.

Two spectra count as different from a spectral angle on (Kruse et al. 1993, Remote Sensing of Environment 44,
145-163), whatever their brightness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.validation.figures import Figure
from onboard.scenes.validation.material import Patches

Float32 = NDArray[np.float32]

LEAST_ANGLE_RAD = 0.03
"""1.7 degrees: a third of the 0.1 rad that spectral angle mapping usually takes for one material."""
EXAMPLES = 12
CHUNK = 256


@dataclass(frozen=True, eq=False)
class Variety:
    """How varied the ground's spectra are.

    Attributes:
        spectra: Spectra looked at.
        distinct: How many of them differ from each other by at least ``LEAST_ANGLE_RAD``.
        nearest_rad: Angle of each spectrum to the one most like it, float32 (spectra,).
        examples: A few reflectance spectra of each climate, float32 (EXAMPLES, bands).
    """

    spectra: int
    distinct: int
    nearest_rad: Float32
    examples: dict[str, Float32]


def check_variety(drawn: Sequence[Patches]) -> Variety:
    """Count distinct spectra among all scenes' endmembers."""
    spectra = np.concatenate([part.endmembers for part in drawn])
    return Variety(
        spectra=len(spectra),
        distinct=count_distinct(spectra, LEAST_ANGLE_RAD),
        nearest_rad=nearest_angles(spectra),
        examples={part.climate: _examples(part.endmembers) for part in drawn},
    )


def _unit(spectra: Float32) -> Float32:
    return np.asarray(spectra / np.linalg.norm(spectra, axis=1, keepdims=True), np.float32)


def count_distinct(spectra: Float32, angle_rad: float) -> int:
    """Size of a set of spectra (n, bands) no two of which are closer than an angle, taken first come first.

    Args:
        spectra: (n, bands), none of them zero.
        angle_rad: Least angle in radians.
    """
    unit = _unit(spectra)
    limit = np.cos(angle_rad)
    kept = np.zeros((0, unit.shape[1]), np.float32)
    for first in range(0, len(unit), CHUNK):
        part = unit[first : first + CHUNK]
        fresh = part[(part @ kept.T < limit).all(axis=1)] if len(kept) else part
        among = fresh @ fresh.T < limit
        chosen: list[int] = []
        for k in range(len(fresh)):
            if among[k, chosen].all():
                chosen.append(k)
        kept = np.concatenate([kept, fresh[chosen]])
    return len(kept)


def nearest_angles(spectra: Float32) -> Float32:
    """Angle (n,) in radians of each spectrum (n, bands) to the most similar other one."""
    unit = _unit(spectra)
    nearest = np.empty(len(unit), np.float32)
    for first in range(0, len(unit), CHUNK):
        cosine = unit[first : first + CHUNK] @ unit.T
        rows = np.arange(len(cosine))
        cosine[rows, first + rows] = -1.0
        nearest[first : first + CHUNK] = np.arccos(np.clip(cosine.max(axis=1), -1.0, 1.0))
    return nearest


def _examples(spectra: Float32) -> Float32:
    """A few spectra, evenly spread."""
    return spectra[np.linspace(0, len(spectra) - 1, EXAMPLES).astype(np.int64)]


def variety_figures(found: Variety) -> list[Figure]:
    """Return the count of distinct spectra and how close the closest are."""
    return [
        Figure(
            "distinct", f"Background spectra at least {LEAST_ANGLE_RAD} rad apart", float(found.distinct),
            low=1000, note=f"of {found.spectra} spectra in the small scenes",
        ),
        Figure(
            "nearest", "Angle of a spectrum to the one most like it, median",
            float(np.median(found.nearest_rad)), unit="rad",
        ),
    ]  # fmt: skip
