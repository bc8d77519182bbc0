"""What provinces are mixed from, and how the mixture varies inside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import softmax, spectral_field
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.provinces import Provinces, spread
from onboard.scenes.surface.terrain import Terrain
from onboard.scenes.surface.tools import Groups, draw_members, kinds_of, on_pixels, smooth_field

SLOTS = 4
# Standard deviation over slots of how much each driver moves a slot's share: none (a slot's own level),
# region, grain of the land, patches, pixels, bedding, height, slope, valley floors.
DRIVERS = (0.9, 0.7, 0.7, 0.5, 0.35, 0.8, 0.3, 0.2, 0.3)
# What a kind of ground leans to: (height, slope, valley floor). Rock stands out of slopes, soil is washed
# down, plants follow water.
LEANINGS = {
    "rock": (0.2, 0.6, -0.4),
    "dark": (0.2, 0.4, -0.3),
    "soil": (-0.2, -0.4, 0.3),
    "sand": (-0.3, -0.5, 0.2),
    "green": (0.2, 0.0, 0.6),
    "dry": (0.0, 0.0, 0.1),
}
# Share of a kind that is mixed grain by grain; plants shade and cover, soils and rock debris mingle.
INTIMATE = {"rock": 0.7, "dark": 0.75, "soil": 0.85, "sand": 0.85, "green": 0.1, "dry": 0.25}


@dataclass(frozen=True)
class Mixture:
    """What the open ground is mixed from.

    Attributes:
        members: Endmembers of the provinces, int64 (n, provinces, SLOTS).
        shares: Share of each slot, float32 (n, SLOTS, lines, samples), summing to 1.
        intimacy: Share of a pixel that is mixed grain by grain, float32 (n, lines, samples), 0-1.
    """

    members: Array
    shares: Array
    intimacy: Array


def draw_mixture(
    random: Random, figures: Figures, groups: Groups, provinces: Provinces, terrain: Terrain
) -> Mixture:
    """Draw what provinces are mixed from.

    Args:
        random: Source of chance.
        figures: Figures of the scenes' climates.
        groups: Endmember numbers by group.
        provinces: Where the provinces lie.
        terrain: The lie of the land, which sorts rock from soil.

    Returns:
        The mixture.

    Raises:
        UsageError: If a climate's groups hold no endmember.
    """
    xp = random.xp
    n, count = len(figures), provinces.count
    odds = [climate.cover for climate in figures.climates]
    members, kinds = draw_members(random.child("members"), groups, odds, (count, SLOTS))
    pull = random.child("pull").normal((n, count, SLOTS, len(DRIVERS))) * random.asarray(DRIVERS)
    bedding = figures.value("strata")[:, None, None]
    names = kinds_of(odds)
    lean = random.asarray([(*[0] * (len(DRIVERS) - 3), *LEANINGS.get(name, (0, 0, 0))) for name in names])
    pull = pull + xp.reshape(xp.take(lean, xp.reshape(kinds, (-1,)), axis=0), pull.shape)
    strong = random.asarray(np.arange(len(DRIVERS)) == 5)
    pull = pull * (1 + strong * (bedding[..., None] - 1))
    close = random.asarray([INTIMATE.get(name, 0.5) for name in names])
    close = xp.reshape(xp.take(close, xp.reshape(kinds, (-1,))), kinds.shape)
    close = xp.clip(close + 0.12 * random.child("close").normal((n, count, SLOTS)), min=0.0, max=1.0)
    fields = xp.stack(_drivers(random, provinces, terrain), axis=1)
    shares, intimacy = [], []
    for rows, numbers, there in provinces.blocks():
        share = _shares(xp.take(pull, numbers, axis=1), fields[:, :, rows, :], there)
        shares.append(share)
        intimacy.append(xp.sum(share * spread(xp.take(close, numbers, axis=1), there), axis=1))
    return Mixture(members, xp.concat(shares, axis=2), xp.concat(intimacy, axis=1))


def _shares(pull: Array, fields: Array, presence: Array) -> Array:
    """Return shares of slots (n, SLOTS, lines, samples): scores of all provinces, blended, then softmax."""
    xp = namespace(pull)
    n, count, lines, samples = presence.shape
    pixels = lines * samples
    pull = xp.reshape(pull, (n, count * SLOTS, len(DRIVERS)))
    score = xp.matmul(pull[..., 1:], xp.reshape(fields, (n, -1, pixels))) + pull[..., :1]
    score = xp.reshape(score, (n, count, SLOTS, pixels)) * xp.reshape(presence, (n, count, 1, pixels))
    return softmax(xp.reshape(xp.sum(score, axis=1), (n, SLOTS, lines, samples)), axis=1)


def _drivers(random: Random, provinces: Provinces, terrain: Terrain) -> list[Array]:
    """Return the fields (n, lines, samples) that move shares, all but the first of ``DRIVERS``."""
    xp = random.xp
    shape = provinces.first.shape
    along, grain = provinces.angle, provinces.stretch
    region = smooth_field(random.child("region"), shape, outer=150.0, step=8, slope=3.4, margin=200)
    foliated = smooth_field(
        random.child("foliated"),
        shape,
        outer=34.0,
        step=4,
        slope=3.0,
        stretch=grain * 1.6,
        angle=along,
        margin=40,
    )
    patches = spectral_field(
        random.child("patches"), shape, outer=11.0, slope=2.7, stretch=grain, angle=along, margin=0
    )
    pixels = spectral_field(random.child("pixels"), shape, outer=2.5, slope=2.4, margin=0)
    steep = 5 * xp.clip(terrain.steepness, max=0.4) - 0.5
    return [region, foliated, patches, pixels, _bedding(random, provinces, terrain, region, foliated),
            terrain.height, steep, terrain.valley]  # fmt: skip


def _bedding(random: Random, provinces: Provinces, terrain: Terrain, region: Array, foliated: Array) -> Array:
    """Return beds, about standard normal: a series of layers, folded, tilted and cut by the terrain."""
    xp = random.xp
    n, lines, samples = provinces.first.shape
    line = random.asarray(np.arange(lines))[:, None]
    sample = random.asarray(np.arange(samples))[None, :]
    cos, sin = on_pixels(xp.cos(provinces.angle)), on_pixels(xp.sin(provinces.angle))
    scale = on_pixels(random.child("bed").uniform((n,), 0.04, 0.16))
    metres = on_pixels(random.child("dip").uniform((n,), 0.004, 0.03))
    depth = (line * cos - sample * sin) * scale + terrain.elevation_m * metres + 2.0 * region + 0.5 * foliated
    phase = 2 * np.pi * random.child("phase").uniform((3, n, 1, 1))
    beds = (
        xp.sin(depth + phase[0])
        + 0.8 * xp.sin(2.31 * depth + phase[1])
        + 0.6 * xp.sin(5.17 * depth + phase[2])
    )
    return beds
