"""False alarms a capture against recall of strong plumes: `python -m bench.operating_curve`.

Every capture of a SimEMIT-1 set is flown once; what is kept of it are the patches of the plume mask at
several pixel thresholds, each with its size, its highest probability and what it met, so that event
thresholds are swept afterwards without flying again. Thresholds are chosen on the validation set and then
hold for the test set.

A patch is a false alarm unless it comes within 2 pixels of a labelled pixel or meets 500 ppm m of gas
(docs/benchmark.md, section 4). A source is strong when its peak exceeds 2000 ppm m. It is found when an
accepted patch meets its gas: its labelled pixels, or, where the label rule left it without, the patch of at
least 500 ppm m about its source. Beside it stands the stricter rule of the benchmark over labelled sources: a
tenth of the labelled pixels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bench.command import bundle_option, tells_errors
from bench.digests import bundle_digest
from bench.flights import fly_scene, kept, plan_of
from bench.operating_sweep import Point, choose, draw, frontier, markdown, scores, sweep
from onboard.errors import UsageError
from onboard.progress import progress
from onboard.replay.components import dilate, label_components
from onboard.replay.protocol import Rules
from onboard.replay.run_folder import write_json
from onboard.scenes.scene import build_scene
from onboard.scenes.simemit import SETS, BenchmarkCapture, benchmark_set, check_frozen, shrunk
from onboard.scenes.truth import Truth
from onboard.sensors import load_sensor

Array = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]
Row = dict[str, Any]
PIXEL_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
STRONG_PPM_M = 2000.0
LEAST_PIXELS = 3
"""Smaller patches are no events at any threshold swept here, and are not kept."""
NEAR_PX = 3


def source_ids(truth: Truth, faint_ppm_m: float) -> Ids:
    """Return whose gas lies where, (lines, samples) int32, 0 for none.

    Labelled pixels are their source's. A source without any has the patch of at least ``faint_ppm_m`` that
    comes within 3 pixels of it, as far as no other has it.
    """
    valid = np.asarray(truth.valid) != 0
    ids = np.where(valid, truth.plume_id, 0).astype(np.int32)
    patches, _ = label_components((truth.ch4_enhancement >= faint_ppm_m) & valid)
    seen = set(np.unique(ids).tolist())
    for source in truth.sources:
        if int(source["plume_id"]) in seen:
            continue
        line, sample = int(source["source_line"]), int(source["source_sample"])
        near = patches[
            max(0, line - NEAR_PX) : line + NEAR_PX + 1, max(0, sample - NEAR_PX) : sample + NEAR_PX + 1
        ]
        for patch in np.unique(near[near > 0]):
            ids[(patches == patch) & (ids == 0)] = int(source["plume_id"])
    return ids


def patches_of(probability: Array, truth: Truth, ids: Ids, pixel: float, rules: Rules) -> list[list[Any]]:
    """Return the patches of pixels at or above a threshold.

    Returns:
        A row each: size, highest probability, 1 if it would be a false alarm, and the sources that it meets
        as [number, pixels of theirs, labelled pixels of theirs].
    """
    valid = np.asarray(truth.valid) != 0
    labels, count = label_components((np.nan_to_num(probability, nan=-1.0) >= pixel) & valid)
    if not count:
        return []
    true = (truth.plume_id > 0) & valid
    real = dilate(true, rules.tolerance_px) | (truth.ch4_enhancement >= rules.faint_ppm_m)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    peaks = np.zeros(count + 1)
    inside = labels > 0
    np.maximum.at(peaks, labels[inside], probability[inside])
    false = np.ones(count + 1, np.bool_)
    false[labels[real]] = False
    met: dict[int, dict[int, list[int]]] = {}
    both = inside & (ids > 0)
    triples = np.stack([labels[both], ids[both], (truth.plume_id[both] == ids[both])], axis=1)
    for (patch, source, own), pixels in zip(*_counts(triples), strict=True):
        entry = met.setdefault(int(patch), {}).setdefault(int(source), [0, 0])
        entry[0] += int(pixels)
        entry[1] += int(pixels) * int(own)
    return [
        [
            int(sizes[n]),
            round(float(peaks[n]), 6),
            int(false[n]),
            [[source, *counts] for source, counts in met.get(n, {}).items()],
        ]
        for n in range(1, count + 1)
        if sizes[n] >= LEAST_PIXELS
    ]


def _counts(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    if not len(rows):
        return rows, np.zeros(0, np.int64)
    return np.unique(rows, axis=0, return_counts=True)


def strong_sources(truth: Truth, ids: Ids) -> list[Row]:
    """Return the sources whose peak exceeds 2000 ppm m and whose gas any valid pixel shows."""
    valid = np.asarray(truth.valid) != 0
    rows = []
    for source in truth.sources:
        name = int(source["plume_id"])
        if source["peak_ppm_m"] > STRONG_PPM_M and (ids == name).any():
            labelled = int(np.count_nonzero((truth.plume_id == name) & valid))
            rows.append({"id": name, "peak": round(float(source["peak_ppm_m"]), 1), "labelled": labelled})
    return rows


def fly_capture(capture: BenchmarkCapture, bundle: Path | None, full: bool) -> Row:
    """Fly one capture and return its patches and its strong sources."""
    rules = Rules()
    scene = build_scene(capture.recipe, load_sensor("emit"))
    frozen = full and check_frozen(capture, scene)
    (flown,) = fly_scene(scene, bundle)
    truth = scene.truth
    ids = source_ids(truth, rules.faint_ppm_m)
    own = float(plan_of(bundle)["plume_threshold"])
    levels = sorted({*PIXEL_THRESHOLDS, round(own, 6)})
    return {
        "capture": capture.name,
        "climate": capture.recipe.climate,
        "frozen": frozen,
        "sources": strong_sources(truth, ids),
        "patches": {
            f"{level:g}": patches_of(flown.probability, truth, ids, level, rules) for level in levels
        },
    }


def report(part: str, captures: Sequence[Row], bundle: Path | None, out: Path) -> dict[str, Row | None]:
    """Sweep a set, write its curve, and return the points worth a table."""
    rows = list(sweep(captures))
    picked = choose(rows)
    plan = plan_of(bundle)
    flown = Point(
        round(float(plan["plume_threshold"]), 6),
        float(plan["event_peak_probability"]),
        int(plan["event_min_pixels"]),
    )
    points: dict[str, Row | None] = {"as the bundle flies": scores(captures, flown)}
    if part != "validation":
        for name, row in chosen_on_validation(out / "validation" / CURVE, bundle).items():
            label = f"chosen on validation, {TITLES[name]}"
            points[label] = row and scores(captures, Point(row["pixel"], row["peak"], row["size"]))
    points |= {f"best on this set, {TITLES[name]}": row for name, row in picked.items()}
    lines = {"all": frontier(rows)}
    for climate in sorted({str(capture["climate"]) for capture in captures}):
        members = [capture for capture in captures if capture["climate"] == climate]
        if any(capture["sources"] for capture in members):
            lines[climate] = frontier(list(sweep(members)))
    found = {"set": part, "bundle": bundle_digest(bundle), "captures": len(captures), "chosen": picked}
    write_json(out / part / CURVE, {**found, "points": points, "frontiers": lines})
    draw(lines, points, out / part / "curve.png")
    return points


def chosen_on_validation(file: Path, bundle: Path | None) -> dict[str, Row | None]:
    """Return the points that a bundle's validation curve chose; none where there is no curve.

    Raises:
        UsageError: The curve is another bundle's, whose pixel thresholds this one's captures do not have.
    """
    if not file.is_file():
        return {}
    curve = json.loads(file.read_text(encoding="utf-8"))
    if curve.get("bundle") != bundle_digest(bundle):
        raise UsageError(
            "the validation set's curve is another bundle's",
            file=file,
            found=curve.get("bundle"),
            expected=bundle_digest(bundle),
            remedy="run --set validation with this --bundle, or name another --out",
        )
    chosen: dict[str, Row | None] = curve["chosen"]
    return chosen


CURVE = "curve.json"
TITLES = {"at_recall": "fewest alarms at 90 % recall", "at_alarms": "highest recall at one alarm"}


@click.command()
@click.option("--set", "part", type=click.Choice(SETS), default="test", show_default=True, help="Which set.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/operating"), show_default=True)
@bundle_option
@click.option("--captures", "count", type=int, help="The first so many captures only: a trial.")
@click.option("--size", type=(int, int), help="Lines and samples, to try things on small captures.")
@tells_errors
def main(part: str, out: Path, bundle: Path | None, count: int | None, size: tuple[int, int] | None) -> None:
    """Say what recall costs in false alarms."""
    captures = benchmark_set(part)[:count]
    if size is not None:
        captures = [shrunk(capture, *size) for capture in captures]
    rows = []
    for capture in progress(captures, total=len(captures), label=part, unit="captures"):
        basis = {"recipe": asdict(capture.recipe), "bundle": bundle_digest(bundle)}

        def make(capture: BenchmarkCapture = capture) -> Row:
            return fly_capture(capture, bundle, full=size is None)

        rows.append(kept(out / part / "captures" / f"{capture.name}.json", basis, make))
    points = report(part, rows, bundle, out)
    click.echo(markdown(points))


if __name__ == "__main__":
    main()
