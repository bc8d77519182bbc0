"""Entry point of the ``onboard`` command: finds the verb, maps errors to exit codes."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from onboard.errors import OnboardError

VERBS: dict[str, str] = {
    "simulate": "Write a simulated EMIT capture and its truth.",
    "info": "Say what a capture holds.",
    "replay": "Run a capture through the flight core, exactly as flown.",
    "evaluate": "Score a run against its truth.",
    "train": "Train the networks of a recipe.",
    "export": "Turn trained networks into ONNX graphs.",
    "quantize": "Quantize trained networks to INT8 and FP16, and judge them.",
    "bundle": "Build, sign, verify, show or locate a bundle.",
    "doctor": "Check this installation.",
}
VERB_ATTRIBUTE = "command"


class LazyVerbs(click.Group):
    """A group that lists all verbs, and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs, in the order of a capture's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one verb's command."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"onboard.cli.{cmd_name}")
        command = getattr(module, VERB_ATTRIBUTE)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyVerbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Log more, on standard error.")
@click.version_option(package_name="onboard")
def cli(verbose: bool) -> None:
    """Find methane plumes and map minerals on board an imaging-spectrometer satellite.

    Data goes to standard output, logs to standard error. Exit codes: 0 done, 1 a bug of ours,
    2 wrong use, 3 bad input or output, 4 bundle refused, 5 deadline missed under --strict.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.

    Returns:
        The exit code: that of the error's class, 0 when all went well.
    """
    try:
        cli.main(args=argv, prog_name="onboard", standalone_mode=False)
    except OnboardError as error:
        click.echo(f"onboard: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        click.echo("onboard: interrupted", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output left; the interpreter must not fail again while flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0
