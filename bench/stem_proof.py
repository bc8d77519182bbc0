"""Does one trained stem serve other band tables: `python -m bench.stem_proof RUN [PLAIN_RUN]`.

The same ground, air and plumes are seen on EMIT's table (0); (a) with all bands 0.5 nm and 1 nm higher; (b)
on AVIRIS-NG's grid of 5 nm; (c) with 5 % of EMIT's bands dead, which are interpolated from their
neighbours, with or without the matched filter's knowledge, or left out of the table. The network of a
training stays as it is: its stem is baked for each table, and the matched filter and the reference light are
those of that table. Thresholds are chosen on (0). A stem of plain weights, trained alike (`onboard train
shipped settings.stem=plain`), is shown beside it if its run folder is given.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.command import tells_errors
from bench.detection import climates_of, recipe_for
from bench.digests import training_digest
from bench.flights import kept, number, table
from bench.stem_tables import cases, interpolated, repaired_gas, tables_of
from onboard.minerals import MINERALS
from onboard.models.log_radiance import LOG_SCALE, log_radiance, quantize_log
from onboard.models.teaching import teaching_pixels
from onboard.progress import progress
from onboard.replay.curves import ScoreCurve
from onboard.replay.run_folder import write_json
from onboard.replay.scoring import mean_of
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.labels import LabelRule
from onboard.scenes.gas.plumes import PlumeField, place_plumes
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene

Row = dict[str, Any]
FIRST_SEED = 400
"""Added to the seeds of the detection study: other scenes than those, and than any training's."""
BAR = 0.02
LINES, SAMPLES, SWATH = 192, 256, 640
LABEL = LabelRule(2000.0, 5)
EMISSION_KG_H = (2000.0, 20_000.0)


def observe(recipe: SceneRecipe, case: int) -> list[Any]:
    """Simulate a scene on a case's table and cut it into patches, as the training's pool does."""
    from onboard.training.background import Background, column_means, swath_covariance, swath_ground
    from onboard.training.pool import ABUNDANCE_STEPS, Patch

    one = cases()[case]
    tables, used = tables_of(case)
    scene = build_scene(recipe, one.sensor)
    counts = np.empty((scene.lines, scene.samples, used.size), np.int16)
    for first in range(0, scene.lines, 64):
        block = scene.background_block(first, 64, workers=2)[..., used]
        counts[first : first + len(block)] = quantize_log(
            log_radiance(np.ascontiguousarray(block), tables.reference)
        )
    if one.dead is not None and not one.dropped:
        interpolated(counts, one.dead, tables.centres)
    valid = np.asarray(scene.valid) != 0
    brightness = counts[:, :, tables.mf_bands].mean(axis=2, dtype=np.float32) / np.float32(LOG_SCALE)
    teaches = teaching_pixels(valid, brightness)
    abundance = np.rint(scene.minerals.astype(np.float32) * ABUNDANCE_STEPS).astype(np.uint8)
    covariance, ground = swath_covariance(counts, teaches), swath_ground(counts, teaches, tables)
    patches = []
    for lines, columns in windows(scene.lines, scene.samples):
        mean, taught = column_means(counts[: lines.start, columns], teaches[: lines.start, columns])
        known = Background(covariance, mean, taught, ground)
        patches.append(
            Patch(counts[lines, columns], abundance[:, lines, columns], known, valid[lines, columns])
        )
    return patches


def windows(lines: int, samples: int) -> Iterator[tuple[slice, slice]]:
    """Yield the lines and columns of a scene's patches, side by side."""
    for line in range(0, lines - LINES + 1, LINES):
        for column in range(0, samples - SAMPLES + 1, SAMPLES):
            yield slice(line, line + LINES), slice(column, column + SAMPLES)


def plumes_of(seed: int, index: int) -> PlumeField:
    """Return the plumes of a patch: the same on every table; every second patch has none."""
    count = int(np.random.default_rng((seed, index)).integers(1, 4)) if index % 2 == 0 else 0
    chance = NumpyRandom(seed, index, "proof")
    return place_plumes(chance, LINES, SAMPLES, count, emission_range=EMISSION_KG_H, rule=LABEL)


def baked_for(network: Any, case: int) -> Any:
    """Return a copy of a network whose stem is baked for a case's table."""
    tables, _ = tables_of(case)
    result = copy.copy(network)
    result._modules = dict(network._modules)
    result.stem = network.stem.baked(tables.centres, tables.fwhm).eval()
    return result


def score(recipe: SceneRecipe, case: int, runs: Sequence[Any]) -> Row:
    """Return the curves of methane and minerals of every run on one scene and table."""
    import torch

    from onboard.scenes.methane import methane_curve
    from onboard.training.body_input import InputScales
    from onboard.training.dataset import finished_sample
    from onboard.training.network_input import logits_of

    tables, _ = tables_of(case)
    gas = repaired_gas(methane_curve(tables.centres, tables.fwhm), case, tables.centres)
    networks = [baked_for(run.network, case) for run in runs]
    scales = [_scales(InputScales, run) for run in runs]
    curves = [[ScoreCurve("probability") for _ in range(1 + len(MINERALS))] for _ in runs]
    for index, patch in enumerate(observe(recipe, case)):
        gone = plumes_of(recipe.seed, index)
        sample = finished_sample(patch, gone.enhancement, gone.plume_id, tables, gas, 0.15)
        truth = [gone.plume_id > 0, *(sample["minerals"].numpy() > 0)]
        batch = {key: value[None] for key, value in sample.items()}
        for network, scale, found in zip(networks, scales, curves, strict=True):
            with torch.inference_mode():
                said = torch.sigmoid(logits_of(network, batch, scale))[0].numpy()
            for curve, layer, true in zip(found, said, truth, strict=True):
                curve.add(true[patch.valid], layer[patch.valid])
    return {"curves": [[_counts(curve) for curve in found] for found in curves]}


def _scales(kind: Any, run: Any) -> Any:
    names = kind().as_dict()
    return kind(**{name: float(run.point[name]) for name in names if name in run.point})


def _counts(curve: ScoreCurve) -> list[Row]:
    rows = []
    for counts in curve.counts:
        at = np.flatnonzero(counts)
        rows.append(
            {"at": " ".join(map(str, at.tolist())), "counts": " ".join(map(str, counts[at].tolist()))}
        )
    return rows


def _curve(rows: Sequence[Row]) -> ScoreCurve:
    curve = ScoreCurve("probability")
    for kind, row in enumerate(rows):
        curve.counts[kind, np.array(row["at"].split(), np.int64)] = np.array(row["counts"].split(), np.int64)
    return curve


def f1_from(curve: ScoreCurve, threshold: float) -> float | None:
    """Return F1 of ``score >= threshold``; None without true pixels."""
    above = np.arange(curve.counts.shape[1]) >= np.searchsorted(curve.edges(), threshold * (1 - 1e-9))
    total, hit = int(curve.counts[1].sum()), int(curve.counts[1, above].sum())
    return 2.0 * hit / (total + int(curve.counts[:, above].sum())) if total else None


def summarise(rows: Sequence[Sequence[Row]], names: Sequence[str]) -> Row:
    """Return the scores of every run on every table, at thresholds of the first.

    Args:
        rows: For each case, the results of its scenes.
        names: Names of the runs.
    """
    result: Row = {}
    for run, name in enumerate(names):
        pooled = []
        for scenes in rows:
            each = [[_curve(c) for c in scene["curves"][run]] for scene in scenes]
            pooled.append(
                [
                    ScoreCurve("probability", sum(c.counts for c in column))
                    for column in zip(*each, strict=True)
                ]
            )
        limits = [curve.best()[0] for curve in pooled[0]]
        result[name] = []
        for case, curves in zip(cases(), pooled, strict=True):
            scores = [f1_from(curve, limit) for curve, limit in zip(curves, limits, strict=True)]
            minerals = mean_of([one for one in scores[1:] if one is not None])
            found: Row = {
                "table": case.name,
                "methane_f1": scores[0],
                "methane_auprc": curves[0].average_precision(),
                "mineral_macro_f1": minerals,
            }
            first = result[name][0] if result[name] else found
            for key in ("methane_f1", "mineral_macro_f1"):
                defined = first[key] is not None and found[key] is not None
                found[f"{key}_loss"] = first[key] - found[key] if defined else None
            result[name].append(found)
    return result


def markdown(found: Row) -> str:
    """Return the table: a row a band table, columns by stem."""
    head = ["seen on"]
    for name in found:
        head += [f"{name}: methane F1", "loss", "AUPRC", "minerals, macro F1", "loss "]
    rows = []
    for number_, case in enumerate(cases()):
        cells = [case.name]
        for scores in found.values():
            one = scores[number_]
            keys = (
                "methane_f1",
                "methane_f1_loss",
                "methane_auprc",
                "mineral_macro_f1",
                "mineral_macro_f1_loss",
            )
            cells += [number(one[key], 3) for key in keys]
        rows.append(cells)
    return table(head, rows)


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("plain", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/stem-proof"), show_default=True)
@click.option("--scenes", default=16, show_default=True, help="Scenes, climates in turn; four patches each.")
@tells_errors
def main(run: Path, plain: Path | None, out: Path, scenes: int) -> None:
    """Bake the stem of a training for other band tables, and say what that costs."""
    from export.run_folder import load_run

    folders = {"wavelength-aware": run} | ({"plain": plain} if plain else {})
    runs = [load_run(folder) for folder in folders.values()]
    weights = [sha256((folder / "model.pt").read_bytes()).hexdigest() for folder in folders.values()]
    climates = climates_of(None)
    recipes = [
        recipe_for(climates[i % len(climates)], FIRST_SEED + i, (2 * LINES, SWATH)) for i in range(scenes)
    ]
    recipes = [replace(recipe, shift_nm=0.0, samples=SWATH) for recipe in recipes]
    rows: list[list[Row]] = []
    todo = [(case, recipe) for case in range(len(cases())) for recipe in recipes]
    for case, recipe in progress(todo, total=len(todo), label="stem", unit="scenes"):
        basis = {
            "recipe": asdict(recipe),
            "case": cases()[case].name,
            "weights": weights,
            "samples": training_digest(),
        }

        def make(case: int = case, recipe: SceneRecipe = recipe) -> Row:
            return score(recipe, case, runs)

        if len(rows) <= case:
            rows.append([])
        rows[case].append(kept(out / "scenes" / f"{case}-{recipe.seed}.json", basis, make))
    found = summarise(rows, list(folders))
    write_json(out / "stem_proof.json", {"bar": BAR, "scenes": scenes, "found": found})
    click.echo(markdown(found))


if __name__ == "__main__":
    main()
