"""The few shapes that spectra are sums of, fitted to any band table from moments kept on EMIT's.

Noise-robust low-rank denoising rests on such a subspace (Zhuang and Bioucas-Dias 2018, IEEE JSTARS 11, 730:
FastHyDe; Rasti et al. 2017, Remote Sens. 9, 504: HyRes). There it is taken from the noisy cube; here it comes
from clean simulated spectra, so that stripes and impulses cannot enter it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Array64 = npt.NDArray[np.float64]
Domain = Literal["log", "unit"]
"""Log radiance as flight holds it, or radiance of a cube scaled to 0-1 by its own extremes."""

SIGMA_PER_FWHM = 0.42466
OFFSET_SHARE = 0.03
"""Standard deviation of a cube's lowest value, in units of its range: scaling to 0-1 subtracts it."""
UNIT_LEVEL = 0.45
"""Root mean square of the brightest band of a cube scaled to 0-1."""
GAS_PPM_M = 2000.0
"""Enhancement whose absorption gets a place among the shapes, so that no plume is taken for noise."""
LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, eq=False)
class BandTable:
    """Bands of a cube and what their values are.

    Attributes:
        centres: (bands,) nm.
        fwhm: (bands,) nm.
        domain: "log" or "unit".
        gas: (bands,) log transmittance of 2000 ppm m of methane, or None to leave it out.
        noise: (bands,) usual noise, which shapes must stand out of; None where all bands have the same.
    """

    centres: Array64
    fwhm: Array64
    domain: Domain
    gas: Array64 | None = field(default=None, repr=False)
    noise: Array64 | None = field(default=None, repr=False)

    @property
    def bands(self) -> int:
        """Number of bands."""
        return len(self.centres)


@dataclass(frozen=True, eq=False)
class SpectralMoments:
    """Second moments of clean spectra on one band table.

    Attributes:
        centres: (K,) nm, rising.
        log: (2, K, K) of log radiance: mean of outer products, then the same of what differs from the
            scene's mean spectrum.
        unit: (2, K, K) the same of radiance over its scene's greatest.
    """

    centres: Array64
    log: Array64
    unit: Array64


def resampling(source: Array64, centres: Array64, fwhm: Array64) -> Array64:
    """Return the (bands, K) matrix from values on ``source`` to those of bands with Gaussian responses.

    Values between are linear; beyond the ends the nearest counts.

    Args:
        source: (K,) nm, rising.
        centres: (bands,) nm.
        fwhm: (bands,) nm.
    """
    spacing = np.interp(centres, source, np.gradient(source))
    # The source's own responses have blurred spectra already.
    extra = np.sqrt(np.maximum(fwhm**2 - spacing**2, 0.0)) * SIGMA_PER_FWHM
    offsets = np.linspace(-2.0, 2.0, 9)
    response = np.exp(-0.5 * offsets**2)
    response /= response.sum()
    matrix = np.zeros((len(centres), len(source)))
    rows = np.arange(len(centres))
    for offset, share in zip(offsets, response, strict=True):
        at = np.clip(centres + offset * extra, source[0], source[-1])
        index = np.clip(np.searchsorted(source, at) - 1, 0, len(source) - 2)
        part = (at - source[index]) / (source[index + 1] - source[index])
        np.add.at(matrix, (rows, index), share * (1.0 - part))
        np.add.at(matrix, (rows, index + 1), share * part)
    return matrix


def fit_subspace(
    moments: SpectralMoments, table: BandTable, components: int, *, within: bool = False
) -> Array64:
    """Return the (bands, components) shapes of a band table, each times its coefficients' deviation.

    Over the table's noise the columns are orthogonal, strongest first, and coefficients of clean spectra
    have unit variance; the largest entry of each is positive. Where a table has fewer bands than components,
    the rest is zero.

    Args:
        moments: Of clean spectra.
        table: Bands wanted.
        components: Number of shapes.
        within: Of what differs from a scene's mean spectrum, in place of whole spectra.
    """
    kept = moments.log if table.domain == "log" else moments.unit
    matrix = resampling(moments.centres, table.centres, table.fwhm)
    whole = matrix @ kept[0] @ matrix.T
    moment = matrix @ kept[1] @ matrix.T if within else whole
    if table.domain == "unit":
        moment = moment * (UNIT_LEVEL**2 / max(float(np.diag(whole).max()), LEAST_VARIANCE))
        moment += 0.0 if within else OFFSET_SHARE**2
    elif table.gas is not None:
        moment = moment + np.outer(table.gas, table.gas)
    noise = np.ones(table.bands) if table.noise is None else table.noise
    values, vectors = np.linalg.eigh(moment / noise[:, None] / noise[None, :])
    order = np.argsort(values)[::-1][:components]
    shapes = noise[:, None] * vectors[:, order] * np.sqrt(np.maximum(values[order], LEAST_VARIANCE))
    shapes *= np.where(shapes[np.abs(shapes).argmax(axis=0), np.arange(shapes.shape[1])] < 0, -1.0, 1.0)
    missing = components - shapes.shape[1]
    return np.asarray(np.pad(shapes, ((0, 0), (0, missing))) if missing else shapes)
