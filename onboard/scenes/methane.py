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

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, like, namespace
from onboard.scenes.response import Float64, band_weights, check_bands, read_numbers

MAX_ENHANCEMENT = 32000.0
STRONGEST_ENHANCEMENT = 200_000.0
# Error of ln T that the shared growth curves of a `MethaneTable` may leave; step of their grid in ppm m.
_RANK_ERROR = 2e-6
_GRID_STEP = 16.0
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


@dataclass(frozen=True)
class MethaneTable:
    """Methane's ln transmittance for batched tiles: a few curves of growth that all bands share, and weights.

    ln T of band b at enhancement a is the sum over r of growth[a, r] weights[r, b]: the curves of
    `methane_curve` to 2e-6, as so few suffice, on a fine even grid of enhancement. A map then costs one
    look-up a pixel and one small matrix product. Bands that do not absorb have weights of exactly 0.

    Attributes:
        growth: (grid, rank) float32, of any array library; 0 at no enhancement.
        weights: (rank, bands) float32, or (n, rank, bands) where each tile of a batch has its own bands.
        step_ppm_m: Distance of the grid's points.
    """

    growth: Array
    weights: Array
    step_ppm_m: float = _GRID_STEP

    def on(self, array: Array) -> MethaneTable:
        """Return the table on the library and device of an array."""
        return MethaneTable(like(self.growth, array), like(self.weights, array), self.step_ppm_m)


def methane_table(
    centres: ArrayLike, fwhm: ArrayLike, *, strongest: float = STRONGEST_ENHANCEMENT
) -> MethaneTable:
    """Return the table of band tables, on NumPy.

    Up to 32,000 ppm m it is `methane_curve`; beyond, each band's power law between 16,000 and 32,000 goes on.

    Args:
        centres: Band centres (bands,) in nm, or (n, bands) for n tables.
        fwhm: Full widths at half maximum in nm, likewise.
        strongest: Enhancement in ppm m up to which it reaches.

    Raises:
        UsageError: If a band table is malformed or ``strongest`` is less than 32,000 or more than 1e6.
    """
    if not MAX_ENHANCEMENT <= strongest <= 1e6:
        raise UsageError(
            "a table of methane ends where it cannot",
            field="strongest",
            found=strongest,
            expected=f"{MAX_ENHANCEMENT:g} to 1e6 ppm m",
        )
    middle, width = np.asarray(centres, np.float64), np.asarray(fwhm, np.float64)
    if middle.shape != width.shape or middle.ndim not in (1, 2):
        raise UsageError(
            "band centres and widths differ in shape",
            found=(middle.shape, width.shape),
            expected="(bands,) or (n, bands) both",
        )
    grid = np.arange(0.0, strongest + _GRID_STEP, _GRID_STEP)
    tables = zip(np.atleast_2d(middle), np.atleast_2d(width), strict=True)
    growth, weights = _few(np.concatenate([_continued(c, f, grid) for c, f in tables], axis=1))
    weights = weights.reshape(len(weights), *np.atleast_2d(middle).shape).swapaxes(0, 1)
    weights = weights.reshape(*middle.shape[:-1], growth.shape[1], middle.shape[-1])
    return MethaneTable(growth.astype(np.float32), np.ascontiguousarray(weights, np.float32))


def _few(curves: Float64) -> tuple[Float64, Float64]:
    """Write curves (grid, bands) as few curves (grid, rank) times weights (rank, bands), to `_RANK_ERROR`."""
    left, size, right = np.linalg.svd(curves, full_matrices=False)
    # The remainder at a point is at most the root of its own power, since the bands' vectors are orthonormal.
    power = np.cumsum(((left * size) ** 2)[:, ::-1], axis=1)[:, ::-1]
    rank = max(1, int(np.count_nonzero(power.max(axis=0) > _RANK_ERROR**2)))
    weights = size[:rank, None] * right[:rank]
    weights[:, ~curves.any(axis=0)] = 0.0
    return left[:, :rank] - left[:1, :rank], weights


def _continued(centres: Float64, fwhm: Float64, grid: Float64) -> Float64:
    """Return ln T (grid, bands) of one band table, its power law continued beyond its last point."""
    curve = methane_curve(centres, fwhm)
    ends = curve.log_t[-2:]
    ratio = np.divide(ends[1], ends[0], out=np.ones(len(centres)), where=ends[0] < 0.0)
    power = np.log2(np.maximum(ratio, 1.0))
    beyond = np.maximum(grid / MAX_ENHANCEMENT, 1.0)[:, None]
    return np.asarray(np.where(beyond > 1.0, ends[1] * beyond**power, curve(grid)), np.float64)


def attenuation(enhancement: Array, table: MethaneTable) -> Array:
    """Return the ln transmittance of added methane; add it to ln radiance.

    Args:
        enhancement: (...) ppm m, float32 of any array library; outside of 0 and the table's end the end
            value holds. Where the table has weights of its own for n tiles, (n, ...).
        table: See `methane_table`; brought to the array's library with `MethaneTable.on`.

    Returns:
        float32 (..., bands): exactly 0 without enhancement, else less, but for the table's error of 2e-6.
    """
    xp = namespace(enhancement)
    points, rank = table.growth.shape
    place = xp.clip(enhancement * (1 / table.step_ppm_m), min=0.0, max=float(points - 1))
    below = xp.clip(xp.floor(place), max=float(points - 2))
    first = xp.reshape(xp.astype(below, xp.int64), (-1,))
    low = xp.take(table.growth, first, axis=0)
    high = xp.take(table.growth, first + 1, axis=0)
    growth = low + (high - low) * xp.reshape(place - below, (-1, 1))
    lead = table.weights.shape[:-2]
    log_t = xp.matmul(xp.reshape(growth, (*lead, -1, rank)), table.weights)
    return xp.reshape(log_t, (*enhancement.shape, table.weights.shape[-1]))
