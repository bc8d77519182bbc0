"""The parts of a scene, each drawn with a stream of its own: a change of one leaves the others alone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.scenes.air.adjacency import POOL, Environment, coarse_size
from onboard.scenes.air.clouds import Clouds, build_clouds
from onboard.scenes.air.light import Light
from onboard.scenes.air.modulation import modulation_curves
from onboard.scenes.air.states import make_light
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.atmosphere import Atmosphere
from onboard.scenes.gas.labels import LabelRule
from onboard.scenes.gas.plumes import PlumeField, place_plumes
from onboard.scenes.gas.sources import DETECTED_EMISSIONS
from onboard.scenes.instrument.detector import Detector
from onboard.scenes.instrument.draw import draw_detector
from onboard.scenes.instrument.frames import CLOUDY, cloudy_frames, draw_line_flags
from onboard.scenes.instrument.measured import MeasuredDetector
from onboard.scenes.library import Library, load_library
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.spectra.bank import SpectralBank
from onboard.scenes.spectra.mixing import mix
from onboard.scenes.spectra.palette import Palette
from onboard.scenes.spectra.split import split_library
from onboard.scenes.surface.climates import CLIMATES, Climate, get_climate
from onboard.scenes.surface.maps import SurfaceMaps
from onboard.sensors import Sensor

BANK_SIZE = 1200
"""Background spectra that a capture's palette is drawn from."""


def draw_climate(rng: np.random.Generator, name: str | None) -> Climate:
    """Draw a climate by its weight, or take the one named."""
    weights = np.asarray([climate.weight for climate in CLIMATES])
    drawn = CLIMATES[int(rng.choice(len(CLIMATES), p=weights / weights.sum()))]
    return drawn if name is None else get_climate(name)


@lru_cache(maxsize=3)
def _built_in_bank(part: str, centres: bytes, fwhm: bytes) -> SpectralBank:
    """Return the bank of the built-in spectra; scenes of one band table share it."""
    library = split_library(load_library(), part)
    return SpectralBank.build(library, np.frombuffer(centres), np.frombuffer(fwhm), size=BANK_SIZE)


def draw_palette(
    recipe: SceneRecipe, centres: NDArray[np.float64], fwhm: NDArray[np.float64], library: Library | None
) -> Palette:
    """Draw the spectra of a scene, from the samples of the library that its recipe names."""
    if library is None:
        bank = _built_in_bank(recipe.library_part, centres.tobytes(), np.ascontiguousarray(fwhm).tobytes())
    else:
        bank = SpectralBank.build(split_library(library, recipe.library_part), centres, fwhm, size=BANK_SIZE)
    return bank.draw(NumpyRandom(recipe.seed, "spectra"), 1)


def draw_air(recipe: SceneRecipe, sun_zenith_deg: float, elevation_km: float) -> Atmosphere:
    """Draw the air over a scene, with the sun and the height that it was given."""
    rng = np.random.default_rng((recipe.seed, 3))
    air = replace(Atmosphere.sample(rng), sun_zenith_deg=sun_zenith_deg, elevation_km=min(elevation_km, 8.9))
    asked = {"aerosol_550": recipe.aerosol_550, "water_cm": recipe.water_cm}
    return replace(air, **{name: float(rng.uniform(*span)) for name, span in asked.items() if span})


def draw_light(
    recipe: SceneRecipe,
    climate: Climate,
    air: Atmosphere,
    centres: NDArray[np.float64],
    fwhm: NDArray[np.float64],
) -> Light:
    """Draw how the ground's spectra vary, and make the light of the scene."""
    random = NumpyRandom(recipe.seed, "light")
    curves = modulation_curves(random, centres, climate.texture, 1)[0]
    return make_light(air, centres, fwhm, curves, float(random.uniform(())))


def draw_clouds(
    recipe: SceneRecipe, shape: tuple[int, int], zenith_deg: float, azimuth_deg: float
) -> Clouds | None:
    """Draw the clouds of a scene; None without any."""
    # The ground counts azimuth from falling lines, clouds from rising samples.
    azimuth = np.asarray([np.radians(azimuth_deg - 90.0)], np.float32)
    return build_clouds(
        NumpyRandom(recipe.seed, "clouds"),
        (1, *shape),
        [recipe.cloud_fraction],
        sun_zenith_deg=np.asarray([zenith_deg], np.float32),
        sun_azimuth_rad=azimuth,
    )


def draw_flags(recipe: SceneRecipe, clouds: Clouds | None) -> NDArray[np.float32]:
    """Draw the flags of lost lines, (lines,), 0 for good ones; frames under thick cloud are lost whole."""
    flags = draw_line_flags(np.random.default_rng((recipe.seed, 5)), recipe.lines, recipe.flagged_lines)
    if clouds is not None:
        flags[cloudy_frames(clouds.opacity[0]) & (flags == 0)] = CLOUDY
    return flags


def draw_plumes(recipe: SceneRecipe, pixel_m: float) -> PlumeField:
    """Draw the plumes of a scene."""
    asked = recipe.emission_kg_h
    emissions = {"emissions": DETECTED_EMISSIONS} if asked is None else {"emission_range": asked}
    return place_plumes(
        NumpyRandom(recipe.seed, "plumes"),
        recipe.lines,
        recipe.samples,
        recipe.plumes,
        pixel_m=pixel_m,
        rule=LabelRule(recipe.label_threshold, recipe.label_min_pixels),
        **emissions,
    )


def make_detector(
    recipe: SceneRecipe,
    sensor: Sensor,
    centres: NDArray[np.float64],
    measured: MeasuredDetector | None,
) -> Detector:
    """Make the detector that a recipe asks for."""
    if recipe.detector == "measured" and measured is None:
        raise UsageError(
            "a measured detector without measurements",
            field="detector",
            found="measured",
            expected="calibration files",
            remedy="name their folder",
        )
    detector = draw_detector(
        NumpyRandom(recipe.seed, "detector"),
        centres,
        np.stack([sensor.noise_a, sensor.noise_b, sensor.noise_c]),
        recipe.samples,
        measured=measured if recipe.detector == "measured" else None,
        smile_nm=recipe.smile_nm,
    )
    if recipe.detector == "ideal":
        return replace(
            detector,
            shear=np.zeros_like(detector.shear),
            gain=np.ones_like(detector.gain),
            offset=np.zeros_like(detector.offset),
            full_scale=np.full_like(detector.full_scale, np.inf),
            seam=None,
            elements=None,
        )
    return replace(detector, gain=1 + np.float32(recipe.stripes) * (detector.gain - 1))


def look_around(
    surface: SurfaceMaps, palette: Palette, light: Light, shape: tuple[int, int], pixel_m: float
) -> Environment:
    """Return each pixel's surroundings, from the middle line of every eight."""
    lines, samples = shape
    rows = coarse_size(lines)
    cells = np.arange(samples) // POOL
    number = np.bincount(cells).astype(np.float32)[:, None]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    coarse = np.empty((1, rows, coarse_size(samples), palette.reflectance.shape[-1]), np.float32)
    for row in range(rows):
        line = min(row * POOL + POOL // 2, lines - 1)
        weights = np.add.reduceat(surface.weights(line)[0], starts, axis=0) / number
        intimacy = np.add.reduceat(surface.intimacy[0, line].astype(np.float32), starts) / number[:, 0]
        coarse[0, row] = mix(weights, palette.reflectance[0], palette.albedo[0], intimacy)
    return Environment.from_coarse(coarse, light.near, shape, pixel_m=pixel_m)
