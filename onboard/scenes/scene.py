"""A scene: ground, air, plumes and detector put together; radiance by the line, the same for any blocks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.atmosphere import Atmosphere
from onboard.scenes.blas import one_blas_thread
from onboard.scenes.climates import CLIMATES, Climate, get_climate
from onboard.scenes.detector import CLOUDY, Detector, draw_detector, draw_line_flags
from onboard.scenes.fields import Field, level_above, spectral_field
from onboard.scenes.ground import GroundMaps, build_ground
from onboard.scenes.library import Library, load_library
from onboard.scenes.light import Light, make_light, modulation_curves
from onboard.scenes.methane import MethaneCurve, methane_curve
from onboard.scenes.palette import Palette, draw_palette
from onboard.scenes.plumes import LABEL_MIN_PIXELS, LABEL_THRESHOLD_PPM_M, PlumeField, place_plumes
from onboard.scenes.truth import Truth
from onboard.sensors import Sensor

DEFAULT_EMISSION_KG_H = (1000.0, 20_000.0)
WORKERS = 2


@dataclass(frozen=True)
class SceneRecipe:
    """Everything that a scene follows from.

    Attributes:
        seed: Seed of all that is drawn.
        lines: Lines.
        samples: Samples.
        climate: Name of a climate, or None to draw one.
        plumes: Number of plumes.
        emission_kg_h: Range of emission rates.
        shift_nm: Shift of the sensor's band centres.
        flagged_lines: Lines that were lost.
        cloud_fraction: Share of the scene that was cut out as cloudy.
        smile_nm: Shift of wavelengths at the swath's edge.
        label_threshold: Least enhancement of a labelled plume pixel in ppm m.
        label_min_pixels: Least size of a labelled patch.
        spectral_strength: How far spectra stray from the library's.
    """

    seed: int
    lines: int = 1280
    samples: int = 1242
    climate: str | None = None
    plumes: int = 16
    emission_kg_h: tuple[float, float] = DEFAULT_EMISSION_KG_H
    shift_nm: float = 0.0
    flagged_lines: int = 0
    cloud_fraction: float = 0.0
    smile_nm: float = 0.1
    label_threshold: float = LABEL_THRESHOLD_PPM_M
    label_min_pixels: int = LABEL_MIN_PIXELS
    spectral_strength: float = 1.0


@dataclass(frozen=True)
class Scene:
    """A scene whose radiance is made on demand.

    Attributes:
        recipe: What it was made from.
        climate: Its landscape.
        centres: Band centres in nm, float64 (bands,).
        fwhm: Full widths at half maximum in nm, float64 (bands,).
        ground: Maps of the ground.
        palette: Spectra of the ground.
        light: Light and air.
        atmosphere: Mean state of the air.
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
    ground: GroundMaps
    palette: Palette
    light: Light
    atmosphere: Atmosphere
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
            mineral_abundance=self.ground.minerals.astype(np.float32),
            mineral_names=MINERALS,
            valid=self.valid,
            sources=self.plumes.sources,
        )

    def line_fields(self, line: int) -> Field:
        """Return the fields that change ln radiance in a line, float32 (samples, fields)."""
        ground = self.ground
        height = (ground.elevation_m[line] - np.float32(1000 * self.atmosphere.elevation_km)) * np.float32(
            1e-3
        )
        regional = ground.modulation[-1, line].astype(np.float32)
        spread = np.float32(0.03 * self.atmosphere.water_cm)
        water = np.clip(spread * regional - np.float32(0.4 * self.atmosphere.water_cm) * height, -0.6, 0.6)
        return np.column_stack([water, 0.5 * water * water, height, *ground.modulation[:, line]]).astype(
            np.float32
        )

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
        reflectance = self.ground.line_weights(line, len(self.palette)) @ self.palette.reflectance
        aerosol = self.ground.modulation[-1, line].astype(np.float32)
        shade = self.ground.shade[line]
        ground, path = self.light.radiance(reflectance, shade, self.line_fields(line), aerosol)
        if enhancement is not None:
            seen = np.flatnonzero(enhancement > 0)
            if seen.size:
                ground[seen] *= np.exp(self.methane(enhancement[seen]))
        ground += path
        out[:] = self.detector.observe(ground, line)
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
def build_scene(recipe: SceneRecipe, sensor: Sensor, library: Library | None = None) -> Scene:
    """Draw a scene: all maps, no radiance yet.

    Args:
        recipe: What to make.
        sensor: The instrument.
        library: Spectra; the built-in ones if None.

    Returns:
        The scene. Ground, air, plumes and detector have generators of their own, so that a change of one
        (the number of plumes, say) leaves the others as they were.

    Raises:
        UsageError: If the recipe asks for no pixels, fewer than no plumes, or an unknown climate.
    """
    _check(recipe)
    streams = [np.random.default_rng((recipe.seed, stream)) for stream in range(6)]
    rng = streams[0]
    weights = np.asarray([climate.weight for climate in CLIMATES])
    drawn = CLIMATES[int(rng.choice(len(CLIMATES), p=weights / weights.sum()))]
    climate = drawn if recipe.climate is None else get_climate(recipe.climate)
    centres, fwhm = sensor.centres + recipe.shift_nm, sensor.fwhm
    shape = (recipe.lines, recipe.samples)
    palette = draw_palette(
        streams[1], library or load_library(), centres, fwhm, strength=recipe.spectral_strength
    )
    ground = build_ground(streams[2], shape, climate, palette.groups)
    air = draw_air(streams[3], climate, float(ground.elevation_m.mean(dtype=np.float64)) * 1e-3)
    curves = modulation_curves(streams[3], centres, climate.texture)
    plumes = place_plumes(
        streams[4],
        *shape,
        recipe.plumes,
        pixel_m=sensor.pixel_size_m,
        emission_range=recipe.emission_kg_h,
        label_threshold=recipe.label_threshold,
        label_min_pixels=recipe.label_min_pixels,
    )
    return Scene(
        recipe=recipe,
        climate=climate,
        centres=centres,
        fwhm=fwhm,
        ground=ground,
        palette=palette,
        light=make_light(air, centres, fwhm, curves),
        atmosphere=air,
        plumes=plumes,
        methane=methane_curve(centres, fwhm),
        detector=draw_detector(
            streams[5], sensor, recipe.samples, seed=recipe.seed, smile_nm=recipe.smile_nm
        ),
        line_flags=draw_line_flags(streams[5], recipe.lines, recipe.flagged_lines),
        cloudy=draw_clouds(streams[5], shape, recipe.cloud_fraction),
    )


def draw_air(rng: np.random.Generator, climate: Climate, elevation_km: float) -> Atmosphere:
    """Draw the air over a scene: sun by the climate, height by the ground."""
    return replace(
        Atmosphere.sample(rng),
        sun_zenith_deg=float(rng.uniform(*climate.sun_zenith_deg)),
        elevation_km=elevation_km,
    )


def draw_clouds(
    rng: np.random.Generator, shape: tuple[int, int], fraction: float
) -> NDArray[np.bool_] | None:
    """Draw which pixels are cut out as cloudy, bool (lines, samples); None for a fraction of 0."""
    if fraction <= 0:
        return None
    field = spectral_field(rng, shape, outer=0.1 * max(shape), slope=3.2)
    return np.asarray(field > np.float32(level_above(field, fraction)))


def _check(recipe: SceneRecipe) -> None:
    """Refuse a recipe that makes no scene."""
    limits = {"lines": 8, "samples": 8, "plumes": 0, "flagged_lines": 0, "seed": 0}
    for name, least in limits.items():
        value = getattr(recipe, name)
        if value < least:
            raise UsageError("a scene out of bounds", field=name, found=value, expected=f"at least {least}")
    if not 0 <= recipe.cloud_fraction <= 0.95:
        raise UsageError(
            "a scene out of bounds", field="cloud_fraction", found=recipe.cloud_fraction, expected="0 to 0.95"
        )
