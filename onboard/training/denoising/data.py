"""Clean scenes on disk, their spectral moments, and noisy patches of them by number."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from onboard.errors import OutputError
from onboard.models.log_radiance import LOG_SCALE, log_radiance, quantize_log
from onboard.models.subspace import GAS_PPM_M, BandTable, Domain, SpectralMoments
from onboard.progress import progress
from onboard.scenes import atmosphere, methane
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.sensors import load_sensor
from onboard.training.denoising.noise import CASES, EmitNoise, scaled
from onboard.training.denoising.recipe import DenoisingRecipe
from onboard.training.tables import FlightTables, make_tables

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int16]

TRAIN_SEED, TEST_SEED = 9_000_000, 9_500_000
PLUMES = 2
EVERY_PIXEL = 7
"""Moments are taken of every seventh pixel."""
OTHER_BANDS = 31
WATER_NM = ((1335.0, 1465.0), (1790.0, 1975.0))
NOISE_TIMES = (0.5, 3.0)
SAMPLES_STREAM = 0xD0
STAMP = "scenes.json"
VERSION = 1
"""Of the simulated world, as far as clean scenes show it: raised when they change."""


@dataclass(frozen=True, eq=False)
class CleanScenes:
    """Scenes without noise, in files of int16 log radiance, 4096 counts a unit, (lines, samples, bands).

    Attributes:
        files: One a scene.
        tables: Bands and reference radiance of theirs.
    """

    files: tuple[Path, ...]
    tables: FlightTables

    def __len__(self) -> int:
        return len(self.files)

    def log(self, index: int, bands: npt.NDArray[np.int64], where: tuple[slice, slice]) -> Array:
        """Return log radiance (bands, lines, samples) of a part of scene ``index``."""
        counts = np.load(self.files[index], mmap_mode="r")[where][..., bands]
        return np.moveaxis(counts.astype(np.float32) / np.float32(LOG_SCALE), -1, 0)


def ensure_scenes(
    folder: Path, sensor: str, part: str, count: int, size: int, workers: int = 2
) -> CleanScenes:
    """Return clean scenes, making those that a former run has not made.

    Args:
        folder: Where they are kept.
        sensor: Name of the sensor.
        part: "train" or "test"; the test's ground is of library samples that training does not see.
        count: Number of scenes.
        size: Lines and samples.
        workers: Processes that simulate.

    Raises:
        OutputError: The folder holds scenes of another sensor or simulator.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _require_own(folder, {"sensor": sensor, "version": VERSION})
    first = TRAIN_SEED if part == "train" else TEST_SEED
    files = tuple(folder / f"{part}-{seed}-{size}.npy" for seed in range(first, first + count))
    missing = [(file, first + i, sensor, part, size) for i, file in enumerate(files) if not file.exists()]
    if missing:
        with get_context("fork").Pool(workers) as pool:
            made = pool.imap_unordered(_make_scene, missing)
            for _ in progress(made, total=len(missing), label=f"simulate {part}", unit="scene"):
                pass
    return CleanScenes(files, make_tables(load_sensor(sensor)))


def _require_own(folder: Path, stamp: dict[str, object]) -> None:
    """Mark a folder of scenes, or refuse one that is marked otherwise; older folders have no mark."""
    file = folder / STAMP
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    except ValueError:
        found = {}
    if found is None:
        aside = folder / f"{STAMP}.{os.getpid()}.partial"
        aside.write_text(json.dumps(stamp) + "\n", encoding="utf-8")
        aside.replace(file)
    elif found != stamp:
        raise OutputError(
            "the folder holds scenes of another sensor or simulator",
            file=file,
            found=found,
            expected=stamp,
            remedy="name another folder, or remove this one",
        )


def _make_scene(task: tuple[Path, int, str, str, int]) -> None:
    file, seed, sensor_name, part, size = task
    sensor = load_sensor(sensor_name)
    recipe = SceneRecipe(seed, size, size, plumes=PLUMES, detector="ideal", library_part=part)
    scene = build_scene(recipe, sensor)
    quiet = np.zeros_like(np.asarray(scene.detector.noise))
    fine = np.full_like(np.asarray(scene.detector.quantum), 1e-7)
    scene = replace(scene, detector=replace(scene.detector, noise=quiet, quantum=fine))
    reference = atmosphere.reference_radiance(sensor.centres, sensor.fwhm)
    counts = quantize_log(log_radiance(scene.radiance_block(0, size), reference))
    aside = file.with_suffix(f".{os.getpid()}.partial")
    with aside.open("wb") as handle:
        np.save(handle, counts)
    aside.replace(file)


def spectral_moments(scenes: CleanScenes) -> SpectralMoments:
    """Return the second moments of all scenes' spectra."""
    bands = len(scenes.tables.centres)
    log, unit = np.zeros((2, bands, bands)), np.zeros((2, bands, bands))
    for file in scenes.files:
        pixels = np.load(file, mmap_mode="r").reshape(-1, bands)[::EVERY_PIXEL] / LOG_SCALE
        radiance = np.exp(pixels) * scenes.tables.reference
        for moment, values in ((log, pixels), (unit, radiance / radiance.max())):
            apart = values - values.mean(axis=0)
            moment += np.stack([values.T @ values, apart.T @ apart]) / (len(values) * len(scenes))
    return SpectralMoments(scenes.tables.centres, log, unit)


def gas_of(centres: Array64, fwhm: Array64) -> Array64:
    """Return (bands,) log transmittance of 2000 ppm m of methane."""
    order = np.argsort(centres)
    alphas, curves = methane.log_transmittance(centres[order], fwhm[order])
    gas = np.zeros(len(centres))
    gas[order] = [np.interp(GAS_PPM_M, alphas, curve) for curve in curves.T]
    return gas


def band_table(sensor: str, bands: npt.NDArray[np.int64], domain: Domain) -> BandTable:
    """Return the table of some of a sensor's bands."""
    found = load_sensor(sensor)
    centres, fwhm = np.asarray(found.centres[bands]), np.asarray(found.fwhm[bands])
    if domain == "unit":
        return BandTable(centres, fwhm, domain)
    return BandTable(centres, fwhm, domain, gas_of(centres, fwhm), emit_noise(sensor, bands).usual())


def emit_noise(sensor: str, bands: npt.NDArray[np.int64]) -> EmitNoise:
    """Return the detector's noise for some of a sensor's bands."""
    found = load_sensor(sensor)
    table = np.stack([found.noise_a, found.noise_b, found.noise_c])
    reference = atmosphere.reference_radiance(found.centres, found.fwhm)
    return EmitNoise(found.centres[bands], table[:, bands], np.asarray(reference)[bands])


def unit_cube(log: Array, reference: Array64) -> Array:
    """Return radiance (bands, lines, samples) scaled to 0-1 of log radiance of the same shape."""
    return scaled(np.exp(log) * reference.astype(np.float32)[:, None, None])


@dataclass(frozen=True, eq=False)
class Sample:
    """Noisy and clean cubes of one table; arrays are float32.

    Attributes:
        noisy: (n, bands, lines, samples).
        valid: (n, 1, lines, samples).
        clean: (n, bands, lines, samples).
        table: Theirs.
    """

    noisy: torch.Tensor
    valid: torch.Tensor
    clean: torch.Tensor
    table: BandTable


class NoisyPatches(IterableDataset[Sample]):
    """Batches by number from ``first`` on: batch k is the same whatever was drawn before."""

    def __init__(self, scenes: CleanScenes, recipe: DenoisingRecipe, first: int = 0) -> None:
        self.scenes, self.recipe, self.first = scenes, recipe, first

    def __iter__(self) -> Iterator[Sample]:
        for number in range(self.first, self.recipe.steps):
            yield self.batch(number)

    def batch(self, number: int) -> Sample:
        """Return batch ``number``."""
        rng = np.random.default_rng((self.recipe.seed, SAMPLES_STREAM, number))
        tables, recipe = self.scenes.tables, self.recipe
        flight = rng.random() < recipe.flight_share
        bands = tables.mf_bands if flight else some_bands(rng, tables.centres)
        domain: Domain = "log" if rng.random() < recipe.emit_share else "unit"
        drawn = [self._one(rng, bands, domain) for _ in range(recipe.batch)]
        noisy, valid, clean = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
        return Sample(noisy, valid, clean, band_table(recipe.sensor, bands, domain))

    def _one(
        self, rng: np.random.Generator, bands: npt.NDArray[np.int64], domain: Domain
    ) -> tuple[Array, Array, Array]:
        size, patch = self.recipe.size, self.recipe.patch
        line, column = (int(at) for at in rng.integers(0, size - patch + 1, 2))
        where = (slice(line, line + patch), slice(column, column + patch))
        clean = self.scenes.log(int(rng.integers(len(self.scenes))), bands, where)
        if rng.random() < 0.5:
            clean = clean[:, :, ::-1]
        clean = np.ascontiguousarray(clean)
        if domain == "log":
            times = float(np.exp(rng.uniform(*np.log(NOISE_TIMES))))
            noisy, valid = emit_noise(self.recipe.sensor, bands).see(clean, rng, times)
            return noisy, valid[None].astype(np.float32), clean
        cube = unit_cube(clean, self.scenes.tables.reference[bands])
        name = str(rng.choice(list(CASES)))
        return CASES[name](cube, rng), np.ones((1, patch, patch), np.float32), cube


def some_bands(rng: np.random.Generator, centres: Array64) -> npt.NDArray[np.int64]:
    """Draw 31 bands outside water vapour: neighbours, or every second or so, from anywhere."""
    lit = np.ones(len(centres), np.bool_)
    for low, high in WATER_NM:
        lit &= (centres < low) | (centres > high)
    choice = np.flatnonzero(lit)
    step = int(rng.integers(1, choice.size // OTHER_BANDS + 1))
    first = int(rng.integers(choice.size - step * (OTHER_BANDS - 1)))
    return np.asarray(choice[first : first + step * OTHER_BANDS : step][:OTHER_BANDS], np.int64)
