"""Simulated material for the checks: scenes of every climate, and the same scenes seen without noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.progress import progress
from onboard.scenes.arrays import host
from onboard.scenes.library import Library
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import Scene, build_scene
from onboard.scenes.surface.climates import climate_names
from onboard.sensors import Sensor

Float32 = NDArray[np.float32]

STUDY_PLUMES = 6
STUDY_EMISSION_KG_H = (2000.0, 10_000.0)
"""Plumes that fill a good part of a column darken its statistics; a narrow scene gets small ones."""
NOISE_LINES = 96
PATCH = 48
PATCHES = 14
PIXELS_A_PATCH = 500
WORKERS = 2
LEAST_LINES, LEAST_SAMPLES = 192, 32


@dataclass(frozen=True, eq=False)
class Study:
    """One climate's scene, large enough for column statistics.

    Attributes:
        climate: Name of the landscape.
        scene: The scene, with plumes.
        background: Radiance without plumes, float32 (lines, samples, bands), uW cm-2 sr-1 nm-1.
        with_plumes: The same with plumes.
        quiet: The first ``NOISE_LINES`` lines of the background without detector noise.
        enhancement: True methane, float32 (lines, samples), ppm m.
        valid: bool (lines, samples), False where no radiance was measured.
    """

    climate: str
    scene: Scene
    background: Float32
    with_plumes: Float32
    quiet: Float32
    enhancement: Float32
    valid: NDArray[np.bool_]

    @property
    def noisy(self) -> Float32:
        """The lines of the background that ``quiet`` shows without noise."""
        return self.background[: self.quiet.shape[0]]


@dataclass(frozen=True, eq=False)
class Patches:
    """Noise-free pixels of many small scenes of a climate.

    Attributes:
        climate: Name of the landscape.
        radiance: float32 (pixels, bands).
        endmembers: Reflectance of the spectra the scenes were mixed from, float32 (spectra, bands).
    """

    climate: str
    radiance: Float32
    endmembers: Float32


def quiet_sensor(sensor: Sensor) -> Sensor:
    """Return the same instrument without detector noise."""
    none = np.zeros(sensor.bands)
    none.flags.writeable = False
    return replace(sensor, noise_a=none, noise_b=none, noise_c=none)


def sun_zenith(scene: Scene) -> float:
    """Sun's zenith angle in degrees."""
    return float(scene.atmosphere.sun_zenith_deg)


def endmembers(scene: Scene) -> Float32:
    """Reflectance of a scene's spectra, float32 (spectra, bands)."""
    return np.asarray(host(scene.palette.reflectance), np.float32).reshape(-1, scene.bands)


def check_size(size: tuple[int, int]) -> None:
    """Refuse a study scene that is too small for statistics a column.

    Raises:
        UsageError: Too few lines or samples.
    """
    for name, value, least in (("lines", size[0], LEAST_LINES), ("samples", size[1], LEAST_SAMPLES)):
        if value < least:
            raise UsageError(
                "too small a scene to validate on", field=name, found=value, expected=f"at least {least}"
            )


def studies(
    seed: int, size: tuple[int, int], sensor: Sensor, library: Library | None = None
) -> Iterator[Study]:
    """Make a study of every climate, one at a time: each is a few hundred megabytes.

    Args:
        seed: Seed; climate k uses ``seed + k``.
        size: Lines and samples.
        sensor: The instrument.
        library: Spectra; the built-in ones if None.

    Raises:
        UsageError: A size too small.
    """
    check_size(size)
    names = climate_names()
    for k, climate in enumerate(progress(names, total=len(names), label="study scenes", unit="scenes")):
        recipe = SceneRecipe(
            seed=seed + k,
            lines=size[0],
            samples=size[1],
            climate=climate,
            plumes=STUDY_PLUMES,
            emission_kg_h=STUDY_EMISSION_KG_H,
        )
        yield _study(recipe, climate, sensor, library)


def _study(recipe: SceneRecipe, climate: str, sensor: Sensor, library: Library | None) -> Study:
    scene = build_scene(recipe, sensor, library)
    still = build_scene(recipe, quiet_sensor(sensor), library)
    truth = scene.truth
    return Study(
        climate=climate,
        scene=scene,
        background=scene.background_block(0, recipe.lines, workers=WORKERS),
        with_plumes=scene.radiance_block(0, recipe.lines, workers=WORKERS),
        quiet=still.background_block(0, min(NOISE_LINES, recipe.lines), workers=WORKERS),
        enhancement=np.asarray(truth.ch4_enhancement, np.float32),
        valid=np.asarray(truth.valid) != 0,
    )


def patches(
    seed: int, sensor: Sensor, library: Library | None = None, *, count: int = PATCHES, size: int = PATCH
) -> list[Patches]:
    """Draw noise-free pixels of many small scenes, every climate equally often.

    Args:
        seed: Seed of the scenes and of the choice of pixels.
        sensor: The instrument; its noise is left out.
        library: Spectra; the built-in ones if None.
        count: Scenes a climate.
        size: Lines and samples of a scene.
    """
    names, still = climate_names(), quiet_sensor(sensor)
    plan = [(name, 1000 * (k + 1) + patch) for k, name in enumerate(names) for patch in range(count)]
    rng = np.random.default_rng(seed)
    pixels: dict[str, list[Float32]] = {name: [] for name in names}
    spectra: dict[str, list[Float32]] = {name: [] for name in names}
    for name, offset in progress(plan, total=len(plan), label="small scenes", unit="scenes"):
        recipe = SceneRecipe(
            seed=seed + offset, lines=size, samples=size, climate=name, plumes=0, detector="ideal"
        )
        scene = build_scene(recipe, still, library)
        block = scene.background_block(0, size).reshape(-1, scene.bands)
        good = np.flatnonzero(np.asarray(scene.truth.valid).ravel() != 0)
        pixels[name].append(block[rng.choice(good, min(PIXELS_A_PATCH, good.size), replace=False)])
        spectra[name].append(endmembers(scene))
    return [Patches(name, np.concatenate(pixels[name]), np.concatenate(spectra[name])) for name in names]
