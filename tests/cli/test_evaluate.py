from __future__ import annotations

import json
from pathlib import Path

import pytest

from onboard.cli.main import main
from tests.replay.scored_run import make_run, make_truth


def test_a_table_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, truth = make_run(tmp_path / "run"), make_truth(tmp_path / "truth.nc")
    assert main(["evaluate", str(run), "--truth", str(truth)]) == 0
    text = capsys.readouterr().out
    for words in ("pixel F1", "0.658", "strong recall", "1 of 1 plumes above 3000 ppm m", "macro F1"):
        assert words in text
    assert (run / "evaluation.json").exists()


def test_json_is_what_the_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, truth = make_run(tmp_path / "run"), make_truth(tmp_path / "truth.nc")
    assert main(["evaluate", str(run), "--truth", str(truth), "--json", "--abundance", "0.05"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((run / "evaluation.json").read_text())
    assert printed["minerals"]["macro_classes"] == 2


def test_one_product_alone_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = make_truth(tmp_path / "truth.nc")
    assert main(["evaluate", str(make_run(tmp_path / "a", ("minerals",))), "--truth", str(truth)]) == 0
    text = capsys.readouterr().out
    assert "Methane" not in text
    assert "kaolinite" in text


def test_a_wrong_truth_is_said_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "run")
    assert main(["evaluate", str(run), "--truth", str(run / "products.nc")]) == 3
    error = capsys.readouterr().err
    assert "a variable is missing" in error
    assert "Traceback" not in error
    assert not (run / "evaluation.json").exists()


def test_a_missing_truth_option_is_wrong_use(tmp_path: Path) -> None:
    assert main(["evaluate", str(tmp_path)]) == 2
