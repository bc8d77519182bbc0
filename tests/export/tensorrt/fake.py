"""A stand-in for ``tensorrt`` and the GPU, for the order of calls, refusals and files ONLY.

It shows nothing about TensorRT: engines are ONNX graphs in disguise, run by ONNX Runtime on the CPU. What the
real library does is tested in ``test_real.py`` on machines that have it. Attributes that the builder has no
business with (calibrators, precision flags) do not exist here, so that touching them fails.
"""

from __future__ import annotations

import enum
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from export.tensorrt.cuda import Gpu

GPU = Gpu("Fake Orin", "8.7", 8 << 30, "12.6")
PLAN = b"fake plan "


class Severity(enum.IntEnum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class TensorIOMode(enum.IntEnum):
    NONE, INPUT, OUTPUT = range(3)


class BuilderFlag(enum.IntEnum):
    TF32 = 7


class ILogger:
    Severity = Severity


class Cache:
    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def serialize(self) -> bytes:
        return self.data + b"+timing"


class Config:
    __slots__ = ("builder_optimization_level", "cache", "flags", "limits", "profiling_verbosity")

    builder_optimization_level: int
    profiling_verbosity: str

    def __init__(self) -> None:
        self.flags: set[int] = {BuilderFlag.TF32}
        self.limits: dict[str, int] = {}
        self.cache: Cache | None = None

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        self.limits[pool] = size

    def set_flag(self, flag: int) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: int) -> None:
        self.flags.discard(flag)

    def create_timing_cache(self, data: bytes) -> Cache | None:
        return None if data.startswith(b"broken") else Cache(data)

    def set_timing_cache(self, cache: Cache, ignore_mismatch: bool) -> bool:
        self.cache = cache
        return not ignore_mismatch and not cache.data.startswith(b"other GPU")


class FakeTensorRt(SimpleNamespace):
    """The module; its switches make it fail in chosen ways."""

    def __init__(self, version: str = "10.3.0") -> None:
        super().__init__(__version__=version, ILogger=ILogger, BuilderFlag=BuilderFlag)
        self.TensorIOMode = TensorIOMode
        self.DataType = SimpleNamespace(FLOAT="float", INT8="int8")
        self.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
        self.ProfilingVerbosity = SimpleNamespace(DETAILED="detailed")
        self.LayerInformationFormat = SimpleNamespace(JSON="json")
        if version.startswith("10"):
            self.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
        self.gpu, self.parses, self.builds, self.loads, self.runs = True, True, True, True, True
        self.layer_type = "Float"
        self.error = 0.0
        self.flags: list[int] = []
        self.configs: list[Config] = []
        self.Builder = lambda logger: _builder(self, logger)
        self.OnnxParser = lambda network, logger: _parser(self, network)
        self.Runtime = lambda logger: _runtime(self, logger)


def _builder(trt: FakeTensorRt, logger: Any) -> SimpleNamespace:
    if not trt.gpu:
        logger.log(Severity.ERROR, "CUDA initialization failure with error: 100")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    def create_network(flags: int) -> SimpleNamespace:
        trt.flags.append(flags)
        return SimpleNamespace(data=b"")

    def create_builder_config() -> Config:
        trt.configs.append(Config())
        return trt.configs[-1]

    def build_serialized_network(network: Any, config: Config) -> bytes | None:
        logger.log(Severity.WARNING, "a word of warning")
        if not trt.builds:
            logger.log(Severity.ERROR, "Could not find any implementation for node conv1")
            return None
        return PLAN + bytes(network.data)

    return SimpleNamespace(
        create_network=create_network,
        create_builder_config=create_builder_config,
        build_serialized_network=build_serialized_network,
    )


def _parser(trt: FakeTensorRt, network: Any) -> SimpleNamespace:
    def parse(data: bytes) -> bool:
        network.data = data
        return bool(trt.parses)

    error = SimpleNamespace(node_name=lambda: "conv1", desc=lambda: "Assertion failed: shiftIsAllZeros")
    return SimpleNamespace(parse=parse, num_errors=1, get_error=lambda index: error)


def _runtime(trt: FakeTensorRt, logger: Any) -> SimpleNamespace:
    def deserialize_cuda_engine(plan: bytes) -> Any:
        if not trt.loads or not plan.startswith(PLAN):
            logger.log(Severity.ERROR, "The engine plan file is not compatible with this version")
            return None
        return FakeEngine(trt, plan.removeprefix(PLAN))

    return SimpleNamespace(deserialize_cuda_engine=deserialize_cuda_engine)


class FakeEngine:
    """An ONNX graph that answers as an engine does."""

    def __init__(self, trt: FakeTensorRt, data: bytes) -> None:
        self._trt = trt
        self.session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        self.tensors = {item.name: item for item in (*self.session.get_inputs(), *self.session.get_outputs())}
        self.num_io_tensors = len(self.tensors)
        self.addresses: dict[str, int] = {}

    def get_tensor_name(self, index: int) -> str:
        return str(list(self.tensors)[index])

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        inputs = [item.name for item in self.session.get_inputs()]
        return TensorIOMode.INPUT if name in inputs else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> str:
        return str(self.tensors[name].type).removeprefix("tensor(").removesuffix(")")

    def get_tensor_shape(self, name: str) -> list[int]:
        return list(self.tensors[name].shape)

    def create_execution_context(self) -> FakeEngine:
        return self

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        if not self._trt.runs:
            return False
        names = list(self.tensors)
        given, made = (FakeBuffer.blocks[self.addresses[name]] for name in names)
        (result,) = self.session.run(None, {names[0]: given.values})
        made.values = result + np.float32(self._trt.error)
        return True

    def create_engine_inspector(self) -> SimpleNamespace:
        tensor = [{"Name": "x", "Format/Datatype": self._trt.layer_type}]
        layers = [{"Name": "conv1", "LayerType": "CaskConvolution", "Inputs": tensor, "Outputs": tensor}]
        return SimpleNamespace(get_engine_information=lambda form: json.dumps({"Layers": layers}))


class FakeBuffer:
    """Device memory on the host, found again by its made-up address."""

    blocks: dict[int, FakeBuffer] = {}  # noqa: RUF012

    def __init__(self, size: int) -> None:
        self.values = np.zeros(size // 4, np.float32)
        self.address = 1 + max(self.blocks, default=0)
        self.blocks[self.address] = self

    def write(self, values: Any) -> None:
        self.values = values.copy()

    def read(self, values: Any) -> None:
        values[...] = self.values

    def __enter__(self) -> FakeBuffer:
        return self

    def __exit__(self, *_: object) -> None:
        del self.blocks[self.address]


class FakeCuda:
    """The GPU."""

    def gpu(self) -> Gpu:
        return GPU

    def allocate(self, size: int) -> FakeBuffer:
        return FakeBuffer(size)

    def stream(self) -> int:
        return 7

    def synchronize(self, stream: int) -> None:
        assert stream == 7
