"""TensorRT itself: parser, builder, engines, provider. Needs a GPU; elsewhere each test says what is missing.

``pytest -m tensorrt`` runs these alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.tensorrt.builder import BuildSettings, build_engine, load_tensorrt, make_logger, network_flags
from export.tensorrt.checker import check_model
from export.tensorrt.cuda import Cuda
from export.tensorrt.job import Engine, export_engines
from export.tensorrt.parity import compare, reference_run, seeded_input
from export.tensorrt.provider import PROVIDER
from export.tensorrt.routes import ProviderRoute, TensorRtRoute
from export.tensorrt.runner import EngineRunner
from export.tensorrt.sidecar import read_sidecar, require_match
from onboard.errors import BundleError, UsageError
from onboard.flight.bundle import default_bundle_path
from tests.export.tensorrt.broken import BROKEN, GOOD
from tests.export.tensorrt.graphs import SHAPE, good_quantized

pytestmark = pytest.mark.tensorrt

QUICK = BuildSettings(optimization_level=1)
REFUSED_BY_ALL = {"zero-point", "integer-operator", "unsupported-operator"}
"""Rules that the parser of every release asserts. Of the others it takes some with a warning, changing values
in silence, and leaves some to the builder."""
REFUSED = sorted(name for name, (rule, _, _) in BROKEN.items() if rule in REFUSED_BY_ALL)


@pytest.fixture(scope="module")
def cuda() -> Cuda:
    """Return the GPU, or skip with the reason."""
    try:
        return Cuda()
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def bindings() -> Any:
    """Return TensorRT, GPU or none, or skip with the reason."""
    try:
        return load_tensorrt()
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def trt(cuda: Cuda, bindings: Any) -> Any:
    """Return TensorRT where there is a GPU too."""
    return bindings


USED = {
    "Builder": "create_network create_builder_config build_serialized_network",
    "IBuilderConfig": "set_memory_pool_limit builder_optimization_level profiling_verbosity set_flag "
    "clear_flag create_timing_cache set_timing_cache",
    "ITimingCache": "serialize",
    "OnnxParser": "parse num_errors get_error",
    "ParserError": "node_name desc",
    "Runtime": "deserialize_cuda_engine",
    "ICudaEngine": "num_io_tensors get_tensor_name get_tensor_mode get_tensor_dtype get_tensor_shape "
    "create_execution_context create_engine_inspector",
    "IExecutionContext": "set_tensor_address execute_async_v3",
    "EngineInspector": "execution_context get_engine_information",
    "BuilderFlag": "TF32",
    "DataType": "FLOAT",
    "LayerInformationFormat": "JSON",
    "MemoryPoolType": "WORKSPACE",
    "ProfilingVerbosity": "DETAILED",
    "TensorIOMode": "INPUT OUTPUT",
}
"""Every name of the library that the builder and the runner touch."""


@pytest.mark.parametrize("owner", USED)
def test_the_names_that_are_used_are_there(bindings: Any, owner: str) -> None:
    assert [name for name in USED[owner].split() if not hasattr(getattr(bindings, owner), name)] == []


def test_messages_come_through_the_real_logger(bindings: Any) -> None:
    logger = make_logger(bindings)
    logger.log(bindings.ILogger.Severity.ERROR, "a word")
    assert logger.errors == ["a word"]
    assert network_flags(bindings) == (0 if str(bindings.__version__).startswith("11") else 2)


def parses(trt: Any, data: bytes) -> bool:
    logger = make_logger(trt)
    network = trt.Builder(logger).create_network(network_flags(trt))
    return bool(trt.OnnxParser(network, logger).parse(data))


@pytest.mark.parametrize("name", GOOD)
def test_what_the_checker_accepts_tensorrt_parses(trt: Any, name: str) -> None:
    assert parses(trt, GOOD[name]())


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_checker_refuses_the_parser_refuses(trt: Any, name: str) -> None:
    assert not parses(trt, BROKEN[name][2]())


@pytest.mark.parametrize("name", GOOD)
def test_an_engine_computes_what_onnx_runtime_computes(trt: Any, cuda: Cuda, name: str) -> None:
    data, values = GOOD[name](), seeded_input(SHAPE)
    made = build_engine(trt, data, name, QUICK)
    engine = EngineRunner(trt, cuda, made.plan)
    assert engine.input_shape == SHAPE
    expected, found = reference_run(data)(values), engine(values)
    parity = compare(expected, found, sample="seeded", precision=check_model(data, name).precision)
    assert parity.passed, parity
    assert np.array_equal(engine(values), engine(values))


def test_a_quantized_graph_runs_in_int8_and_a_float_one_does_not(trt: Any, cuda: Cuda) -> None:
    precisions = {}
    for name in GOOD:
        plan = build_engine(trt, GOOD[name](), name, QUICK).plan
        precisions[name] = {layer.precision for layer in EngineRunner(trt, cuda, plan).layers()}
    assert "INT8" in precisions["quantized"]
    assert "INT8" not in precisions["float"]


def test_timings_are_taken_up(trt: Any) -> None:
    first = build_engine(trt, good_quantized(), "body", QUICK)
    second = build_engine(trt, good_quantized(), "body", QUICK, first.timing_cache)
    assert first.timing_cache
    assert len(second.timing_cache) >= len(first.timing_cache)


def test_noise_is_no_timing_cache_and_no_engine(trt: Any, cuda: Cuda) -> None:
    assert build_engine(trt, good_quantized(), "body", QUICK, b"noise" * 40).plan
    with pytest.raises(BundleError, match="cannot be loaded"):
        EngineRunner(trt, cuda, b"noise" * 400)


def check_engines(engines: list[Engine], folder: Path, graphs: set[str]) -> None:
    assert {engine.fields["graph"]["name"] for engine in engines} == graphs
    for engine in engines:
        fields = read_sidecar(engine.path)
        assert engine.path.parent == folder
        assert fields["parity"]["passed"]
        require_match(fields, versions=engine.fields["versions"], gpu=engine.fields["gpu"])
        if fields["graph"]["name"] == "body.onnx":
            assert fields["known_answer_difference"] < 0.02


@pytest.fixture(params=["shipped", "float32"])
def flying(request: pytest.FixtureRequest) -> tuple[Path, set[str]]:
    """A bundle and its graphs; no engine is made of the core's own form, in which the shipped body is."""
    if request.param == "shipped":
        return default_bundle_path(), {"stem.onnx", "denoiser.onnx"}
    return request.getfixturevalue("float_bundle"), {"stem.onnx", "body.onnx"}


def test_bundles_become_engines(trt: Any, flying: tuple[Path, set[str]], tmp_path: Path) -> None:
    bundle, graphs = flying
    engines = export_engines(bundle, tmp_path, lambda: TensorRtRoute(QUICK, tmp_path))
    check_engines(engines, tmp_path, graphs)
    assert all(engine.fields["precisions"] for engine in engines)


def test_bundles_become_context_models(cuda: Cuda, flying: tuple[Path, set[str]], tmp_path: Path) -> None:
    import onnxruntime

    if PROVIDER not in onnxruntime.get_available_providers():
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no {PROVIDER}")
    bundle, graphs = flying
    engines = export_engines(bundle, tmp_path, lambda: ProviderRoute(QUICK, tmp_path))
    check_engines(engines, tmp_path, graphs)
    assert all(len(engine.fields["files"]) >= 2 for engine in engines)


def test_the_checker_agrees_with_itself_here() -> None:
    """Runs without TensorRT too: what this file puts to the parser are files that the checker refuses."""
    assert len(REFUSED) >= 5
    assert all(check_model(BROKEN[name][2](), name).errors for name in REFUSED)
