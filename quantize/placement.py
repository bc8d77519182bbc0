"""Where a float graph is quantized: which tensors share a range, and which layers take part."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from quantize.graph import BOUNDING, WEIGHTED, Layer, QuantizeError, initializers, layers_of

MOVING = ("Resize", "MaxPool", "Slice", "Reshape", "Transpose", "Split", "Identity")
"""They only move numbers, so that their output keeps their input's range, scale and zero point."""
MIXING = ("Add", "Mul", "Sub", "Concat", "AveragePool", "GlobalAveragePool", "Pad")
"""They have eight-bit kernels, but no weights."""


@dataclass(frozen=True)
class Sites:
    """Tensors of a float graph that can be quantized.

    Attributes:
        group: Tensor to the name of its group; a group shares one range.
        layers: The weighted layers.
        finals: Outputs of weighted layers that no weighted layer reads, not even through others.
    """

    group: dict[str, str]
    layers: tuple[Layer, ...]
    finals: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of groups, in the graph's order."""
        return list(dict.fromkeys(self.group.values()))


@dataclass(frozen=True)
class Placement:
    """What is quantized.

    Attributes:
        tensors: Tensors that get a Q/DQ pair.
        layers: Weighted layers whose weights become int8.
        float_nodes: Nodes of the other layers; they read what is not rounded.
    """

    tensors: tuple[str, ...]
    layers: tuple[Layer, ...]
    float_nodes: frozenset[str]


def find_sites(model: Any) -> Sites:
    """Return the tensors of a float graph that can be quantized.

    A convolution's output before its ReLU or clip is none of them: kernels fuse the two.
    """
    graph, constants = model.graph, initializers(model)
    layers = tuple(layers_of(model))
    group: dict[str, str] = {}
    for item in graph.input:
        if item.name not in constants:
            group[item.name] = item.name
    outputs = {layer.node: layer.output for layer in layers}
    for node in graph.node:
        if node.name in outputs:
            group[outputs[node.name]] = outputs[node.name]
        elif node.op_type in MOVING and node.input[0] in group:
            _check_moving(node)
            for name in node.output:
                group[name] = group[node.input[0]]
        elif node.op_type in MIXING or (node.op_type in BOUNDING and node.output[0] not in group):
            group[node.output[0]] = node.output[0]
    fed = _tensors_towards(model, {layer.node for layer in layers})
    finals = tuple(layer.output for layer in layers if layer.output not in fed)
    return Sites(group, layers, finals)


def place(
    model: Any, sites: Sites, keep_float: Collection[str] = (), *, quantize_outputs: bool = True
) -> Placement:
    """Return what is quantized when all layers are, but for some.

    A tensor is quantized if a quantized layer reads it, be it through additions, upsampling or
    concatenation. Layers that stay in float read such a tensor before it is rounded: between a
    DequantizeLinear and a QuantizeLinear, ONNX Runtime would quantize their weights in silence, with one
    scale for all channels (its optimizer WeightBiasQuantization, since version 1.21).

    Args:
        model: The float graph.
        sites: Its sites.
        keep_float: Names of layers that stay in float32.
        quantize_outputs: Quantize also what quantized layers give to the graph's output. ONNX Runtime
            runs a convolution in INT8 only so; TensorRT needs no such pair and is more exact without.

    Raises:
        QuantizeError: A name in ``keep_float`` is no layer's.
    """
    names = {layer.name for layer in sites.layers}
    unknown = sorted(set(keep_float) - names)
    if unknown:
        raise QuantizeError(
            "no such layer", field="keep_float", found=", ".join(unknown), expected=", ".join(sorted(names))
        )
    layers = tuple(layer for layer in sites.layers if layer.name not in keep_float)
    read = _tensors_towards(model, {layer.node for layer in layers})
    tensors = [name for name in sites.group if name in read]
    if quantize_outputs:
        tensors += [layer.output for layer in layers if layer.output in sites.finals]
    kept = frozenset(layer.node for layer in sites.layers if layer.name in keep_float)
    return Placement(tuple(dict.fromkeys(tensors)), layers, kept)


def _tensors_towards(model: Any, nodes: Collection[str]) -> set[str]:
    """Return all tensors that given weighted nodes read, directly or through nodes without weights."""
    found: set[str] = set()
    for node in reversed(model.graph.node):
        if node.op_type in WEIGHTED:
            if node.name in nodes:
                found.add(node.input[0])
        elif node.op_type in (*MOVING, *MIXING, *BOUNDING) and found.intersection(node.output):
            # Of a ReLU behind a convolution, only what it leaves is a site.
            found.update(node.input[:1] if node.op_type in MOVING else node.input)
    return found


def _check_moving(node: Any) -> None:
    if node.op_type != "Resize":
        return
    modes = [item.s for item in node.attribute if item.name == "mode"]
    if modes and modes[0] != b"nearest":
        raise QuantizeError(
            "an upsampling makes new values, and cannot keep its input's scale",
            field=node.name,
            found=modes[0].decode(),
            expected="nearest",
        )
