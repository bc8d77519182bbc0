"""What the matched filter's statistics are worth: ``python -m bench.ground_classes``.

The reference of the streaming filter runs over captures of SimEMIT-1's validation set, strip by strip as in
flight: with one covariance for all ground, with one a class, and with the surroundings of plumes left out of
the means as well. No network takes part. How far a map
ranks labelled pixels above all others is asked of the enhancement and of its ratio to sigma.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bench.command import tells_errors
from bench.flights import BLOCK_LINES, kept, number, table
from onboard.captures import band_match
from onboard.models.log_radiance import log_radiance, quantize_log
from onboard.progress import progress
from onboard.replay.curves import ScoreCurve
from onboard.scenes.scene import Scene, build_scene
from onboard.scenes.simemit import BenchmarkCapture, benchmark_name, benchmark_set, shrunk
from onboard.sensors import load_sensor
from onboard.training.strips import filter_counts
from onboard.training.tables import EXCLUDE_NEAR, FlightTables, make_tables

Array = npt.NDArray[np.float32]
Row = dict[str, Any]
QUIET_PPM_M = 50.0
WAYS = {
    "one for all": (False, 0),
    "by class": (True, 0),
    "by class, plumes' surroundings left out": (True, EXCLUDE_NEAR),
}
"""Whether by class of ground, and how far around plumes pixels stay out of the means."""
COLUMNS = (
    ("AUPRC", "auprc", 3),
    ("best F1", "best_f1", 3),
    ("AUPRC of enhancement over sigma", "ratio_auprc", 3),
    ("best F1 ", "ratio_best_f1", 3),
    ("background, ppm m", "background", 0),
    ("slope", "slope", 2),
)


@dataclass(frozen=True)
class Seen:
    """A capture as the filter keeps it.

    Attributes:
        counts: (lines, samples, K) int16 log radiance at the filter's bands.
        labels: (lines, samples) uint8 classes of ground.
        valid: (lines, samples) bool.
    """

    counts: npt.NDArray[np.int16]
    labels: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_]


def see(scene: Scene, tables: FlightTables) -> Seen:
    """Return what a capture leaves in the ring; radiance of other bands is let go line by line."""
    assert tables.ground is not None
    match = band_match(
        np.asarray(scene.centres, np.float64), np.asarray(scene.fwhm, np.float64), tables.centres, tables.fwhm
    )
    counts = np.empty((scene.lines, scene.samples, len(tables.mf_bands)), np.int16)
    labels = np.empty((scene.lines, scene.samples), np.uint8)
    for first in range(0, scene.lines, BLOCK_LINES):
        block = scene.radiance_block(first, BLOCK_LINES, workers=2)
        block = np.nan_to_num(block if match.identical else match.apply(block))
        rows = slice(first, first + len(block))
        bands, looked = tables.mf_bands, tables.ground.bands
        counts[rows] = quantize_log(log_radiance(block[..., bands], tables.reference[bands]))
        labels[rows] = tables.ground.assign(log_radiance(block[..., looked], tables.reference[looked]))
    return Seen(counts, labels, np.asarray(scene.valid) != 0)


def figures(
    enhancement: Array, sigma: Array, valid: npt.NDArray[np.bool_], gas: Array, plumes: npt.NDArray[np.int32]
) -> Row:
    """Return what a filter found; None where there is nothing to judge by.

    Args:
        enhancement: (lines, samples) ppm m.
        sigma: (lines, samples) ppm m.
        valid: (lines, samples).
        gas: (lines, samples) true ppm m.
        plumes: (lines, samples), above 0 in labelled plumes.
    """
    true = (plumes > 0)[valid]
    plain, ratio = ScoreCurve("ppm m"), ScoreCurve("score")
    plain.add(true, enhancement[valid])
    ratio.add(true, (enhancement / sigma)[valid])
    quiet = enhancement[valid & (gas < QUIET_PPM_M)]
    labelled = valid & (plumes > 0)
    truth = gas[labelled].astype(np.float64)
    return {
        "auprc": plain.average_precision(),
        "best_f1": plain.best()[1],
        "ratio_auprc": ratio.average_precision(),
        "ratio_best_f1": ratio.best()[1],
        "background": float(quiet.std()) if quiet.size else None,
        "slope": float((enhancement[labelled] * truth).sum() / (truth**2).sum()) if truth.size else None,
    }


def study_one(capture: BenchmarkCapture) -> Row:
    """Return the figures of a capture, by way."""
    sensor = load_sensor("emit")
    scene = build_scene(capture.recipe, sensor)
    tables = make_tables(sensor)
    seen, truth = see(scene, tables), scene.truth
    found: Row = {}
    for way, (classes, near) in WAYS.items():
        own = make_tables(sensor, ground=classes, exclude_near=near)
        labels = seen.labels if classes else None
        result = filter_counts(seen.counts, seen.valid, own.filter_tables, labels=labels)
        found[way] = figures(
            result.enhancement, result.sigma, seen.valid, truth.ch4_enhancement, truth.plume_id
        )
    held = np.bincount(seen.labels[seen.valid], minlength=len(tables.class_centres))
    found["classes"] = int((held >= 0.01 * held.sum()).sum())
    return found


def markdown(rows: dict[str, Row]) -> str:
    """Return the table of all captures."""
    lines = []
    for name, row in rows.items():
        for way in WAYS:
            lines.append([name, way, *(number(row[way][key], digits) for _, key, digits in COLUMNS)])
    return table(["capture", "statistics", *(title for title, _, _ in COLUMNS)], lines)


def run(out: Path, size: tuple[int, int] | None) -> str:
    """Study every validation capture that has plumes, and return the table."""
    captures = [one for one in benchmark_set("validation") if one.recipe.plumes]
    if size is not None:
        captures = [shrunk(one, *size) for one in captures]
    centres = make_tables(load_sensor("emit")).class_centres.tolist()
    rows = {}
    for capture in progress(captures, total=len(captures), label="filter", unit="capture"):
        basis = {"set": benchmark_name(), "recipe": vars(capture.recipe), "classes": centres, "ways": WAYS}
        rows[capture.name] = kept(out / f"{capture.name}.json", basis, partial(study_one, capture))
    text = markdown(rows)
    (out / "table.md").write_text(text, encoding="utf-8")
    return text


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/ground-classes"), show_default=True
)
@click.option("--size", type=click.IntRange(64), nargs=2, help="Lines and samples: a trial.")
@tells_errors
def main(out: Path, size: tuple[int, int] | None) -> None:
    """Hold one filter for all ground, one a class, and plumes' surroundings left out against each other."""
    click.echo(run(out, size))


if __name__ == "__main__":
    main()
