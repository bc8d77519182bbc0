"""Adjacency: light scattered on its way up comes from the neighbourhood of the pixel.

The environment function of 6S (Vermote et al. 1997, IEEE TGRS 35, 675-686; Tanre et al. 1981, Appl. Opt. 20,
3676-3684) is the share of that light that comes from within r km of a pixel, for a sensor above the air:

    F_aerosol(r)  = 1 - 0.375 exp(-0.20 r) - 0.625 exp(-1.83 r)
    F_molecules(r) = 1 - 0.930 exp(-0.08 r) - 0.070 exp(-1.10 r)

Two kernels stand in for the four terms: a near one of 1/1.83 km and a far one of 5 km. F = 1 - exp(-k r) has
a mean square distance of 2/k^2, and so has a Gaussian of sigma 1/k, which is separable. Blurred reflectance
is smooth: it is kept at 1/8 of the resolution and interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from onboard.scenes.arrays import Array, like, namespace
from onboard.scenes.response import Float64

POOL = 8
NEAR_KM = 1.0 / 1.83
FAR_KM = 5.0


@dataclass(frozen=True)
class Environment:
    """Reflectance of each pixel's surroundings, kept coarse.

    Attributes:
        values: (n, coarse lines, coarse samples, bands), float32.
        shape: Lines and samples of the scene.
        pool: Pixels of the scene along one of the coarse map.
    """

    values: Array
    shape: tuple[int, int]
    pool: int = POOL

    @classmethod
    def from_coarse(
        cls,
        coarse: Array,
        near: Array,
        shape: tuple[int, int],
        *,
        pool: int = POOL,
        pixel_m: float = 60.0,
    ) -> Environment:
        """Blur a coarse map of reflectance.

        Args:
            coarse: Mean reflectance of each ``pool`` x ``pool`` pixels, (n, coarse lines, coarse samples,
                bands); cells at the far edges may hold fewer.
            near: Share of the near kernel, (bands,) or (n, 1, 1, bands): ``Light.near``.
            shape: Lines and samples of the scene.
            pool: Pixels along a cell.
            pixel_m: Size of a pixel in metres.
        """
        cell_km = pool * pixel_m * 1e-3
        close = _blurred(coarse, NEAR_KM / cell_km)
        far = _blurred(coarse, FAR_KM / cell_km)
        return cls(far + near * (close - far), shape, pool)

    def line(self, line: int) -> Array:
        """Return the environment of a line, (n, samples, bands), by bilinear interpolation."""
        xp = namespace(self.values)
        lower, upper, share = _places(self.shape[0], self.values.shape[1], self.pool)
        w = float(share[line])
        rows = self.values[:, int(lower[line]), :, :] * (1 - w) + self.values[:, int(upper[line]), :, :] * w
        left, right, share = _places(self.shape[1], self.values.shape[2], self.pool)
        result = xp.take(rows, like(left, rows, "int64"), axis=1)
        step = xp.take(rows, like(right, rows, "int64"), axis=1)
        step -= result
        step *= like(share, rows)[:, None]
        result += step
        return result

    def all(self, lines: slice = slice(None)) -> Array:
        """Return the environment of every pixel of some lines, (n, lines, samples, bands)."""
        down = like(_interpolation(self.shape[0], self.values.shape[1], self.pool)[lines], self.values)
        across = like(_interpolation(self.shape[1], self.values.shape[2], self.pool), self.values)
        return across @ _along_lines(down, self.values)


def environment(reflectance: Array, near: Array, *, pixel_m: float = 60.0, pool: int = POOL) -> Array:
    """Return the environment's reflectance of tiles, (n, lines, samples, bands).

    Args:
        reflectance: (n, lines, samples, bands).
        near: Share of the near kernel, (bands,) or (n, 1, 1, bands).
        pixel_m: Size of a pixel in metres.
        pool: Pixels along a cell of the coarse map.
    """
    shape = (reflectance.shape[1], reflectance.shape[2])
    coarse = pooled(reflectance, pool)
    return Environment.from_coarse(coarse, near, shape, pool=pool, pixel_m=pixel_m).all()


def pooled(values: Array, pool: int = POOL) -> Array:
    """Average (n, lines, samples, bands) over squares of ``pool`` pixels; edge squares may be smaller."""
    across = like(_pooling(values.shape[2], pool), values)
    down = like(_pooling(values.shape[1], pool), values)
    return _along_lines(down, across @ values)


def pooled_maps(maps: Array, pool: int = POOL) -> Array:
    """Average maps (..., lines, samples) over squares of ``pool`` pixels; edge squares may be smaller."""
    xp = namespace(maps)
    down = like(_pooling(maps.shape[-2], pool), maps)
    across = like(_pooling(maps.shape[-1], pool).T, maps)
    return xp.matmul(down, xp.matmul(maps, across))


def coarse_size(size: int, pool: int = POOL) -> int:
    """Return the number of coarse cells along a side of ``size`` pixels."""
    return -(-size // pool)


def _blurred(coarse: Array, sigma: float) -> Array:
    """Blur by a Gaussian of ``sigma`` cells, normalised at the edges."""
    down = like(_gaussian(coarse.shape[1], sigma), coarse)
    across = like(_gaussian(coarse.shape[2], sigma), coarse)
    return across @ _along_lines(down, coarse)


def _along_lines(matrix: Array, values: Array) -> Array:
    """Apply a matrix (m, lines) to the lines of (n, lines, samples, bands)."""
    xp = namespace(values)
    n, lines, samples, bands = values.shape
    flat = matrix @ xp.reshape(values, (n, lines, samples * bands))
    return xp.reshape(flat, (n, matrix.shape[0], samples, bands))


def _gaussian(size: int, sigma: float) -> Float64:
    distance = np.arange(size)[:, None] - np.arange(size)[None, :]
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _pooling(size: int, pool: int) -> Float64:
    member = (np.arange(size)[None, :] // pool == np.arange(coarse_size(size, pool))[:, None]).astype(float)
    return np.asarray(member / member.sum(axis=1, keepdims=True))


def _places(size: int, cells: int, pool: int) -> tuple[Float64, Float64, Float64]:
    """Return for each pixel the cells on either side and the share of the upper one."""
    place = np.clip((np.arange(size) + 0.5) / pool - 0.5, 0, cells - 1)
    lower = np.minimum(np.floor(place), cells - 1)
    return lower, np.minimum(lower + 1, cells - 1), place - lower


@lru_cache(maxsize=16)
def _interpolation(size: int, cells: int, pool: int) -> Float64:
    lower, upper, share = _places(size, cells, pool)
    cell = np.arange(cells)
    return np.asarray(
        (1 - share)[:, None] * (cell == lower[:, None]) + share[:, None] * (cell == upper[:, None])
    )
