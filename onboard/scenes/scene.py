"""A scene: ground, air, plumes and detector put together; radiance by the line, the same for any blocks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.air.adjacency import Environment
from onboard.scenes.air.clouds import Clouds
from onboard.scenes.air.light import Light, air_fields, radiance, swath_view_zenith, view_slant
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.atmosphere import Atmosphere
from onboard.scenes.blas import one_blas_thread
from onboard.scenes.gas.plumes import PlumeField
from onboard.scenes.instrument.detector import Detector, line_noise, observe
from onboard.scenes.instrument.frames import CLOUDY, cloudy_pixels
from onboard.scenes.instrument.measured import MeasuredDetector
from onboard.scenes.library import Library
from onboard.scenes.methane import MethaneCurve, methane_curve
from onboard.scenes.parts import (
    draw_air,
    draw_climate,
    draw_clouds,
    draw_flags,
    draw_light,
    draw_palette,
    draw_plumes,
    look_around,
    make_detector,
)
from onboard.scenes.random_fields import Field
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.spectra.mixing import mix
from onboard.scenes.spectra.palette import Palette
from onboard.scenes.surface.climates import Climate
from onboard.scenes.surface.maps import SurfaceMaps, build_surface
from onboard.scenes.truth import Truth
from onboard.sensors import Sensor

WORKERS = 2


@dataclass(frozen=True)
class Scene:
    """A scene whose radiance is made on demand.

    Attributes:
        recipe: What it was made from.
        climate: Its landscape.
        centres: Band centres in nm, float64 (bands,).
        fwhm: Full widths at half maximum in nm, float64 (bands,).
        surface: Maps of the ground, of one scene.
        palette: Spectra of the ground.
        light: Light and air.
        atmosphere: Mean state of the air.
        environment: Reflectance of each pixel's surroundings.
        slant: Air masses of each column's view against the mean, float32 (samples,).
        clouds: Clouds, or None.
        plumes: Methane.
        methane: Absorption of added methane.
        detector: The detector.
        line_flags: Flags of lost lines, float32 (lines,), 0 for good ones.
        cloudy: Pixels cut out as cloudy, bool (lines, samples), or None.
    """

    recipe: SceneRecipe
    climate: Climate
    centres: NDArray[np.float64]
    fwhm: NDArray[np.float64]
    surface: SurfaceMaps
    palette: Palette
    light: Light
    atmosphere: Atmosphere
    environment: Environment
    slant: Field
    clouds: Clouds | None
    plumes: PlumeField
    methane: MethaneCurve
    detector: Detector
    line_flags: Field
    cloudy: NDArray[np.bool_] | None

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.recipe.lines

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.recipe.samples

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.centres.size)

    @property
    def minerals(self) -> NDArray[np.float16]:
        """Areal abundance of the ten minerals, float16 (10, lines, samples)."""
        return np.asarray(self.surface.minerals[0])

    @property
    def valid(self) -> NDArray[np.uint8]:
        """1 where radiance was measured, 0 where a flag stands, uint8 (lines, samples)."""
        good = np.broadcast_to((self.line_flags == 0)[:, None], (self.lines, self.samples)).copy()
        if self.cloudy is not None:
            good &= ~self.cloudy
        return good.astype(np.uint8)

    @property
    def truth(self) -> Truth:
        """What is really there."""
        return Truth(
            ch4_enhancement=self.plumes.enhancement,
            plume_id=self.plumes.plume_id,
            mineral_abundance=self.minerals.astype(np.float32),
            mineral_names=MINERALS,
            valid=self.valid,
            sources=self.plumes.sources,
        )

    def reflectance_line(self, line: int) -> Field:
        """Return the reflectance of a line, float32 (samples, bands)."""
        return _mixed(self.surface, self.palette, line)

    def radiance_line(self, line: int, enhancement: Field | None, out: Field) -> None:
        """Write the radiance of one line into ``out``, float32 (samples, bands).

        Args:
            line: Number of the line.
            enhancement: Methane in ppm m, (samples,); None for none.
            out: Where it goes.
        """
        if self.line_flags[line]:
            out[:] = self.line_flags[line]
            return
        modulation = self.surface.modulation[0, :, line].astype(np.float32).T
        height_m = self.surface.elevation_m[0, line] - np.float32(1000 * self.atmosphere.elevation_km)
        regional, height_km = modulation[:, -1], height_m * np.float32(1e-3)
        fields = air_fields(self.light, modulation, height_km, gas=regional, slant=self.slant)
        ground, path = radiance(
            self.light,
            self.reflectance_line(line),
            fields,
            environment=self.environment.line(line)[0],
            shade=self.surface.shade[0, line].astype(np.float32),
            shadow=None if self.clouds is None else self.clouds.light[0, line],
            aerosol=regional,
            cloud=None if self.clouds is None else self.clouds.opacity[0, line],
        )
        if enhancement is not None:
            seen = np.flatnonzero(enhancement > 0)
            if seen.size:
                ground[seen] *= np.exp(self.methane(enhancement[seen]))
        ground += path
        out[:] = observe(self.detector, ground, line_noise(self.recipe.seed, line, ground.shape))
        if self.cloudy is not None:
            out[self.cloudy[line]] = CLOUDY

    def radiance_block(
        self, first: int, count: int, *, enhancement: Field | None = None, workers: int = 1
    ) -> Field:
        """Make the radiance of some lines; the same values whatever the blocks or the workers.

        Args:
            first: First line.
            count: Number of lines; those beyond the scene are left out.
            enhancement: Methane in ppm m, float32 (lines, samples) of the whole scene, in place of the
                scene's own plumes.
            workers: Threads.

        Returns:
            float32 (lines, samples, bands), uW cm-2 sr-1 nm-1.

        Raises:
            UsageError: If ``first`` is not a line of the scene, or ``enhancement`` has another shape.
        """
        gas = self.plumes.enhancement if enhancement is None else enhancement
        return self._block(first, count, gas, workers)

    def background_block(self, first: int, count: int, *, workers: int = 1) -> Field:
        """Make the radiance of some lines as it would be without plumes; see ``radiance_block``."""
        return self._block(first, count, None, workers)

    def blocks(self, lines_per_block: int = 64, *, workers: int = WORKERS) -> Iterator[tuple[int, Field]]:
        """Yield (first line, radiance) for the whole scene."""
        for first in range(0, self.lines, lines_per_block):
            yield first, self.radiance_block(first, lines_per_block, workers=workers)

    def _block(self, first: int, count: int, gas: Field | None, workers: int) -> Field:
        if not 0 <= first < self.lines or count < 1:
            raise UsageError("no such lines", field="first", found=first, expected=f"0 .. {self.lines - 1}")
        if gas is not None and gas.shape != (self.lines, self.samples):
            raise UsageError(
                "methane has another shape than the scene",
                field="enhancement",
                found=gas.shape,
                expected=(self.lines, self.samples),
            )
        last = min(first + count, self.lines)
        out = np.empty((last - first, self.samples, self.bands), np.float32)

        def make(line: int) -> None:
            self.radiance_line(line, None if gas is None else gas[line], out[line - first])

        with one_blas_thread():
            if workers <= 1:
                for line in range(first, last):
                    make(line)
            else:
                with ThreadPoolExecutor(workers) as pool:
                    list(pool.map(make, range(first, last)))
        return out


@one_blas_thread()
def build_scene(
    recipe: SceneRecipe,
    sensor: Sensor,
    library: Library | None = None,
    measured: MeasuredDetector | None = None,
) -> Scene:
    """Draw a scene: all maps, no radiance yet.

    Args:
        recipe: What to make.
        sensor: The instrument.
        library: Spectra; the built-in ones if None.
        measured: Calibration files of the instrument, for the recipe's detector "measured".

    Returns:
        The scene. Ground, air, plumes and detector have generators of their own, so that a change of one
        (the number of plumes, say) leaves the others as they were.

    Raises:
        UsageError: An unknown climate, or a "measured" detector without measurements.
    """
    rng = np.random.default_rng((recipe.seed, 0))
    climate = draw_climate(rng, recipe.climate)
    zenith = float(rng.uniform(*(recipe.sun_zenith_deg or climate.sun_zenith_deg)))
    azimuth = float(rng.uniform(0, 360))
    centres, fwhm = sensor.centres + recipe.shift_nm, sensor.fwhm
    shape = (recipe.lines, recipe.samples)
    palette = draw_palette(recipe, centres, fwhm, library)
    surface = build_surface(
        NumpyRandom(recipe.seed, "surface"),
        (1, *shape),
        [climate],
        palette.groups,
        sun_zenith_deg=np.asarray([zenith], np.float32),
        sun_azimuth_deg=np.asarray([azimuth], np.float32),
    )
    air = draw_air(recipe, zenith, float(surface.elevation_m.mean(dtype=np.float64)) * 1e-3)
    light = draw_light(recipe, climate, air, centres, fwhm)
    clouds = draw_clouds(recipe, shape, zenith, azimuth)
    view = np.asarray(swath_view_zenith(recipe.samples, air.view_zenith_deg), np.float32)
    cloudy = None if clouds is None else np.asarray(cloudy_pixels(clouds.opacity[0]))
    return Scene(
        recipe=recipe,
        climate=climate,
        centres=centres,
        fwhm=fwhm,
        surface=surface,
        palette=palette,
        light=light,
        atmosphere=air,
        environment=look_around(surface, palette, light, shape, sensor.pixel_size_m),
        slant=np.asarray(view_slant(view, air.view_zenith_deg), np.float32),
        clouds=clouds,
        plumes=draw_plumes(recipe, sensor.pixel_size_m),
        methane=methane_curve(centres, fwhm),
        detector=make_detector(recipe, sensor, centres, measured),
        line_flags=draw_flags(recipe, clouds),
        cloudy=cloudy,
    )


def _mixed(surface: SurfaceMaps, palette: Palette, line: int) -> Field:
    mixed = mix(
        surface.weights(line)[0],
        palette.reflectance[0],
        palette.albedo[0],
        surface.intimacy[0, line].astype(np.float32),
    )
    return np.asarray(mixed, np.float32)
