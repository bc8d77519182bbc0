"""Cover: what water, snow, salt and man lay over the ground, in the order in which they came."""

from __future__ import annotations

from onboard.scenes.arrays import Random
from onboard.scenes.surface import natural, works
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.layers import Cover, Palette, bare
from onboard.scenes.surface.terrain import Terrain

TILE_ROADS, CAPTURE_ROADS = 3, 13
CAPTURE_FARMS = 3


def draw_cover(
    random: Random,
    shape: tuple[int, int, int],
    figures: Figures,
    palette: Palette,
    terrain: Terrain,
    *,
    tile: bool,
) -> Cover:
    """Draw what covers the ground of scenes.

    Args:
        random: Source of chance.
        shape: (n, lines, samples).
        figures: Figures of the scenes' climates.
        palette: Materials that may cover ground.
        terrain: Where water gathers and snow lies.
        tile: Whether these are small tiles, or captures with several farming districts.

    Returns:
        The cover.
    """
    cover = natural.lay_fans(random.child("fans"), bare(random, shape), palette, figures, terrain)
    cover = natural.lay_channels(random.child("channels"), cover, palette, figures, terrain)
    cover = natural.lay_playas(random.child("playas"), cover, palette, figures, terrain, tile=tile)
    districts = 1 if tile else CAPTURE_FARMS
    for district in range(districts):
        own = random.child("farms", district)
        cover = works.lay_parcels(own, cover, palette, figures, part=1 / districts, tile=tile)
    cover = works.lay_towns(random.child("towns"), cover, palette, figures, tile=tile)
    cover = works.lay_pads(random.child("pads"), cover, palette, figures)
    most = TILE_ROADS if tile else CAPTURE_ROADS
    cover = works.lay_roads(random.child("roads"), cover, palette, figures, most=most)
    cover = natural.lay_lakes(random.child("lakes"), cover, palette, figures, terrain, tile=tile)
    cover = natural.lay_snow(random.child("snow"), cover, palette, figures, terrain, tile=tile)
    return works.lay_targets(random.child("targets"), cover, palette, figures)
