"""FP16: weights and activations in half precision, inputs and outputs still float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from quantize.graph import QuantizeError, compact, drop_dead, load_model, model_bytes

LARGEST = float(np.finfo(np.float16).max)
FLOAT32_INPUTS = {"Resize": (1, 2), "Upsample": (1,)}
"""Inputs that the operators' definitions want in float32."""


def half_graph(data: bytes) -> bytes:
    """Return a float graph in FP16: a Cast behind its input, one before its output, all between in half.

    Args:
        data: Float ONNX graph with one input and one output.

    Raises:
        QuantizeError: A constant is beyond half precision's range.
    """
    model = load_model(data)
    graph = model.graph
    kept = _float32_constants(model)
    for item in graph.initializer:
        if item.data_type != TensorProto.FLOAT or item.name in kept:
            continue
        values = numpy_helper.to_array(item)
        if np.abs(values).max(initial=0.0) > LARGEST:
            raise QuantizeError(
                "a constant is beyond half precision",
                field=item.name,
                found=float(np.abs(values).max()),
                expected=f"at most {LARGEST:.0f}",
            )
        item.CopyFrom(numpy_helper.from_array(values.astype(np.float16), item.name))
    _cast_ends(graph)
    del graph.value_info[:]
    drop_dead(model)
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    return model_bytes(model)


def _float32_constants(model: Any) -> set[str]:
    kept: set[str] = set()
    for node in model.graph.node:
        for place in FLOAT32_INPUTS.get(node.op_type, ()):
            if place < len(node.input):
                kept.add(node.input[place])
    return kept


def _cast_ends(graph: Any) -> None:
    (given,), (left,) = graph.input, graph.output
    inner_in, inner_out = given.name + "_half", left.name + "_half"
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name in (given.name, left.name):
                node.input[index] = inner_in if name == given.name else inner_out
        for index, name in enumerate(node.output):
            if name == left.name:
                node.output[index] = inner_out
    first = helper.make_node("Cast", [given.name], [inner_in], "to_half", to=TensorProto.FLOAT16)
    last = helper.make_node("Cast", [inner_out], [left.name], "from_half", to=TensorProto.FLOAT)
    graph.node.insert(0, first)
    graph.node.append(last)
