"""Provinces: where one kind of ground gives way to the next, and over what distance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import coordinates, smooth_step, spectral_field
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.terrain import Terrain
from onboard.scenes.surface.tools import log_uniform, look_up, on_pixels, smooth_field

SPACING = 220.0
TILE_PROVINCES = 4
MOST_PROVINCES = 64
BLOCK = 1_500_000


@dataclass(frozen=True)
class Provinces:
    """Provinces of scenes; each pixel lies in one and, near a border, partly in a second.

    Attributes:
        random: Source of the arrays' library and device.
        count: Provinces a scene.
        first: Number of the nearest province, uint8 (n, lines, samples).
        second: Number of the next.
        mix: Share of the second, float (n, lines, samples), 0-0.5.
        angle: Direction of the grain of the land, (n,), radians from the sample axis.
        stretch: Ratio of lengths along and across it, (n,).
    """

    random: Random
    count: int
    first: Array
    second: Array
    mix: Array
    angle: Array
    stretch: Array

    def presence(self, rows: slice, numbers: Array | None = None) -> Array:
        """Return the share of provinces in some lines, float32 (n, provinces, lines, samples).

        Args:
            rows: Lines that are wanted.
            numbers: Which provinces, uint8 (provinces,); by default all of them.
        """
        xp = self.random.xp
        numbers = self.random.asarray(np.arange(self.count), "uint8") if numbers is None else numbers
        numbers = numbers[:, None, None]
        mix = xp.astype(self.mix[:, None, rows, :], xp.float32)
        one = xp.astype(self.first[:, None, rows, :] == numbers, xp.float32)
        two = xp.astype(self.second[:, None, rows, :] == numbers, xp.float32)
        return one + mix * (two - one)

    def blocks(self) -> Iterator[tuple[slice, Array, Array]]:
        """Yield lines, the numbers of provinces that may lie there, int64, and those provinces' presence.

        A batch is one block of all provinces. A single scene is taken a few lines at a time, with only the
        provinces that occur in them.
        """
        xp = self.random.xp
        n, lines, samples = self.first.shape
        step = max(1, BLOCK // (self.count * samples)) if n == 1 else lines
        numbers = self.random.asarray(np.arange(self.count), "uint8")
        for start in range(0, lines, step):
            rows = slice(start, min(start + step, lines))
            if step < lines:
                both = xp.concat([self.first[:, rows, :], self.second[:, rows, :]], axis=0)
                numbers = xp.unique_values(both)
            yield rows, xp.astype(numbers, xp.int64), self.presence(rows, numbers)


def spread(table: Array, presence: Array) -> Array:
    """Spread figures of provinces over pixels, blended at borders.

    Args:
        table: (n, provinces, k).
        presence: Share of every province, (n, provinces, lines, samples).

    Returns:
        float32 (n, k, lines, samples).
    """
    xp = namespace(table)
    n, count, lines, samples = presence.shape
    flat = xp.matmul(xp.matrix_transpose(table), xp.reshape(presence, (n, count, lines * samples)))
    return xp.reshape(flat, (n, table.shape[-1], lines, samples))


def draw_provinces(
    random: Random, shape: tuple[int, int, int], figures: Figures, terrain: Terrain, *, tile: bool
) -> Provinces:
    """Draw provinces as a Voronoi map of bent, stretched and interfingering coordinates.

    Args:
        random: Source of chance.
        shape: (n, lines, samples).
        figures: Figures of the scenes' climates.
        terrain: Its heights bend the borders.
        tile: Whether these are small tiles, which show two to four provinces, or captures, whose provinces
            are about 100-500 pixels across.

    Returns:
        The provinces.
    """
    n, lines, samples = shape
    angle = random.child("angle").uniform((n,), 0.0, np.pi)
    stretch = figures.draw("foliation")
    reach = 0.15 if tile else 0.5 * SPACING / max(lines, samples)
    area = (lines * (1 + 2 * reach)) * (samples * (1 + 2 * reach))
    count = TILE_PROVINCES if tile else int(np.clip(round(area / SPACING**2), 4, MOST_PROVINCES))
    line, sample = _bent(random, shape, terrain, tile=tile)
    seeds = random.child("seeds").uniform((2, n, count), -reach, 1 + reach)
    along, across = _turned(random, line, sample, angle, stretch)
    seed_along, seed_across = _turned(random, lines * seeds[0], samples * seeds[1], angle, stretch, dims=1)
    weight = random.child("weight").uniform((n, count), 0.7, 1.4)
    width = log_uniform(random.child("width"), (n, count, 1), 2.0, 40.0)
    parts = []
    step = max(1, BLOCK // (16 * samples)) if n == 1 else lines
    for start in range(0, lines, step):
        rows = slice(start, min(start + step, lines))
        parts.append(_nearest(along[:, rows], across[:, rows], seed_along, seed_across, weight, width))
    first, second, mix = (random.xp.concat([part[i] for part in parts], axis=1) for i in range(3))
    return Provinces(random, count, first, second, mix, angle, stretch)


def _bent(
    random: Random, shape: tuple[int, int, int], terrain: Terrain, *, tile: bool
) -> tuple[Array, Array]:
    """Return line and sample numbers (n, lines, samples), bent by terrain and at three scales by chance."""
    n, lines, samples = shape
    pair = (n, 2, lines, samples)
    fine = spectral_field(random.child("ragged"), pair if not tile else (n, 1, lines, samples),
                          outer=12.0, slope=2.6, margin=0)  # fmt: skip
    middle = smooth_field(random.child("middle"), pair, outer=40.0, step=4, slope=3.2)
    off = 5.0 * middle
    if not tile:
        off = off + 24.0 * smooth_field(
            random.child("wide"), pair, outer=130.0, step=8, slope=3.6, margin=130
        )
    ragged = on_pixels(log_uniform(random.child("raggedness"), (n,), 1.0, 4.0))
    lift = 8.0 * terrain.height
    line, sample = coordinates(random, (lines, samples))
    return line + off[:, 0] + ragged * fine[:, 0] + lift, sample + off[:, 1] + ragged * fine[:, -1] - lift


def _turned(
    random: Random, line: Array, sample: Array, angle: Array, stretch: Array, dims: int = 2
) -> tuple[Array, Array]:
    """Return coordinates along and across the grain of the land, scaled so that it looks round."""
    xp = random.xp
    wide = (angle.shape[0], *(1 for _ in range(dims)))
    cos, sin, root = (xp.reshape(a, wide) for a in (xp.cos(angle), xp.sin(angle), xp.sqrt(stretch)))
    return (sample * cos + line * sin) / root, (line * cos - sample * sin) * root


def _nearest(
    along: Array, across: Array, seed_along: Array, seed_across: Array, weight: Array, width: Array
) -> tuple[Array, Array, Array]:
    """Return the two nearest provinces and the share of the second, which falls over the border's width."""
    xp = namespace(along)
    best = xp.full_like(along, 1e9)
    second = xp.full_like(along, 2e9)
    one = xp.zeros_like(along, dtype=xp.uint8)
    two = xp.zeros_like(along, dtype=xp.uint8)
    for index in range(weight.shape[1]):
        seed_a, seed_b, own = (on_pixels(a[:, index]) for a in (seed_along, seed_across, weight))
        gap_a, gap_b = along - seed_a, across - seed_b
        distance = own * xp.sqrt(gap_a * gap_a + gap_b * gap_b)
        nearer = distance < best
        two = xp.where(nearer, one, xp.where(distance < second, index, two))
        one = xp.where(nearer, index, one)
        second = xp.minimum(xp.maximum(distance, best), second)
        best = xp.minimum(distance, best)
    border = 0.5 * (look_up(width, one)[..., 0] + look_up(width, two)[..., 0])
    return one, two, 0.5 - 0.5 * smooth_step(second - best, 0.0, border)
