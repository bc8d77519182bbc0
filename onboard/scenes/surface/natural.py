"""Natural cover: lakes and sea, playas, snow on the heights, channels, their banks and alluvial fans."""

from __future__ import annotations

import numpy as np

from onboard.scenes.arrays import Array, Random
from onboard.scenes.random_fields import level_above, smooth_step, standardised
from onboard.scenes.surface import lattice
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.layers import Cover, Palette
from onboard.scenes.surface.terrain import Terrain
from onboard.scenes.surface.tools import log_uniform, normal_level, on_pixels, smooth_field


def threshold(field: Array, share: Array, *, tile: bool) -> Array:
    """Return the level (n, 1, 1) that a share (n,) of fields tops: in the scene, or expected on tiles."""
    return on_pixels(normal_level(share) if tile else level_above(field, share))


def lay_playas(
    random: Random, cover: Cover, palette: Palette, figures: Figures, terrain: Terrain, *, tile: bool
) -> Cover:
    """Lay salt flats with soft shores on low ground.

    Args:
        random: Source of chance.
        cover: What lies there.
        palette: Materials.
        figures: Figures of the scenes' climates.
        terrain: The lie of the land.
        tile: Whether levels hold in expectation or in the scene.
    """
    xp = random.xp
    n = cover.share.shape[0]
    flats = _basins(random, terrain, 0.15, 0.6)
    share = figures.happens("playa") * random.child("flat").uniform((n,), 0.01, 0.07)
    level = threshold(flats, share, tile=tile)
    edge = on_pixels(log_uniform(random.child("shore"), (n,), 0.1, 0.8))
    salt = on_pixels(xp.astype(share > 0, xp.float32)) * smooth_step(flats, level, level + edge)
    return cover.under(on_pixels(palette.pick("playa", random.child("salt").uniform((n,)))), salt)


def lay_lakes(
    random: Random, cover: Cover, palette: Palette, figures: Figures, terrain: Terrain, *, tile: bool
) -> Cover:
    """Lay lakes in valleys, or the sea.

    Args:
        random: Source of chance.
        cover: What lies there.
        palette: Materials.
        figures: Figures of the scenes' climates.
        terrain: The lie of the land.
        tile: Whether levels hold in expectation or in the scene.
    """
    xp = random.xp
    shape = cover.share.shape
    n = shape[0]
    lakes = _basins(random, terrain, 0.4, 0.4)
    regional = smooth_field(random.child("coast"), shape, outer=500.0, step=16, slope=3.4, margin=700)
    # Bays, capes and estuaries: a coast follows the land's own relief at every scale.
    regional = regional + 0.16 * lakes + 0.05 * terrain.valley - 0.12 * terrain.height
    regional = regional * 0.97 if tile else standardised(regional)
    sea = figures.happens("sea")
    share = xp.clip(figures.draw("water") * (1 + 3.0 * sea), max=0.5)
    field = on_pixels(sea) * regional + on_pixels(1 - sea) * lakes
    level = threshold(field, share, tile=tile)
    shore = on_pixels(0.08 - 0.06 * sea)
    wet = on_pixels(xp.astype(share > 0, xp.float32)) * smooth_step(field, level - 0.01, level + shore)
    return cover.under(on_pixels(palette.pick("water", random.child("lake").uniform((n,)))), wet)


def _basins(random: Random, terrain: Terrain, valley: float, height: float) -> Array:
    """Return fields that are high where still water and salt gather, about standard normal."""
    field = smooth_field(
        random.child("basin"), terrain.height.shape, outer=110.0, step=8, slope=3.6, margin=250
    )
    field = field + valley * terrain.valley - height * terrain.height
    return field * float(1 / np.sqrt(1 + valley**2 + height**2))


def lay_channels(random: Random, cover: Cover, palette: Palette, figures: Figures, terrain: Terrain) -> Cover:
    """Lay beds or water where much is drained, and banks of plants or gravel around.

    Args:
        random: Source of chance.
        cover: What lies there.
        palette: Materials.
        figures: Figures of the scenes' climates.
        terrain: The lie of the land.
    """
    xp = random.xp
    n = cover.share.shape[0]
    least = on_pixels(random.child("least").uniform((n,), 3.6, 5.8))
    share = on_pixels(random.child("share").uniform((n,), 0.3, 0.95))
    present = on_pixels(xp.astype(random.child("present").uniform((n,)) < 0.85, xp.float32))
    bank = present * share * smooth_step(terrain.valley, 1.6, 3.2) * smooth_step(terrain.drained, 1.0, 3.0)
    cover = cover.under(on_pixels(palette.pick("bank", random.child("bank").uniform((n,)))), 0.7 * bank)
    bed = present * share * smooth_step(terrain.drained, least, least + 2.5)
    river = on_pixels(figures.happens("rivers")) * smooth_step(terrain.drained, least + 2.0, least + 2.8)
    cover = cover.under(on_pixels(palette.pick("bed", random.child("bed").uniform((n,)))), bed)
    return cover.under(on_pixels(palette.pick("water", random.child("river").uniform((n,)))), share * river)


def lay_fans(random: Random, cover: Cover, palette: Palette, figures: Figures, terrain: Terrain) -> Cover:
    """Lay alluvial fans: cones of gravel that open downstream, streaked from their apex.

    Args:
        random: Source of chance.
        cover: What lies there.
        palette: Materials.
        figures: Figures of the scenes' climates.
        terrain: Which way water flows.
    """
    xp = random.xp
    n = cover.share.shape[0]
    size = on_pixels(log_uniform(random.child("size"), (n,), 40.0, 140.0))
    start = 200.0 * random.child("start").uniform((2, n, 1, 1))
    column, row, du, dv = lattice.cells(terrain.downstream + start[0], terrain.aside + start[1], size, size)
    fan = lattice.of_cell(lattice.properties(random.child("fans"), n, 5), column, row)
    down, across = du + 0.45 * size, dv - (fan[3] - 0.5) * 0.1 * size
    slope = across / (xp.abs(down) + 1.0)
    length = size * (0.35 + 0.5 * fan[1])
    far = xp.sqrt(down * down + across * across) / length
    opening = 0.25 + 0.3 * fan[2]
    inside = xp.clip((opening - xp.abs(slope)) * 8, min=0.0, max=1.0) * smooth_step(1 - far, 0.0, 0.35)
    inside = inside * xp.astype((fan[0] < 0.45) & (down > 0), xp.float32)
    streaks = 0.6 + 0.25 * xp.sin(11 * slope + 6.3 * fan[4]) + 0.15 * xp.sin(31 * slope + 6.3 * fan[3])
    share = on_pixels(figures.happens("fans") * random.child("share").uniform((n,), 0.3, 0.9))
    return cover.under(
        palette.pick("bed", fan[4]), share * inside * streaks * (1 - 0.4 * xp.clip(far, max=1.0))
    )


def lay_snow(
    random: Random, cover: Cover, palette: Palette, figures: Figures, terrain: Terrain, *, tile: bool
) -> Cover:
    """Lay snow on the heights, thinner on slopes that face the sun.

    Args:
        random: Source of chance.
        cover: What lies there.
        palette: Materials.
        figures: Figures of the scenes' climates.
        terrain: The lie of the land.
        tile: Whether levels hold in expectation or in the scene.
    """
    xp = random.xp
    n = cover.share.shape[0]
    there = figures.happens("snow")
    share = xp.clip(figures.draw("snow_cover"), max=0.5)
    height = terrain.height - 0.5 * (xp.clip(terrain.shade, max=1.6) - 1)
    # A tile's height is standardised in itself; the side of a mountain that it shows is drawn.
    side = 0.8 * random.child("side").normal((n,)) if tile else 0.0 * there
    level = threshold(height, share, tile=tile)
    height = height + on_pixels(side)
    cover_share = on_pixels(there) * smooth_step(height, level, level + 0.5)
    return cover.under(on_pixels(palette.pick("snow", random.child("kind").uniform((n,)))), cover_share)
