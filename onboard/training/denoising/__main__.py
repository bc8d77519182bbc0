"""``python -m onboard.training.denoising``: train the denoiser, or the transformer beside it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from onboard.errors import OnboardError
from onboard.training.denoising.recipe import NETWORKS, PRECISIONS, DenoisingRecipe


@click.command()
@click.option("--network", type=click.Choice(NETWORKS), default="denoiser", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Run folder.")
@click.option(
    "--shared-scenes", type=click.Path(path_type=Path, file_okay=False), help="Clean scenes' folder."
)
@click.option("--scenes", type=int, help="Number of training scenes.")
@click.option("--steps", type=int, help="Optimizer steps.")
@click.option("--batch", type=int, help="Patches a step.")
@click.option("--patch", type=int, help="Lines and samples of a patch.")
@click.option("--learning-rate", type=float, help="Peak of the schedule.")
@click.option("--seed", type=int, help="Of weights and samples.")
@click.option(
    "--precision", type=click.Choice(PRECISIONS), help="Of the arithmetic; hsdt-style alone may choose."
)
@click.option("--checkpoint-steps", type=int, help="A checkpoint every so many steps.")
@click.option(
    "--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes that simulate."
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the network.")
def command(
    out: Path, shared_scenes: Path | None, workers: int, threads: int, network: str, **settings: Any
) -> None:
    """Train a denoising network; goes on where it was stopped."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    from onboard.training.denoising.run import train

    given = {key: value for key, value in settings.items() if value is not None}
    try:
        recipe = DenoisingRecipe(network=network, **given)
        click.echo(str(train(recipe, out, scenes=shared_scenes, workers=workers, threads=threads)))
    except OnboardError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    command()
