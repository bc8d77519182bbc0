"""Plumes of training tiles, drawn for a whole batch at once on any array library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random
from onboard.scenes.gas.labels import LabelRule, label_tiles
from onboard.scenes.gas.puffs import Puffs, blow, fade_edges, rasterise, ruffle
from onboard.scenes.gas.sources import (
    EMISSION_RANGE_KG_H,
    KG_PER_PPM_M_M2,
    KIND_ODDS,
    Emissions,
    Sources,
    draw_winds,
)
from onboard.scenes.gas.turbulence import draw_wind_history
from onboard.scenes.random_fields import spectral_field

TILE_PUFFS = 96
# Odds that a plume comes from the field of the tile's first, and that it is aged gas that lies in the tile.
CLUSTER_ODDS = 0.35
CLUSTER_M = 900.0
UPWIND_ODDS = 0.2
TEXTURE_OUTER_PX = (5.0, 16.0)
TEXTURE_STRENGTH = (0.2, 0.5)


@dataclass(frozen=True)
class TilePlumes:
    """Plumes of a batch of tiles.

    Attributes:
        enhancement: All gas, float32 (n, lines, samples) in ppm m.
        plume_id: int32 (n, lines, samples): 1 + the number of the plume that has the pixel, 0 for none.
        there: Whether each plume was drawn, bool (n, most); the other tables are 0 where it was not.
        emission: Emission rate in kg/h, float32 (n, most).
        wind: Mean wind in m/s, likewise.
        peak: Largest enhancement of its own in the tile, in ppm m.
        ime: Mass of its own in the tile, in kg.
        pixels: Pixels of ``plume_id`` that it has, int64.
        line: Line of its source, which may lie outside of the tile, float32.
        sample: Sample of its source, likewise.
    """

    enhancement: Array
    plume_id: Array
    there: Array
    emission: Array
    wind: Array
    peak: Array
    ime: Array
    pixels: Array
    line: Array
    sample: Array


def tile_plumes(
    random: Random,
    n: int,
    lines: int,
    samples: int,
    most: int,
    *,
    chance: float = 0.6,
    emission_range: tuple[float, float] = EMISSION_RANGE_KG_H,
    emissions: Emissions | None = None,
    pixel_m: float = 60.0,
    rule: LabelRule | None = None,
) -> TilePlumes:
    """Draw plumes for a batch of tiles; nothing waits for the host and nothing loops over tiles.

    Args:
        random: Source of chance, on any library and device.
        n: Tiles.
        lines: Lines of a tile.
        samples: Samples of a tile.
        most: Plumes a tile can have.
        chance: Odds that each of them is there, independent of the others.
        emission_range: Emission rates in kg/h, drawn evenly over the logarithm.
        emissions: A distribution of rates in place of the range, such as ``DETECTED_EMISSIONS``.
        pixel_m: Size of a pixel in metres.
        rule: The label rule as tiles follow it; `LabelRule()` by default.

    Returns:
        The plumes. Plumes of a tile share the wind's history and may overlap; the tile's edge cuts them.

    Raises:
        UsageError: If a size is not positive or the odds are no odds.
    """
    _check((n, lines, samples, most), chance, pixel_m)
    xp = random.xp
    there = random.uniform((n, most)) < chance
    present = xp.astype(there, xp.float32)
    wind, direction = draw_winds(random, (n,), most)
    rate = (emissions or Emissions(*emission_range)).draw(random, (n, most))
    sources = Sources(rate, wind, direction, random.choice(KIND_ODDS, (n, most)))
    histories = (draw_wind_history(random, (n, 1)), draw_wind_history(random, (n, 1)))
    puffs = blow(random, sources, *histories, puffs=TILE_PUFFS, pixel_m=pixel_m)
    line, sample = tile_places(random, puffs, (lines, samples), CLUSTER_M / pixel_m)
    edges = tuple(random.asarray(np.arange(size + 1) - 0.5) for size in (lines, samples))
    shown = Puffs(puffs.line, puffs.sample, puffs.sigma, puffs.amount * present[..., None])
    own = rasterise(shown, line, sample, (edges[0], edges[1]))
    own = fade_edges(ruffle(own, tile_texture(random, n, lines, samples)))
    plume_id = label_tiles(own, rule or LabelRule())
    mass = xp.sum(own, axis=(-2, -1)) * (KG_PER_PPM_M_M2 * pixel_m**2)
    return TilePlumes(
        enhancement=xp.sum(own, axis=-3),
        plume_id=plume_id,
        there=there,
        emission=rate * present,
        wind=wind * present,
        peak=xp.max(own, axis=(-2, -1)),
        ime=mass,
        pixels=_pixels(random, plume_id, most),
        line=line * present,
        sample=sample * present,
    )


def _check(sizes: tuple[int, ...], chance: float, pixel_m: float) -> None:
    """Refuse sizes that are not positive and odds that are none."""
    if min(sizes) < 1 or not 0 <= chance <= 1 or pixel_m <= 0:
        raise UsageError(
            "tiles of plumes need positive sizes and odds",
            found=(*sizes, chance, pixel_m),
            expected="n, lines, samples and most of at least 1, chance from 0 to 1, pixel_m above 0",
        )


def _pixels(random: Random, plume_id: Array, most: int) -> Array:
    """Count the pixels (n, most) of each plume."""
    xp = random.xp
    counts = [xp.sum(xp.astype(plume_id == number, xp.int32), axis=(-2, -1)) for number in range(1, most + 1)]
    return xp.stack(counts, axis=-1)


def tile_texture(random: Random, n: int, lines: int, samples: int) -> Array:
    """Draw the turbulence that all gas of a tile shares: a positive texture (n, 1, lines, samples)."""
    outer = random.uniform((n,), *TEXTURE_OUTER_PX)
    field = spectral_field(random, (n, lines, samples), outer=outer, slope=3.2, margin=0)
    return random.xp.exp(field * random.uniform((n, 1, 1), *TEXTURE_STRENGTH))[:, None, ...]


def tile_places(random: Random, puffs: Puffs, shape: tuple[int, int], field_px: float) -> tuple[Array, Array]:
    """Draw where sources lie (n, most): in the tile, near its first, or upwind with some of the gas in it.

    Args:
        random: Source of chance.
        puffs: Their puffs (n, most, puffs).
        shape: Lines and samples of a tile.
        field_px: Size of a field of sources in pixels.

    Returns:
        Lines and samples, float32.
    """
    xp = random.xp
    size = puffs.line.shape[:2]
    places = [random.uniform(size, 0.0, float(side)) for side in shape]
    beside = random.uniform(size) < CLUSTER_ODDS
    places = [xp.where(beside, p[:, :1] + random.normal(size) * (0.5 * field_px), p) for p in places]
    # What lies at the drawn place is then not the source but one of its puffs, not so old that it has faded.
    age = random.integers(0, TILE_PUFFS * 2 // 3, size)[..., None]
    upwind = random.uniform(size) < UPWIND_ODDS
    moved = (xp.take_along_axis(p, age, axis=-1)[..., 0] for p in (puffs.line, puffs.sample))
    line, sample = (p - xp.where(upwind, m, 0.0) for p, m in zip(places, moved, strict=True))
    return line, sample
