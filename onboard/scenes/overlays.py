"""What man and water lay over the ground: fields, roads, towns, lakes, playas, snow and small targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.fields import Field, level_above, ridges, smooth_step, spectral_field

NOTHING = 255
HASH_PRIMES = (np.int64(73_856_093), np.int64(19_349_663))
HASH_SIZE = 8192

Members = NDArray[np.uint8]


@dataclass
class Overlay:
    """The one material that covers a pixel besides its background and minerals.

    Attributes:
        member: Endmember of the cover, uint8 (lines, samples), ``NOTHING`` where there is none.
        weight: Share of the pixel that is covered, float32 (lines, samples), 0-1.
    """

    member: Members
    weight: Field

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Overlay:
        """Return an overlay that covers nothing."""
        return cls(np.full(shape, NOTHING, np.uint8), np.zeros(shape, np.float32))

    def lay(self, member: int | Members, weight: Field, where: tuple[slice, slice] | tuple[()] = ()) -> None:
        """Lay a material over the window ``where``; what covers most of a pixel names the pixel."""
        below = self.weight[where] * (1 - weight)
        wins = (weight >= below) & (weight > 0)
        self.member[where] = np.where(wins, member, self.member[where]).astype(np.uint8)
        self.weight[where] = below + weight


def pick(rng: np.random.Generator, members: list[int], shape: int | tuple[int, ...]) -> Members:
    """Draw endmembers, uint8 of ``shape``, from a list."""
    return np.asarray(members, np.uint8)[rng.integers(0, len(members), shape)]


def rotated(shape: tuple[int, int], angle: float) -> tuple[Field, Field]:
    """Return pixel coordinates (u, v) in axes turned by ``angle`` radians."""
    line = np.arange(shape[0], dtype=np.float32)[:, None]
    sample = np.arange(shape[1], dtype=np.float32)[None, :]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return sample * cos + line * sin, line * cos - sample * sin


def cell_hash(u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.int64]:
    """Map integer cells to 0 .. HASH_SIZE - 1, without visible order."""
    mixed = (u * HASH_PRIMES[0]) ^ (v * HASH_PRIMES[1])
    return np.asarray((mixed ^ (mixed >> 7)) % HASH_SIZE, np.int64)


def lay_parcels(
    rng: np.random.Generator, overlay: Overlay, region: Field, crops: list[int], *, pivots: bool
) -> None:
    """Lay rotated blocks of fields, or centre-pivot circles, over a ``region`` (0-1)."""
    shape = overlay.weight.shape
    u, v = rotated((shape[0], shape[1]), float(rng.uniform(-0.6, 0.6)))
    if pivots:
        width = height = float(rng.choice([13.0, 14.0, 27.0]))
    else:
        width, height = float(rng.uniform(5, 22)), float(rng.uniform(4, 14))
    row = np.floor(v / np.float32(height)).astype(np.int64)
    # Each row of parcels is shifted and cut by its own widths, as inherited land is.
    shift = rng.uniform(0, width, HASH_SIZE).astype(np.float32)[cell_hash(row, row)] if not pivots else 0
    column = np.floor((u + shift) / np.float32(width)).astype(np.int64)
    du = np.abs((u + shift) / np.float32(width) - column - 0.5) * np.float32(width)
    dv = np.abs(v / np.float32(height) - row - 0.5) * np.float32(height)
    cell = cell_hash(column, row)
    if pivots:
        edge = np.float32(0.48 * width) - np.sqrt(du * du + dv * dv)
        sown = rng.random(HASH_SIZE) < 0.75
    else:
        edge = np.minimum(np.float32(width / 2) - du, np.float32(height / 2) - dv)
        sown = rng.random(HASH_SIZE) < 0.93
    density = (rng.beta(5.0, 1.3, HASH_SIZE) * sown).astype(np.float32)
    inside = np.clip(edge + np.float32(0.2), 0, 1) * (region > 0.5)
    overlay.lay(pick(rng, crops, HASH_SIZE)[cell], (inside * density[cell]).astype(np.float32))


def lay_roads(rng: np.random.Generator, overlay: Overlay, count: int, paving: list[int]) -> None:
    """Lay ``count`` winding roads across the scene, each a fraction of a pixel to two pixels wide."""
    shape = overlay.weight.shape
    for _ in range(count):
        u, v = rotated((shape[0], shape[1]), float(rng.uniform(0, np.pi)))
        low, high = float(u.min()), float(u.max())
        waves = [(rng.uniform(2, 25), rng.uniform(150, 900), rng.uniform(0, 2 * np.pi)) for _ in range(3)]
        along = np.arange(np.floor(low), np.ceil(high) + 2, dtype=np.float32)
        bend = sum(a * np.sin(2 * np.pi * along / length + phase) for a, length, phase in waves)
        course = np.asarray(bend, np.float32)[(u - np.float32(np.floor(low))).astype(np.int32)]
        centre = rng.uniform(float(v.min()), float(v.max()))
        half = float(rng.uniform(0.1, 0.7))
        distance = np.abs(v - course - np.float32(centre))
        strength = np.clip(np.float32(half + 0.5) - distance, 0, min(1.0, 2 * half)).astype(np.float32)
        overlay.lay(int(pick(rng, paving, 1)[0]), strength)


def lay_built_up(rng: np.random.Generator, overlay: Overlay, fraction: float, roofs: list[int]) -> None:
    """Lay towns: patches of roofs, yards and streets that change every one to four pixels."""
    shape = (overlay.weight.shape[0], overlay.weight.shape[1])
    spread = spectral_field(rng, shape, outer=0.06 * max(shape) + 20, slope=3.2)
    level = level_above(spread, fraction)
    core = smooth_step(spread, level - 0.05, level + 0.6)
    u, v = rotated(shape, float(rng.uniform(0, np.pi)))
    size = np.float32(rng.uniform(1.2, 3.5))
    cell = cell_hash(np.floor(u / size).astype(np.int64), np.floor(v / size).astype(np.int64))
    density = (rng.beta(1.5, 1.2, HASH_SIZE)).astype(np.float32)[cell]
    overlay.lay(pick(rng, roofs, HASH_SIZE)[cell], core * density)


def lay_patches(
    rng: np.random.Generator, overlay: Overlay, fraction: float, members: list[int], *, outer: float
) -> None:
    """Lay smooth patches (lakes, playas) of one material over a ``fraction`` of the scene."""
    shape = (overlay.weight.shape[0], overlay.weight.shape[1])
    field = spectral_field(rng, shape, outer=outer, slope=4.2)
    level = level_above(field, fraction)
    overlay.lay(int(pick(rng, members, 1)[0]), smooth_step(field, level - 0.02, level + 0.12))


def lay_channels(
    rng: np.random.Generator, overlay: Overlay, members: list[int], *, width: float, share: float
) -> None:
    """Lay winding channels (rivers, dry wadis, green banks) that cover up to ``share`` of a pixel."""
    shape = (overlay.weight.shape[0], overlay.weight.shape[1])
    field = spectral_field(
        rng, shape, outer=0.5 * max(shape), slope=3.9, stretch=2.5, angle=rng.uniform(0, 3.1)
    )
    line = ridges(field, width)
    overlay.lay(int(pick(rng, members, 1)[0]), line * np.float32(share))


def lay_targets(rng: np.random.Generator, overlay: Overlay, count: int, groups: list[list[int]]) -> None:
    """Lay small targets, most of one to six pixels, some up to twenty; ``groups`` are equally likely."""
    lines, samples = overlay.weight.shape
    usable = [group for group in groups if group]
    for _ in range(count if usable else 0):
        group = usable[int(rng.integers(len(usable)))]
        half = np.minimum(rng.lognormal(0.1, 0.7, 2), 9.0)
        reach = int(np.ceil(float(half.max()) * 1.5)) + 1
        line, sample = int(rng.integers(lines)), int(rng.integers(samples))
        rows = slice(max(0, line - reach), min(lines, line + reach + 1))
        columns = slice(max(0, sample - reach), min(samples, sample + reach + 1))
        dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(
            line + rng.uniform(-0.5, 0.5)
        )
        dx = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - np.float32(
            sample + rng.uniform(-0.5, 0.5)
        )
        turn = rng.uniform(0, np.pi)
        u = np.abs(dx * np.float32(np.cos(turn)) + dy * np.float32(np.sin(turn)))
        v = np.abs(dy * np.float32(np.cos(turn)) - dx * np.float32(np.sin(turn)))
        shape = np.clip(np.float32(half[0] + 0.5) - u, 0, 1) * np.clip(np.float32(half[1] + 0.5) - v, 0, 1)
        weight = (shape * np.float32(rng.uniform(0.35, 1.0))).astype(np.float32)
        overlay.lay(int(pick(rng, group, 1)[0]), weight, (rows, columns))
