"""Write a simulated capture and its truth, whole and the same to the byte for the same recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os import PathLike
from pathlib import Path

import numpy as np

from onboard.progress import progress
from onboard.scenes.gas.plumes import PlumeField
from onboard.scenes.geometry import draw_geometry
from onboard.scenes.instrument.measured import MeasuredDetector
from onboard.scenes.library import Library
from onboard.scenes.outputs import whole_files
from onboard.scenes.random_fields import Field
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import WORKERS, Scene, build_scene
from onboard.scenes.truth import truth_path, write_truth
from onboard.scenes.writer import granule_name, write_capture
from onboard.sensors import Sensor, load_sensor

DEFAULT_PLUMES = 16
DEFAULT_FLAGGED_LINES = 4
LINES_PER_BLOCK = 32
FIRST_START = datetime(2023, 4, 1, 18, 20, tzinfo=UTC)
FIRST_ORBIT = 2309101
STARTS = 200
STRONG_PPM_M = 3000.0
# Maps and places beside the radiance, in bytes a pixel, generously.
BYTES_BESIDE = 120


@dataclass(frozen=True)
class Simulation:
    """What was written.

    Attributes:
        capture: Path of the capture.
        truth: Path of its truth.
        climate: Landscape.
        lines: Lines.
        samples: Samples.
        bands: Bands.
        seed: Seed.
        plumes: Plumes that were drawn.
        labelled_plumes: Plumes with at least one labelled pixel.
        strong_plumes: Plumes whose peak exceeds ``STRONG_PPM_M``.
        plume_pixels: Labelled pixels.
        flagged_lines: Lines that were lost.
    """

    capture: Path
    truth: Path
    climate: str
    lines: int
    samples: int
    bands: int
    seed: int
    plumes: int
    labelled_plumes: int
    strong_plumes: int
    plume_pixels: int
    flagged_lines: int


def start_time(seed: int) -> datetime:
    """Return the time of a scene's first line, which follows from its seed alone."""
    return FIRST_START + timedelta(seconds=12 * (seed % STARTS))


def capture_path(out: str | PathLike[str], seed: int) -> Path:
    """Return the path of a capture: ``out`` itself, or a name as the archive gives in the folder ``out``."""
    path = Path(out)
    if path.suffix.lower() in (".nc", ".nc4", ".h5") and not path.is_dir():
        return path
    return path / granule_name(start_time(seed), FIRST_ORBIT + seed // STARTS, 1 + seed % STARTS)


def simulate(
    out: str | PathLike[str],
    recipe: SceneRecipe,
    *,
    sensor: Sensor | None = None,
    library: Library | None = None,
    measured: MeasuredDetector | None = None,
    overwrite: bool = False,
    workers: int = WORKERS,
) -> Simulation:
    """Make a scene and write it as an EMIT L1B capture, with its truth beside it.

    Args:
        out: The capture's file, or a folder for a name as the archive gives.
        recipe: What to make.
        sensor: The instrument; EMIT if None.
        library: Spectra of the ground; the built-in ones if None.
        measured: Calibration files of the instrument, for the recipe's detector "measured".
        overwrite: Whether to replace what lies there.
        workers: Threads.

    Returns:
        What was written.

    Raises:
        OutputError: If the files cannot be written whole; nothing is left behind then.
        UsageError: If the recipe makes no scene.
    """
    instrument = load_sensor("emit") if sensor is None else sensor
    capture = capture_path(out, recipe.seed)
    truth = truth_path(capture)
    room = recipe.lines * recipe.samples * (4 * instrument.bands + BYTES_BESIDE)
    with whole_files([truth, capture], overwrite=overwrite, needs_bytes=room) as (truth_part, capture_part):
        scene = build_scene(recipe, instrument, library, measured)
        write_truth(truth_part, scene.truth, truth_attributes(scene))
        _write(capture_part, scene, instrument, workers)
    return _summary(capture, truth, scene)


def truth_attributes(scene: Scene) -> dict[str, object]:
    """Return what a reader of the truth should know besides: seed, landscape, sun, label rule."""
    recipe = scene.recipe
    return {
        "seed": np.int64(recipe.seed),
        "climate": scene.climate.name,
        "library_part": recipe.library_part,
        "sun_zenith_deg": np.float64(scene.atmosphere.sun_zenith_deg),
        "label_threshold_ppm_m": np.float64(recipe.label_threshold),
        "label_min_pixels": np.int64(recipe.label_min_pixels),
    }


def _write(path: Path, scene: Scene, sensor: Sensor, workers: int) -> None:
    shape = (scene.lines, scene.samples)
    geometry = draw_geometry(np.random.default_rng((scene.recipe.seed, 17)), shape, sensor.pixel_size_m)
    write_capture(
        path,
        _shown(scene, workers),
        (*shape, scene.bands),
        centres=scene.centres,
        fwhm=scene.fwhm,
        geometry=geometry,
        elevation_m=np.asarray(scene.surface.elevation_m[0]),
        start=start_time(scene.recipe.seed),
        line_period_s=sensor.line_period_s,
        attributes={"simulation_seed": scene.recipe.seed, "simulation_climate": scene.climate.name},
    )


def _shown(scene: Scene, workers: int) -> Iterator[tuple[int, Field]]:
    """Yield the scene's blocks while showing how far the work has come."""
    blocks = scene.blocks(LINES_PER_BLOCK, workers=workers)
    total = -(-scene.lines // LINES_PER_BLOCK)
    return progress(blocks, total=total, label="simulate", unit="blocks")


def _summary(capture: Path, truth: Path, scene: Scene) -> Simulation:
    plumes: PlumeField = scene.plumes
    return Simulation(
        capture=capture,
        truth=truth,
        climate=scene.climate.name,
        lines=scene.lines,
        samples=scene.samples,
        bands=scene.bands,
        seed=scene.recipe.seed,
        plumes=int(plumes.sources.size),
        labelled_plumes=int((plumes.sources["pixels"] > 0).sum()),
        strong_plumes=int((plumes.sources["peak_ppm_m"] > STRONG_PPM_M).sum()),
        plume_pixels=int((plumes.plume_id > 0).sum()),
        flagged_lines=int((scene.line_flags != 0).sum()),
    )
