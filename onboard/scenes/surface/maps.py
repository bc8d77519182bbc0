"""Maps of what lies where in scenes, and the shares of endmembers that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.arrays import Array, Random
from onboard.scenes.blas import one_blas_thread
from onboard.scenes.random_fields import spectral_field
from onboard.scenes.surface.climates import Climate, Figures
from onboard.scenes.surface.cover import draw_cover
from onboard.scenes.surface.deposits import Deposits, draw_deposits
from onboard.scenes.surface.layers import Cover, Palette, draw_palette
from onboard.scenes.surface.mixture import Mixture, draw_mixture
from onboard.scenes.surface.provinces import Provinces, draw_provinces
from onboard.scenes.surface.terrain import draw_terrain
from onboard.scenes.surface.tools import Groups, smooth_field

# Outer scale in pixels, slope of the power spectrum, step of the grid (1: every pixel).
# The first two are how deep the ground's own absorptions of 2.1-2.45 um are, and which of them it has.
MODULATIONS = (
    (5.0, 2.3, 1),
    (45.0, 3.0, 2),
    (2.5, 2.2, 1),
    (12.0, 2.5, 1),
    (60.0, 3.0, 4),
    (4.0, 2.3, 1),
    (6.0, 2.3, 1),
    (300.0, 3.6, 16),
)
MINERAL_INTIMACY = 0.75
LEAST_SIDE = 8


@dataclass(frozen=True)
class SurfaceMaps:
    """The maps of scenes, all (n, ..., lines, samples); float32 on tiles, float16 and uint8 on captures.

    Attributes:
        provinces: Where provinces lie.
        slot_members: Endmembers of provinces, int64 (n, provinces, SLOTS).
        slots: Share of each slot of the pixel's provinces, (n, SLOTS, lines, samples).
        minerals: Areal abundance of each mineral, (n, 10, lines, samples), 0-1.
        blend: How much of a mineral is its first endmember, (n, 2, lines, samples), 0-1.
        mineral_members: Two endmembers of each mineral, int64 (10, 2).
        palette: Materials that may cover ground.
        cover: Which of them covers a pixel, and how much of it.
        intimacy: Share of a pixel that is mixed grain by grain, the rest lying side by side, 0-1.
        shade: Cosine of the incidence angle over the cosine of the sun's zenith angle.
        elevation_m: Height above the sea in m, float32.
        modulation: Standard normal fields, (n, 8, lines, samples): depth and place of absorptions, then six
            from pixel to regional scale.
        sun_zenith_deg: The sun that ``shade`` was made with, (n,).
        sun_azimuth_deg: The same, (n,), clockwise from the direction of falling line numbers.
        endmembers: Number of endmembers.
    """

    provinces: Provinces
    slot_members: Array
    slots: Array
    minerals: Array
    blend: Array
    mineral_members: Array
    palette: Palette
    cover: Cover
    intimacy: Array
    shade: Array
    elevation_m: Array
    modulation: Array
    sun_zenith_deg: Array
    sun_azimuth_deg: Array
    endmembers: int

    @property
    def members(self) -> Array:
        """Endmember of each component of ``shares``, int64 (n, components)."""
        xp = self.provinces.random.xp
        n = self.slot_members.shape[0]
        minerals = xp.reshape(self.mineral_members, (1, -1))
        minerals = xp.broadcast_to(minerals, (n, minerals.shape[1]))
        return xp.concat([xp.reshape(self.slot_members, (n, -1)), minerals, self.palette.members], axis=1)

    def shares(self, line: int | slice | None = None) -> Array:
        """Return the share of every component: slots of provinces, variants of minerals, covers.

        Several components may be the same endmember, see ``members``; mixing components instead of
        endmembers is cheaper on tiles, which have few of them.

        Args:
            line: A line, lines, or None for all of them.

        Returns:
            float32 (n, components, [lines,] samples), summing to 1 over components within 1e-3.
        """
        xp = self.provinces.random.xp
        rows = slice(line, line + 1) if isinstance(line, int) else line or slice(None)
        slots, minerals, blend, share = (
            xp.astype(m[..., rows, :], xp.float32, copy=False)
            for m in (self.slots, self.minerals, self.blend, self.cover.share)
        )
        n, _, lines, samples = slots.shape
        there = self.provinces.presence(rows)
        ground = there[:, :, None, ...] * slots[:, None, ...]
        half = minerals.shape[1] // blend.shape[1]
        first = minerals * xp.concat([blend] * half, axis=1)
        variants = xp.stack([first, minerals - first], axis=2)
        numbers = self.provinces.random.asarray(np.arange(self.palette.size), "uint8")[:, None, None]
        laid = xp.where(self.cover.material[:, None, rows, :] == numbers, share[:, None, ...], 0.0)
        parts = [xp.reshape(part, (n, -1, lines, samples)) for part in (ground, variants, laid)]
        found = xp.concat(parts, axis=1)
        return found[:, :, 0, :] if isinstance(line, int) else found

    def weights(self, line: int | slice | None = None) -> Array:
        """Return the share of every endmember.

        Args:
            line: A line, lines, or None for all of them.

        Returns:
            float32 (n, [lines,] samples, endmembers), summing to 1 within 1e-3.
        """
        xp = self.provinces.random.xp
        found = self.shares(line)
        n, components = found.shape[:2]
        numbers = self.provinces.random.asarray(np.arange(self.endmembers), "int64")
        which = xp.astype(self.members[..., None] == numbers, xp.float32)
        flat = xp.matrix_transpose(xp.reshape(found, (n, components, -1)))
        return xp.reshape(xp.matmul(flat, which), (n, *found.shape[2:], self.endmembers))


def build_surface(
    random: Random,
    shape: tuple[int, int, int],
    climates: Sequence[Climate],
    groups: Groups,
    *,
    tile: bool = False,
    sun_zenith_deg: Array | None = None,
    sun_azimuth_deg: Array | None = None,
) -> SurfaceMaps:
    """Draw the maps of scenes. Sizes are in pixels of 60 m, whatever the size of the scene.

    What lies in a scene depends on ``random``, ``shape`` and the scene's own climate alone.

    Args:
        random: Source of chance; says the array library and the device.
        shape: (n, lines, samples), at least 8 lines and samples.
        climates: Kind of landscape of each scene, (n,).
        groups: Endmember numbers by group, the same for all scenes; each mineral's name is a group.
        tile: Make small maps fast: fewer materials, areas that hold in expectation, maps in float32.
        sun_zenith_deg: (n,), below 90; by default drawn from the climates' ranges.
        sun_azimuth_deg: (n,), clockwise from the direction of falling line numbers; by default drawn.

    Returns:
        The maps.

    Raises:
        UsageError: If there are not n climates, the scene is too small, or a group is missing.
    """
    _check(shape, climates, groups)
    sun = (sun_zenith_deg, sun_azimuth_deg)
    # Products here are many and small: threads of BLAS would cost more than they give, and change results.
    with one_blas_thread():
        maps = _draw(random, shape, Figures(random.child("figures"), climates), groups, tile, sun)
        return maps if tile else _compact(maps)


def _draw(
    random: Random,
    shape: tuple[int, int, int],
    figures: Figures,
    groups: Groups,
    tile: bool,
    sun: tuple[Array | None, Array | None],
) -> SurfaceMaps:
    """Draw the maps, each from what was drawn before it."""
    terrain = draw_terrain(
        random.child("terrain"), shape, figures, sun_zenith_deg=sun[0], sun_azimuth_deg=sun[1]
    )
    palette = draw_palette(random.child("palette"), shape[0], groups, tile=tile)
    cover = draw_cover(random.child("cover"), shape, figures, palette, terrain, tile=tile)
    provinces = draw_provinces(random.child("provinces"), shape, figures, terrain, tile=tile)
    mixture = draw_mixture(random.child("mixture"), figures, groups, provinces, terrain)
    open_ground = 1 - cover.share
    deposits = draw_deposits(random.child("deposits"), figures, provinces, open_ground, tile=tile)
    modulation = draw_modulation(random.child("modulation"), shape)
    pairs = [(groups[name][0], groups[name][-1]) for name in MINERALS]
    return SurfaceMaps(
        provinces=provinces,
        slot_members=mixture.members,
        slots=mixture.shares * (open_ground * (1 - deposits.total))[:, None, ...],
        minerals=deposits.abundance * open_ground[:, None, ...],
        blend=deposits.blend,
        mineral_members=random.asarray(pairs, "int64"),
        palette=palette,
        cover=cover,
        intimacy=_intimacy(random, mixture, deposits, cover, palette),
        shade=1 + (terrain.shade - 1) * (1 - cover.share * cover.of(palette.level)),
        elevation_m=terrain.elevation_m,
        modulation=modulation,
        sun_zenith_deg=terrain.sun_zenith_deg,
        sun_azimuth_deg=terrain.sun_azimuth_deg,
        endmembers=1 + max(max(numbers) for numbers in groups.values() if numbers),
    )


def draw_modulation(random: Random, shape: tuple[int, int, int]) -> Array:
    """Draw the fields that make spectra vary inside patches, float32 (n, 8, lines, samples).

    From pixel to regional scale, see ``MODULATIONS``; each about standard normal.
    """
    fields = []
    for number, (outer, slope, step) in enumerate(MODULATIONS):
        own = random.child(number)
        if step == 1:
            fields.append(spectral_field(own, shape, outer=outer, slope=slope, margin=0))
        else:
            fields.append(smooth_field(own, shape, outer=outer, slope=slope, step=step, margin=int(outer)))
    return random.xp.stack(fields, axis=1)


def _intimacy(random: Random, mixture: Mixture, deposits: Deposits, cover: Cover, palette: Palette) -> Array:
    """Return the share of a pixel that is mixed grain by grain: ground, minerals and cover together."""
    xp = random.xp
    minerals = deposits.total
    ground = mixture.intimacy * (1 - minerals) + MINERAL_INTIMACY * minerals
    return xp.clip(ground + cover.share * (cover.of(palette.intimacy) - ground), min=0.0, max=1.0)


def _compact(maps: SurfaceMaps) -> SurfaceMaps:
    """Store a capture's maps in two bytes a value where that is enough."""
    xp = maps.provinces.random.xp

    def half(values: Array) -> Array:
        return xp.astype(values, xp.float16)

    return replace(
        maps,
        provinces=replace(maps.provinces, mix=half(maps.provinces.mix)),
        slots=half(maps.slots),
        minerals=half(maps.minerals),
        blend=half(maps.blend),
        cover=replace(maps.cover, share=half(maps.cover.share)),
        intimacy=half(maps.intimacy),
        shade=half(maps.shade),
        modulation=half(maps.modulation),
    )


def _check(shape: tuple[int, int, int], climates: Sequence[Climate], groups: Groups) -> None:
    """Refuse what no maps can be made of."""
    if len(climates) != shape[0]:
        raise UsageError("one climate a scene", field="climates", found=len(climates), expected=shape[0])
    if min(shape[1:]) < LEAST_SIDE:
        raise UsageError(
            "scene too small", field="shape", found=shape, expected=f"{LEAST_SIDE} pixels a side"
        )
    missing = [name for name in MINERALS if not groups.get(name)]
    if missing:
        raise UsageError("minerals without endmembers", field="groups", found=", ".join(missing))
