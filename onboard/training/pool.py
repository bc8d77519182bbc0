"""Simulated background patches on disk: made once by seed, memory-mapped while training."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onboard.models.streaming_filter import log_radiance, quantize_log
from onboard.progress import progress
from onboard.scenes.scene import SceneRecipe, build_scene
from onboard.sensors import load_sensor
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import FlightTables

ABUNDANCE_STEPS = 255.0
SETS = ("train", "validation", "test")
SHIFT_NM = 1.0
"""Wavelength tables of patches are shifted by up to this much, as EMIT's own has moved."""
SHIFT_STREAM = 0x5EED
LOWEST_RADIANCE = -9000.0
"""Below it stand EMIT's flag values."""


@dataclass(frozen=True)
class Patch:
    """One background patch, without plumes.

    Attributes:
        log: (lines, samples, bands) int16 log radiance relative to the reference table, 4096 counts a unit.
        abundance: (minerals, lines, samples) uint8, 255 is an abundance of 1.
        valid: (lines, samples) bool.
    """

    log: npt.NDArray[np.int16]
    abundance: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pool:
    """The patches of one set, read from disk one at a time."""

    home: Path
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> Patch:
        """Return patch ``index``; its log radiance stays mapped to its file."""
        log_file, maps_file = _files(self.home, self.seeds[index])
        maps = np.load(maps_file)
        return Patch(np.load(log_file, mmap_mode="r"), maps[:-1], maps[-1].astype(bool))


def patch_seeds(recipe: PoolRecipe, part: str) -> range:
    """Return the scene seeds of a set; the three sets share none.

    Args:
        recipe: The pool's recipe.
        part: One of "train", "validation", "test".
    """
    offset = 1_000_000 * SETS.index(part)
    return range(recipe.seed + offset, recipe.seed + offset + getattr(recipe, part))


def ensure_pool(
    folder: Path, recipe: PoolRecipe, tables: FlightTables, sensor: str, part: str, workers: int
) -> Pool:
    """Return a set's patches, making those that a former run has not made.

    Args:
        folder: Where pools are kept; one sub-folder a set.
        recipe: Sizes, counts and seeds.
        tables: Normalisation.
        sensor: Name of the sensor.
        part: One of "train", "validation", "test".
        workers: Processes that simulate.
    """
    home = folder / part
    stamp = {"recipe": asdict(recipe), "sensor": sensor, "version": 2}
    home.mkdir(parents=True, exist_ok=True)
    stamp_file = home / "pool.json"
    if stamp_file.exists() and json.loads(stamp_file.read_text()) != stamp:
        for old in home.iterdir():
            old.unlink()
    stamp_file.write_text(json.dumps(stamp))
    seeds = tuple(patch_seeds(recipe, part))
    missing = [(seed, home, recipe, tables, sensor) for seed in seeds if not _files(home, seed)[1].exists()]
    if missing:
        with get_context("fork").Pool(workers) as pool:
            made = pool.imap_unordered(_make_patch, missing)
            for _ in progress(made, total=len(missing), label=f"simulate {part}", unit="patch"):
                pass
    return Pool(home, seeds)


def _files(home: Path, seed: int) -> tuple[Path, Path]:
    """Return the files of log radiance and of maps; the maps are written last."""
    return home / f"{seed}.log.npy", home / f"{seed}.maps.npy"


def _make_patch(task: tuple[int, Path, PoolRecipe, FlightTables, str]) -> None:
    seed, home, recipe, tables, sensor_name = task
    shift = float(np.random.default_rng((seed, SHIFT_STREAM)).uniform(-SHIFT_NM, SHIFT_NM))
    scene = build_scene(
        SceneRecipe(seed=seed, lines=recipe.lines, samples=recipe.samples, plumes=0, shift_nm=shift),
        load_sensor(sensor_name),
    )
    radiance = scene.background_block(0, recipe.lines)
    valid = np.all(radiance > LOWEST_RADIANCE, axis=2)
    abundance = np.rint(scene.ground.minerals.astype(np.float32) * ABUNDANCE_STEPS).astype(np.uint8)
    maps = np.concatenate([abundance, valid[None].astype(np.uint8)])
    log_file, maps_file = _files(home, seed)
    _save(log_file, quantize_log(log_radiance(radiance, tables.reference)))
    _save(maps_file, maps)


def _save(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write aside, then rename: a patch cut off half-way must not be taken for whole."""
    aside = path.with_suffix(f".{os.getpid()}.partial")
    with aside.open("wb") as handle:
        np.save(handle, array)
    aside.replace(path)
