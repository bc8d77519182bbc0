"""The provider's route: options and refusals; the provider itself is in test_real.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from export.tensorrt.builder import BuildSettings
from export.tensorrt.provider import PROVIDER, build_context, load_provider, provider_options
from onboard.errors import BundleError, UsageError
from tests.export.tensorrt.graphs import SHAPE, good_float

FOREIGN = "com.microsoft"


def context_model(*operators: str) -> bytes:
    nodes = [
        helper.make_node(op, ["x"], ["y"], name=op.lower(), domain=FOREIGN if op == "EPContext" else "")
        for op in operators
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
    graph = helper.make_graph(nodes, "context", values[:1], values[1:])
    return bytes(helper.make_model(graph).SerializeToString())


class FakeRuntime:
    """``onnxruntime`` with a provider that writes what it is told, for the order of calls alone."""

    def __init__(self, context: bytes | None, loads: bool = True, fails: str = "") -> None:
        self.context, self.loads, self.fails = context, loads, fails
        self.entries: dict[str, str] = {}
        self.SessionOptions = lambda: SimpleNamespace(add_session_config_entry=self.entries.__setitem__)

    def InferenceSession(self, model: Any, settings: Any, providers: Any) -> Any:  # noqa: N802
        ((name, options),) = providers
        assert name == PROVIDER
        if self.fails:
            raise RuntimeError(self.fails)
        if isinstance(model, bytes) and self.context is not None:
            path = Path(options["trt_ep_context_file_path"])
            path.write_bytes(self.context)
            (path.parent / options["trt_engine_cache_path"] / "a_sm87.engine").write_bytes(b"engine")
        session = onnxruntime.InferenceSession(good_float(), providers=["CPUExecutionProvider"])
        names = [PROVIDER] if self.loads else ["CPUExecutionProvider"]
        return SimpleNamespace(get_providers=lambda: names, get_inputs=session.get_inputs, run=session.run)


def build(runtime: FakeRuntime, folder: Path) -> Any:
    return build_context(runtime, good_float(), "x.body_ctx.onnx", BuildSettings(), folder, folder)


def test_the_context_and_its_engine_are_kept_and_nothing_else(tmp_path: Path) -> None:
    runtime = FakeRuntime(context_model("EPContext"))
    made = build(runtime, tmp_path)
    assert set(made.files) == {"x.body_ctx.onnx", "engines/a_sm87.engine"}
    assert made.run(np.zeros(SHAPE, np.float32)).shape == SHAPE
    assert runtime.entries == {"session.disable_cpu_ep_fallback": "1"}
    assert not list(tmp_path.iterdir())
    assert not [value for value in made.options.values() if str(tmp_path) in value]


def test_options_ask_for_cache_and_context_and_no_precision(tmp_path: Path) -> None:
    options = provider_options(tmp_path, "x_ctx.onnx", BuildSettings(77, 4), tmp_path)
    assert options["trt_engine_cache_enable"] == options["trt_dump_ep_context_model"] == "True"
    assert options["trt_ep_context_file_path"] == str(tmp_path / "x_ctx.onnx")
    assert options["trt_max_workspace_size"] == "77"
    assert not Path(options["trt_engine_cache_path"]).is_absolute()
    assert not {"trt_int8_enable", "trt_fp16_enable", "trt_bf16_enable"} & set(options)


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (None, "no context model"),
        (context_model("EPContext", "Relu"), "relu"),
        (context_model(), "empty model"),
    ],
)
def test_what_the_provider_leaves_undone_is_refused(
    context: bytes | None, words: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=words):
        build(FakeRuntime(context), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_provider_that_fails_or_falls_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="node conv1 is not supported"):
        build(FakeRuntime(None, fails="node conv1 is not supported\nand more"), tmp_path)
    with pytest.raises(UsageError, match="cannot be loaded"):
        build(FakeRuntime(context_model("EPContext"), loads=False), tmp_path)


@pytest.mark.skipif(PROVIDER in onnxruntime.get_available_providers(), reason="the provider is here")
def test_a_runtime_without_the_provider_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="no TensorRT provider") as caught:
        load_provider()
    assert caught.value.exit_code == 2
    assert "CPUExecutionProvider" in str(caught.value)
