"""``onboard simulate``: write a simulated EMIT capture and its truth, or a page that proves the world."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from onboard.scenes.gas.labels import LABEL_THRESHOLD_PPM_M
from onboard.scenes.gas.sources import EMISSION_RANGE_KG_H
from onboard.scenes.instrument.measured import load_measured
from onboard.scenes.library import load_library
from onboard.scenes.recipe import PARTS, SceneRecipe
from onboard.scenes.simulate import DEFAULT_FLAGGED_LINES, DEFAULT_PLUMES, Simulation, simulate
from onboard.scenes.surface.climates import climate_names

if TYPE_CHECKING:
    from onboard.scenes.validation.page import ValidationResult

Command = Callable[..., Any]
LINES, SAMPLES = 1280, 1242


def scene_options(command: Command) -> Command:
    """Add the options that say what a scene is like."""
    emission = click.FloatRange(*EMISSION_RANGE_KG_H)
    options = [
        click.option("--lines", type=click.IntRange(8), default=LINES, show_default=True, help="Lines."),
        click.option(
            "--samples", type=click.IntRange(8), default=SAMPLES, show_default=True, help="Samples a line."
        ),
        click.option(
            "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all that is drawn."
        ),
        click.option(
            "--plumes",
            type=click.IntRange(0, 1000),
            default=DEFAULT_PLUMES,
            show_default=True,
            help="Methane plumes.",
        ),
        click.option(
            "--emission",
            type=(emission, emission),
            default=None,
            metavar="LOW HIGH",
            help="Range of emission rates in kg/h; else as surveys from orbit find them.",
        ),
        click.option(
            "--climate", type=click.Choice(climate_names()), default=None, help="Landscape; else drawn."
        ),
        click.option(
            "--flagged-lines",
            type=click.IntRange(0),
            default=DEFAULT_FLAGGED_LINES,
            show_default=True,
            help="Lines lost to missing or corrupt frames.",
        ),
        click.option(
            "--clouds",
            type=click.FloatRange(0, 0.95),
            default=0.0,
            show_default=True,
            help="Share of the scene under clouds; thick ones are cut out.",
        ),
        click.option(
            "--label-threshold",
            type=click.FloatRange(0, min_open=True),
            default=LABEL_THRESHOLD_PPM_M,
            show_default=True,
            help="Least enhancement in ppm m that the truth calls plume.",
        ),
        click.option(
            "--shift-nm",
            type=click.FloatRange(-5, 5),
            default=0.0,
            show_default=True,
            help="Shift of the sensor's band centres in nm.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Write a simulated EMIT capture and its truth.")
@click.argument("out", type=click.Path(path_type=Path))
@scene_options
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    help="Spectra of the ground: a CSV table, an ENVI library, or a folder of USGS or ECOSTRESS files.",
)
@click.option(
    "--library-part",
    type=click.Choice(PARTS),
    default="all",
    show_default=True,
    help="Which of its samples; training and test samples share none.",
)
@click.option(
    "--emit",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of EMIT's calibration files, for its measured detector.",
)
@click.option("--validate", is_flag=True, help="Write a page into OUT that compares the world with EMIT's.")
@click.option(
    "--outlines",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --validate: real plume outlines (JSON of emit-sds/plume-vetting).",
)
@click.option("--overwrite", is_flag=True, help="Replace what lies there.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
@click.pass_context
def command(context: click.Context, /, out: Path, validate: bool, as_json: bool, **given: Any) -> None:
    """Write a simulated EMIT capture to OUT and its truth beside it.

    OUT is a .nc file, or a folder for a file name as the archive gives. The same seed and options give the
    same bytes. With --validate, OUT is a folder for validation.html and validation.json.
    """
    if validate:
        result = _validate(context, out, given)
        click.echo(_page_json(result) if as_json else _page_text(result))
        return
    if given["outlines"] is not None:
        raise click.UsageError("--outlines goes with --validate")
    written = _simulate(out, given)
    click.echo(as_json_text(written) if as_json else as_text(written))


def _simulate(out: Path, given: dict[str, Any]) -> Simulation:
    emit = given["emit"]
    recipe = SceneRecipe(
        seed=given["seed"],
        lines=given["lines"],
        samples=given["samples"],
        climate=given["climate"],
        plumes=given["plumes"],
        emission_kg_h=given["emission"],
        shift_nm=given["shift_nm"],
        flagged_lines=given["flagged_lines"],
        cloud_fraction=given["clouds"],
        label_threshold=given["label_threshold"],
        library_part=given["library_part"],
        detector="drawn" if emit is None else "measured",
    )
    return simulate(
        out,
        recipe,
        library=None if given["library"] is None else load_library(given["library"]),
        measured=None if emit is None else load_measured(emit),
        overwrite=given["overwrite"],
    )


VALIDATION_OPTIONS = ("seed", "lines", "samples", "library", "emit", "outlines", "overwrite")


def _validate(context: click.Context, out: Path, given: dict[str, Any]) -> ValidationResult:
    """Write the page; options that say nothing to it are refused rather than passed over."""
    from onboard.scenes.validation.page import validate

    def was_given(name: str) -> bool:
        return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT

    for name in given:
        if name not in VALIDATION_OPTIONS and was_given(name):
            raise click.UsageError(f"--{name.replace('_', '-')} does not go with --validate")
    asked: dict[str, Any] = {"seed": given["seed"]} if was_given("seed") else {}
    if was_given("lines") or was_given("samples"):
        asked["size"] = (given["lines"], given["samples"])
    return validate(
        out,
        emit=given["emit"],
        outlines=given["outlines"],
        library=None if given["library"] is None else load_library(given["library"]),
        overwrite=given["overwrite"],
        **asked,
    )


def _page_json(result: ValidationResult) -> str:
    return json.dumps({"page": str(result.page), "data": str(result.data), "counts": result.counts}, indent=2)


def _page_text(result: ValidationResult) -> str:
    rows = [f"page     {result.page}", f"figures  {result.data}"]
    rows += [f"{name:<8} {count}" for name, count in result.counts.items()]
    return "\n".join([*rows, *(f"outside: {figure.label}" for figure in result.outside)])


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
