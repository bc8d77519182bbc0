"""What the benches' commands share: the bundle that is named, and errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from onboard.errors import OnboardError

P = ParamSpec("P")

bundle_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--bundle",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Bundle; the shipped one if not given.",
)


def tells_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end with one line and its exit code where an :class:`OnboardError` is raised."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except OnboardError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)

    return told
