"""Training tiles: small scenes made by the batch, on NumPy or PyTorch, on a CPU or a GPU.

The functions are those that captures are made of. A tile knows no swath: what a network in flight knows of
the capture around it comes from ``onboard.training.pool``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.errors import UsageError
from onboard.scenes.air.bank import LightBank
from onboard.scenes.air.clouds import Clouds, build_clouds
from onboard.scenes.arrays import Array, NumpyRandom, Random, TorchRandom
from onboard.scenes.at_sensor import TileGround, at_sensor, components
from onboard.scenes.blas import one_blas_thread
from onboard.scenes.gas.labels import LabelRule
from onboard.scenes.gas.sources import DETECTED_EMISSIONS, Emissions
from onboard.scenes.gas.tiles import TilePlumes, tile_plumes
from onboard.scenes.instrument.bank import DetectorBank
from onboard.scenes.instrument.frames import cloudy_pixels
from onboard.scenes.instrument.measured import MeasuredDetector
from onboard.scenes.library import Library, load_library
from onboard.scenes.methane import methane_table
from onboard.scenes.spectra.bank import SpectralBank
from onboard.scenes.spectra.split import split_library
from onboard.scenes.surface.climates import CLIMATES, Climate, get_climate
from onboard.scenes.surface.maps import build_surface
from onboard.sensors import Sensor

Backend = Literal["numpy", "torch"]
METHANE_WINDOWS_NM = ((1573.0, 1700.0), (2004.0, 2479.0))
VISIBLE_NM = (460.0, 550.0, 640.0)


@dataclass(frozen=True)
class TileRecipe:
    """What tiles follow from.

    Attributes:
        seed: Seed of all that is drawn.
        lines: Lines of a tile.
        samples: Samples of a tile.
        climates: Names of the climates to draw from; all of them, by their weights, if empty.
        plumes: Plumes that a tile can have.
        plume_chance: Odds that each of them is there.
        clouds: Share of tiles with clouds.
        rule: The label rule.
        emissions: Distribution of emission rates.
        library_part: Which samples of the library the ground is made of: "train", "test" or "all".
    """

    seed: int = 0
    lines: int = 128
    samples: int = 128
    climates: tuple[str, ...] = ()
    plumes: int = 3
    plume_chance: float = 0.35
    clouds: float = 0.05
    rule: LabelRule = field(default_factory=LabelRule)
    emissions: Emissions = DETECTED_EMISSIONS
    library_part: str = "train"

    def __post_init__(self) -> None:
        """Refuse a recipe that makes no tiles."""
        if min(self.lines, self.samples) < 8 or self.plumes < 1 or self.seed < 0:
            raise UsageError(
                "tiles out of bounds",
                field="seed, lines, samples, plumes",
                found=(self.seed, self.lines, self.samples, self.plumes),
                expected="at least 0, 8, 8 and 1",
            )
        if not (0 <= self.plume_chance <= 1 and 0 <= self.clouds <= 1):
            raise UsageError(
                "tiles out of bounds",
                field="plume_chance, clouds",
                found=(self.plume_chance, self.clouds),
                expected="0 to 1",
            )


@dataclass(frozen=True)
class Tiles:
    """A batch of tiles, on the library and device that they were made on.

    Attributes:
        radiance: float32 (n, lines, samples, bands), uW cm-2 sr-1 nm-1.
        enhancement: Added methane in ppm m, float32 (n, lines, samples).
        plume_id: int32 (n, lines, samples), 0 for none.
        minerals: Areal abundance of the ten minerals, float32 (n, 10, lines, samples).
        valid: bool (n, lines, samples), false under thick cloud.
        plumes: Their tables.
        climates: Name of each tile's climate.
    """

    radiance: Array
    enhancement: Array
    plume_id: Array
    minerals: Array
    valid: Array
    plumes: TilePlumes
    climates: tuple[str, ...]


class TileMaker:
    """Makes batches of tiles by number: batch k is the same whatever was made before, and by whom."""

    def __init__(
        self,
        sensor: Sensor,
        recipe: TileRecipe | None = None,
        *,
        bands: ArrayLike | None = None,
        library: Library | None = None,
        measured: MeasuredDetector | None = None,
        backend: Backend = "numpy",
        device: str = "cpu",
    ) -> None:
        """Precompute spectra, light and detectors for a band table: some seconds.

        Args:
            sensor: The instrument.
            recipe: What the tiles are like.
            bands: Numbers of the bands to make; all of the sensor's if None.
            library: Spectra; the built-in ones if None.
            measured: Calibration files of the instrument; statistics of EMIT's stand in.
            backend: Array library.
            device: Its device, for PyTorch.

        Raises:
            MissingExtraError: PyTorch is asked for and not installed.
            UsageError: An unknown climate.
        """
        self.recipe = recipe or TileRecipe()
        chosen = np.arange(sensor.bands) if bands is None else np.asarray(bands)
        self.centres: NDArray[np.float64] = np.asarray(sensor.centres[chosen], np.float64)
        self.fwhm: NDArray[np.float64] = np.asarray(sensor.fwhm[chosen], np.float64)
        self._pixel_m = sensor.pixel_size_m
        self._backend, self._device = backend, device
        self._climates = [get_climate(name) for name in self.recipe.climates] or list(CLIMATES)
        random = self._random("banks")
        noise = np.stack([sensor.noise_a, sensor.noise_b, sensor.noise_c])[:, chosen]
        self._detectors = DetectorBank.build(
            random.child("detectors"), self.centres, noise, self.recipe.samples, measured=measured
        )
        spans = np.asarray([climate.sun_zenith_deg for climate in self._climates])
        self._lights = LightBank.build(
            random.child("lights"),
            self.centres,
            self.fwhm,
            sun_zenith_deg=(float(spans[:, 0].min()), float(spans[:, 1].max())),
        )
        ground = split_library(library or load_library(), self.recipe.library_part)
        self._spectra = SpectralBank.build(ground, self.centres, self.fwhm, seed=self.recipe.seed)
        self._gas = methane_table(self.centres, self.fwhm).on(random.uniform(()))

    def _random(self, *key: int | str) -> Random:
        if self._backend == "numpy":
            return NumpyRandom(self.recipe.seed, "tiles", *key)
        return TorchRandom(self.recipe.seed, "tiles", *key, device=self._device)

    @one_blas_thread()
    def make(self, number: int, count: int = 16) -> Tiles:
        """Make a batch.

        Args:
            number: Which batch of the seed's endless series.
            count: Tiles in it.

        Raises:
            UsageError: A negative number, or no tiles.
        """
        if number < 0 or count < 1:
            raise UsageError(
                "no such batch of tiles",
                field="number, count",
                found=(number, count),
                expected="at least 0 and 1",
            )
        recipe, random = self.recipe, self._random(number)
        shape = (count, recipe.lines, recipe.samples)
        host = np.random.default_rng((recipe.seed, number, 0x711E))
        climates = self._draw_climates(host, count)
        zenith = np.asarray([host.uniform(*climate.sun_zenith_deg) for climate in climates])
        sun, azimuth = random.asarray(zenith), random.asarray(host.uniform(0.0, 360.0, count))
        palette = self._spectra.draw(random.child("spectra"), count, tile=True)
        surface = build_surface(
            random.child("surface"),
            shape,
            climates,
            palette.groups,
            tile=True,
            sun_zenith_deg=sun,
            sun_azimuth_deg=azimuth,
        )
        clouds = self._draw_clouds(random.child("clouds"), host, shape, sun, azimuth)
        plumes = self._draw_plumes(random.child("plumes"), shape)
        strength = random.asarray([climate.texture for climate in climates])
        light = self._lights.draw(random.child("light"), count, sun_zenith_deg=sun, strength=strength)
        ground = TileGround(
            surface,
            *components(surface, palette),
            light,
            self._detectors.draw(random.child("detector"), count),
        )
        seen = at_sensor(
            random.child("noise"), ground, plumes.enhancement, self._gas, clouds, pixel_m=self._pixel_m
        )
        return Tiles(
            radiance=seen,
            enhancement=plumes.enhancement,
            plume_id=plumes.plume_id,
            minerals=surface.minerals,
            valid=_clear(plumes.enhancement, clouds),
            plumes=plumes,
            climates=tuple(climate.name for climate in climates),
        )

    def _draw_clouds(
        self,
        random: Random,
        host: np.random.Generator,
        shape: tuple[int, int, int],
        sun: Array,
        azimuth: Array,
    ) -> Clouds | None:
        there = host.random(shape[0]) < self.recipe.clouds
        fraction = np.where(there, host.uniform(0.05, 0.5, shape[0]), 0.0)
        return build_clouds(
            random,
            shape,
            [float(share) for share in fraction],
            sun_zenith_deg=sun,
            sun_azimuth_rad=(azimuth - 90.0) * (np.pi / 180.0),
        )

    def _draw_plumes(self, random: Random, shape: tuple[int, int, int]) -> TilePlumes:
        recipe = self.recipe
        return tile_plumes(
            random,
            *shape,
            recipe.plumes,
            chance=recipe.plume_chance,
            emissions=recipe.emissions,
            pixel_m=self._pixel_m,
            rule=recipe.rule,
        )

    def _draw_climates(self, rng: np.random.Generator, count: int) -> list[Climate]:
        weights = np.asarray([climate.weight for climate in self._climates])
        drawn = rng.choice(len(self._climates), count, p=weights / weights.sum())
        return [self._climates[int(index)] for index in drawn]


def methane_bands(sensor: Sensor) -> NDArray[np.int64]:
    """Return the bands of the published methane data sets: three visible, 1573-1699 and 2004-2478 nm."""
    visible = [int(np.abs(sensor.centres - nm).argmin()) for nm in VISIBLE_NM]
    inside = np.zeros(sensor.bands, bool)
    inside[visible] = True
    for low, high in METHANE_WINDOWS_NM:
        inside |= (sensor.centres >= low) & (sensor.centres <= high)
    return np.flatnonzero(inside)


def _clear(like: Array, clouds: Clouds | None) -> Array:
    return like > -1.0 if clouds is None else ~cloudy_pixels(clouds.opacity)
