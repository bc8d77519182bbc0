"""A loaded engine, run on the GPU through TensorRT's own Python API."""

from __future__ import annotations

from typing import Any

import numpy as np

from export.tensorrt.builder import make_logger
from export.tensorrt.cuda import Cuda
from export.tensorrt.layers import Layer, read_layers
from export.tensorrt.parity import Array
from onboard.errors import BundleError


class EngineRunner:
    """A loaded engine of one input and one output, both float32, on the first GPU.

    Args:
        trt: The ``tensorrt`` module.
        cuda: The GPU.
        plan: The serialized engine. It is executable code: only load what was built here, or is signed.

    Raises:
        BundleError: If the engine cannot be loaded here, or has other inputs and outputs.
    """

    def __init__(self, trt: Any, cuda: Cuda, plan: bytes) -> None:
        self._trt, self._cuda = trt, cuda
        self._logger = make_logger(trt)
        self._runtime = trt.Runtime(self._logger)
        self.engine = self._runtime.deserialize_cuda_engine(plan)
        if self.engine is None:
            raise BundleError(
                "the engine cannot be loaded on this machine",
                found="; ".join(self._logger.errors) or "no reason",
                remedy="engines are bound to GPU and release: build it again here",
            )
        self._context = self.engine.create_execution_context()
        names = [self.engine.get_tensor_name(index) for index in range(self.engine.num_io_tensors)]
        modes = [self.engine.get_tensor_mode(name) for name in names]
        if sorted(map(int, modes)) != sorted(map(int, (trt.TensorIOMode.INPUT, trt.TensorIOMode.OUTPUT))):
            raise BundleError("the engine has other inputs and outputs", found=names, expected="one of each")
        self.input = names[modes.index(trt.TensorIOMode.INPUT)]
        self.output = names[modes.index(trt.TensorIOMode.OUTPUT)]
        if any(self.engine.get_tensor_dtype(name) != trt.DataType.FLOAT for name in names):
            raise BundleError("the engine's inputs and outputs are not float32", found=names)
        self.input_shape = tuple(self.engine.get_tensor_shape(self.input))
        self.output_shape = tuple(self.engine.get_tensor_shape(self.output))
        self._stream = cuda.stream()

    def layers(self) -> tuple[Layer, ...]:
        """Return each layer's precision, as the engine inspector tells it."""
        inspector = self.engine.create_engine_inspector()
        inspector.execution_context = self._context
        return read_layers(inspector.get_engine_information(self._trt.LayerInformationFormat.JSON))

    def __call__(self, values: Array) -> Array:
        """Run the engine.

        Raises:
            BundleError: If the shape is wrong, or the engine fails.
        """
        if values.shape != self.input_shape:
            raise BundleError("the engine takes another shape", found=values.shape, expected=self.input_shape)
        result = np.empty(self.output_shape, np.float32)
        with self._cuda.allocate(values.nbytes) as given, self._cuda.allocate(result.nbytes) as made:
            given.write(values.astype(np.float32, copy=False))
            self._context.set_tensor_address(self.input, given.address)
            self._context.set_tensor_address(self.output, made.address)
            if not self._context.execute_async_v3(self._stream):
                raise BundleError("the engine fails", found="; ".join(self._logger.errors) or "no reason")
            self._cuda.synchronize(self._stream)
            made.read(result)
        return result
