"""Rules on a graph's form: operator set, operators and their limits, shapes, types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from export.tensorrt.findings import Hit, Rule
from export.tensorrt.operators import (
    INTEGER,
    OPSET_HIGHEST,
    OPSET_LOWEST,
    OPSET_LOWEST_QUANTIZED,
    RESIZE_MODES,
    RESIZE_NEAREST,
    RESIZE_TRANSFORMATIONS,
    SUPPORTED,
)
from export.tensorrt.view import DEFAULT_DOMAINS, DEQUANTIZE, QUANTIZE, GraphView

if TYPE_CHECKING:
    from onnx import NodeProto

DOUBLE = 11
"""``TensorProto.DOUBLE``."""


def opset(graph: GraphView) -> Iterator[Hit]:
    """The operator set must be one that every TensorRT from 10.0 to 11.x reads: 9 to 20, with Q/DQ 13 to 20.

    Source: onnx-tensorrt, docs/operators.md (10.15: opset 9 to 24); NVIDIA, "ONNX Opset Guide" (11.x: 25) and
    "Prerequisites" (10.x up to 10.13: 20); "Explicit Quantization", ONNX Support (axis since opset 13).
    """
    lowest = OPSET_LOWEST_QUANTIZED if graph.quantized else OPSET_LOWEST
    if not lowest <= graph.opset <= OPSET_HIGHEST:
        yield Hit("graph", f"opset {graph.opset}, where {lowest} to {OPSET_HIGHEST} are read")


def unsupported_operator(graph: GraphView) -> Iterator[Hit]:
    """Every operator must be one that the ONNX parser imports; operators of other domains need a plugin.

    Source: onnx-tensorrt, docs/operators.md at TensorRT 10.15, "Operator Support Matrix".
    """
    for node in graph.nodes:
        known = node.domain in DEFAULT_DOMAINS and node.op_type in SUPPORTED
        if not known and node.op_type not in INTEGER:
            name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            yield Hit(graph.label(node), f"operator {name}")


def integer_operator(graph: GraphView) -> Iterator[Hit]:
    """No operator may hold its quantization inside (QLinear*, ConvInteger, MatMulInteger, ...).

    Source: onnx-tensorrt, docs/operators.md: ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul and
    DynamicQuantizeLinear are marked N; the others are of ONNX Runtime's domain.
    """
    for node in graph.of_type(*INTEGER):
        yield Hit(graph.label(node), f"operator {node.op_type}")


def operator_limits(graph: GraphView) -> Iterator[Hit]:
    """Pooling must be 2-D or 3-D without dilation or indices; Resize nearest or linear, no antialiasing.

    Source: onnx-tensorrt, docs/operators.md at TensorRT 10.15, column "Restrictions" of AveragePool, MaxPool
    and Resize.
    """
    for node in graph.nodes:
        if node.op_type in ("AveragePool", "MaxPool"):
            yield from _pooling_limits(graph, node)
        elif node.op_type == "Resize":
            yield from _resize_limits(graph, node)


def _pooling_limits(graph: GraphView, node: NodeProto) -> Iterator[Hit]:
    window = graph.attribute(node, "kernel_shape", [])
    if len(window) not in (2, 3):
        yield Hit(graph.label(node), f"{node.op_type} in {len(window)} dimensions")
    if set(graph.attribute(node, "dilations", [1])) != {1}:
        yield Hit(graph.label(node), f"{node.op_type} with dilation")
    if len(node.output) > 1 and node.output[1]:
        yield Hit(graph.label(node), f"{node.op_type} with indices")


def _resize_limits(graph: GraphView, node: NodeProto) -> Iterator[Hit]:
    allowed = {
        "mode": ("nearest", RESIZE_MODES),
        "coordinate_transformation_mode": ("half_pixel", RESIZE_TRANSFORMATIONS),
        "nearest_mode": ("round_prefer_floor", RESIZE_NEAREST),
        "keep_aspect_ratio_policy": ("stretch", ("stretch",)),
    }
    for name, (default, values) in allowed.items():
        value = graph.attribute(node, name, default.encode()).decode()
        if value not in values:
            yield Hit(graph.label(node), f"Resize with {name} {value}")
    if graph.attribute(node, "antialias", 0):
        yield Hit(graph.label(node), "Resize with antialias")


def nested_graph(graph: GraphView) -> Iterator[Hit]:
    """No control flow and no local functions: flight has no use for them, and this checker reads one level.

    Source: ours; TensorRT's parser imports If, Loop, Scan and local functions (onnx-tensorrt, Changelog).
    """
    for node in graph.nodes:
        if any(item.HasField("g") or item.graphs for item in node.attribute):
            yield Hit(graph.label(node), f"{node.op_type} holds a graph of its own")
    for function in graph.model.functions:
        yield Hit(function.name, "a local function")


def dynamic_shape(graph: GraphView) -> Iterator[Hit]:
    """Every shape must be fixed.

    Source: ours. TensorRT takes dynamic shapes with optimization profiles ("Working with Dynamic Shapes"),
    but builds slower kernels for them, and an engine that needs a profile is not built here.
    """
    for name in (*graph.inputs, *graph.outputs):
        shape = graph.shape(name)
        if shape is None or None in shape:
            yield Hit(name, f"shape {_text(shape)}")
    for node in graph.nodes:
        for output in node.output:
            shape = graph.shape(output)
            if output not in graph.outputs and shape is not None and None in shape and _fixed(graph, node):
                yield Hit(graph.label(node), f"output of shape {_text(shape)}")


def _fixed(graph: GraphView, node: NodeProto) -> bool:
    """Whether all inputs of a node have fixed shapes: what is dynamic then begins here."""
    shapes = [graph.shape(name) for name in node.input if name]
    return all(shape is not None and None not in shape for shape in shapes)


def _text(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "of unknown rank"
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"


def double(graph: GraphView) -> Iterator[Hit]:
    """No tensor may be of float64.

    Source: onnx-tensorrt, docs/operators.md, note on DOUBLE: cast down to float, values beyond its range
    clamped; a silent change of numbers.
    """
    for name in graph.constants:
        if graph.element_type(name) == DOUBLE:
            yield Hit(name, "a constant of float64")
    for name in graph.inputs:
        if graph.element_type(name) == DOUBLE:
            yield Hit(name, "an input of float64")
    for node in graph.nodes:
        kinds = {graph.element_type(output) for output in node.output}
        if DOUBLE in kinds and node.op_type not in ("Constant", QUANTIZE, DEQUANTIZE):
            yield Hit(graph.label(node), "an output of float64")


FORMAT_RULES = (
    Rule("opset", "error", "parser", "export with opset 18", opset),
    Rule(
        "unsupported-operator",
        "error",
        "parser",
        "write the layer in operators that the parser reads (onnx-tensorrt, docs/operators.md)",
        unsupported_operator,
    ),
    Rule(
        "integer-operator",
        "error",
        "parser",
        "quantize in Q/DQ form: QuantizeLinear and DequantizeLinear around plain operators",
        integer_operator,
    ),
    Rule(
        "operator-limits",
        "error",
        "parser",
        "use pooling in 2-D without dilation, and Resize nearest or linear",
        operator_limits,
    ),
    Rule("nested-graph", "error", "flight", "export the network without control flow", nested_graph),
    Rule("dynamic-shape", "error", "flight", "export with fixed shapes, batch included", dynamic_shape),
    Rule("double", "error", "parser", "cast the network to float32 before export", double),
)
