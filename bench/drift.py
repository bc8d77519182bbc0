"""What the flight core keeps while a detector wanders: `python -m bench.drift`.

Nobody tells it: no label, no new normalisation. *Stripes*: the same captures with one, two and four times
the detector's stripes. *Drift*: a long strip whose radiance changes slowly, by nothing at its first line and
by the stated amount at its last: a gain common to all, a tilt over wavelength (minus half of the amount at
the shortest, plus half at the longest), or a gain of each column's own (normal; the amount is its
deviation). F1 and false alarms are pooled over captures at the bundle's own thresholds, and given also over
the last third of the strip, where the drift is largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bench.command import bundle_option, tells_errors
from bench.detection import climates_of, recipe_for
from bench.digests import bundle_digest
from bench.flights import (
    Change,
    Flown,
    fly_scene,
    kept,
    number,
    plan_of,
    pyplot,
    save_figure,
    table,
)
from onboard.errors import UsageError
from onboard.progress import progress
from onboard.replay.components import dilate
from onboard.replay.prediction import Prediction, Thresholds
from onboard.replay.protocol import Rules, results, score_capture
from onboard.replay.run_folder import write_json
from onboard.replay.tally import Tally, pooled
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.truth import Truth
from onboard.sensors import load_sensor

Array = npt.NDArray[np.float32]
Row = dict[str, Any]
STRIPES = (1.0, 2.0, 4.0)
KINDS = ("gain", "tilt", "columns")
AMOUNTS = {"gain": (0.03, 0.1), "tilt": (0.03, 0.1), "columns": (0.01, 0.03)}
SEED_STEP = 700
"""Added to the seeds of the detection study: other scenes than those."""
FLAGGED = -9990.0
EMISSION_KG_H = (2000.0, 20_000.0)
STRIP_PLUMES_A_MEGAPIXEL = 20


@dataclass(frozen=True)
class Drift:
    """A slow change of radiance along a strip.

    Attributes:
        kind: "gain", "tilt", "columns", or "none".
        amount: Its size at the last line, as a share.
    """

    kind: str
    amount: float

    @property
    def name(self) -> str:
        """Return how a table calls it."""
        return "as it is" if self.kind == "none" else f"{self.kind} {100 * self.amount:g} %"

    def change(self, lines: int, samples: int, centres: npt.NDArray[np.float64]) -> Change | None:
        """Return what it does to blocks of radiance.

        Args:
            lines: Length of the strip.
            samples: Its width.
            centres: (bands,) nm.

        Raises:
            UsageError: No such kind.
        """
        if self.kind == "none":
            return None
        if self.kind not in KINDS:
            raise UsageError("no such drift", field="kind", found=self.kind, expected=", ".join(KINDS))
        if self.kind == "tilt":
            pattern = (centres - centres[0]) / (centres[-1] - centres[0]) - 0.5
        elif self.kind == "columns":
            pattern = np.random.default_rng((samples, 0xD21F)).normal(0.0, 1.0, (samples, 1))
        else:
            pattern = np.ones(1)

        def apply(block: Array, first: int) -> Array:
            along = np.arange(first, first + len(block))[:, None, None] / max(lines - 1, 1)
            factor = (1.0 + self.amount * along * pattern).astype(np.float32)
            # Flags are no light.
            return np.where(block > FLAGGED, block * factor, block).astype(np.float32)

        return apply


def drifts() -> list[Drift]:
    """Return the strip as it is, and each kind at each amount."""
    return [Drift("none", 0.0)] + [Drift(kind, amount) for kind in KINDS for amount in AMOUNTS[kind]]


def part_of(truth: Truth, rows: slice) -> Truth:
    """Return the truth of some lines; sources without a labelled pixel there are left out."""
    ids = truth.plume_id[rows]
    there = np.isin(truth.sources["plume_id"], np.unique(ids))
    return replace(
        truth,
        ch4_enhancement=truth.ch4_enhancement[rows],
        plume_id=ids,
        mineral_abundance=truth.mineral_abundance[:, rows],
        valid=truth.valid[rows],
        sources=truth.sources[there],
    )


def count(flown: Flown, truth: Truth, threshold: float, rows: slice) -> Row:
    """Return a tally of some lines as JSON, and how many events lie there and how many of them are false."""
    part = part_of(truth, rows)
    prediction = Prediction(flown.probability[rows], "probability", flown.enhancement[rows])
    tally = score_capture(prediction, part, Thresholds(threshold))
    rules = Rules()
    true = (truth.plume_id > 0) & (np.asarray(truth.valid) != 0)
    real = dilate(true, rules.tolerance_px) | (truth.ch4_enhancement >= rules.faint_ppm_m)
    inside = range(*rows.indices(len(real)))
    here = [
        bool((real & pixels).any())
        for event, pixels in zip(flown.events, flown.event_pixels(), strict=True)
        if event.peak_line in inside
    ]
    return {"tally": tally.to_json(), "events": len(here), "false_events": here.count(False)}


def fly_striped(recipe: SceneRecipe, scale: float, bundle: Path | None, threshold: float) -> Row:
    """Fly a capture with so many times its stripes."""
    scene = build_scene(replace(recipe, stripes=recipe.stripes * scale), load_sensor("emit"))
    (flown,) = fly_scene(scene, bundle)
    return {"climate": recipe.climate, "whole": count(flown, scene.truth, threshold, slice(None))}


def fly_drifts(recipe: SceneRecipe, bundle: Path | None, threshold: float) -> Row:
    """Fly a long strip under every drift at once: it is simulated a single time."""
    scene = build_scene(recipe, load_sensor("emit"))
    centres = np.asarray(scene.centres, np.float64)
    changes = [drift.change(recipe.lines, recipe.samples, centres) for drift in drifts()]
    flights = fly_scene(scene, bundle, changes=changes)
    last = slice(2 * recipe.lines // 3, None)
    return {
        "climate": recipe.climate,
        "drifts": {
            drift.name: {
                "whole": count(flown, scene.truth, threshold, slice(None)),
                "last": count(flown, scene.truth, threshold, last),
            }
            for drift, flown in zip(drifts(), flights, strict=True)
        },
    }


def figures(counted: Sequence[Row], pixels: float) -> Row:
    """Return pooled figures of several captures.

    Args:
        counted: What :func:`count` gave.
        pixels: Pixels of all of them, for alarms in as many as a full capture has.
    """
    found = results(pooled([Tally.from_json(one["tally"]) for one in counted]))
    captures = pixels / (1280 * 1242)
    return {
        "f1": found["pixels"]["f1"],
        "auprc": found["pixels"]["auprc"],
        "recall": found["plumes"]["recall"],
        "background_sigma": found["background"]["sigma"],
        "false_patches": sum(one["tally"]["false_components"] for one in counted) / captures,
        "false_events": sum(one["false_events"] for one in counted) / captures,
    }


COLUMNS = ("F1", "AUPRC", "recall", "background sigma, ppm m", "false patches", "false events")


def cells(found: Row) -> list[str]:
    """Return the figures as cells of a table; alarms are given in a full capture's pixels."""
    keys = (
        ("f1", 3),
        ("auprc", 3),
        ("recall", 2),
        ("background_sigma", 0),
        ("false_patches", 1),
        ("false_events", 1),
    )
    return [number(found[key], digits) for key, digits in keys]


def markdown(found: Row) -> str:
    """Return the two tables."""
    stripes = [
        [f"x {scale:g}", *cells(row)] for scale, row in zip(found["scales"], found["stripes"], strict=True)
    ]
    parts = [table(["stripes", *COLUMNS], stripes)]
    rows = [
        [name, where, *cells(row[where])]
        for name, row in found["drifts"].items()
        for where in ("whole", "last")
    ]
    return "\n".join([*parts, table(["drift along the strip", "lines", *COLUMNS], rows)])


def draw(found: Row, path: Path) -> None:
    """Draw F1 and false alarms against stripes, and under every drift in the last third."""
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8))
    drifts_ = {name: row["last"] for name, row in found["drifts"].items()}
    groups = (
        ([f"x {scale:g}" for scale in found["scales"]], found["stripes"], "stripes"),
        (list(drifts_), list(drifts_.values()), "drift, last third of the strip"),
    )
    for axis, (names, rows, title) in zip(axes, groups, strict=True):
        place = np.arange(len(names))
        axis.bar(place - 0.2, [row["f1"] or 0 for row in rows], 0.4, color="0.35", label="F1")
        other = axis.twinx()
        other.bar(
            place + 0.2,
            [row["false_patches"] for row in rows],
            0.4,
            color="C3",
            label="false patches a capture",
        )
        axis.set(ylim=(0, 1), title=title, ylabel="F1")
        axis.set_xticks(
            place, names, rotation=25 if len(names) > 4 else 0, ha="right" if len(names) > 4 else "center"
        )
        other.set_ylabel("false patches a capture", color="C3")
        other.set_ylim(0, max(1.0, 1.1 * max(row["false_patches"] for row in rows)))
    figure.tight_layout()
    save_figure(figure, path)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/drift"), show_default=True)
@bundle_option
@click.option("--captures", default=1, show_default=True, help="Captures and strips of each climate.")
@click.option(
    "--size", type=(int, int), default=(640, 1242), show_default=True, help="Of the striped captures."
)
@click.option("--strip", type=(int, int), default=(5120, 256), show_default=True, help="Lines and samples.")
@click.option("--climates", help="Comma-separated; the benchmark's four if not given.")
@tells_errors
def main(
    out: Path,
    bundle: Path | None,
    captures: int,
    size: tuple[int, int],
    strip: tuple[int, int],
    climates: str | None,
) -> None:
    """Fly captures with more stripes, and long strips that drift."""
    found = study(out, bundle, captures, size, strip, climates_of(climates))
    write_json(out / "drift.json", found)
    draw(found, out / "drift.png")
    click.echo(markdown(found))


def study(
    out: Path,
    bundle: Path | None,
    captures: int,
    size: tuple[int, int],
    strip: tuple[int, int],
    climates: Sequence[str],
) -> Row:
    """Fly all that has not been flown yet, and return the figures."""
    threshold = float(plan_of(bundle)["plume_threshold"])
    digest = bundle_digest(bundle)
    places = [(climate, SEED_STEP + index) for climate in climates for index in range(captures)]
    striped = [(with_gas(recipe_for(*place, size)), scale) for scale in STRIPES for place in places]
    strips = [with_gas(recipe_for(*place, strip)) for place in places]
    rows: dict[float, list[Row]] = {scale: [] for scale in STRIPES}
    for recipe, scale in progress(striped, total=len(striped), label="stripes", unit="captures"):

        def make(recipe: SceneRecipe = recipe, scale: float = scale) -> Row:
            return fly_striped(recipe, scale, bundle, threshold)

        basis = {"recipe": asdict(recipe), "scale": scale, "bundle": digest}
        rows[scale].append(
            kept(out / "stripes" / f"{recipe.climate}-{recipe.seed}-x{scale:g}.json", basis, make)
        )
    long: list[Row] = []
    for recipe in progress(strips, total=len(strips), label="strips", unit="strips"):

        def fly(recipe: SceneRecipe = recipe) -> Row:
            return fly_drifts(recipe, bundle, threshold)

        basis = {"recipe": asdict(recipe), "drifts": [asdict(drift) for drift in drifts()], "bundle": digest}
        long.append(kept(out / "strips" / f"{recipe.climate}-{recipe.seed}.json", basis, fly))
    area, length = float(size[0] * size[1] * len(places)), float(strip[0] * strip[1] * len(places))
    return {
        "scales": list(STRIPES),
        "stripes": [figures([row["whole"] for row in rows[scale]], area) for scale in STRIPES],
        "drifts": {
            drift.name: {
                where: figures([row["drifts"][drift.name][where] for row in long], length * share)
                for where, share in (("whole", 1.0), ("last", 1.0 / 3.0))
            }
            for drift in drifts()
        },
    }


def with_gas(recipe: SceneRecipe) -> SceneRecipe:
    """Return a recipe with plumes, as many an area as the benchmark's captures have."""
    plumes = max(1, round(STRIP_PLUMES_A_MEGAPIXEL * recipe.lines * recipe.samples * 1e-6))
    return replace(recipe, plumes=plumes, emission_kg_h=EMISSION_KG_H)


if __name__ == "__main__":
    main()
