"""Deposits of the ten minerals: patches and veins, by families, in the provinces that favour them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onboard.minerals import MINERALS
from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import level_above, smooth_step, spectral_field
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.provinces import Provinces
from onboard.scenes.surface.tools import log_uniform, normal_level, on_pixels, smooth_field

# Minerals that form together share part of their map (iron oxides, carbonates, clays, micas).
FAMILIES = (0, 1, 0, 2, 4, 2, 3, 3, 4, 1)
PRESENT = 0.15
MINERAL_LIMIT = 0.95
VEINS = 0.33
# Veins take the middle of a field's normal distribution, which holds this share of the area.
VEIN_SHARE, VEIN_EDGE = 0.2, 0.2533
# Parts of the variance of a mineral's map: its family's, its provinces', its own.
FAMILY_PART, PROVINCE_PART, OWN_PART = 0.25, 0.25, 0.5
ROOT_FAMILY, ROOT_PROVINCE, ROOT_OWN = (p**0.5 for p in (FAMILY_PART, PROVINCE_PART, OWN_PART))
# Standard deviation of the sum on tiles, where it counts: far out. Splines and borders smooth a little away.
SPREAD = 0.92
# Deposits cover what is not built or sown on; where little is open they are denser, within reason.
MOST_DENSER = 2.5


@dataclass(frozen=True)
class Deposits:
    """Deposits of the ten minerals.

    Attributes:
        abundance: Areal share of open ground, float32 (n, 10, lines, samples); at most 0.95 together.
        total: Sum of the ten, float32 (n, lines, samples).
        blend: How much of a mineral is its first endmember, float32 (n, 2, lines, samples); minerals of
            even number follow the first field.
    """

    abundance: Array
    total: Array
    blend: Array


def draw_deposits(
    random: Random,
    figures: Figures,
    provinces: Provinces,
    open_ground: Array,
    *,
    tile: bool,
) -> Deposits:
    """Draw deposits of the ten minerals.

    A mineral's field is a standard normal sum of what its family, its provinces and it alone contribute; it
    lies where the field tops a level. On captures the level is a quantile of the scene, so that the area is
    the one that was drawn from the climate's range. On tiles it is the normal distribution's: a tile may
    hold none or much, and the expectation is the same.

    Args:
        random: Source of chance.
        figures: Figures of the scenes' climates.
        provinces: Where the provinces lie.
        open_ground: Share of the ground that nothing covers, (n, lines, samples).
        tile: Whether these are small tiles or captures.

    Returns:
        The deposits.
    """
    xp = random.xp
    n, lines, samples = provinces.first.shape
    traits = _draw_traits(random, figures, provinces, open_ground)
    shared = _shared(random, provinces, traits)
    detail = spectral_field(random.child("detail"), (n, 2, lines, samples), outer=7.0, slope=2.5, margin=0)
    found = []
    # One mineral at a time: ten fields of a batch at once would fall out of every cache.
    for number in range(len(MINERALS)):
        own = _own_field(random.child("own", number), provinces, traits, detail[:, number % 2], number)
        outside = xp.clip(xp.abs(own) * (1 / (0.3 * VEIN_EDGE)) - (1 / 0.3 - 0.5), min=0.0, max=1.0)
        vein = on_pixels(traits.vein[:, number])
        field = shared[:, number] + (ROOT_OWN * (1 - vein)) * own - (4.0 * vein) * outside
        found.append(_abundance(field, traits, number, tile=tile))
    total = found[0]
    for abundance in found[1:]:
        total = total + abundance
    scale = xp.clip(MINERAL_LIMIT / xp.clip(total, min=1e-6), max=1.0)
    blend = smooth_field(random.child("blend"), (n, 2, lines, samples), outer=60.0, step=8, margin=60)
    stacked = xp.stack([abundance * scale for abundance in found], axis=1)
    return Deposits(stacked, total * scale, smooth_step(blend, -1.5, 1.5))


def inverse_smooth_step(value: Array) -> Array:
    """Return where the cubic step 3 t^2 - 2 t^3 reaches ``value`` (0-1)."""
    xp = namespace(value)
    return 0.5 - xp.sin(xp.asin(1.0 - 2.0 * value) / 3.0)


@dataclass(frozen=True)
class _Traits:
    """What a mineral is like in a scene, each (n, 10).

    ``vein`` is 1 for veins, 0 for patches; ``share`` the area wanted; ``peak`` the highest abundance;
    ``softness`` the height over which it rises; ``ragged`` the part of detail; the rest shapes its field.
    """

    vein: Array
    share: Array
    peak: Array
    softness: Array
    ragged: Array
    outer: Array
    stretch: Array
    angle: Array


def _draw_traits(random: Random, figures: Figures, provinces: Provinces, open_ground: Array) -> _Traits:
    """Draw what minerals are like."""
    xp = random.xp
    many = (len(figures), len(MINERALS))
    bare = xp.clip(xp.mean(open_ground, axis=(1, 2))[:, None], min=1 / MOST_DENSER)
    return _Traits(
        vein=xp.astype(random.child("vein").uniform(many) < VEINS, xp.float32),
        share=figures.draw("mineral_cover", (len(MINERALS),)) / bare,
        peak=random.child("peak").uniform(many, 0.35, 1.0),
        softness=random.child("softness").uniform(many, 0.25, 1.1),
        ragged=random.child("ragged").uniform(many, 0.1, 0.5),
        outer=log_uniform(random.child("outer"), many, 16.0, 110.0),
        stretch=provinces.stretch[:, None] * random.child("stretch").uniform(many, 0.8, 2.0),
        angle=provinces.angle[:, None] + 0.5 * random.child("turn").normal(many),
    )


def _shared(random: Random, provinces: Provinces, traits: _Traits) -> Array:
    """Return what families and provinces contribute to the minerals' fields, (n, 10, lines, samples).

    Its variance is what an own field leaves of 1: all of it for veins, which follow the zero lines of
    their own field and get from the shared part where along them they lie.
    """
    xp = random.xp
    n, lines, samples = provinces.first.shape
    families = smooth_field(
        random.child("family"), (n, 1 + max(FAMILIES), lines, samples), outer=150.0, step=8, margin=250
    )
    belongs = np.asarray(FAMILIES)[:, None] == np.arange(1 + max(FAMILIES))
    belongs = random.asarray(ROOT_FAMILY * belongs)
    affinity = ROOT_PROVINCE * random.child("affinity").normal((n, len(MINERALS), provinces.count))
    gain = 1 + traits.vein * float(np.sqrt(1 / (1 - OWN_PART)) - 1)
    belongs, affinity = belongs * gain[..., None], affinity * gain[..., None]
    blocks = []
    for rows, numbers, there in provinces.blocks():
        sources = xp.concat([families[:, :, rows, :], there], axis=1)
        weights = xp.concat([belongs, xp.take(affinity, numbers, axis=2)], axis=2)
        flat = xp.matmul(weights, xp.reshape(sources, (n, sources.shape[1], -1)))
        blocks.append(xp.reshape(flat, (n, len(MINERALS), *sources.shape[2:])))
    return xp.concat(blocks, axis=2) if len(blocks) > 1 else blocks[0]


def _own_field(random: Random, provinces: Provinces, traits: _Traits, detail: Array, number: int) -> Array:
    """Return the field of one mineral alone, standard normal (n, lines, samples)."""
    xp = random.xp
    own = smooth_field(
        random,
        provinces.first.shape,
        outer=traits.outer[:, number],
        step=4,
        slope=3.1,
        stretch=traits.stretch[:, number],
        angle=traits.angle[:, number],
        margin=64,
    )
    ragged = on_pixels(traits.ragged[:, number])
    return own * xp.sqrt(1 - ragged * ragged) + ragged * detail


def _abundance(field: Array, traits: _Traits, number: int, *, tile: bool) -> Array:
    """Return the abundance of one mineral from its field, (n, lines, samples)."""
    share, vein = traits.share[:, number], traits.vein[:, number]
    within = share / (1 - (1 - VEIN_SHARE) * vein)
    level = SPREAD * normal_level(within) if tile else level_above(field, share)
    peak, softness = traits.peak[:, number], traits.softness[:, number]
    # The level is set where the step reaches the abundance that counts as present.
    low = level - inverse_smooth_step(PRESENT / peak) * softness
    return on_pixels(peak) * smooth_step(field, on_pixels(low), on_pixels(low + softness))
