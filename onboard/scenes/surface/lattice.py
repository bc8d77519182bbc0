"""Lattices: cells with properties of their own, by which many small things are laid without a loop."""

from __future__ import annotations

import numpy as np

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import coordinates
from onboard.scenes.surface.tools import look_up, on_pixels

HASH_SIZE = 1024
PRIMES = (73_856_093, 19_349_663)


def turned_coordinates(random: Random, shape: tuple[int, int, int], angle: Array) -> tuple[Array, Array]:
    """Return pixel coordinates (u, v), (n, lines, samples), in axes turned by ``angle`` (n,) radians."""
    xp = random.xp
    line, sample = coordinates(random, (shape[1], shape[2]))
    cos, sin = on_pixels(xp.cos(angle)), on_pixels(xp.sin(angle))
    return sample * cos + line * sin, line * cos - sample * sin


def cell_hash(column: Array, row: Array) -> Array:
    """Map cells (integral floats) to 0 .. HASH_SIZE - 1, int32, without visible order."""
    xp = namespace(column)
    mixed = xp.astype(column, xp.int32) * PRIMES[0] ^ xp.astype(row, xp.int32) * PRIMES[1]
    mixed = mixed ^ (mixed >> 13)
    mixed = mixed * 5 + (mixed >> 7)
    return (mixed ^ (mixed >> 11)) & (HASH_SIZE - 1)


def cells(u: Array, v: Array, width: Array, height: Array) -> tuple[Array, Array, Array, Array]:
    """Return columns and rows of cells, and places within them in pixels from their centres."""
    xp = namespace(u)
    column, row = xp.floor(u / width), xp.floor(v / height)
    return column, row, u - (column + 0.5) * width, v - (row + 0.5) * height


def properties(random: Random, n: int, count: int) -> Array:
    """Draw properties of cells, uniform in 0-1, float32 (n, HASH_SIZE, count)."""
    return random.uniform((n, HASH_SIZE, count))


def of_cell(table: Array, column: Array, row: Array) -> list[Array]:
    """Return each property of the cells that pixels lie in, (n, lines, samples)."""
    found = look_up(table, cell_hash(column, row))
    return [found[..., i] for i in range(table.shape[-1])]


def soft_box(du: Array, dv: Array, half_u: Array, half_v: Array) -> Array:
    """Return the share of a pixel that a rectangle of half sides covers, at distances from its centre."""
    xp = namespace(du)
    wide = xp.minimum(2 * half_u, xp.ones_like(half_u)) if hasattr(half_u, "shape") else min(2 * half_u, 1.0)
    high = xp.minimum(2 * half_v, xp.ones_like(half_v)) if hasattr(half_v, "shape") else min(2 * half_v, 1.0)
    across = xp.minimum(xp.clip(half_u + 0.5 - xp.abs(du), min=0.0), wide)
    return across * xp.minimum(xp.clip(half_v + 0.5 - xp.abs(dv), min=0.0), high)


def turn(random: Random, n: int, widest: float = float(np.pi)) -> Array:
    """Draw angles (n,) in radians."""
    return random.uniform((n,), 0.0, widest)
