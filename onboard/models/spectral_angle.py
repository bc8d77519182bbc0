"""Minerals by spectral angle: which library sample does a pixel point to (Kruse et al. 1993, RSE 44, 145)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.models.column_filter import bands_within

Array = npt.NDArray[np.float32]

GOOD_WINDOWS = ((450.0, 1300.0), (1500.0, 1760.0), (2050.0, 2450.0))
"""Wavelengths in nm that water vapour leaves alone."""
BLOCK_PIXELS = 1 << 16


def spectral_angle(
    reflectance: Array,
    centres: npt.ArrayLike,
    references: Mapping[str, Array],
    background: Array | None = None,
    *,
    windows: tuple[tuple[float, float], ...] = GOOD_WINDOWS,
) -> Array:
    """Score every mineral in every pixel by the angle between spectra.

    The angle to a mineral is that to its nearest sample, arccos(x'r / |x||r|) (Kruse et al. 1993).
    The score is how much nearer the mineral is than the nearest background sample, in radians; without
    background it is minus the angle.

    Args:
        reflectance: (lines, samples, bands) float32; NaN where unknown.
        centres: (bands,) nm.
        references: Reflectance (n, bands) of the samples of each mineral; their order is the result's.
        background: Reflectance (m, bands) of what is none of the minerals.
        windows: Wavelengths compared, nm.

    Returns:
        (minerals, lines, samples) float32 rad, higher is likelier; -pi where nothing can be said.

    Raises:
        UsageError: A mineral without samples, or too few bands within the windows.
    """
    bands = bands_within(centres, windows, "an angle between spectra")
    empty = [name for name, samples in references.items() if len(samples) == 0]
    if empty or not references:
        raise UsageError("a mineral without samples", field="references", found=", ".join(empty) or "none")
    groups = [_unit(samples[:, bands]) for samples in references.values()]
    if background is not None and len(background):
        groups.append(_unit(background[:, bands]))
    lines, samples, _ = reflectance.shape
    pixels = reflectance.reshape(-1, reflectance.shape[2])
    scores = np.empty((len(references), len(pixels)), np.float32)
    for first in range(0, len(pixels), BLOCK_PIXELS):
        part = pixels[first : first + BLOCK_PIXELS, bands]
        known = np.isfinite(part).all(axis=1) & (np.abs(part).max(axis=1) > 0)
        unit = _unit(np.where(known[:, None], part, np.float32(1)))
        angles = np.stack([_nearest(unit, group) for group in groups])
        minerals = angles[: len(references)]
        score = angles[-1] - minerals if len(groups) > len(references) else -minerals
        scores[:, first : first + len(part)] = np.where(known, score, np.float32(-np.pi))
    return scores.reshape(len(references), lines, samples)


def _unit(spectra: Array) -> Array:
    return np.asarray(spectra / np.linalg.norm(spectra, axis=1, keepdims=True), np.float32)


def _nearest(unit: Array, group: Array) -> Array:
    """Angle (pixels,) to the nearest of a group (n, bands), rad."""
    cosine = (unit @ group.T).max(axis=1)
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)), np.float32)
