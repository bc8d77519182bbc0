"""From the maps of tiles to radiance at the sensor, in pieces that stay in a processor's cache.

Every step reads and writes (pixels, bands); done on a whole batch, each would go through main memory. So on
a CPU some lines of one tile go through all steps together; a GPU takes the batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from onboard.scenes.air.adjacency import POOL, Environment
from onboard.scenes.air.clouds import Clouds
from onboard.scenes.air.light import Light, air_fields, radiance
from onboard.scenes.arrays import Array, Random
from onboard.scenes.instrument.detector import Detector, observe
from onboard.scenes.memory import exponential
from onboard.scenes.methane import MethaneTable, attenuation
from onboard.scenes.spectra.mixing import mix
from onboard.scenes.spectra.palette import Palette
from onboard.scenes.surface.maps import SurfaceMaps

PIXELS_AT_ONCE = 4096


@dataclass(frozen=True)
class TileGround:
    """What tiles are made of.

    Attributes:
        surface: Maps of n tiles.
        shares: Share of each component in each pixel, float32 (n, lines, samples, components).
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
    shares = xp.permute_dims(surface.shares(), (0, 2, 3, 1))
    members = surface.members[..., None]
    members = xp.broadcast_to(members, (*members.shape[:2], palette.reflectance.shape[-1]))
    spectra = (xp.take_along_axis(s, members, axis=1) for s in (palette.reflectance, palette.albedo))
    return (shares, *spectra)


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
    n, lines, samples, _ = ground.shares.shape
    around = look_around(ground, pixel_m)
    everything = slice(None)
    if getattr(random, "device", "cpu") != "cpu":
        return _piece(random, ground, around, enhancement, gas, clouds, everything, everything)
    step = max(1, PIXELS_AT_ONCE // samples)
    seen = xp.empty((n, lines, samples, ground.reflectance.shape[-1]), dtype=xp.float32)
    for tile in range(n):
        only = slice(tile, tile + 1)
        own, near = _tile(ground, only), replace(around, values=around.values[only])
        for first in range(0, lines, step):
            rows = slice(first, first + step)
            seen[only, rows] = _piece(random, own, near, enhancement, gas, clouds, only, rows)
    return seen


def look_around(ground: TileGround, pixel_m: float) -> Environment:
    """Return the environment of tiles: mixtures of mean shares, eight by eight pixels."""
    xp = ground.surface.provinces.random.xp
    n, lines, samples, parts = ground.shares.shape
    down, across = lines // POOL * POOL, samples // POOL * POOL
    blocks = (n, down // POOL, POOL, across // POOL, POOL)
    shares = xp.mean(xp.reshape(ground.shares[:, :down, :across, :], (*blocks, parts)), axis=(2, 4))
    intimacy = xp.mean(xp.reshape(ground.surface.intimacy[:, :down, :across], blocks), axis=(2, 4))
    coarse = mix(shares, ground.reflectance, ground.albedo, intimacy)
    return Environment.from_coarse(coarse, ground.light.near, (lines, samples), pixel_m=pixel_m)


def _tile(ground: TileGround, only: slice) -> TileGround:
    """Return one tile's share of what is not a map."""
    light = Light(**{f.name: getattr(ground.light, f.name)[only] for f in fields(Light)})
    whole = ground.detector
    elements = whole.elements
    if elements is not None:
        elements = replace(elements, bad=elements.bad[only], columns=elements.columns[only])
    detector = replace(
        whole, shear=whole.shear[only], gain=whole.gain[only], offset=whole.offset[only], elements=elements
    )
    spectra = {"reflectance": ground.reflectance[only], "albedo": ground.albedo[only]}
    return replace(ground, light=light, detector=detector, **spectra)


def _piece(
    random: Random,
    ground: TileGround,
    around: Environment,
    enhancement: Array,
    gas: MethaneTable,
    clouds: Clouds | None,
    tiles: slice,
    rows: slice,
) -> Array:
    """Make some lines of some tiles; ``ground`` and ``around`` are cut to those tiles but for maps."""
    xp = random.xp
    surface, where = ground.surface, (tiles, rows)
    modulation = xp.moveaxis(surface.modulation[tiles, :, rows, :], 1, -1)
    mean = xp.mean(surface.elevation_m[tiles, ...], axis=(1, 2), keepdims=True)
    regional = modulation[..., -1]
    lit, path = radiance(
        ground.light,
        mix(ground.shares[where], ground.reflectance, ground.albedo, surface.intimacy[where]),
        air_fields(ground.light, modulation, (surface.elevation_m[where] - mean) * 1e-3, gas=regional),
        environment=around.all(rows),
        shade=surface.shade[where],
        shadow=None if clouds is None else clouds.light[where],
        aerosol=regional,
        cloud=None if clouds is None else clouds.opacity[where],
    )
    lit *= exponential(attenuation(enhancement[where], gas))
    lit += path
    return observe(ground.detector, lit, random.normal(tuple(lit.shape)))
