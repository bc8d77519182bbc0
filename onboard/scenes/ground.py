"""Maps of what lies where: provinces of mixed background, ten minerals in patches and veins, covers on top.

The maps are small (about 60 bytes a pixel); radiance is made from them a line at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.minerals import MINERALS
from onboard.scenes import overlays
from onboard.scenes.climates import Climate
from onboard.scenes.fields import (
    Field,
    level_above,
    ridges,
    smooth_step,
    softmax,
    spectral_field,
    standardised,
    warped_coordinates,
)

# Minerals that form together share part of their map (iron oxides, carbonates, clays, micas).
FAMILIES = (0, 1, 0, 2, 4, 2, 3, 3, 4, 1)
SLOTS = 4
MODULATIONS = 6
COVER_LEVEL = 0.15
MINERAL_LIMIT = 0.95

Groups = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class GroundMaps:
    """The maps of a scene's ground, all (..., lines, samples). Shares of a pixel sum to 1 within float16.

    Attributes:
        province: Index of the province, uint8.
        slot_members: Endmembers that a province is mixed from, uint8 (provinces, SLOTS).
        slot_weights: Share of each slot, float16 (SLOTS, lines, samples).
        mineral_members: Two endmembers a mineral, uint8 (10, 2).
        minerals: Areal abundance of each mineral, float16 (10, lines, samples).
        blend: How much of a mineral is its first endmember, float16 (2, lines, samples).
        cover: What man, water or snow laid on top.
        shade: Illumination relative to flat ground, float32.
        modulation: Standard normal fields that drive spectral variation, float16 (MODULATIONS, ...).
        elevation_m: Height above the sea, float32.
    """

    province: NDArray[np.uint8]
    slot_members: NDArray[np.uint8]
    slot_weights: NDArray[np.float16]
    mineral_members: NDArray[np.uint8]
    minerals: NDArray[np.float16]
    blend: NDArray[np.float16]
    cover: overlays.Overlay
    shade: Field
    modulation: NDArray[np.float16]
    elevation_m: Field

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples."""
        return self.province.shape[0], self.province.shape[1]

    def line_weights(self, line: int, endmembers: int) -> Field:
        """Return the share of every endmember in every pixel of a line, float32 (samples, endmembers)."""
        samples = self.shape[1]
        weights = np.zeros((samples, endmembers), np.float32)
        flat = weights.reshape(-1)
        base = np.arange(samples) * endmembers
        members = self.slot_members[self.province[line]]
        for slot in range(members.shape[1]):
            flat[base + members[:, slot]] += self.slot_weights[slot, line]
        for index, (first, second) in enumerate(self.mineral_members):
            abundance = self.minerals[index, line].astype(np.float32)
            part = self.blend[index % 2, line].astype(np.float32)
            weights[:, first] += abundance * part
            weights[:, second] += abundance * (1 - part)
        covered = np.flatnonzero(self.cover.weight[line] > 0)
        flat[base[covered] + self.cover.member[line, covered]] += self.cover.weight[line, covered]
        return weights


def build_ground(
    rng: np.random.Generator, shape: tuple[int, int], climate: Climate, groups: Groups
) -> GroundMaps:
    """Draw the maps of a scene.

    Args:
        rng: Source of randomness.
        shape: (lines, samples).
        climate: What kind of landscape.
        groups: Endmember numbers by group; see ``onboard.scenes.palette``. Each mineral's name is a group
            of two.

    Returns:
        The maps.
    """
    height = spectral_field(rng, shape, outer=0.4 * max(shape), slope=3.6)
    cover = build_cover(rng, shape, climate, groups, height)
    open_ground = 1 - cover.weight
    province, members = draw_provinces(rng, shape, climate, groups)
    minerals = draw_minerals(rng, shape, climate, province, int(members.shape[0]))
    minerals *= open_ground
    slots = draw_slot_weights(rng, province, int(members.shape[0]))
    slots *= open_ground - minerals.sum(axis=0)
    blend = np.stack([smooth_step(spectral_field(rng, shape, outer=60.0), -1.5, 1.5) for _ in range(2)])
    return GroundMaps(
        province=province,
        slot_members=members,
        slot_weights=slots.astype(np.float16),
        mineral_members=np.asarray([groups[name] for name in MINERALS], np.uint8),
        minerals=minerals.astype(np.float16),
        blend=blend.astype(np.float16),
        cover=cover,
        shade=terrain_shade(rng, height, climate.relief),
        modulation=draw_modulation(rng, shape),
        elevation_m=elevation(rng, height, climate.relief),
    )


def draw_provinces(
    rng: np.random.Generator, shape: tuple[int, int], climate: Climate, groups: Groups
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw provinces as a domain-warped Voronoi map, and what each is mixed from.

    Returns:
        Index map uint8 (lines, samples) and endmembers uint8 (provinces, SLOTS).
    """
    count = int(rng.integers(6, 15))
    extent = float(max(shape))
    line, sample = warped_coordinates(rng, shape, amount=0.06 * extent, outer=0.15 * extent)
    # Ragged borders: provinces interfinger at the scale of a few pixels.
    line += 3 * spectral_field(rng, shape, outer=12.0, slope=2.6)
    best = np.full(shape, np.inf, np.float32)
    province = np.zeros(shape, np.uint8)
    for index in range(count):
        y, x = rng.uniform(-0.05, 1.05) * shape[0], rng.uniform(-0.05, 1.05) * shape[1]
        reach = np.float32(1.0 / rng.uniform(0.7, 1.5))
        distance = ((line - np.float32(y)) ** 2 + (sample - np.float32(x)) ** 2) * reach
        nearer = distance < best
        province[nearer] = index
        np.minimum(best, distance, out=best)
    names = [name for name in climate.cover if groups.get(name)]
    odds = np.asarray([climate.cover[name] for name in names])
    drawn = rng.choice(len(names), (count, SLOTS), p=odds / odds.sum())
    members = np.asarray([[rng.choice(groups[names[kind]]) for kind in row] for row in drawn], np.uint8)
    return province, members


def draw_slot_weights(
    rng: np.random.Generator, province: NDArray[np.uint8], count: int
) -> NDArray[np.float32]:
    """Draw how the mixture varies inside provinces: float32 (SLOTS, lines, samples), summing to 1."""
    shape = (province.shape[0], province.shape[1])
    scores = np.empty((SLOTS, *shape), np.float32)
    for slot in range(SLOTS):
        outer = float(rng.choice([12.0, 40.0, 120.0, 300.0]))
        stretch, angle = float(rng.uniform(1, 3.5)), float(rng.uniform(0, np.pi))
        field = spectral_field(
            rng, shape, outer=outer, slope=rng.uniform(2.4, 3.2), stretch=stretch, angle=angle
        )
        spread = rng.uniform(0.4, 1.3, count).astype(np.float32)
        bias = rng.normal(0.0, 1.0, count).astype(np.float32)
        scores[slot] = field * spread[province] + bias[province]
    return softmax(scores, 1.0)


def draw_minerals(
    rng: np.random.Generator,
    shape: tuple[int, int],
    climate: Climate,
    province: NDArray[np.uint8],
    count: int,
) -> NDArray[np.float32]:
    """Draw areal abundances of the ten minerals, float32 (10, lines, samples), at most 0.95 together.

    A mineral lies in patches, or in veins for about a third of them, and more in provinces that favour it.
    The level is a quantile, so that the area it covers is the one that was drawn from the climate's range.
    """
    extent = float(max(shape))
    family_fields = [spectral_field(rng, shape, outer=0.12 * extent, slope=3.0) for _ in range(5)]
    abundance = np.empty((len(MINERALS), *shape), np.float32)
    for index, family in enumerate(FAMILIES):
        outer = float(rng.uniform(0.02, 0.10)) * extent + 4
        own = spectral_field(
            rng,
            shape,
            outer=outer,
            slope=rng.uniform(2.7, 3.4),
            stretch=rng.uniform(1, 3),
            angle=rng.uniform(0, 3.1),
        )
        affinity = rng.normal(0, 0.7, count).astype(np.float32)[province]
        field = standardised(own + np.float32(0.7) * family_fields[family] + affinity)
        peak, softness = float(rng.uniform(0.35, 1.0)), float(rng.uniform(0.25, 1.1))
        fraction = float(rng.uniform(*climate.mineral_cover))
        if rng.random() < 0.33:
            vein = ridges(own, float(rng.uniform(1.5, 4.0)))
            field = np.where(vein > 0.3, field, field - 2.5).astype(np.float32)
        # The level is set where the step reaches the abundance that counts as cover.
        crossing = inverse_smooth_step(COVER_LEVEL / peak) * softness
        low = level_above(field, fraction) - crossing
        abundance[index] = peak * smooth_step(field, low, low + softness)
    total = abundance.sum(axis=0)
    abundance *= np.where(total > MINERAL_LIMIT, MINERAL_LIMIT / np.maximum(total, 1e-6), 1).astype(
        np.float32
    )
    return abundance


def inverse_smooth_step(value: float) -> float:
    """Return where the cubic step 3 t^2 - 2 t^3 reaches ``value`` (0-1)."""
    return float(0.5 - np.sin(np.arcsin(1.0 - 2.0 * value) / 3.0))


def build_cover(
    rng: np.random.Generator, shape: tuple[int, int], climate: Climate, groups: Groups, height: Field
) -> overlays.Overlay:
    """Lay water, playas, snow, farmland, towns, roads and small targets, in that order."""
    cover = overlays.Overlay.empty(shape)
    extent = float(max(shape))
    members = {name: list(values) for name, values in groups.items()}
    if rng.random() < 0.7:
        banks = members["water"] if rng.random() < 0.3 else members["green"] + members["soil"]
        width, share = float(rng.uniform(1.5, 6)), float(rng.uniform(0.4, 0.9))
        overlays.lay_channels(rng, cover, banks, width=width, share=share)
    if rng.random() < climate.playa:
        overlays.lay_patches(rng, cover, float(rng.uniform(0.01, 0.06)), members["playa"], outer=0.2 * extent)
    overlays.lay_patches(rng, cover, float(rng.uniform(*climate.water)), members["water"], outer=0.1 * extent)
    if rng.random() < climate.snow:
        peak = level_above(height, float(rng.uniform(0.005, 0.05)))
        cover.lay(int(overlays.pick(rng, members["snow"], 1)[0]), smooth_step(height, peak, peak + 0.3))
    sown = float(rng.uniform(*climate.farmland))
    for _ in range(3 if sown > 0.01 else 0):
        region = spectral_field(rng, shape, outer=0.2 * extent, slope=3.4)
        inside = smooth_step(region, level_above(region, sown / 3), level_above(region, sown / 3) + 1e-3)
        overlays.lay_parcels(rng, cover, inside, members["crop"], pivots=climate.pivots)
    overlays.lay_built_up(rng, cover, float(rng.uniform(*climate.built_up)), members["roof"])
    overlays.lay_roads(rng, cover, int(rng.integers(*climate.roads)), members["paving"])
    count = rng.poisson(climate.targets * shape[0] * shape[1] / 1e6)
    kinds = [members[name] for name in ("roof", "plastic", "panel", "oil", "paint", "paving", "bright")]
    overlays.lay_targets(rng, cover, int(count), kinds)
    return cover


def terrain_shade(rng: np.random.Generator, height: Field, relief: float) -> Field:
    """Return illumination relative to flat ground, of terrain lit from one side (Lambert's cosine)."""
    rough = height + np.float32(0.06) * spectral_field(rng, (height.shape[0], height.shape[1]), outer=25.0)
    down, across = np.gradient(rough)
    azimuth = rng.uniform(0, 2 * np.pi)
    slope = standardised(down * np.float32(np.sin(azimuth)) + across * np.float32(np.cos(azimuth)))
    return np.asarray(np.clip(1 + np.float32(relief) * slope, 0.15, 1.6), np.float32)


def elevation(rng: np.random.Generator, height: Field, relief: float) -> Field:
    """Return heights in metres; more relief, higher ground."""
    base, swing = rng.uniform(100, 900), 1500 * relief + 30
    return np.asarray(np.maximum(base + swing * height, 0), np.float32)


def draw_modulation(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float16]:
    """Draw the fields that make spectra vary inside patches, from regional to pixel scale."""
    scales = ((2.5, 2.2), (12.0, 2.5), (60.0, 2.8), (4.0, 2.3), (6.0, 2.3), (300.0, 3.4))
    assert len(scales) == MODULATIONS
    fields = [spectral_field(rng, shape, outer=outer, slope=slope) for outer, slope in scales]
    return np.stack(fields).astype(np.float16)
