"""Small tools of the maps: cheap smooth fields, tables looked up by pixel, and draws that differ by scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from array_api_compat import device
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random, Shape, namespace
from onboard.scenes.random_fields import spectral_field

Groups = Mapping[str, Sequence[int]]


def on_pixels(values: Array) -> Array:
    """Bring parameters (...) to (..., 1, 1), to broadcast over pixels."""
    return values[..., None, None]


def log_uniform(random: Random, shape: Shape, low: float, high: float) -> Array:
    """Draw values whose logarithm is uniform between those of ``low`` and ``high``."""
    return random.xp.exp(random.uniform(shape, float(np.log(low)), float(np.log(high))))


@lru_cache(maxsize=32)
def spline_rows(length: int, step: int) -> NDArray[np.float32]:
    """Matrix (length, ceil((length - 1) / step) + 4) of the uniform cubic B-spline, a node each ``step``."""
    rows = np.zeros((length, -(-(length - 1) // step) + 4), np.float32)
    place = np.arange(length) / step
    first = np.floor(place).astype(np.int64)
    t = place - first
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3)
    for offset, weight in enumerate(weights):
        rows[np.arange(length), first + offset] = weight / 6
    return rows


def smooth_field(
    random: Random,
    shape: Shape,
    *,
    outer: float | Array,
    step: int,
    slope: float = 3.4,
    stretch: float | Array = 1.0,
    angle: float | Array = 0.0,
    margin: int = 0,
) -> Array:
    """Draw Gaussian fields that are smooth over ``step`` pixels, on a coarse grid taken up by a B-spline.

    Cheaper than ``spectral_field`` by about the square of the step. A field keeps mean 0 and standard
    deviation near 1 over ``margin`` pixels more than asked for, so a small map has a mean of its own.

    Args:
        random: Source of chance.
        shape: (..., lines, samples).
        outer: Outer scale in pixels, number or (...); at least about four steps.
        step: Pixels between the nodes of the coarse grid.
        slope: Exponent of the power spectrum.
        stretch: Ratio of the correlation lengths along and across ``angle``.
        angle: Direction of the stretch in radians from the sample axis.
        margin: Pixels by which the field is drawn larger than asked for.

    Returns:
        float32, ``shape``.
    """
    xp = random.xp
    down, across = spline_rows(shape[-2], step), spline_rows(shape[-1], step)
    lines, samples = down.shape[1], across.shape[1]
    more = -(-margin // step)
    coarse = spectral_field(
        random,
        (*shape[:-2], lines + more, samples + more),
        outer=outer / step,
        slope=slope,
        stretch=stretch,
        angle=angle,
        margin=0,
    )
    coarse = coarse[..., :lines, :samples]
    return xp.matmul(xp.matmul(random.asarray(down), coarse), random.asarray(across.T))


def look_up(table: Array, index: Array) -> Array:
    """Return the rows of each scene's table that a map names.

    Args:
        table: (n, rows, k).
        index: Integers (n, ...), each below ``rows``.

    Returns:
        (n, ..., k).
    """
    xp = namespace(table)
    n, rows, columns = table.shape
    first = rows * xp.arange(n, dtype=xp.int64, device=device(table))
    flat = xp.reshape(
        xp.astype(index, xp.int64) + xp.reshape(first, (n, *(1 for _ in index.shape[1:]))), (-1,)
    )
    found = xp.take(xp.reshape(table, (n * rows, columns)), flat, axis=0)
    return xp.reshape(found, (*index.shape, columns))


def normal_level(share: Array) -> Array:
    """Return the level that a standard normal variable tops with probability ``share`` (0-0.5).

    Rational approximation 26.2.23 of Abramowitz and Stegun, Handbook of Mathematical Functions, 1964;
    absolute error below 4.5e-4.
    """
    xp = namespace(share)
    t = xp.sqrt(-2 * xp.log(xp.clip(share, min=1e-7, max=0.5)))
    top = 2.515517 + t * (0.802853 + t * 0.010328)
    return t - top / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))


def draw_members(
    random: Random, groups: Groups, odds: Sequence[Mapping[str, float]], shape: Shape
) -> tuple[Array, Array]:
    """Draw endmembers of groups with odds that differ by scene.

    Args:
        random: Source of chance.
        groups: Endmember numbers by group.
        odds: Odds of groups, one table a scene (n); groups that are missing or empty are passed over.
        shape: What is drawn for each scene.

    Returns:
        Endmember numbers and kinds, int64 (n, *shape); a kind is the place among the groups named by any
        table, in sorted order (see ``kinds_of``).

    Raises:
        UsageError: If a scene has no group to draw from.
    """
    xp = random.xp
    names = kinds_of(odds)
    chances = np.array([[table.get(k, 0.0) * bool(groups.get(k)) for k in names] for table in odds])
    if not (chances.sum(axis=1) > 0).all():
        raise UsageError("no endmembers to mix ground from", field="groups", expected=", ".join(names))
    levels = np.cumsum(chances, axis=1)[:, :-1] / chances.sum(axis=1, keepdims=True)
    wide = (len(odds), *(1 for _ in shape), len(names) - 1)
    drawn = random.uniform((len(odds), *shape))[..., None] >= xp.reshape(random.asarray(levels), wide)
    kinds = xp.sum(xp.astype(drawn, xp.int64), axis=-1)
    table = np.zeros((len(names), 1 + max(len(groups.get(k, ())) for k in names)), np.int64)
    for row, name in enumerate(names):
        own = groups.get(name, ())
        table[row, 0] = len(own)
        table[row, 1 : 1 + len(own)] = own
    flat = xp.reshape(kinds, (-1,))
    sizes = xp.take(random.asarray(table[:, 0]), flat)
    place = xp.astype(xp.floor(random.uniform((flat.shape[0],)) * sizes), xp.int64)
    members = xp.take(random.asarray(table.reshape(-1), "int64"), flat * table.shape[1] + 1 + place)
    return xp.reshape(members, kinds.shape), kinds


def kinds_of(odds: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the names of all groups of tables of odds, sorted."""
    return sorted(set().union(*odds))
