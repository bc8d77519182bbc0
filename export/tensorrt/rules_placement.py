"""Rules on where Q/DQ nodes stand, and how fine they are.

"Placement" below is NVIDIA's "Explicit Quantization", section "Q/DQ Layer-Placement Recommendations"
(docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/quantized-types-explicit-quantization.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from export.tensorrt.findings import Hit, Rule
from export.tensorrt.view import ACTIVATIONS, CARRIERS, DEQUANTIZE, QUANTIZE, WEIGHTED, GraphView

if TYPE_CHECKING:
    from onnx import NodeProto

SUMS = frozenset({"Add", "Sum", "Sub"})
QUANTIZABLE = WEIGHTED | SUMS | {"Mul", "Max", "Min", "AveragePool", "GlobalAveragePool", QUANTIZE}
"""What may read a dequantized tensor: it has INT8 kernels, or quantizes again."""

MEANT = "none, if higher precision is meant"


def operands(graph: GraphView, node: NodeProto) -> tuple[list[str], list[str]]:
    """Return the activations and the weights that a weighted operation multiplies."""
    both = list(node.input[:2])
    weights = [tensor for tensor in both if graph.is_weight(tensor)]
    return [tensor for tensor in both if tensor not in weights], weights


def dequantizer(graph: GraphView, tensor: str) -> NodeProto | None:
    """Return the DQ that a tensor comes from, looking through what only moves values."""
    node = graph.source(tensor, CARRIERS)
    return node if node is not None and node.op_type == DEQUANTIZE else None


def output_axis(graph: GraphView, node: NodeProto, weight: str) -> int:
    """Return the axis of a weight that counts output channels."""
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm" and node.input[1] == weight:
        return 0 if graph.attribute(node, "transB", 0) else 1
    if node.op_type == "MatMul":
        rank = len(graph.shape(weight) or (0, 0))
        return rank - 1 if node.input[1] == weight else max(rank - 2, 0)
    return 0


def weight_quantizers(graph: GraphView) -> Iterator[tuple[NodeProto, NodeProto, int, int]]:
    """Yield (weighted operation, its weight's DQ, axis and number of its output channels)."""
    for node in graph.of_type(*WEIGHTED):
        for weight in operands(graph, node)[1]:
            source = graph.producer.get(weight)
            shape = graph.shape(weight)
            if source is not None and source.op_type == DEQUANTIZE and shape:
                axis = output_axis(graph, node, weight)
                yield node, source, axis, shape[axis] or 0


def scales_of(graph: GraphView, node: NodeProto) -> int:
    """Return how many scales a Q/DQ node has; 1 if they are computed."""
    values = graph.constant(node.input[1])
    return 1 if values is None else int(values.size)


def weight_per_tensor(graph: GraphView) -> Iterator[Hit]:
    """Weights of weighted operations must have one scale an output channel.

    Source: Placement: "Use per-tensor quantization for activations, and per-channel quantization for
    weights"; TensorRT builds per-tensor weights, but one scale for all filters costs accuracy in silence.
    """
    for node, source, _, channels in weight_quantizers(graph):
        if scales_of(graph, source) == 1 and channels > 1:
            yield Hit(graph.label(node), f"one scale for {channels} output channels")


def weight_axis(graph: GraphView) -> Iterator[Hit]:
    """Scales of a weight must lie along its output channels.

    Source: TensorRT API, IQuantizeLayer and IDequantizeLayer: the axis is that of the output channels, K of
    KCRS for convolutions and of CKRS for deconvolutions; onnx-tensorrt checks their number.
    """
    for node, source, axis, channels in weight_quantizers(graph):
        count = scales_of(graph, source)
        if count == 1:
            continue
        rank = len(graph.shape(source.input[0]) or ())
        given = int(graph.attribute(source, "axis", 1)) % max(rank, 1)
        if graph.attribute(source, "block_size", 0):
            yield Hit(graph.label(node), "weights in blocks")
        elif given != axis or count != channels:
            yield Hit(
                graph.label(node), f"{count} scales along axis {given}, not {channels} along axis {axis}"
            )


def activation_per_channel(graph: GraphView) -> Iterator[Hit]:
    """Activations must have one scale a tensor.

    Source: "Quantization Schemes" and Placement (NVIDIA): INT8 activations are quantized per tensor.
    """
    for node in graph.of_type(QUANTIZE, DEQUANTIZE):
        count = scales_of(graph, node)
        if count > 1 and not graph.is_weight(node.input[0]):
            yield Hit(graph.label(node), f"{count} scales on an activation")


def half_quantized(graph: GraphView) -> Iterator[Hit]:
    """Where one factor of a weighted operation is quantized, its activations must be.

    Source: Placement: "Quantize all inputs of weighted operations"; weight-only quantization is for INT4. An
    activation that is quantized for another reader, too, leaves the operation in float: see left-in-float.
    """
    for node in graph.of_type(*WEIGHTED):
        kinds = {tensor: dequantizer(graph, tensor) is not None for tensor in node.input[:2]}
        left = [tensor for tensor in operands(graph, node)[0] if not kinds[tensor]]
        if left and any(kinds.values()):
            yield Hit(graph.label(node), f"{left[0]} is in float, its other input quantized")


def residual(graph: GraphView) -> Iterator[Hit]:
    """Where a sum is quantized after, all its inputs but one weighted operation's must be quantized too.

    Source: Placement: "Quantize the residual input in skip connections"; a residual in float keeps the fused
    convolution's output in float, and the Q after it apart.
    """
    for node in graph.of_type(*SUMS):
        if quantized_after(graph, node.output[0]):
            weighted, others, inputs = _float_inputs(graph, node)
            if (others or len(weighted) > 1) and (weighted or len(others) < inputs):
                yield Hit(graph.label(node), f"{(others or weighted)[-1]} is in float")


def residual_in_float(graph: GraphView) -> Iterator[Hit]:
    """A sum of rounded and float values that nothing quantizes after stays in float.

    Source: ours: legal, and what mixed precision leaves where it ends.
    """
    for node in graph.of_type(*SUMS):
        weighted, others, inputs = _float_inputs(graph, node)
        if not quantized_after(graph, node.output[0]) and 0 < len(weighted) + len(others) < inputs:
            yield Hit(graph.label(node), f"{(others or weighted)[-1]} is in float, another input is not")


def _float_inputs(graph: GraphView, node: NodeProto) -> tuple[list[str], list[str], int]:
    """Return a sum's inputs in float, of quantized weighted operations and others, and how many it has."""
    inputs = [tensor for tensor in node.input if not graph.is_weight(tensor)]
    left = [tensor for tensor in inputs if dequantizer(graph, tensor) is None]
    weighted = [tensor for tensor in left if _from_int8(graph, tensor)]
    return weighted, [tensor for tensor in left if tensor not in weighted], len(inputs)


def _from_int8(graph: GraphView, tensor: str) -> bool:
    """Whether a float tensor is what a weighted operation with quantized inputs puts out."""
    node = graph.source(tensor, ACTIVATIONS)
    return (
        node is not None
        and node.op_type in WEIGHTED
        and all(dequantizer(graph, item) is not None for item in node.input[:2])
    )


def quantized_after(graph: GraphView, tensor: str) -> bool:
    """Whether a tensor is quantized, at once or after what only activates or moves it."""
    return any(
        node.op_type == QUANTIZE
        or (node.op_type in ACTIVATIONS | CARRIERS and quantized_after(graph, node.output[0]))
        for node in graph.consumers[tensor]
    )


def output_quantized(graph: GraphView) -> Iterator[Hit]:
    """What a weighted operation puts out must not be quantized if a float operation or the output reads it.

    Source: Placement: "By default, do not quantize the outputs of weighted operations".
    """
    for node in graph.of_type(QUANTIZE):
        source = graph.source(node.input[0], ACTIVATIONS | CARRIERS | {QUANTIZE, DEQUANTIZE})
        if source is None or source.op_type not in WEIGHTED or graph.is_weight(node.input[0]):
            continue
        for pair in graph.consumers[node.output[0]]:
            for reader in graph.readers(pair.output[0]) if pair.op_type == DEQUANTIZE else ():
                if reader is None or reader.op_type not in QUANTIZABLE:
                    where = "the graph's output" if reader is None else f"{graph.label(reader)} in float"
                    yield Hit(graph.label(source), f"quantized by {graph.label(node)}, then read by {where}")


def left_in_float(graph: GraphView) -> Iterator[Hit]:
    """A weighted operation that stays in float amid quantized ones is worth a look.

    Source: ours: mixed precision is legal, when it is meant.
    """
    for node in graph.of_type(*WEIGHTED) if graph.quantized else ():
        activations, weights = operands(graph, node)
        rounded = [tensor for tensor in activations if dequantizer(graph, tensor) is not None]
        if all(dequantizer(graph, tensor) is None for tensor in weights or activations):
            yield Hit(
                graph.label(node), f"{node.op_type} in float" + (", of rounded input" if rounded else "")
            )


def float_weight(graph: GraphView) -> Iterator[Hit]:
    """Weights should be stored as INT8, not as float with a Q behind them.

    Source: "Explicit Quantization", Quantized Weights: both are read; a float weight is four times as large.
    """
    for node in graph.of_type(QUANTIZE):
        if graph.is_weight(node.input[0]):
            yield Hit(graph.label(node), f"{node.input[0]} is quantized in the graph")


PLACEMENT_RULES = (
    Rule("weight-per-tensor", "error", "placement", "quantize weights per output channel", weight_per_tensor),
    Rule("weight-axis", "error", "placement", "set axis to that of the output channels", weight_axis),
    Rule("activation-per-channel", "error", "placement", "one scale a tensor", activation_per_channel),
    Rule("half-quantized", "error", "placement", "quantize both inputs, or neither", half_quantized),
    Rule("residual", "error", "placement", "put a Q/DQ pair on the residual branch into the sum", residual),
    Rule(
        "output-quantized",
        "error",
        "placement",
        "take the Q/DQ pair away, or move it before what runs in INT8",
        output_quantized,
    ),
    Rule(
        "residual-in-float", "warning", "placement", "none, if higher precision is meant", residual_in_float
    ),
    Rule("left-in-float", "warning", "placement", "none, if higher precision is meant", left_in_float),
    Rule("float-weight", "warning", "placement", "store the weight as INT8", float_weight),
)
