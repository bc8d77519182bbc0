"""The works of man: parcels and pivots, towns, roads, well pads and small targets, laid over a scene."""

from __future__ import annotations

import numpy as np

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import smooth_step
from onboard.scenes.surface import lattice
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.layers import Cover, Palette
from onboard.scenes.surface.natural import threshold
from onboard.scenes.surface.tools import log_uniform, on_pixels, smooth_field

ROAD_SPAN = 1250.0


def lay_parcels(
    random: Random, cover: Cover, palette: Palette, figures: Figures, *, part: float, tile: bool
) -> Cover:
    """Lay rotated blocks of fields, or centre-pivot circles, over part of a scene's farmland.

    Parcels are rows of cells of 3-28 pixels (200 m to 1.7 km), shifted by row and split into strips; pivots
    are circles in square cells of a quarter or a whole section of a mile.

    Args:
        random: Source of chance.
        cover: What lies there.
        palette: Materials.
        figures: Figures of the scenes' climates.
        part: Part of the farmland that these parcels take.
        tile: Whether levels hold in expectation or in the scene.
    """
    xp = random.xp
    shape = cover.share.shape
    n = shape[0]
    fields = smooth_field(
        random.child("region"), (n, 2, *shape[1:]), outer=140.0, step=8, slope=3.4, margin=250
    )
    region, vigour = fields[:, 0], fields[:, 1]
    share = figures.draw("farmland") * part
    # Past half of the area the level is that of what is left over.
    least = xp.clip(share, max=0.5)
    level = threshold(region, least, tile=tile) - 2.5 * on_pixels(share - least)
    inside = smooth_step(region, level, level + 0.05) * on_pixels(xp.astype(share > 0.004, xp.float32))
    round_ = on_pixels(figures.happens("pivots"))
    u, v = lattice.turned_coordinates(random, shape, lattice.turn(random.child("turn"), n))
    sides = log_uniform(random.child("sides"), (2, n), 3.5, 26.0)
    whole = random.child("pivot").uniform((n,)) < 0.25
    pivot = 13.4 * on_pixels(1 + xp.astype(whole, xp.float32))
    width = round_ * pivot + (1 - round_) * on_pixels(sides[0])
    height = round_ * pivot + (1 - round_) * on_pixels(sides[0] * 0.5 + 0.4 * sides[1])
    table = lattice.properties(random.child("cells"), n, 5)
    row = xp.floor(v / height)
    shift = (1 - round_) * width * lattice.of_cell(table[..., :1], row, row)[0]
    column, row, du, dv = lattice.cells(u + shift, v, width, height)
    sort = lattice.of_cell(table, column, row)
    # Strips: a cell is split in up to three; a pivot may hold two crops, on either side of a line.
    strips = xp.floor(1 + 3 * sort[1] * sort[1]) * (1 - round_) + round_
    place = (du / width + 0.5) * strips
    strip = xp.floor(place)
    half = xp.astype(du * (sort[2] - 0.5) + dv * (sort[3] - 0.5) > 0, xp.float32) * round_
    du = (place - strip - 0.5) * width / strips
    kind = lattice.of_cell(table, column * 4 + strip + 2 * half * xp.astype(sort[1] > 0.7, xp.float32), row)
    edge = xp.minimum(0.5 * width / strips - xp.abs(du), 0.5 * height - xp.abs(dv))
    circle = 0.48 * width - xp.sqrt(du * du + dv * dv)
    edge = xp.where(round_ > 0.5, circle, edge)
    sown = xp.astype(kind[4] < 0.92 - 0.2 * round_, xp.float32)
    density = sown * xp.sqrt(kind[3]) * xp.clip(0.9 + 0.15 * vigour, max=1.0)
    laid = inside * density * xp.clip(edge + 0.2, min=0.0, max=1.0)
    cover = cover.under(palette.pick("crop", kind[2]), laid)
    # Farm tracks run along some of the rows.
    line = xp.clip(0.6 - (0.5 * height - xp.abs(dv)), min=0.0, max=0.3)
    tracks = inside * (1 - round_) * line * xp.astype(xp.remainder(row, 2.0) < 0.5, xp.float32)
    return cover.under(on_pixels(palette.pick("track", random.child("track").uniform((n,)))), tracks)


def lay_towns(random: Random, cover: Cover, palette: Palette, figures: Figures, *, tile: bool) -> Cover:
    """Lay towns: blocks of roofs and yards between streets, denser towards their middle."""
    xp = random.xp
    shape = cover.share.shape
    n = shape[0]
    spread = smooth_field(random.child("spread"), shape, outer=80.0, step=8, slope=3.0, margin=200)
    share = figures.draw("built_up")
    level = threshold(spread, share, tile=tile)
    there = on_pixels(xp.astype(share > 0.0005, xp.float32))
    core = there * smooth_step(spread, level - 0.05, level + 0.7)
    u, v = lattice.turned_coordinates(random, shape, lattice.turn(random.child("turn"), n))
    size = on_pixels(log_uniform(random.child("size"), (n,), 1.3, 5.0))
    table = lattice.properties(random.child("cells"), n, 3)
    column, row, du, dv = lattice.cells(u, v, size, size * 0.8)
    kind = lattice.of_cell(table, column, row)
    # Quarters of a town keep to a few materials; large sheds do not.
    quarter = lattice.of_cell(table, xp.floor(u / 14.0), xp.floor(v / 11.0))
    material = xp.where(kind[2] < 0.6, quarter[0], kind[0])
    density = core * xp.clip(0.25 + 0.8 * kind[1] * (0.5 + quarter[1]), max=1.0)
    cover = cover.under(palette.pick("roof", material), density)
    street = xp.clip(0.35 - (0.5 * size - xp.abs(du)), min=0.0, max=0.35)
    street = xp.maximum(street, xp.clip(0.35 - (0.4 * size - xp.abs(dv)), min=0.0, max=0.35))
    streets = street * core * xp.astype(size > 2.2, xp.float32)
    return cover.under(on_pixels(palette.pick("paving", random.child("street").uniform((n,)))), streets)


def lay_roads(random: Random, cover: Cover, palette: Palette, figures: Figures, *, most: int) -> Cover:
    """Lay up to ``most`` winding roads across scenes, each a fraction of a pixel to two pixels wide."""
    xp = random.xp
    shape = cover.share.shape
    n, lines, samples = shape
    number = figures.draw("roads") * (max(lines, samples) / ROAD_SPAN) ** 0.75
    # A part of a road is a chance of one.
    number = number + random.child("number").uniform((n,))
    for road in range(most):
        own = random.child("road", road)
        turn = lattice.turn(own.child("turn"), n)
        u, v = lattice.turned_coordinates(random, shape, turn)
        bends = own.child("bends")
        phase = 2 * np.pi * bends.uniform((2, n, 1, 1))
        length = on_pixels(log_uniform(bends, (n,), 150.0, 900.0))
        bend = on_pixels(bends.uniform((n,), 2.0, 25.0))
        course = bend * (
            xp.sin(u * (2 * np.pi) / length + phase[0])
            + 0.3 * xp.sin(u * (2 * np.pi * 2.7) / length + phase[1])
        )
        middle = own.child("place").uniform((2, n, 1, 1), -0.1, 1.1)
        centre = on_pixels(xp.cos(turn)) * lines * middle[0] - on_pixels(xp.sin(turn)) * samples * middle[1]
        half = own.child("half").uniform((n, 1, 1), 0.1, 0.7)
        share = xp.minimum(xp.clip(half + 0.5 - xp.abs(v - course - centre), min=0.0), 2 * half)
        share = xp.clip(share, max=1.0) * on_pixels(xp.astype(number >= road + 1, xp.float32))
        paved = own.child("paved").uniform((n,)) < 0.65
        chance = own.child("kind").uniform((n,))
        kind = xp.where(paved, palette.pick("paving", chance), palette.pick("track", chance))
        cover = cover.under(on_pixels(kind), share)
    return cover


def lay_pads(random: Random, cover: Cover, palette: Palette, figures: Figures) -> Cover:
    """Lay fields of well pads: bare squares of 60-200 m, every 0.4-1.6 km, with their tracks."""
    xp = random.xp
    shape = cover.share.shape
    n = shape[0]
    spread = smooth_field(random.child("spread"), shape, outer=150.0, step=8, slope=3.6, margin=250)
    there = on_pixels(figures.happens("pads")) * smooth_step(spread, 0.2, 0.6)
    u, v = lattice.turned_coordinates(random, shape, lattice.turn(random.child("turn"), n))
    size = on_pixels(log_uniform(random.child("size"), (n,), 7.0, 26.0))
    table = lattice.properties(random.child("cells"), n, 5)
    column, row, du, dv = lattice.cells(u, v, size, size)
    kind = lattice.of_cell(table, column, row)
    loose = 0.55 * (size - 5.0)
    du_pad, dv_pad = du - (kind[1] - 0.5) * loose, dv - (kind[2] - 0.5) * loose
    half = 0.4 + 1.2 * kind[3] * kind[3]
    drilled = xp.astype(kind[0] < 0.65, xp.float32)
    pad = drilled * there * (0.4 + 0.6 * kind[4]) * lattice.soft_box(du_pad, dv_pad, half, half)
    track = drilled * there * xp.clip(0.35 - xp.abs(du_pad), min=0.0, max=0.2) * xp.astype(dv < 0, xp.float32)
    cover = cover.under(on_pixels(palette.pick("track", random.child("track").uniform((n,)))), track)
    return cover.under(palette.pick("pad", kind[4]), pad)


TARGET_CELL = 24.0
TARGETS = {
    "roof": 0.2,
    "plastic": 0.15,
    "panel": 0.12,
    "oil": 0.18,
    "paint": 0.13,
    "paving": 0.07,
    "pad": 0.15,
}


def lay_targets(random: Random, cover: Cover, palette: Palette, figures: Figures) -> Cover:
    """Lay small targets, most of one to six pixels, some up to eighteen: what a methane filter trips over.

    One cell of 24 pixels holds at most one, turned and placed at random.
    """
    xp = random.xp
    shape = cover.share.shape
    n = shape[0]
    first = random.child("origin").uniform((2, n, 1, 1), 0.0, TARGET_CELL)
    u, v = lattice.turned_coordinates(random, shape, lattice.turn(random.child("turn"), n))
    table = _targets(random.child("targets"), palette, n, figures.value("targets") * TARGET_CELL**2 * 1e-6)
    column, row, du, dv = lattice.cells(u + first[0], v + first[1], TARGET_CELL, TARGET_CELL)
    off_u, off_v, half_u, half_v, cos, sin, strength, material = lattice.of_cell(table, column, row)
    du, dv = du - off_u, dv - off_v
    share = strength * lattice.soft_box(du * cos + dv * sin, dv * cos - du * sin, half_u, half_v)
    return cover.under(xp.astype(material, xp.uint8), share)


def _targets(random: Random, palette: Palette, n: int, odds: Array) -> Array:
    """Draw targets (n, cells, 8): place, half sides, cosine and sine of the turn, strength, material."""
    xp = namespace(odds)
    many = (n, lattice.HASH_SIZE)
    half = xp.clip(xp.exp(0.75 * random.child("half").normal((2, *many)) - 0.35), max=9.0)
    far = xp.clip(0.5 * TARGET_CELL - 1.0 - xp.sqrt(half[0] ** 2 + half[1] ** 2), min=0.0)
    off = far * random.child("off").uniform((2, *many), -1.0, 1.0)
    turn = random.child("turn").uniform(many, 0.0, np.pi)
    there = xp.astype(random.child("there").uniform(many) < odds[:, None], xp.float32)
    strength = there * random.child("strength").uniform(many, 0.3, 1.0)
    use = random.child("use").choice(list(TARGETS.values()), many)
    chance = random.child("kind").uniform(many)
    material = xp.zeros_like(chance)
    for number, name in enumerate(TARGETS):
        material = xp.where(use == number, xp.astype(palette.pick(name, chance), xp.float32), material)
    return xp.stack(
        [off[0], off[1], half[0], half[1], xp.cos(turn), xp.sin(turn), strength, material], axis=-1
    )
