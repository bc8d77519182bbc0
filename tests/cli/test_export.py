"""``onboard export`` writes both graphs, or nothing; checks graphs; builds engines, or says why not."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from onboard.cli import main
from onboard.cli.export import load_gate
from onboard.errors import UsageError
from onboard.flight.bundle import default_bundle_path
from tests.export.samples import write_run_folder
from tests.export.tensorrt.broken import BROKEN
from tests.export.tensorrt.graphs import good_quantized


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


def test_the_graphs_may_be_asked_for_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "graphs", str(tmp_path), "--out", str(tmp_path / "graphs")]) == 3
    assert main(["export", "--out", str(tmp_path / "graphs"), str(tmp_path)]) == 3
    assert "model.pt" in capsys.readouterr().err
    assert main(["export"]) == 2


def test_a_good_file_and_the_shipped_bundle_pass_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "body.onnx"
    path.write_bytes(good_quantized())
    assert main(["export", "check", str(path)]) == 0
    assert "body.onnx: accepted; int8 in Q/DQ form, opset 18" in capsys.readouterr().out
    assert main(["export", "check", str(default_bundle_path()), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kind"] == "bundle"
    assert report["refused"] is False


def test_a_refused_file_is_reported_and_gives_exit_code_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "body.onnx"
    path.write_bytes(BROKEN["zero_point"][2]())
    assert main(["export", "check", str(path), "--json"]) == 4
    printed = capsys.readouterr()
    assert json.loads(printed.out)["graphs"][0]["findings"][0]["node"] == "input_q"
    assert "zero-point" in printed.err
    assert main(["export", "tensorrt", str(path), "--out", str(tmp_path / "out")]) == 4
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("route", ["tensorrt", "onnxruntime"])
def test_a_machine_that_cannot_build_says_why(
    route: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.tensorrt.builder.MODULE", "tensorrt_of_nowhere")
    monkeypatch.setattr("export.tensorrt.provider.PROVIDER", "NowhereExecutionProvider")
    out = tmp_path / "out"
    words = ["export", "tensorrt", str(default_bundle_path()), "--out", str(out), "--route", route]
    assert main(words) == 2
    assert "docs/integration.md" in capsys.readouterr().err
    assert not out.exists()


def test_a_gate_is_found_by_name() -> None:
    assert load_gate("json:dumps")({}) == "{}"  # type: ignore[comparison-overlap]
    for name in ("json:none", "no_such_module:gate", "json", "", ".foo:bar"):
        with pytest.raises(UsageError, match="no such gate"):
            load_gate(name)
    with pytest.raises(UsageError, match="no function"):
        load_gate("os:sep")
