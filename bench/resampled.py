"""What flight retrieves from captures of other band tables: `python -m bench.resampled --bundle B.onb`.

The same ground, air and plumes, one capture a climate, are seen on EMIT's table, on it moved by 2 nm, and
on even grids of 6.5, 8 and 10 nm with EMIT's noise at the same wavelengths. Radiance is resampled to the
bundle's bands as replay does, and flown twice: with the matched filter looking for methane's lines as the
bundle has them, and as resampling leaves them (``onb_config.gas_lines``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.command import bundle_option, tells_errors
from bench.detection import climates_of, recipe_for
from bench.digests import bundle_digest
from bench.flights import Flown, fly_scene, kept, number, table
from onboard.progress import progress
from onboard.replay.run_folder import write_json
from onboard.replay.scoring import PrecisionRecallCurve
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.truth import Truth
from onboard.sensors import Sensor, load_sensor

Row = dict[str, Any]
PLUMES, EMISSION_KG_H = 6, (4000.0, 15000.0)
LABEL_PPM_M = 1000.0
GRIDS_NM = ((6.5, 8.0), (8.0, 8.5), (10.0, 10.5))
"""Step and FWHM of even grids; the second and third are like PRISMA's and EnMAP's in the shortwave."""
FIRST_NM = 381.0
LINES = {"bundle": False, "resampled": True}


def tables() -> dict[str, Sensor]:
    """Return the instruments that see, EMIT first."""
    emit = load_sensor("emit")
    found = {"EMIT": emit, "EMIT + 2 nm": replace(emit, centres=emit.centres + 2.0)}
    for step, width in GRIDS_NM:
        grid = np.arange(FIRST_NM, emit.centres[-1], step)
        noise = {f"noise_{c}": np.interp(grid, emit.centres, getattr(emit, f"noise_{c}")) for c in "abc"}
        found[f"every {step:g} nm"] = replace(
            emit, name="grid", centres=grid, fwhm=np.full(grid.size, width), **noise
        )
    return found


def fly_tables(recipe: SceneRecipe, bundle: Path | None) -> Row:
    """Fly one capture as each instrument sees it, with either lines; a row each under ``rows``."""
    rows = []
    for name, sensor in tables().items():
        scene = build_scene(recipe, sensor)
        for lines, resampled in LINES.items():
            (flown,) = fly_scene(scene, bundle, gas_resampled=resampled)
            rows.append({"table": name, "lines": lines, **score(flown, scene.truth)})
    return {"rows": rows}


def score(flown: Flown, truth: Truth) -> Row:
    """Return AUPRC of the plume probability, and enhancement, true and retrieved, over labelled pixels."""
    gas = np.asarray(truth.ch4_enhancement, np.float64)
    seen = np.isfinite(flown.enhancement) & np.isfinite(flown.probability)
    plume = seen & (gas >= LABEL_PPM_M)
    curve = PrecisionRecallCurve()
    curve.add(plume[seen], flown.probability[seen])
    return {
        "auprc": curve.average_precision(),
        "pixels": int(plume.sum()),
        "true": float(gas[plume].sum()),
        "retrieved": float(flown.enhancement[plume].astype(np.float64).sum()),
        "events": len(flown.events),
    }


def summarise(rows: Sequence[Row]) -> list[Row]:
    """Return means of AUPRC, and what share of the gas is retrieved, by table and lines."""
    found = []
    for key in dict.fromkeys((row["table"], row["lines"]) for row in rows):
        mine = [row for row in rows if (row["table"], row["lines"]) == key and row["pixels"]]
        found.append(
            {
                "table": key[0],
                "lines": key[1],
                "auprc": float(np.mean([row["auprc"] for row in mine])) if mine else None,
                "retrieved": sum(row["retrieved"] for row in mine) / sum(row["true"] for row in mine)
                if mine
                else None,
                "events": sum(row["events"] for row in mine),
            }
        )
    return found


def markdown(found: Sequence[Row]) -> str:
    """Return one row a table of bands: either lines side by side."""
    measures = ("AUPRC", "retrieved over true", "events")
    head = ["seen on", *(f"{measure}, {lines} lines" for measure in measures for lines in LINES)]
    rows = []
    for name in dict.fromkeys(row["table"] for row in found):
        by = {row["lines"]: row for row in found if row["table"] == name}
        cells = [number(by[lines][what], 3) for what in ("auprc", "retrieved") for lines in LINES]
        rows.append([name, *cells, *(str(by[lines]["events"]) for lines in LINES)])
    return table(head, rows)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/resampled"), show_default=True)
@bundle_option
@click.option("--size", type=(int, int), default=(384, 512), show_default=True, help="Lines and samples.")
@click.option("--climates", help="Comma-separated; the benchmark's four if not given.")
@tells_errors
def main(out: Path, bundle: Path | None, size: tuple[int, int], climates: str | None) -> None:
    """Fly captures of other band tables, with methane's lines as they are and as resampling leaves them."""
    recipes = [
        replace(recipe_for(climate, 0, size), plumes=PLUMES, emission_kg_h=EMISSION_KG_H)
        for climate in climates_of(climates)
    ]
    rows = []
    for recipe in progress(recipes, total=len(recipes), label="resampled", unit="captures"):
        basis = {"recipe": asdict(recipe), "bundle": bundle_digest(bundle)}
        file = out / "captures" / f"{recipe.climate}.json"
        rows += kept(file, basis, partial(fly_tables, recipe, bundle))["rows"]
    found = summarise(rows)
    write_json(out / "resampled.json", {"tables": found})
    click.echo(markdown(found))


if __name__ == "__main__":
    main()
