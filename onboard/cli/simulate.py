"""``onboard simulate``: write a simulated EMIT capture and its truth."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from onboard.scenes.climates import climate_names
from onboard.scenes.scene import SceneRecipe
from onboard.scenes.simulate import DEFAULT_FLAGGED_LINES, DEFAULT_PLUMES, Simulation, simulate


@click.command()
@click.argument("out", type=click.Path())
@click.option("--lines", type=click.IntRange(8), default=1280, show_default=True, help="Lines.")
@click.option("--samples", type=click.IntRange(8), default=1242, show_default=True, help="Samples a line.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all that is drawn."
)
@click.option(
    "--plumes",
    type=click.IntRange(0, 1000),
    default=DEFAULT_PLUMES,
    show_default=True,
    help="Methane plumes.",
)
@click.option("--climate", type=click.Choice(climate_names()), default=None, help="Landscape; else drawn.")
@click.option(
    "--flagged-lines",
    type=click.IntRange(0),
    default=DEFAULT_FLAGGED_LINES,
    show_default=True,
    help="Lines lost to missing or corrupt frames.",
)
@click.option(
    "--clouds",
    type=click.FloatRange(0, 0.95),
    default=0.0,
    show_default=True,
    help="Share of the scene cut out as cloudy.",
)
@click.option(
    "--shift-nm",
    type=click.FloatRange(-5, 5),
    default=0.0,
    show_default=True,
    help="Shift of the sensor's band centres in nm.",
)
@click.option("--overwrite", is_flag=True, help="Replace what lies there.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def command(
    out: str,
    lines: int,
    samples: int,
    seed: int,
    plumes: int,
    climate: str | None,
    flagged_lines: int,
    clouds: float,
    shift_nm: float,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write a simulated EMIT capture to OUT and its truth beside it.

    OUT is a .nc file, or a folder for a file name as the archive gives. The same seed and options give the
    same bytes.
    """
    recipe = SceneRecipe(
        seed=seed,
        lines=lines,
        samples=samples,
        climate=climate,
        plumes=plumes,
        shift_nm=shift_nm,
        flagged_lines=flagged_lines,
        cloud_fraction=clouds,
    )
    written = simulate(out, recipe, overwrite=overwrite)
    click.echo(as_json_text(written) if as_json else as_text(written))


def as_json_text(written: Simulation) -> str:
    """Return what was written as one JSON object."""
    return json.dumps(asdict(written), default=str, indent=2)


def as_text(written: Simulation) -> str:
    """Return what was written in words."""
    size = f"{written.lines} lines x {written.samples} samples x {written.bands} bands"
    plumes = (
        f"{written.plumes} plumes, {written.labelled_plumes} of them visible, {written.strong_plumes} strong"
    )
    return (
        f"capture  {written.capture}\n"
        f"truth    {written.truth}\n"
        f"scene    {size}, {written.climate}, seed {written.seed}, {written.flagged_lines} lines lost\n"
        f"methane  {plumes}, {written.plume_pixels} pixels"
    )
