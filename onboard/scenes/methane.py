"""How added methane dims each band: a curve, not a slope, for any table of bands.

The figures come from the MODTRAN look-up table of mag1c (Foote et al. 2020, IEEE TGRS,
doi:10.1109/TGRS.2020.2976888), averaged into 1 nm bins. Enhancements are in ppm m in that table's
own convention: the column added along the vertical, seen by light that passes it twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.scenes.response import Float64, band_weights, check_bands, read_numbers

MAX_ENHANCEMENT = 32000.0
_QUIET_LOG = 2e-4


@lru_cache(maxsize=1)
def _table() -> tuple[Float64, Float64, Float64, Float64]:
    """Return wavelengths (n,), weights (n,), enhancements (7,) and transmittances (n, 7)."""
    header, numbers = read_numbers("methane.csv")
    alphas = np.array([0.0, *(float(name.removeprefix("t_")) for name in header[2:])])
    ratio = np.concatenate([np.ones((len(numbers), 1)), numbers[:, 2:]], axis=1)
    return numbers[:, 0], numbers[:, 1], alphas, ratio


def _band_transmittance(centres: Float64, fwhm: Float64) -> tuple[Float64, Float64]:
    """Return enhancements (7,) and radiance-weighted band transmittances (7, bands)."""
    grid, radiance, alphas, ratio = _table()
    result = np.ones((alphas.size, centres.size))
    # Bands off the table do not absorb; the table's edges are quiet, so the cut leaves no step.
    inside = (centres > grid[0]) & (centres < grid[-1])
    if np.any(inside):
        weights = band_weights(grid, centres[inside], fwhm[inside]) * radiance
        weights /= weights.sum(axis=1, keepdims=True)
        result[:, inside] = (weights @ ratio).T
    return alphas, result


def log_transmittance(centres: ArrayLike, fwhm: ArrayLike) -> tuple[Float64, Float64]:
    """Log transmittance of added methane for each band at the points of the curve.

    Args:
        centres: (bands,) band centres in nm.
        fwhm: (bands,) full widths at half maximum in nm.

    Returns:
        Enhancements (A,) in ppm m, ascending from 0 to 32000, and the log of the two-way transmittance
        (A, bands) relative to no enhancement: 0 at first, falling or level with enhancement, exactly 0
        in bands that do not absorb. The last point continues each band's power law between 8000 and 16000.

    Raises:
        UsageError: a malformed band table.
    """
    alphas, transmittance = _band_transmittance(*check_bands(centres, fwhm))
    log_t = np.minimum.accumulate(np.log(transmittance / transmittance[0]), axis=0)
    log_t[:, -log_t[-1] < _QUIET_LOG] = 0.0
    # ln T grows as a power of the column, between its square root (strong lines) and linear (weak lines).
    ratio = np.divide(log_t[-1], log_t[-2], out=np.full(log_t.shape[1], 2.0), where=log_t[-2] < 0.0)
    growth = np.clip(ratio, np.sqrt(2.0), 2.0)
    extended = np.concatenate([log_t, (log_t[-1] * growth)[None, :]])
    return np.append(alphas, MAX_ENHANCEMENT), extended + 0.0


@dataclass(frozen=True)
class MethaneCurve:
    """Curve of ln transmittance against enhancement: ``alphas`` (A,) ppm m, ``log_t`` (A, bands)."""

    alphas: Float64
    log_t: Float64

    @cached_property
    def _slopes(self) -> Float64:
        """Slopes (A, bands) at the points, limited so that the cubic between them stays monotone.

        Fritsch and Butland 1984, SIAM J. Sci. Stat. Comput. 5, 300-304 (weighted harmonic mean).
        """
        step = np.diff(self.alphas)[:, None]
        secant = np.diff(self.log_t, axis=0) / step
        before, after = secant[:-1], secant[1:]
        w1, w2 = 2.0 * step[1:] + step[:-1], step[1:] + 2.0 * step[:-1]
        both = (before < 0.0) & (after < 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.where(both, (w1 + w2) / (w1 / before + w2 / after), 0.0)
        edge = ((2 * step[0] + step[1]) * secant[0] - step[0] * secant[1]) / (step[0] + step[1])
        first = np.clip(edge, 3.0 * secant[0], 0.0)
        return np.concatenate([first[None], inner, secant[-1:]])

    @cached_property
    def _nodes(self) -> NDArray[np.float32]:
        return np.concatenate([self.log_t, self._slopes * 1e3]).astype(np.float32)

    def __call__(self, enhancement: ArrayLike) -> NDArray[np.float32]:
        """Log transmittance (..., bands) float32 of enhancements (...) in ppm m.

        Monotone cubic (Hermite) interpolation; below 0 and above the last point the end value holds.
        """
        a = np.clip(np.asarray(enhancement, dtype=np.float64), 0.0, self.alphas[-1])
        flat = a.ravel()
        points = self.alphas.size
        i = np.clip(np.searchsorted(self.alphas, flat, side="right") - 1, 0, points - 2)
        step = self.alphas[i + 1] - self.alphas[i]
        t = (flat - self.alphas[i]) / step
        basis = np.zeros((flat.size, 2 * points), dtype=np.float32)
        rows = np.arange(flat.size)
        basis[rows, i] = (1.0 + 2.0 * t) * (1.0 - t) ** 2
        basis[rows, i + 1] = t * t * (3.0 - 2.0 * t)
        basis[rows, points + i] = t * (1.0 - t) ** 2 * step * 1e-3
        basis[rows, points + i + 1] = t * t * (t - 1.0) * step * 1e-3
        log_t: NDArray[np.float32] = np.minimum(basis @ self._nodes, np.float32(0.0))
        return log_t.reshape(*a.shape, self._nodes.shape[1])


def methane_curve(centres: ArrayLike, fwhm: ArrayLike) -> MethaneCurve:
    """Return the curve of a band table: centres and FWHM (bands,) in nm (see `log_transmittance`)."""
    return MethaneCurve(*log_transmittance(centres, fwhm))


def apply(enhancement: ArrayLike, table: MethaneCurve | tuple[Float64, Float64]) -> NDArray[np.float32]:
    """Log transmittance (n, bands) float32 of enhancements (n,) ppm m; add it to ln radiance.

    Args:
        enhancement: (n,) or any shape, ppm m; clipped to the range of the curve.
        table: a `MethaneCurve`, or what `log_transmittance` returns (slower if called often).
    """
    curve = table if isinstance(table, MethaneCurve) else MethaneCurve(*table)
    return curve(enhancement)
