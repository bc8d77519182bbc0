from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.command import bundle_option, tells_errors
from onboard.errors import CaptureError, UsageError


@click.command()
@bundle_option
@tells_errors
def command(bundle: Path | None) -> None:
    """Fail as told."""
    if bundle is None:
        raise UsageError("nothing to fly", field="--bundle", remedy="name one")
    if bundle.suffix == ".bad":
        raise CaptureError("damaged", file=bundle)
    if bundle.suffix == ".bug":
        raise ZeroDivisionError
    click.echo("flown")


def test_errors_are_one_line_and_an_exit_code() -> None:
    result = CliRunner().invoke(command)
    assert result.exit_code == UsageError.exit_code
    assert result.output == "error: nothing to fly; field: --bundle; remedy: name one\n"


@pytest.mark.parametrize(("suffix", "code"), [("onb", 0), ("bad", CaptureError.exit_code)])
def test_exit_codes_are_the_errors(tmp_path: Path, suffix: str, code: int) -> None:
    file = tmp_path / f"b.{suffix}"
    file.write_bytes(b"x")
    assert CliRunner().invoke(command, ["--bundle", str(file)]).exit_code == code


def test_bugs_are_not_hidden(tmp_path: Path) -> None:
    file = tmp_path / "b.bug"
    file.write_bytes(b"x")
    assert isinstance(CliRunner().invoke(command, ["--bundle", str(file)]).exception, ZeroDivisionError)


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--bundle", str(tmp_path / "none.onb")])
    assert result.exit_code == 2
    assert "none.onb" in result.output
