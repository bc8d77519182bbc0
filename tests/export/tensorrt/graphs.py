"""Small ONNX graphs for tests: good ones, and pieces to break them with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

SHAPE = (1, 4, 8, 8)
Values = npt.ArrayLike


class Maker:
    """Puts a graph together, node by node; every node gets a name to be found by."""

    def __init__(self, seed: int = 5) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.random = np.random.default_rng(seed)

    def constant(self, name: str, values: Values, kind: Any = np.float32) -> str:
        """Add a constant and return its name."""
        self.constants[name] = numpy_helper.from_array(np.asarray(values, kind), name)
        return name

    def node(self, operator: str, name: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node and return its one output."""
        self.nodes.append(helper.make_node(operator, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def pair(
        self, name: str, tensor: str, scale: Values = 0.02, kind: Any = np.int8, point: Values | None = None
    ) -> str:
        """Put a Q/DQ pair on an activation and return what it gives."""
        points = np.zeros_like(scale, kind) if point is None else point
        extra = [self.constant(f"{name}_scale", scale), self.constant(f"{name}_point", points, kind)]
        quantized = self.node("QuantizeLinear", f"{name}_q", [tensor, *extra], axis=1)
        return self.node("DequantizeLinear", f"{name}_dq", [quantized, *extra], axis=1)

    def weight(self, name: str, shape: tuple[int, ...], axis: int = 0, per_tensor: bool = False) -> str:
        """Add an INT8 weight with its DQ and return what it gives."""
        values = self.random.integers(-127, 128, shape)
        count = () if per_tensor else (shape[axis],)
        inputs = [
            self.constant(f"{name}_int8", values, np.int8),
            self.constant(f"{name}_scale", np.full(count, 0.003)),
            self.constant(f"{name}_point", np.zeros(count), np.int8),
        ]
        return self.node("DequantizeLinear", f"{name}_dq", inputs, axis=axis)

    def conv(
        self, name: str, tensor: str, channels: int = 4, weight: str | None = None, bias: str | None = None
    ) -> str:
        """Add a 3 x 3 convolution of four input channels with an INT8 weight and a float bias."""
        weight = weight or self.weight(f"{name}_weight", (channels, 4, 3, 3))
        bias = bias or self.constant(f"{name}_bias", self.random.normal(0, 0.1, channels))
        return self.node("Conv", name, [tensor, weight, bias], pads=[1, 1, 1, 1])

    def model(
        self,
        output: str,
        opset: int = 18,
        kind: int = TensorProto.FLOAT,
        shape: Sequence[int | str] = SHAPE,
        out_shape: Sequence[int | str] | None = None,
        domains: Sequence[str] = (),
    ) -> bytes:
        """Return the model's bytes, with input ``x``."""
        outputs = [helper.make_tensor_value_info(output, kind, shape if out_shape is None else out_shape)]
        inputs = [helper.make_tensor_value_info("x", kind, shape)]
        graph = helper.make_graph(self.nodes, "graph", inputs, outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(item, 1) for item in domains)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        return bytes(model.SerializeToString())


def residual_body(maker: Maker, residual_pair: bool = True) -> str:
    """Add what a good quantized body is: convolutions, a residual sum, a head in float."""
    first = maker.node("Relu", "relu1", [maker.conv("conv1", maker.pair("input", "x"))])
    inner = maker.pair("inner", first)
    second = maker.conv("conv2", inner)
    skip = inner if residual_pair else first
    total = maker.node("Relu", "relu2", [maker.node("Add", "sum", [second, skip])])
    return maker.conv("head", maker.pair("total", total), channels=2)


def good_quantized(opset: int = 18) -> bytes:
    """Return a graph in signed Q/DQ form that every rule takes."""
    maker = Maker()
    return maker.model(residual_body(maker), opset, out_shape=(1, 2, 8, 8))


def good_float(channels: int = 4) -> bytes:
    """Return a float graph that every rule takes."""
    maker = Maker()
    weight = maker.constant("weight", maker.random.normal(0, 0.2, (channels, 4, 3, 3)))
    out = maker.node("Relu", "relu1", [maker.conv("conv1", "x", channels, weight)])
    return maker.model(out, out_shape=(1, channels, 8, 8))
