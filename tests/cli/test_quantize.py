"""``onboard quantize`` writes judged graphs, or says what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from export.tensorrt.checker import check_file
from onboard.cli import main
from onboard.flight.int8_body import INT8_PART, unpack_body
from tests.quantize.conftest import finished_run  # noqa: F401


def test_graphs_and_report(
    finished_run: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "quantized"
    asked = [
        "quantize",
        str(finished_run),
        "--out",
        str(out),
        "--samples",
        "2",
        "--patches",
        "2",
        "--no-mixed",
    ]
    status = main([*asked, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert status == (0 if all(item["passed"] for item in report["gate"].values()) else 4)
    assert json.loads((out / "quantization.json").read_text()) == report
    assert report["calibration"]["samples"] == 2
    made = {"int8 u8, post-training", "int8 s8, post-training", "int8 flight"}
    assert set(report["scores"]) == {"float32", "fp16"} | made
    assert set(report["gate"]) == {"u8", "s8", "flight"}
    assert unpack_body((out / INT8_PART).read_bytes()).outputs == 11
    assert report["files"][INT8_PART] == (out / INT8_PART).stat().st_size
    for name in ("body.u8.onnx", "body.s8.onnx", "body.fp16.onnx"):
        onnx.checker.check_model(onnx.load(out / name), full_check=True)
        assert report["files"][name] == (out / name).stat().st_size < report["files"]["body.onnx, float32"]
    assert not check_file(out / "body.s8.onnx").refused
    assert main(asked) == 3
    assert "--overwrite" in capsys.readouterr().err


def test_a_run_without_its_patches_is_refused(
    finished_run: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["quantize", str(finished_run), "--out", str(tmp_path / "out"), "--pool", str(tmp_path)]
    assert main(asked) == 3
    assert "--pool" in capsys.readouterr().err


def test_a_folder_that_is_no_training_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    assert "model.pt" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
