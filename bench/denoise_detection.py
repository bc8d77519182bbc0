"""Does the denoiser help detection? ``python -m bench.denoise_detection --bundle X.onb``.

Every capture is flown twice by the same core: as it is, and with its radiance at the matched filter's bands
replaced by what the bundle's denoiser makes of it. So filter, stem and body see denoised counts, and nothing
else changes. Captures are simulated, of library samples that no training saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from bench.command import tells_errors
from bench.digests import bundle_digest
from bench.flights import BLOCK_LINES, Flight, Flown, kept, number, table
from onboard.errors import BundleError
from onboard.flight import FlightSession
from onboard.progress import progress
from onboard.replay.curves import ScoreCurve
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import Scene, build_scene
from onboard.sensors import load_sensor

Array = npt.NDArray[np.float32]
Row = dict[str, Any]

FIRST_SEED = 205_000
CLIMATES = ("arid-bright", "semi-arid", "farmland", "dark-vegetated")
PLUMES = 8
EMISSION_KG_H = (1000.0, 20_000.0)
DEAD_COLUMNS, DEAD_BANDS = 8, 12
LOST_LINES = 8
STRIPES = 5.0
QUIET_PPM_M, STRONG_PPM_M = 50.0, 1000.0
NORMAL = 1.4826
"""Standard deviation of a normal over its median magnitude."""
WAYS = ("as it is", "denoised")
COLUMNS = (
    ("background, ppm m", "deviation", 0),
    ("slope", "slope", 2),
    ("AUPRC, filter", "filter_auprc", 3),
    ("its 3 x 3 mean", "smoothed_auprc", 3),
    ("AUPRC, network", "network_auprc", 3),
)
FIGURES = (*(key for _, key, _ in COLUMNS), "events", "false_events")


@dataclass(frozen=True)
class Case:
    """What is wrong with a capture.

    Attributes:
        name: What it is called.
        recipe: Fields of the scene's recipe that differ.
        damage: Changes radiance (lines, samples, bands) in place; takes a generator and the bands too.
    """

    name: str
    recipe: Row
    damage: Callable[[Array, np.random.Generator, npt.NDArray[np.int64]], None] | None = None


def kill_columns(radiance: Array, rng: np.random.Generator, bands: npt.NDArray[np.int64]) -> None:
    """Set eight columns to zero, each in a run of twelve of the bands: elements that no repair has seen."""
    for column in rng.permutation(radiance.shape[1])[:DEAD_COLUMNS]:
        first = int(rng.integers(len(bands) - DEAD_BANDS + 1))
        radiance[:, column, bands[first : first + DEAD_BANDS]] = 0.0


CASES = (
    Case("EMIT's noise and stripes", {}),
    Case("stripes times 5", {"stripes": STRIPES}),
    Case("dead columns", {}, kill_columns),
    Case("lost lines", {"flagged_lines": LOST_LINES}),
)


def denoised(bundle: Path, radiance: Array) -> Array:
    """Return radiance (lines, samples, bands) with the denoiser's at the bands it gives."""
    with FlightSession(bundle, samples=radiance.shape[1], denoise=True) as session:
        blocks = [*session.push(radiance), *session.flush()]
        bands = list(session.bundle.swir_bands)
    changed = radiance.copy()
    changed[..., bands] = np.concatenate([b.swir_radiance for b in blocks if b.swir_radiance is not None])
    return changed


def fly(bundle: Path, scene: Scene, radiance: Array) -> Flown:
    """Fly a capture that is held as a whole."""
    centres, fwhm = np.asarray(scene.centres, np.float64), np.asarray(scene.fwhm, np.float64)
    flight = Flight(bundle, radiance.shape[:2], centres, fwhm)
    for first in range(0, len(radiance), BLOCK_LINES):
        flight.push(np.ascontiguousarray(radiance[first : first + BLOCK_LINES]))
    return flight.finish()


def figures(flown: Flown, gas: Array, plumes: npt.NDArray[np.int32]) -> Row:
    """Return what a flight found of a capture whose gas is known.

    Args:
        flown: What the core said.
        gas: (lines, samples) ppm m.
        plumes: (lines, samples), above 0 in labelled plumes.
    """
    valid = np.isfinite(flown.enhancement)
    quiet = flown.enhancement[valid & (gas < QUIET_PPM_M)]
    strong = valid & (gas >= STRONG_PPM_M)
    slope = float((flown.enhancement[strong] * gas[strong]).sum() / (gas[strong] ** 2).sum())
    curves = {name: ScoreCurve("ppm m") for name in ("filter", "smoothed")}
    curves["network"] = ScoreCurve("probability")
    curves["filter"].add((plumes > 0)[valid], flown.enhancement[valid])
    smoothed = uniform_filter(np.nan_to_num(flown.enhancement), 3)
    curves["smoothed"].add((plumes > 0)[valid], smoothed[valid])
    curves["network"].add((plumes > 0)[valid], flown.probability[valid])
    meets = [bool((gas[pixels] >= QUIET_PPM_M).any()) for pixels in flown.event_pixels()]
    return {
        "deviation": NORMAL * float(np.median(np.abs(quiet - np.median(quiet)))),
        "slope": slope,
        **{f"{name}_auprc": curve.average_precision() for name, curve in curves.items()},
        "events": len(meets),
        "false_events": len(meets) - sum(meets),
    }


def study_one(bundle: Path, case: Case, recipe: SceneRecipe) -> Row:
    """Return the figures of one capture, by way."""
    scene = build_scene(recipe, load_sensor("emit"))
    radiance = np.ascontiguousarray(scene.radiance_block(0, scene.lines, workers=1))
    if case.damage is not None:
        with FlightSession(bundle, samples=recipe.samples, known_answer=False) as session:
            bands = np.array(session.bundle.swir_bands)
        case.damage(radiance, np.random.default_rng(recipe.seed), bands)
    truth = scene.truth
    both = {WAYS[0]: radiance, WAYS[1]: denoised(bundle, radiance)}
    return {
        way: figures(fly(bundle, scene, given), truth.ch4_enhancement, truth.plume_id)
        for way, given in both.items()
    }


def markdown(rows: Sequence[tuple[str, Row]]) -> str:
    """Return a table: means over captures, sums of events, a row a case and way."""
    head = ["case", "counts", *(title for title, _, _ in COLUMNS), "events", "false"]
    lines = []
    for case in dict.fromkeys(name for name, _ in rows):
        for way in WAYS:
            found = [row[way] for name, row in rows if name == case]
            means = {key: [row[key] for row in found if row[key] is not None] for key in FIGURES}
            cells = [
                number(float(np.mean(means[key])) if means[key] else None, digits)
                for _, key, digits in COLUMNS
            ]
            totals = [str(int(np.sum(means[key]))) for key in ("events", "false_events")]
            lines.append([case, way, *cells, *totals])
    return table(head, lines)


def run(bundle: Path, out: Path, lines: int, samples: int, captures: int) -> str:
    """Study all cases in all climates; what was done before is kept. Returns the table.

    Raises:
        BundleError: The bundle has no denoiser.
    """
    with FlightSession(bundle, samples=samples, known_answer=False) as session:
        if not session.bundle.swir_bands:
            raise BundleError("the bundle has no denoiser", file=bundle, field="denoiser.onnx", found="none")
    todo = [(case, climate, index) for case in CASES for climate in CLIMATES for index in range(captures)]
    rows = []
    for case, climate, index in progress(todo, total=len(todo), label="fly", unit="captures"):
        recipe = SceneRecipe(
            FIRST_SEED + index,
            lines,
            samples,
            climate=climate,
            plumes=PLUMES,
            emission_kg_h=EMISSION_KG_H,
            library_part="test",
            **case.recipe,
        )
        basis = {"bundle": bundle_digest(bundle), "case": case.name, "recipe": vars(recipe), "figures": 2}
        file = out / f"{case.name}-{climate}-{index}.json".replace(" ", "-").replace("'", "")
        made = kept(file, basis, partial(study_one, bundle, case, recipe))
        rows.append((case.name, made))
    text = markdown(rows)
    (out / "table.md").write_text(text, encoding="utf-8")
    return text


@click.command()
@click.option(
    "--bundle", type=click.Path(path_type=Path, exists=True), required=True, help="Signed, with a denoiser."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/denoise-detection"))
@click.option("--lines", type=click.IntRange(128), default=320, show_default=True)
@click.option("--samples", type=click.IntRange(64), default=464, show_default=True)
@click.option("--captures", type=click.IntRange(1), default=1, show_default=True, help="A climate and case.")
@tells_errors
def main(bundle: Path, out: Path, lines: int, samples: int, captures: int) -> None:
    """Hold detection on denoised counts against detection on counts as they are."""
    click.echo(run(bundle, out, lines, samples, captures))


if __name__ == "__main__":
    main()
