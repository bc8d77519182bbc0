"""Drainage networks: where water gathers and how valleys are cut, on a coarse grid that flows one way.

The network is the directed one of Scheidegger (1967, Bull. Int. Assoc. Sci. Hydrol. 12, 15-20): every cell
drains into one of the three below it, here the lowest of a rough surface. It has no pits to fill, gives the
branching and the power-law areas of real rivers, and runs row by row for a whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import spectral_field, standardised
from onboard.scenes.surface.tools import look_up, on_pixels

CELL = 2
INCISION = 0.9
# Widths of valleys in cells: of their floors, and of their sides.
WIDTHS = (1.2, 5.0)
ROWS, REACH = 256, 50


@dataclass(frozen=True)
class Drainage:
    """A drainage network, standing on its own grid.

    Attributes:
        surface: (n, rows, columns, 3): height without its fall, natural logarithm of the cells drained, and
            closeness to a valley's floor (standard normal), float32; columns are periodic.
    """

    surface: Array

    def at(self, row: Array, column: Array) -> tuple[Array, Array, Array]:
        """Return the three surfaces at places (n, lines, samples) in cells, bilinear."""
        xp = namespace(row)
        n, rows, columns = self.surface.shape[:3]
        row = xp.clip(row, min=0.0, max=rows - 1.001)
        r0, c0 = xp.floor(row), xp.floor(column)
        fr, fc = (row - r0)[..., None], (column - c0)[..., None]
        r0, c0 = xp.astype(r0, xp.int64), xp.remainder(xp.astype(c0, xp.int64), columns)
        c1 = xp.remainder(c0 + 1, columns)
        table = xp.reshape(self.surface, (n, rows * columns, 3))
        upper = look_up(table, r0 * columns + c0) * (1 - fc) + look_up(table, r0 * columns + c1) * fc
        r1 = r0 + 1
        lower = look_up(table, r1 * columns + c0) * (1 - fc) + look_up(table, r1 * columns + c1) * fc
        found = upper + (lower - upper) * fr
        return found[..., 0], found[..., 1], found[..., 2]


def draw_drainage(random: Random, n: int, rows: int, columns: int, rough: Array) -> Drainage:
    """Draw networks that flow towards higher rows.

    Args:
        random: Source of chance.
        n: Scenes.
        rows: Cells along the flow.
        columns: Cells across it.
        rough: How much valleys are cut in, (n,), about 0-1.5; the standard deviation of what they are cut
            into is 1.

    Returns:
        The networks.
    """
    xp = random.xp
    ground = spectral_field(random.child("ground"), (n, rows, columns), outer=90.0, slope=3.3, margin=0)
    drained = drained_cells(ground)
    valley = standardised(blurred(random, drained))
    height = ground - INCISION * on_pixels(rough) * valley
    return Drainage(xp.stack([height, drained, valley], axis=-1))


def drained_cells(ground: Array) -> Array:
    """Return the natural logarithm of the cells that drain through each, itself included.

    Args:
        ground: Heights (n, rows, columns); each cell drains into the lowest of the three in the next row.
            Columns are periodic.

    Returns:
        float32 (n, rows, columns). Where a channel steps sideways, the cell beside it has half of its area,
        so that channels stay whole when they are interpolated.
    """
    xp = namespace(ground)
    below = ground[:, 1:, :]
    left, right = xp.roll(below, 1, axis=2), xp.roll(below, -1, axis=2)
    to_left = xp.astype((left < below) & (left < right), xp.float32)
    to_right = xp.astype((right <= left) & (right < below), xp.float32)
    straight = 1 - to_left - to_right
    row = xp.ones_like(ground[:, 0, :])
    rows = [row]
    for r in range(ground.shape[1] - 1):
        from_right = xp.roll(row * to_left[:, r, :], -1, axis=1)
        from_left = xp.roll(row * to_right[:, r, :], 1, axis=1)
        row = 1 + row * straight[:, r, :] + from_right + from_left
        rows.append(row)
    cells = xp.stack(rows, axis=1)
    upper = cells[:, :-1, :]
    beside = xp.maximum(xp.roll(upper * to_left, -1, axis=2), xp.roll(upper * to_right, 1, axis=2))
    whole = xp.maximum(upper, 0.5 * beside)
    return xp.log(xp.concat([whole, cells[:, -1:, :]], axis=1))


def blurred(random: Random, field: Array) -> Array:
    """Blur fields (n, rows, columns), columns periodic, so that channels become V-shaped valleys."""
    xp = random.xp
    rows, columns = field.shape[1:]
    gain = np.fft.rfft(_kernel(columns, True)[0]).real
    across = xp.fft.irfft(xp.fft.rfft(field, axis=2) * random.asarray(gain), n=columns, axis=2)
    across = xp.astype(across, xp.float32, copy=False)
    kernel = random.asarray(_kernel(rows, False))
    parts = []
    # Far rows weigh next to nothing, so long grids are taken in blocks.
    for start in range(0, rows, ROWS):
        stop = min(start + ROWS, rows)
        near = slice(max(0, start - REACH), min(rows, stop + REACH))
        parts.append(xp.matmul(kernel[start:stop, near], across[:, near, :]))
    return xp.concat(parts, axis=1)


@lru_cache(maxsize=8)
def _kernel(size: int, periodic: bool) -> NDArray[np.float64]:
    """Matrix (size, size) that blurs by two exponentials of the distance; rows sum to 1."""
    gap = np.abs(np.arange(size)[:, None] - np.arange(size))
    gap = np.minimum(gap, size - gap) if periodic else gap
    kernels = [np.exp(-gap / width) for width in WIDTHS]
    return sum((k / k.sum(axis=1, keepdims=True) for k in kernels), np.zeros((size, size))) / len(kernels)
