"""Rules on what stands in Q/DQ nodes: scales, zero points, types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from export.tensorrt.findings import Hit, Rule
from export.tensorrt.operators import INTEGER
from export.tensorrt.view import DEQUANTIZE, QUANTIZE, GraphView

if TYPE_CHECKING:
    from onnx import NodeProto

FLOAT, UINT8, INT8, FLOAT16, BFLOAT16 = 1, 2, 3, 10, 16
"""Values of ``TensorProto.DataType``."""
FLOATS = (FLOAT, FLOAT16, BFLOAT16)


def zero_point_type(graph: GraphView, node: NodeProto) -> int:
    """Return the quantized type of a Q/DQ node: of its zero point, its attribute, or its quantized side."""
    if len(node.input) > 2 and node.input[2]:
        return graph.element_type(node.input[2])
    if node.op_type == DEQUANTIZE:
        return graph.element_type(node.input[0])
    return int(graph.attribute(node, "output_dtype", 0)) or UINT8


def type_name(kind: int) -> str:
    """Return the name of a ``TensorProto.DataType``."""
    import onnx

    return str(onnx.TensorProto.DataType.Name(kind))


def zero_point(graph: GraphView) -> Iterator[Hit]:
    """Every zero point must be a constant 0: quantization is symmetric.

    Source: onnx-tensorrt, QuantDequantLinearHelper (``shiftIsAllZeros``), and docs/operators.md:
    "y_zero_point must be 0", "x_zero_point must be zero".
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        if len(node.input) < 3 or not node.input[2]:
            continue
        values = graph.constant(node.input[2])
        if values is None:
            yield Hit(graph.label(node), "a zero point that is computed")
        elif values.astype(np.float64).any():
            worst = values.ravel()[np.argmax(np.abs(values.astype(np.float64)))]
            yield Hit(graph.label(node), f"zero point {worst}")


def unsigned(graph: GraphView) -> Iterator[Hit]:
    """Q/DQ must be to INT8, never UINT8; a Q without zero point is UINT8 by ONNX's default.

    Source: onnx-tensorrt, QuantDequantLinearHelper: DQ refuses UINT8 input, Q falls back to INT8 with no more
    than a warning, which halves the range; "Working with Quantized Types": signed INT8.
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        if zero_point_type(graph, node) == UINT8:
            silent = len(node.input) < 3 or not node.input[2]
            yield Hit(graph.label(node), "UINT8, by ONNX's default" if silent else "UINT8")


def int8_only(graph: GraphView) -> Iterator[Hit]:
    """No other quantized type: INT32 biases, INT16, INT4, float8 are not for these engines.

    Source: onnx-tensorrt, QuantDequantLinearHelper (``checkQuantizationDatatype``: INT8, INT4, FP8, FP4; an
    INT32 bias, as ONNX Runtime's quantizer writes it, is no activation type); "Quantization Schemes".
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        kind = zero_point_type(graph, node)
        if kind == INT8 and node.op_type == DEQUANTIZE:
            kind = graph.element_type(node.input[0]) or INT8
        if kind not in (0, INT8, UINT8):
            yield Hit(graph.label(node), f"{node.op_type} of {type_name(kind)}")


def bare_integer(graph: GraphView) -> Iterator[Hit]:
    """What a Q makes must go to DQ alone, and what a DQ reads must be from a Q or constant.

    Source: onnx-tensorrt, docs/operators.md, note: INT8 is a quantized type, there only "through quantization
    from a floating-point type"; no other operator of the matrix lists it.
    """
    for node in graph.of_type(QUANTIZE):
        tensor = node.output[0]
        if tensor in graph.outputs:
            yield Hit(graph.label(node), "a quantized graph output")
        for reader in graph.consumers[tensor]:
            if reader.op_type not in (DEQUANTIZE, *INTEGER):
                yield Hit(graph.label(reader), f"{reader.op_type} reads a quantized tensor")
    for node in graph.of_type(DEQUANTIZE):
        source = graph.producer.get(node.input[0])
        operator = "a graph input" if source is None else source.op_type
        if not graph.is_weight(node.input[0]) and operator not in (QUANTIZE, *INTEGER):
            yield Hit(graph.label(node), f"dequantizes {operator}")


def scale_constant(graph: GraphView) -> Iterator[Hit]:
    """Every scale must be a constant.

    Source: onnx-tensorrt, docs/operators.md up to 7.2 ("scales must be initializers"); later parsers take a
    tensor, but a scale that is not known while building cannot be checked, nor fused into a kernel.
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        if graph.constant(node.input[1]) is None:
            yield Hit(graph.label(node), f"scale {node.input[1]} is computed")


def scale_value(graph: GraphView) -> Iterator[Hit]:
    """Every scale must be positive and finite.

    Source: onnx-tensorrt, QuantDequantLinearHelper: "Scale coefficients must all be positive"; that test lets
    infinity pass, this one does not.
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        values = graph.constant(node.input[1])
        if values is None:
            continue
        flat = values.astype(np.float64).ravel()
        bad = flat[~(np.isfinite(flat) & (flat > 0))]
        if bad.size or not flat.size:
            yield Hit(graph.label(node), f"scale {bad[0]}" if bad.size else "no scale")


def type_mismatch(graph: GraphView) -> Iterator[Hit]:
    """Scales must be of the type that is quantized, and as many as zero points.

    Source: onnx-tensorrt, QuantDequantLinearHelper: "The scale and zero point must have the same volume"; in
    a strongly typed network DQ's output takes the scale's type, and nothing casts it back.
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        scale, label = graph.element_type(node.input[1]), graph.label(node)
        if scale not in (0, *FLOATS):
            yield Hit(label, f"a scale of {type_name(scale)}")
            continue
        wanted = _float_side(graph, node)
        if scale and wanted in FLOATS and wanted != scale:
            yield Hit(label, f"a scale of {type_name(scale)} where the values are {type_name(wanted)}")
        if len(node.input) > 2 and node.input[2]:
            points, scales = graph.constant(node.input[2]), graph.constant(node.input[1])
            if points is not None and scales is not None and points.size != scales.size:
                yield Hit(label, f"{scales.size} scales, {points.size} zero points")


def _float_side(graph: GraphView, node: NodeProto) -> int:
    """Return the type that a Q/DQ pair starts from."""
    if node.op_type == QUANTIZE:
        return graph.element_type(node.input[0])
    source = graph.producer.get(node.input[0])
    if source is not None and source.op_type == QUANTIZE:
        return graph.element_type(source.input[1])
    return 0


def pair_scale(graph: GraphView) -> Iterator[Hit]:
    """A DQ should have the scale of its Q.

    Source: "Explicit Quantization" (NVIDIA): Q/DQ pairs; another scale is legal and rescales the values.
    """
    for node in graph.of_type(DEQUANTIZE):
        source = graph.producer.get(node.input[0])
        if source is None or source.op_type != QUANTIZE:
            continue
        first, second = graph.constant(source.input[1]), graph.constant(node.input[1])
        if first is not None and second is not None and not np.array_equal(first.ravel(), second.ravel()):
            yield Hit(graph.label(node), f"another scale than that of {graph.label(source)}")


VALUE_RULES = (
    Rule("zero-point", "error", "parser", "quantize symmetrically, with zero point 0", zero_point),
    Rule("unsigned", "error", "parser", "write the signed form: INT8 zero points", unsigned),
    Rule("int8-only", "error", "parser", "quantize to INT8, and leave biases in float", int8_only),
    Rule("bare-integer", "error", "parser", "put a DequantizeLinear after every Q", bare_integer),
    Rule("scale-constant", "error", "flight", "store every scale as an initializer", scale_constant),
    Rule(
        "scale-value",
        "error",
        "parser",
        "calibrate again; a dead channel takes any positive scale",
        scale_value,
    ),
    Rule("type-mismatch", "error", "parser", "store scales in the type of what they scale", type_mismatch),
    Rule("pair-scale", "warning", "placement", "give both nodes of a pair one scale", pair_scale),
)
