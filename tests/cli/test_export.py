"""``onboard export`` writes both graphs, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from onboard.cli import main
from tests.export.samples import write_run_folder


def test_graphs_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run_folder(tmp_path / "run")
    out = tmp_path / "graphs"
    assert main(["export", str(run), "--out", str(out), "--json"]) == 0
    stem, body = json.loads(capsys.readouterr().out)
    assert stem["operators"] == {"Gemm": 1}
    assert body["input"] == "features [1, 32, 128, 1248]"
    assert body["output"] == "logits [1, 11, 128, 1248]"
    assert body["parity"] < 1e-4
    for name in ("stem", "body"):
        onnx.checker.check_model(onnx.load(out / f"{name}.onnx"))
    assert main(["export", str(run), "--out", str(out)]) == 3
    assert "--overwrite" in capsys.readouterr().err


def test_a_folder_that_is_no_training_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "graphs")]) == 3
    assert "model.pt" in capsys.readouterr().err
    assert not (tmp_path / "graphs").exists()
