"""Routes name their files, versions and GPU; what is missing is wrong use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from export.tensorrt import routes
from export.tensorrt.builder import BuildSettings
from export.tensorrt.provider import ContextModel
from export.tensorrt.routes import ROUTES, ProviderRoute, TensorRtRoute
from onboard.errors import UsageError
from tests.export.tensorrt.fake import FakeCuda, FakeTensorRt


def test_both_routes_have_names_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(routes, "load_tensorrt", lambda: FakeTensorRt("11.4.0.106"))
    monkeypatch.setattr(routes, "load_provider", lambda: onnxruntime)
    monkeypatch.setattr(routes, "Cuda", FakeCuda)
    assert set(ROUTES) == {"tensorrt", "onnxruntime"}
    first = TensorRtRoute(BuildSettings(), tmp_path)
    second = ProviderRoute(BuildSettings(), tmp_path)
    assert first.main_name("x.body") == "x.body.engine"
    assert second.main_name("x.body") == "x.body_ctx.onnx"
    assert first.timing_cache() == tmp_path / "tensorrt-11.4.0.106-sm87.timing"
    assert first.versions()["tensorrt"] == "11.4.0.106"
    assert second.versions()["onnxruntime"] == onnxruntime.__version__
    assert first.versions()["cuda_driver"] == second.versions()["cuda_driver"] == "12.6"
    assert first.gpu() == second.gpu()


def test_the_provider_s_files_are_handed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {"x_ctx.onnx": b"context", "engines/x.engine": b"engine"}

    def made(ort: Any, data: bytes, name: str, settings: Any, cache: Path, aside: Path) -> ContextModel:
        assert cache.is_dir()
        return ContextModel(files, name, lambda values: values, 1.5, {"device_id": "0"})

    monkeypatch.setattr(routes, "load_provider", lambda: onnxruntime)
    monkeypatch.setattr(routes, "Cuda", FakeCuda)
    monkeypatch.setattr(routes, "build_context", made)
    built = ProviderRoute(BuildSettings(), tmp_path / "out").build(b"graph", "x")
    assert (built.files, built.main, built.layers) == (files, "x_ctx.onnx", ())
    assert built.settings["provider_options"] == {"device_id": "0"}


def test_a_driver_is_asked_for_before_building(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none() -> None:
        raise UsageError("there is no CUDA driver on this machine")

    monkeypatch.setattr(routes, "load_tensorrt", FakeTensorRt)
    monkeypatch.setattr(routes, "Cuda", none)
    with pytest.raises(UsageError, match="no CUDA driver"):
        TensorRtRoute(BuildSettings(), tmp_path)
