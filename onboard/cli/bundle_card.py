"""``onboard bundle card``: the model card that a bundle carries."""

from __future__ import annotations

import json
from pathlib import Path

import click

from onboard.errors import BundleError


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(bundle: Path | None, as_json: bool) -> None:
    """Print the model card of BUNDLE (the shipped one if not given): what its networks are for, how good
    they are, where they fail, and how they were made."""
    from onboard.cli.card_markdown import markdown
    from onboard.flight.bundle import default_bundle_path, read_container
    from onboard.flight.card import CARD_PART, REMEDY, read_card

    path = bundle or default_bundle_path()
    card = read_card(read_container(path))
    if card is None:
        raise BundleError("the bundle has no model card", file=path, field=CARD_PART, remedy=REMEDY)
    if as_json:
        click.echo(json.dumps(card, indent=2, ensure_ascii=False))
        return
    try:
        text = markdown(card)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BundleError(
            "the model card holds something else than it should",
            file=path,
            field=CARD_PART,
            found=f"{type(error).__name__}: {error}",
            remedy="`onboard bundle card --json` prints it as it is",
        ) from None
    click.echo(text)
