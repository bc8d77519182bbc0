"""How methane shows in lines that were resampled to a bundle's bands.

Resampling smooths absorption lines and shifts them. A matched filter that looks for the bundle's own finds
gas too weak, or, where bands lie further apart than the bundle's, none at all: along the fine structure that
was smoothed away nothing ever moves, which the filter takes for proof that there is no gas.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from onboard.captures import BandMatch
from onboard.scenes.methane import log_transmittance

Array = npt.NDArray[np.float32]


class GasTable(Protocol):
    """What a filter knows of its gas; a bundle's contents are one."""

    @property
    def mf_bands(self) -> npt.NDArray[Any]:
        """(K,) indices of the filter's bands."""

    @property
    def alphas(self) -> npt.NDArray[Any]:
        """(points,) enhancements, ppm m."""

    @property
    def log_transmittance(self) -> npt.NDArray[Any]:
        """(points, K) logarithm of the transmittance there."""


def resampled_gas(
    match: BandMatch, centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64], contents: GasTable
) -> Array | None:
    """Return the log transmittance of methane at the filter's bands as resampled lines show it.

    Args:
        match: How the capture's bands serve the bundle's.
        centres: (bands,) nm of the capture.
        fwhm: (bands,) nm of the capture.
        contents: The bundle's: its enhancements, its filter's bands, and its own log transmittance, which
            stands where the capture says nothing of a band.

    Returns:
        (points, filter's bands) float32, for ``FlightSession(gas_lines=...)``; None if nothing is resampled.
    """
    if match.identical:
        return None
    own_alphas, own_lines = log_transmittance(centres, fwhm)
    lines = np.stack([np.interp(contents.alphas, own_alphas, band) for band in own_lines.T], axis=1)
    seen = match.apply(np.exp(lines).astype(np.float32))[:, contents.mf_bands].astype(np.float64)
    known = (seen > 0).all(axis=0) & np.isfinite(seen).all(axis=0)
    relative = np.log(np.where(known, seen, 1.0))
    relative = np.minimum.accumulate(np.minimum(relative - relative[0], 0.0), axis=0)
    return np.where(known, relative, contents.log_transmittance).astype(np.float32)
