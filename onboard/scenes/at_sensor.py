"""From the maps of tiles to radiance at the sensor, in pieces that stay in a processor's cache.

Every step reads and writes (pixels, bands); done on a whole batch, each would go through main memory. So on
a CPU some lines of one tile go through all steps together; a GPU takes the batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from onboard.scenes.air.adjacency import Environment, pooled_maps
from onboard.scenes.air.clouds import Clouds
from onboard.scenes.air.light import Light, air_fields, radiance
from onboard.scenes.arrays import Array, Random, host, namespace
from onboard.scenes.instrument.detector import Detector, observe
from onboard.scenes.memory import exponential
from onboard.scenes.methane import MethaneTable, attenuation
from onboard.scenes.spectra.mixing import mix
from onboard.scenes.spectra.palette import Palette
from onboard.scenes.surface.maps import SurfaceMaps

PIXELS_AT_ONCE = 4096
REPEATED = ("scale", "sphere")
MIXED = ("shares", "reflectance", "albedo")


@dataclass(frozen=True)
class TileGround:
    """What tiles are made of.

    Attributes:
        surface: Maps of n tiles.
        shares: Share of each component in each pixel, float32 (n, components, lines, samples).
        reflectance: Of the components, (n, components, bands).
        albedo: Single-scattering albedo of the same.
        light: Light and air, spectra (n, 1, 1, bands).
        detector: Detectors, elements (n, 1, samples, bands).
    """

    surface: SurfaceMaps
    shares: Array
    reflectance: Array
    albedo: Array
    light: Light
    detector: Detector


def components(surface: SurfaceMaps, palette: Palette) -> tuple[Array, Array, Array]:
    """Return what pixels are mixed from: shares, and the components' reflectance and albedo.

    A tile has fewer components than its palette has endmembers, and mixing goes by their number.
    """
    xp = surface.provinces.random.xp
    members = surface.members[..., None]
    members = xp.broadcast_to(members, (*members.shape[:2], palette.reflectance.shape[-1]))
    spectra = (xp.take_along_axis(s, members, axis=1) for s in (palette.reflectance, palette.albedo))
    return (surface.shares(), *spectra)


def at_sensor(
    random: Random,
    ground: TileGround,
    enhancement: Array,
    gas: MethaneTable,
    clouds: Clouds | None = None,
    *,
    pixel_m: float = 60.0,
) -> Array:
    """Return what the detector makes of tiles, float32 (n, lines, samples, bands), uW cm-2 sr-1 nm-1.

    Args:
        random: Source of the noise.
        ground: What they are made of.
        enhancement: Added methane in ppm m, (n, lines, samples).
        gas: Its absorption.
        clouds: Clouds over them; None for clear skies.
        pixel_m: Size of a pixel in metres.
    """
    xp = random.xp
    n, _, lines, samples = ground.shares.shape
    around, change = look_around(ground, pixel_m), changes(ground)
    everything = slice(None)
    if takes_batches(random):
        return _piece(random, ground, around, change, enhancement, gas, clouds, everything, everything)
    step = max(1, PIXELS_AT_ONCE // samples)
    seen = xp.empty((n, lines, samples, ground.reflectance.shape[-1]), dtype=xp.float32)
    for tile in range(n):
        only = slice(tile, tile + 1)
        own, near = one_tile(ground, tile), replace(around, values=around.values[only])
        for first in range(0, lines, step):
            rows = slice(first, first + step)
            there = gas if bool((enhancement[tile, rows] > 0).any()) else None
            seen[only, rows] = _piece(random, own, near, change, enhancement, there, clouds, only, rows)
    return seen


def takes_batches(random: Random) -> bool:
    """Return whether a batch is done at once, with no look at what is in it: a GPU need not wait for one."""
    return getattr(random, "device", "cpu") != "cpu"


def look_around(ground: TileGround, pixel_m: float) -> Environment:
    """Return the environment of tiles: mixtures of mean shares, eight by eight pixels."""
    xp = namespace(ground.shares)
    shares = xp.moveaxis(pooled_maps(ground.shares), 1, -1)
    coarse = mix(shares, ground.reflectance, ground.albedo, pooled_maps(ground.surface.intimacy))
    return Environment.from_coarse(coarse, ground.light.near, ground.shares.shape[-2:], pixel_m=pixel_m)


def changes(ground: TileGround) -> Array:
    """Return the fields that change ln radiance, float32 (n, lines, samples, fields)."""
    surface = ground.surface
    xp = namespace(surface.modulation)
    modulation = xp.moveaxis(surface.modulation, 1, -1)
    mean = xp.mean(surface.elevation_m, axis=(1, 2), keepdims=True)
    height_km = (surface.elevation_m - mean) * 1e-3
    return air_fields(ground.light, modulation, height_km, gas=modulation[..., -1])


def one_tile(ground: TileGround, number: int) -> TileGround:
    """Return one of a batch's tiles, without what does not occur in it; its maps stay those of the batch.

    Spectra that all columns share are repeated for each: libraries multiply long rows faster.
    """
    only, samples = slice(number, number + 1), ground.shares.shape[-1]
    xp = namespace(ground.shares)
    column = xp.zeros((samples, 1), dtype=xp.float32)
    light, whole = ground.light, ground.detector
    spectra = {f.name: getattr(light, f.name)[only] for f in fields(Light)}
    spectra |= {name: spectra[name] + column for name in REPEATED}
    elements = whole.elements
    if elements is not None:
        bad = elements.bad[only]
        # Columns without bad elements fill up the list's end.
        sick = int(xp.sum(xp.astype(xp.max(bad, axis=-1) > 0, xp.int64)))
        columns = elements.columns[only, :sick]
        elements = replace(elements, bad=bad, columns=columns) if columns.shape[1] else None
    detector = replace(
        whole,
        **{name: getattr(whole, name)[only] for name in ("shear", "gain", "offset")},
        noise=whole.noise[:, None, :] + column,
        full_scale=whole.full_scale + column,
        quantum=whole.quantum + column,
        elements=elements,
    )
    occur = np.flatnonzero(host(xp.max(ground.shares[number, ...], axis=(1, 2))) > 0)
    present = ground.surface.provinces.random.asarray(occur, "int64")
    mixed = {name: xp.take(getattr(ground, name)[only, ...], present, axis=1) for name in MIXED}
    return replace(ground, light=Light(**spectra), detector=detector, **mixed)


def _piece(
    random: Random,
    ground: TileGround,
    around: Environment,
    change: Array,
    enhancement: Array,
    gas: MethaneTable | None,
    clouds: Clouds | None,
    tiles: slice,
    rows: slice,
) -> Array:
    """Make some lines of some tiles; ``ground`` and ``around`` are cut to those tiles but for maps."""
    xp = random.xp
    surface, where = ground.surface, (tiles, rows)
    shares = xp.moveaxis(ground.shares[:, :, rows, :], 1, -1)
    lit, path = radiance(
        ground.light,
        mix(shares, ground.reflectance, ground.albedo, surface.intimacy[where]),
        change[where],
        environment=around.all(rows),
        shade=surface.shade[where],
        shadow=None if clouds is None else clouds.light[where],
        aerosol=surface.modulation[tiles, -1, rows, :],
        cloud=None if clouds is None else clouds.opacity[where],
    )
    if gas is not None:
        lit *= exponential(attenuation(enhancement[where], gas))
    lit += path
    return observe(ground.detector, lit, random.normal(tuple(lit.shape)))
