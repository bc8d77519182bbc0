"""The flight core's quantized body as a Q/DQ graph: what ONNX Runtime makes of the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from onboard.flight.int8_body import Int8Body, Int8Layer, Kind
from quantize.graph import model_bytes

OPSET = 18
IR_VERSION = 10


def twin_graph(body: Int8Body, shape: Sequence[int]) -> bytes:
    """Return the Q/DQ graph, unsigned activations, of a quantized body.

    The planes are quantized along their own axis and dequantized to whole steps, as their scales are in
    the weights. Logits are not rounded. Everything else is as ONNX defines it, so that the graph says what
    the core's kernels must compute.

    Args:
        body: The quantized body.
        shape: (1, planes, lines, samples) of the window.
    """
    return _finished(_Twin(body), shape)


def float_graph(body: Int8Body, shape: Sequence[int]) -> bytes:
    """Return the same network in float32, its weights as they are stored and nothing rounded.

    Args:
        body: The quantized body.
        shape: (1, planes, lines, samples) of the window.
    """
    return _finished(_Twin(body, rounded=False), shape)


def _finished(work: _Twin, shape: Sequence[int]) -> bytes:
    body = work.body
    if work.rounded:
        work.planes()
    for index, layer in enumerate(body.layers):
        work.layer(index, layer)
    logits = [f"t{index + 1}" for index, layer in enumerate(body.layers) if layer.logits]
    work.add("Concat", logits, "logits", axis=1)
    window = list(shape[2:])
    model = helper.make_model(
        helper.make_graph(
            work.nodes,
            "graph",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, list(shape))],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, body.outputs, *window])],
            [numpy_helper.from_array(value, name) for name, value in work.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model_bytes(model)


@dataclass
class _Twin:
    """A graph in the making; tensor ``t0`` is the planes, ``t1`` the first layer's output, and so on."""

    body: Int8Body
    rounded: bool = True
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node, and return its output."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], f"{output}_node", **attributes))
        return output

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        self.constants[name] = value
        return name

    def planes(self) -> None:
        """Quantize the input, each plane at its own scale."""
        zeros = self.constant("plane_zeros", self.body.plane_zeros)
        scales = self.constant("plane_scales", self.body.plane_scales)
        ones = self.constant("plane_ones", np.ones_like(self.body.plane_scales))
        self.add("QuantizeLinear", ["features", scales, zeros], "t0_q", axis=1)
        self.add("DequantizeLinear", ["t0_q", ones, zeros], "t0", axis=1)

    def layer(self, index: int, layer: Int8Layer) -> None:
        """Add a layer, and the rounding of its output."""
        name = f"t{index + 1}"
        raw = f"{name}_raw" if self.rounded and not layer.logits else name
        if layer.kind is Kind.SUM:
            factors = self.constant("doubling", np.array([1, 1, 2, 2], np.float32))
            how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            self.add("Resize", [self._tensor(layer.half), "", factors], f"{name}_up", **how)
            self.add("Add", [self._tensor(layer.input), f"{name}_up"], raw)
        else:
            self._convolution(name, layer, raw if layer.logits else f"{name}_sum")
            if not layer.logits:
                self.add("Relu", [f"{name}_sum"], raw)
        if not layer.logits and self.rounded:
            scale = self.constant(f"{name}_scale", np.asarray(layer.scale, np.float32))
            zero = self.constant("zero", np.asarray(0, np.uint8))
            self.add("QuantizeLinear", [raw, scale, zero], f"{name}_q")
            self.add("DequantizeLinear", [f"{name}_q", scale, zero], name)

    def _tensor(self, source: int) -> str:
        """Return the name of what a layer reads: the graph's input itself where nothing is rounded."""
        return f"t{source}" if source or self.rounded else "features"

    def _convolution(self, name: str, layer: Int8Layer, output: str) -> None:
        size = {Kind.POINTWISE: 1, Kind.DEPTHWISE: 3, Kind.HALVE: 2}[layer.kind]
        depth = 1 if layer.kind is Kind.DEPTHWISE else layer.inputs
        kernel = np.moveaxis(layer.weights.reshape(layer.outputs, size, size, depth), -1, 1)
        # In whole steps of the sum, as kernels add them: half a step more or less tips roundings over.
        step = self.body.input_scale(layer) * layer.steps
        rounded = np.rint(layer.real_biases / step) * step
        bias = self.constant(f"{name}_bias", rounded.astype(np.float32))
        if self.rounded:
            stored = self.constant(f"{name}_weight_q", np.ascontiguousarray(kernel))
            steps = self.constant(f"{name}_weight_scale", layer.steps.astype(np.float32))
            zeros = self.constant(f"{name}_weight_zero", np.zeros(layer.outputs, np.int8))
            weight = self.add("DequantizeLinear", [stored, steps, zeros], f"{name}_weight", axis=0)
        else:
            weight = self._float_weight(name, layer, kernel)
        how = {
            "kernel_shape": [size, size],
            "strides": [2, 2] if layer.kind is Kind.HALVE else [1, 1],
            "pads": [1 if layer.kind is Kind.DEPTHWISE else 0] * 4,
            "group": layer.outputs if layer.kind is Kind.DEPTHWISE else 1,
        }
        self.add("Conv", [self._tensor(layer.input), weight, bias], output, **how)

    def _float_weight(self, name: str, layer: Int8Layer, kernel: npt.NDArray[np.int8]) -> str:
        weight = kernel * layer.steps[:, None, None, None]
        if layer.input == 0:
            weight = weight / self.body.plane_scales[None, :, None, None]
        return self.constant(f"{name}_weight", weight.astype(np.float32))
