"""Simulated background patches on disk: made once by seed, memory-mapped while training."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import OutputError
from onboard.models.log_radiance import LOG_SCALE, log_radiance, quantize_log
from onboard.models.teaching import teaching_pixels
from onboard.progress import progress
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.sensors import load_sensor
from onboard.training.background import (
    Background,
    GroundBackground,
    column_means,
    swath_covariance,
    swath_ground,
)
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import FlightTables

ABUNDANCE_STEPS = 255.0
SETS = ("train", "validation", "test")
SHIFT_NM = 1.0
"""Wavelength tables of patches are shifted by up to this much, as EMIT's own has moved."""
PATCH_STREAM = 0x5EED
CLOUDY_SHARE = 0.4
"""Share of scenes with clouds; their thin edges and shadows are what a network must not take for gas."""
MOST_CLOUDS = 0.25
BLOCK_LINES = 64


@dataclass(frozen=True)
class Patch:
    """One background patch, without plumes.

    Attributes:
        log: (lines, samples, bands) int16 log radiance relative to the reference table, 4096 counts a unit.
        abundance: (minerals, lines, samples) uint8, 255 is an abundance of 1.
        background: What flight would know of the capture by then.
        valid: (lines, samples) bool, False under thick cloud.
    """

    log: npt.NDArray[np.int16]
    abundance: npt.NDArray[np.uint8]
    background: Background
    valid: npt.NDArray[np.bool_]


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
        log, maps, means, lines, valid = (np.load(file, mmap_mode="r") for file in files[:5])
        with np.load(files[6]) as archive:
            ground = GroundBackground(**archive) if "share" in archive else None
        known = Background(np.load(files[5]), np.asarray(means[window]), np.asarray(lines[window]), ground)
        return Patch(log[window], np.asarray(maps[window]), known, np.asarray(valid[window]))


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

    A folder of another recipe's patches is left as it is: other run folders may hold links to it.

    Args:
        folder: Where pools are kept; one sub-folder a set.
        recipe: Sizes, counts and seeds.
        tables: Normalisation.
        sensor: Name of the sensor.
        part: One of "train", "validation", "test".
        workers: Processes that simulate.

    Raises:
        OutputError: The folder holds the patches of another recipe.
    """
    home = folder / part
    stamp = {"recipe": asdict(recipe), "sensor": sensor, "classes": len(tables.class_centres), "version": 7}
    home.mkdir(parents=True, exist_ok=True)
    stamp_file = home / "pool.json"
    if not stamp_file.exists():
        # Written aside: several trainings may share a pool, and read this while another writes it.
        aside = home / f"pool.{os.getpid()}.partial"
        aside.write_text(json.dumps(stamp))
        aside.replace(stamp_file)
    _require_own(stamp_file, stamp)
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


def _require_own(stamp_file: Path, stamp: dict[str, Any]) -> None:
    """Refuse the patches of another recipe, sensor or simulator."""
    try:
        found = json.loads(stamp_file.read_text())
        other = [name for name, value in stamp.items() if found[name] != value]
    except (ValueError, KeyError, TypeError):
        found, other = {}, ["contents"]
    if "recipe" in other and isinstance(found.get("recipe"), dict):
        values = stamp["recipe"].items()
        other = [f"pool.{name}" for name, value in values if found["recipe"].get(name) != value]
    if other:
        raise OutputError(
            "the pool holds the patches of another training",
            file=stamp_file.parent,
            found=f"other {', '.join(other)}",
            expected="the patches of this recipe, or an empty folder",
            remedy="choose another --out, remove the link to the other run's pool, or remove the pool itself",
        )


def is_made(folder: Path, recipe: PoolRecipe, part: str) -> bool:
    """Return whether all patches of a set lie in a folder.

    Args:
        folder: Where pools are kept.
        recipe: Counts and seeds.
        part: One of "train", "validation", "test".
    """
    return all(_files(folder / part, seed)[-1].exists() for seed in patch_seeds(recipe, part))


def _files(home: Path, seed: int) -> tuple[Path, ...]:
    """Return a scene's files; the last is written last."""
    names = ("log", "maps", "means", "lines", "valid", "covariance")
    return (*(home / f"{seed}.{name}.npy" for name in names), home / f"{seed}.ground.npz")


def _make_patches(task: tuple[int, Path, PoolRecipe, FlightTables, str, str]) -> None:
    seed, home, recipe, tables, sensor_name, samples = task
    rng = np.random.default_rng((seed, PATCH_STREAM))
    shift = float(rng.uniform(-SHIFT_NM, SHIFT_NM))
    clouds = float(rng.uniform(0.0, MOST_CLOUDS)) if rng.random() < CLOUDY_SHARE else 0.0
    scene_recipe = SceneRecipe(
        seed=seed,
        lines=2 * recipe.lines,
        samples=recipe.swath,
        plumes=0,
        shift_nm=shift,
        cloud_fraction=clouds,
        library_part=samples,
    )
    scene = build_scene(scene_recipe, load_sensor(sensor_name))
    counts = np.empty((scene.lines, recipe.swath, len(tables.centres)), np.int16)
    for first in range(0, scene.lines, BLOCK_LINES):
        block = scene.background_block(first, min(BLOCK_LINES, scene.lines - first))
        counts[first : first + len(block)] = quantize_log(log_radiance(block, tables.reference))
    valid = np.asarray(scene.valid) != 0
    brightness = counts[:, :, tables.mf_bands].mean(axis=2, dtype=np.float32) / np.float32(LOG_SCALE)
    teaches = teaching_pixels(valid, brightness)
    abundance = np.rint(scene.minerals.astype(np.float32) * ABUNDANCE_STEPS).astype(np.uint8)
    covariance = swath_covariance(counts, teaches)
    arrays = [*_cut(rng, recipe, counts, abundance, valid, teaches), covariance]
    *files, last = _files(home, seed)
    for file, array in zip(files, arrays, strict=True):
        _save(file, array)
    ground = swath_ground(counts, teaches, tables)
    _save(last, **({} if ground is None else vars(ground)))


def _cut(
    rng: np.random.Generator,
    recipe: PoolRecipe,
    counts: npt.NDArray[np.int16],
    abundance: npt.NDArray[np.uint8],
    valid: npt.NDArray[np.bool_],
    teaches: npt.NDArray[np.bool_],
) -> list[npt.NDArray[np.generic]]:
    """Return log radiance, maps, means, lines and validity of a scene's patches, each stacked."""
    parts = []
    for half, column in draw_windows(rng, recipe):
        lines = slice(half * recipe.lines, (half + 1) * recipe.lines)
        columns = slice(column, column + recipe.samples)
        before = slice(0, half * recipe.lines)
        means, taught = column_means(counts[before, columns], teaches[before, columns])
        parts.append(
            (counts[lines, columns], abundance[:, lines, columns], means, taught, valid[lines, columns])
        )
    return [np.stack(column) for column in zip(*parts, strict=True)]


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


def _save(
    path: Path, array: npt.NDArray[np.generic] | None = None, **arrays: npt.NDArray[np.generic]
) -> None:
    """Write aside, then rename: a patch cut off half-way must not be taken for whole."""
    aside = path.with_suffix(f".{os.getpid()}.partial")
    with aside.open("wb") as handle:
        if array is None:
            np.savez(handle, **arrays)  # type: ignore[arg-type]
        else:
            np.save(handle, array)
    aside.replace(path)
