"""``onboard train``: train the networks of a recipe."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from onboard.errors import MissingExtraError

# Each process of a training computes by itself; linear algebra on more threads than cores slows them all.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Run folder; resumed if it holds this recipe.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes that simulate."
)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def command(recipe: str, overrides: tuple[str, ...], out: Path, workers: int, as_json: bool) -> None:
    """Train RECIPE: the name of a shipped recipe, or a TOML file.

    KEY=VALUE replaces what the recipe says, as in steps=500 or pool.train=20. data=NAME:PATH trains on a
    public data set, several of them on a mixture; data=scenes is the simulated pool. docs/datasets.md lists
    the sets. Shows progress, keeps checkpoints, and goes on from the last one when called again.
    """
    try:
        from onboard.training.run import train
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train", "training") from error
    from onboard.training.operating_point import named
    from onboard.training.recipe import load_recipe

    metrics = train(load_recipe(recipe, overrides), out, workers=workers, interactive=sys.stderr.isatty())
    if as_json:
        click.echo(json.dumps(metrics, indent=2))
        return
    sections = {part: found for part, found in metrics.items() if part in ("validation", "test")}
    for name, parts in metrics.get("data", {}).items():
        sections |= {f"{name}, {part}": found for part, found in parts.items()}
    for title, found in sections.items():
        click.echo(f"[{title}]")
        for line in named(found):
            click.echo("  " + line)
