"""From file to engines: order, refusals and files, on a stand-in (see fake.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.bundle import write_container
from export.tensorrt import routes
from export.tensorrt.builder import BuildSettings
from export.tensorrt.job import export_engines
from export.tensorrt.parity import Run
from export.tensorrt.routes import Route, TensorRtRoute
from export.tensorrt.sidecar import read_sidecar, sha256
from onboard.errors import BundleError, OutputError, UsageError
from onboard.flight.bundle import default_bundle_path
from tests.export.samples import sample_parts
from tests.export.tensorrt.broken import unsigned
from tests.export.tensorrt.fake import FakeCuda, FakeTensorRt
from tests.export.tensorrt.graphs import SHAPE, good_float, good_quantized
from tests.export.tensorrt.test_real import check_engines


@pytest.fixture
def trt(monkeypatch: pytest.MonkeyPatch) -> FakeTensorRt:
    fake = FakeTensorRt()
    monkeypatch.setattr(routes, "load_tensorrt", lambda: fake)
    monkeypatch.setattr(routes, "Cuda", FakeCuda)
    return fake


def route(folder: Path) -> Callable[[], Route]:
    return lambda: TensorRtRoute(BuildSettings(), folder)


def graph_file(folder: Path, data: bytes) -> Path:
    path = folder / "body.onnx"
    path.write_bytes(data)
    return path


def left(out: Path) -> set[str]:
    return {path.name for path in out.iterdir() if path.suffix != ".timing"} if out.exists() else set()


def test_an_engine_and_its_sidecar_stand_side_by_side(tmp_path: Path, trt: FakeTensorRt) -> None:
    source, out = graph_file(tmp_path, good_float()), tmp_path / "out"
    (engine,) = export_engines(source, out, route(out))
    assert engine.path == out / "body.engine"
    fields = read_sidecar(engine.path)
    assert fields == json.loads(json.dumps(engine.fields)) | {"format": 1, "parity": fields["parity"]}
    assert fields["source"]["sha256"] == sha256(source.read_bytes())
    assert fields["versions"]["tensorrt"] == "10.3.0"
    assert fields["gpu"] == {"name": "Fake Orin", "compute_capability": "8.7", "memory_bytes": 8 << 30}
    assert fields["precisions"] == {"FP32": 1}
    assert fields["parity"]["passed"] is True
    assert fields["gate"] is None
    assert (out / "tensorrt-10.3.0-sm87.timing").read_bytes() == b"+timing"


def test_timings_are_taken_up_by_the_next_build(tmp_path: Path, trt: FakeTensorRt) -> None:
    source = graph_file(tmp_path, good_float())
    for _ in range(2):
        export_engines(source, tmp_path, route(tmp_path), overwrite=True)
    assert trt.configs[-1].cache is not None
    assert trt.configs[-1].cache.data == b"+timing"


def test_a_bundle_gives_an_engine_a_graph(tmp_path: Path, trt: FakeTensorRt) -> None:
    trt.layer_type = "Int8"
    path = tmp_path / "small.onb"
    path.write_bytes(write_container(sample_parts(stem=good_float(), body=good_quantized()), 7))
    engines = export_engines(path, tmp_path, route(tmp_path))
    assert [engine.path.name for engine in engines] == ["small.stem.engine", "small.body.engine"]
    assert [engine.fields["graph"]["name"] for engine in engines] == ["stem.onnx", "body.onnx"]
    (alone,) = export_engines(path, tmp_path / "one", route(tmp_path / "one"), graphs=["body.onnx"])
    assert alone.fields["precisions"] == {"INT8": 1}
    with pytest.raises(UsageError, match="no such graph"):
        export_engines(path, tmp_path, route(tmp_path), graphs=["head.onnx"])


def test_what_is_asked_of_real_engines_can_be_met(
    tmp_path: Path, trt: FakeTensorRt, float_bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The tests that need a GPU skip here: this keeps what they ask of bundles true."""
    for bundle, graphs in (
        (default_bundle_path(), {"stem.onnx", "denoiser.onnx"}),
        (float_bundle, {"stem.onnx", "body.onnx"}),
    ):
        caplog.clear()
        out = tmp_path / bundle.stem
        check_engines(export_engines(bundle, out, route(out)), out, graphs)
        assert ("body.s8.onnx" in caplog.text) is (bundle != float_bundle)


def test_a_refused_graph_never_reaches_tensorrt(tmp_path: Path, trt: FakeTensorRt) -> None:
    def never() -> Route:
        raise AssertionError("the route was made")

    with pytest.raises(BundleError, match="unsigned"):
        export_engines(graph_file(tmp_path, unsigned()), tmp_path / "out", never)
    assert left(tmp_path / "out") == set()


def test_an_engine_that_computes_something_else_is_not_written(tmp_path: Path, trt: FakeTensorRt) -> None:
    trt.error = 0.5
    with pytest.raises(BundleError, match="something else than ONNX Runtime"):
        export_engines(graph_file(tmp_path, good_float()), tmp_path / "out", route(tmp_path / "out"))
    assert left(tmp_path / "out") == set()


def test_a_quantized_graph_must_run_in_int8(tmp_path: Path, trt: FakeTensorRt) -> None:
    with pytest.raises(BundleError, match="nothing in INT8"):
        export_engines(graph_file(tmp_path, good_quantized()), tmp_path / "out", route(tmp_path / "out"))
    assert left(tmp_path / "out") == set()


@pytest.mark.parametrize("passed", [True, False])
def test_the_gate_decides(passed: bool, tmp_path: Path, trt: FakeTensorRt) -> None:
    seen: list[tuple[int, ...]] = []

    def gate(runs: Mapping[str, Run]) -> Mapping[str, Any]:
        seen.append(runs["body.onnx"](np.zeros(SHAPE, np.float32)).shape)
        return {"passed": passed, "plume_f1": 0.64}

    source, out = graph_file(tmp_path, good_float()), tmp_path / "out"
    if passed:
        (engine,) = export_engines(source, out, route(out), gate=gate)
        assert engine.fields["gate"] == {"passed": True, "plume_f1": 0.64}
    else:
        with pytest.raises(BundleError, match="accuracy gate"):
            export_engines(source, out, route(out), gate=gate)
        assert left(out) == set()
    assert seen == [SHAPE]


def test_what_is_there_stays_unless_told_and_is_said_before_building(
    tmp_path: Path, trt: FakeTensorRt
) -> None:
    source = graph_file(tmp_path, good_float())
    (tmp_path / "body.engine").write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        export_engines(source, tmp_path, route(tmp_path))
    assert not trt.configs
    assert (tmp_path / "body.engine").read_bytes() == b"old"
    export_engines(source, tmp_path, route(tmp_path), overwrite=True)
    assert read_sidecar(tmp_path / "body.engine")["format"] == 1
