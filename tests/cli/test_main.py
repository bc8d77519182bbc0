from __future__ import annotations

import subprocess
import sys

import pytest

from onboard.cli.main import VERBS, main


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_wrong_use_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-verb"]) == 2
    assert main(["replay"]) == 2
    assert "no-such-verb" in capsys.readouterr().err


def test_the_command_imports_no_heavy_library() -> None:
    code = (
        "import sys; from onboard.cli import main; main(['--help']);"
        "assert not {'numpy', 'torch', 'h5py', 'onnxruntime'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
