"""Q/DQ pairs into a float ONNX graph: int8 weights as they are stored, activations in either form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from quantize.affine import Affine, Form, Range, affine_of, quantize_weight, weight_scales
from quantize.graph import QuantizeError, compact, copy_of, drop_dead, initializers, model_bytes
from quantize.placement import Placement, Sites

Array = npt.NDArray[np.float32]
SUFFIX_Q, SUFFIX_DQ, SUFFIX_RAW = "_q", "_dq", "_raw"


def quantized_graph(
    model: Any, sites: Sites, placement: Placement, spans: Mapping[str, Range], form: Form
) -> bytes:
    """Return the Q/DQ graph of a float graph.

    Weights are int8 initializers behind a DequantizeLinear with one scale an output channel; biases stay
    float32, as TensorRT demands, and ONNX Runtime makes 32-bit integers of them when it loads the graph.
    Activations pass QuantizeLinear and DequantizeLinear with one scale a tensor. ReLUs stay.

    Args:
        model: Float graph, batch norms folded.
        sites: Its sites.
        placement: What to quantize.
        spans: Range of each group of tensors.
        form: Form of activations.

    Raises:
        QuantizeError: A group has no range, or a weight is already something else than float32.
    """
    affines = {}
    for tensor in placement.tensors:
        group = sites.group[tensor]
        if group not in spans:
            raise QuantizeError("a tensor was not calibrated", field=group, expected="a range")
        affines[tensor] = affine_of(spans[group], form)
    work = _Insertion(copy_of(model), form, placement.float_nodes)
    for layer in placement.layers:
        scale = float(affines[layer.input].scale)
        bias = None if layer.bias is None else work.constants[layer.bias]
        work.weight(layer.weight, layer.node, bias, scale)
    for tensor, affine in affines.items():
        work.activation(tensor, affine)
    finished = work.finish()
    drop_dead(finished)
    compact(finished)
    onnx.checker.check_model(finished, full_check=True)
    return model_bytes(finished)


def rounded_activations(model: Any, affines: Mapping[str, Affine]) -> bytes:
    """Return a float graph in which some tensors alone pass a Q/DQ pair, for searches."""
    form = next(iter(affines.values())).form
    work = _Insertion(copy_of(model), form)
    for tensor, affine in affines.items():
        work.activation(tensor, affine)
    return model_bytes(work.finish())


@dataclass
class _Insertion:
    """A graph while pairs are put into it."""

    model: Any
    form: Form
    float_nodes: frozenset[str] = frozenset()
    constants: dict[str, Any] = field(init=False)
    before: list[Any] = field(default_factory=list)
    after: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constants = initializers(self.model)

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Add a constant, unless it is there."""
        if name not in self.constants:
            self.constants[name] = value
            self.model.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, name: str, node_name: str, bias: Array | None, input_scale: float) -> None:
        """Replace a layer's weight by int8 numbers and their DequantizeLinear."""
        weight = self.constants[name]
        node = next(item for item in self.model.graph.node if item.name == node_name)
        if weight.dtype != np.float32:
            raise QuantizeError("a weight is not float32", field=name, found=weight.dtype)
        axis = _output_axis(node)
        turned = np.moveaxis(weight, axis, 0)
        scales = weight_scales(turned, bias, input_scale)
        stored = np.ascontiguousarray(np.moveaxis(quantize_weight(turned, scales), 0, axis))
        inputs = [
            self.constant(name + SUFFIX_Q, stored),
            self.constant(name + "_scale", scales),
            self.constant(f"zeros_{len(scales)}", np.zeros(len(scales), np.int8)),
        ]
        pair = helper.make_node(
            "DequantizeLinear", inputs, [name + SUFFIX_DQ], f"{node_name}_weight", axis=axis
        )
        self.before.append(pair)
        node.input[1] = name + SUFFIX_DQ

    def activation(self, tensor: str, affine: Affine) -> None:
        """Let every reader of a tensor, but for float layers, read it through a Q/DQ pair."""
        graph = self.model.graph
        result = tensor + SUFFIX_DQ
        for node in graph.node:
            for index, name in enumerate(node.input):
                if name == tensor and node.name not in self.float_nodes:
                    node.input[index] = result
        source = tensor
        if tensor in {item.name for item in graph.output}:
            source, result = tensor + SUFFIX_RAW, tensor
            self._rename(tensor, source)
        # Scales are shared by value, so that engines see at once that a group has one.
        scale = self.constant(f"scale_{affine.scale!r}", np.asarray(affine.scale, np.float32))
        zero = self.constant(
            f"zero_{self.form.value}_{affine.zero_point}", np.asarray(affine.zero_point, self.form.dtype)
        )
        pair = [
            helper.make_node("QuantizeLinear", [source, scale, zero], [tensor + SUFFIX_Q], f"{tensor}_q"),
            helper.make_node("DequantizeLinear", [tensor + SUFFIX_Q, scale, zero], [result], f"{tensor}_dq"),
        ]
        self.after.setdefault(source, []).extend(pair)

    def _rename(self, old: str, new: str) -> None:
        """Rename the tensor that a graph's output was, and let its other readers read the pair's end."""
        for node in self.model.graph.node:
            for index, name in enumerate(node.output):
                if name == old:
                    node.output[index] = new
            for index, name in enumerate(node.input):
                if name == old + SUFFIX_DQ:
                    node.input[index] = old

    def finish(self) -> Any:
        """Return the graph with all pairs, in an order in which each node's inputs come before it."""
        graph = self.model.graph
        nodes = list(self.before)
        for item in graph.input:
            nodes += self.after.get(item.name, [])
        for node in graph.node:
            nodes.append(node)
            for name in node.output:
                nodes += self.after.get(name, [])
        copies = []
        for node in nodes:
            twin = onnx.NodeProto()
            twin.CopyFrom(node)
            copies.append(twin)
        del graph.node[:]
        graph.node.extend(copies)
        del graph.value_info[:]
        return self.model


def _output_axis(node: Any) -> int:
    """Return which axis of a weight counts output channels."""
    if node.op_type == "Gemm":
        transposed = any(item.name == "transB" and item.i for item in node.attribute)
        return 0 if transposed else 1
    return 0
