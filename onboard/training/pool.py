"""Simulated background patches on disk: made once by seed, memory-mapped while training."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onboard.models.streaming_filter import LOG_SCALE, log_radiance, quantize_log
from onboard.progress import progress
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.sensors import load_sensor
from onboard.training.background import Background, swath_covariance
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import FlightTables

ABUNDANCE_STEPS = 255.0
SETS = ("train", "validation", "test")
SHIFT_NM = 1.0
"""Wavelength tables of patches are shifted by up to this much, as EMIT's own has moved."""
PATCH_STREAM = 0x5EED
BLOCK_LINES = 64


@dataclass(frozen=True)
class Patch:
    """One background patch, without plumes.

    Attributes:
        log: (lines, samples, bands) int16 log radiance relative to the reference table, 4096 counts a unit.
        abundance: (minerals, lines, samples) uint8, 255 is an abundance of 1.
        background: What flight would know of the capture by then.
    """

    log: npt.NDArray[np.int16]
    abundance: npt.NDArray[np.uint8]
    background: Background

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """(lines, samples) bool; training scenes lose no pixels."""
        return np.ones(self.log.shape[:2], bool)


@dataclass(frozen=True)
class Pool:
    """The patches of one set, read from disk one at a time; ``windows`` of them come from one scene."""

    home: Path
    seeds: tuple[int, ...]
    windows: int

    def __len__(self) -> int:
        return len(self.seeds) * self.windows

    def __getitem__(self, index: int) -> Patch:
        """Return patch ``index``; its log radiance stays mapped to its file."""
        scene, window = divmod(index, self.windows)
        files = _files(self.home, self.seeds[scene])
        log, maps, means = (np.load(file, mmap_mode="r") for file in files[:3])
        mean = np.asarray(means[window])
        known = Background(np.load(files[3]), mean, log.shape[1] if mean.any() else 0)
        return Patch(log[window], np.asarray(maps[window]), known)


def patch_seeds(recipe: PoolRecipe, part: str) -> range:
    """Return the scene seeds of a set; the three sets share none.

    Args:
        recipe: The pool's recipe.
        part: One of "train", "validation", "test".
    """
    offset = 1_000_000 * SETS.index(part)
    return range(recipe.seed + offset, recipe.seed + offset + getattr(recipe, part))


def library_part(part: str) -> str:
    """Return which samples of the library a set's ground is made of: the test's are those no training saw."""
    return "test" if part == "test" else "train"


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
    stamp = {"recipe": asdict(recipe), "sensor": sensor, "version": 5}
    home.mkdir(parents=True, exist_ok=True)
    stamp_file = home / "pool.json"
    if stamp_file.exists() and json.loads(stamp_file.read_text()) != stamp:
        for old in home.iterdir():
            old.unlink()
    stamp_file.write_text(json.dumps(stamp))
    seeds = tuple(patch_seeds(recipe, part))
    samples = library_part(part)
    missing = [
        (seed, home, recipe, tables, sensor, samples) for seed in seeds if not _files(home, seed)[-1].exists()
    ]
    if missing:
        with get_context("fork").Pool(workers) as pool:
            made = pool.imap_unordered(_make_patches, missing)
            for _ in progress(made, total=len(missing), label=f"simulate {part}", unit="scene"):
                pass
    return Pool(home, seeds, recipe.windows)


def _files(home: Path, seed: int) -> tuple[Path, ...]:
    """Return the files of log radiance, maps, means and covariance; the last is written last."""
    return tuple(home / f"{seed}.{name}.npy" for name in ("log", "maps", "means", "covariance"))


def _make_patches(task: tuple[int, Path, PoolRecipe, FlightTables, str, str]) -> None:
    seed, home, recipe, tables, sensor_name, samples = task
    rng = np.random.default_rng((seed, PATCH_STREAM))
    shift = float(rng.uniform(-SHIFT_NM, SHIFT_NM))
    shape = (2 * recipe.lines, recipe.swath)
    scene = build_scene(
        SceneRecipe(
            seed=seed, lines=shape[0], samples=shape[1], plumes=0, shift_nm=shift, library_part=samples
        ),
        load_sensor(sensor_name),
    )
    counts = np.empty((*shape, len(tables.centres)), np.int16)
    for first in range(0, shape[0], BLOCK_LINES):
        block = scene.background_block(first, min(BLOCK_LINES, shape[0] - first))
        counts[first : first + len(block)] = quantize_log(log_radiance(block, tables.reference))
    abundance = np.rint(scene.minerals.astype(np.float32) * ABUNDANCE_STEPS).astype(np.uint8)
    log, maps, means = [], [], []
    for half, column in draw_windows(rng, recipe):
        lines, columns = (
            slice(half * recipe.lines, (half + 1) * recipe.lines),
            slice(column, column + recipe.samples),
        )
        log.append(counts[lines, columns])
        maps.append(abundance[:, lines, columns])
        before = counts[: recipe.lines, columns].mean(axis=0, dtype=np.float32) / np.float32(LOG_SCALE)
        means.append(before * np.float32(half))
    arrays: tuple[npt.NDArray[np.generic], ...]
    arrays = (np.stack(log), np.stack(maps), np.stack(means), swath_covariance(counts))
    for file, array in zip(_files(home, seed), arrays, strict=True):
        _save(file, array)


def draw_windows(rng: np.random.Generator, recipe: PoolRecipe) -> list[tuple[int, int]]:
    """Draw a scene's patches: (half of the scene, first column), no two in the same place.

    Args:
        rng: Source of randomness.
        recipe: Sizes.
    """
    slots = max(1, recipe.swath // recipe.samples)
    room = recipe.swath - slots * recipe.samples
    places = [(half, slot * recipe.samples) for half in (0, 1) for slot in range(slots)]
    chosen = rng.permutation(len(places))[: recipe.windows]
    return [(places[i][0], places[i][1] + int(rng.integers(room + 1))) for i in chosen]


def _save(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write aside, then rename: a patch cut off half-way must not be taken for whole."""
    aside = path.with_suffix(f".{os.getpid()}.partial")
    with aside.open("wb") as handle:
        np.save(handle, array)
    aside.replace(path)
