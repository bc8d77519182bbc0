"""Float ONNX graphs as ``export.onnx`` writes them, taken apart and put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from onboard.errors import BundleError

Array = npt.NDArray[np.float32]
WEIGHTED = ("Conv", "Gemm")
BOUNDING = ("Relu", "Clip")
"""They bound what a layer leaves; kernels fuse them with it."""


class QuantizeError(BundleError):
    """A network cannot be quantized as flight needs it."""


def load_model(data: bytes) -> Any:
    """Return the model of an ONNX file's bytes.

    Raises:
        QuantizeError: If they are no ONNX model.
    """
    try:
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QuantizeError("the graph cannot be read", found=reason, expected="an ONNX model") from None
    return model


def model_bytes(model: Any) -> bytes:
    """Return a model's bytes, the same ones every time."""
    return bytes(model.SerializeToString(deterministic=True))


def copy_of(model: Any) -> Any:
    """Return a model that can be changed without changing the given one."""
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    return twin


@dataclass(frozen=True)
class Layer:
    """One convolution or matrix product with its activation.

    Attributes:
        name: From its weight's name, such as ``methane.enter.1.0``; else from its input and its place.
        node: Name of its node.
        operator: ``Conv`` or ``Gemm``.
        input: Tensor it reads.
        output: Tensor it leaves, after its ReLU or clip if it has one.
        weight: Name of its weight.
        bias: Name of its bias, or None.
    """

    name: str
    node: str
    operator: str
    input: str
    output: str
    weight: str
    bias: str | None


def initializers(model: Any) -> dict[str, Any]:
    """Return a graph's constants as NumPy arrays, by name."""
    return {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}


def consumers(model: Any) -> dict[str, list[Any]]:
    """Return the nodes that read each tensor."""
    found: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def layers_of(model: Any) -> list[Layer]:
    """Return the weighted layers of a float graph, in the order in which they run.

    Raises:
        QuantizeError: A weighted node has no constant weight.
    """
    constants, readers = initializers(model), consumers(model)
    found: list[Layer] = []
    for node in model.graph.node:
        if node.op_type not in WEIGHTED:
            continue
        if node.input[1] not in constants:
            raise QuantizeError("a layer's weight is not constant", field=node.name, found=node.input[1])
        after = readers.get(node.output[0], [])
        fused = len(after) == 1 and after[0].op_type in BOUNDING
        found.append(
            Layer(
                _layer_name(node, len(found)),
                node.name,
                node.op_type,
                node.input[0],
                after[0].output[0] if fused else node.output[0],
                node.input[1],
                node.input[2] if len(node.input) > 2 and node.input[2] else None,
            )
        )
    return found


def _layer_name(node: Any, index: int) -> str:
    """Return the module's name; an exporter that folded a weight has lost it."""
    weight = str(node.input[1])
    return weight.removesuffix(".weight") if weight.endswith(".weight") else f"{node.input[0]}.{index}"


def with_input_shape(model: Any, shape: Sequence[int]) -> Any:
    """Return a convolutional graph for another window: the same nodes, static shapes anew.

    Args:
        model: One input, one output.
        shape: New input shape.
    """
    twin = copy_of(model)
    del twin.graph.value_info[:]
    (given,), (left,) = twin.graph.input, twin.graph.output
    _set_shape(given, shape)
    kind = left.type.tensor_type
    element = kind.elem_type
    del twin.graph.output[:]
    twin.graph.output.append(helper.make_tensor_value_info(left.name, element, None))
    twin = onnx.shape_inference.infer_shapes(twin)
    del twin.graph.value_info[:]
    return twin


def _set_shape(value: Any, shape: Sequence[int]) -> None:
    dimensions = value.type.tensor_type.shape.dim
    del dimensions[:]
    for size in shape:
        dimensions.add().dim_value = int(size)


def with_outputs(model: Any, names: Iterable[str]) -> Any:
    """Return a graph whose outputs are the given float tensors, each once."""
    twin = copy_of(model)
    del twin.graph.output[:]
    for name in dict.fromkeys(names):
        twin.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return twin


def replace_constants(model: Any, values: dict[str, Array]) -> Any:
    """Return a graph with some constants replaced, shapes unchanged."""
    twin = copy_of(model)
    for item in twin.graph.initializer:
        if item.name in values:
            item.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[item.name]), item.name))
    return twin


def drop_dead(model: Any) -> int:
    """Take away, in place, nodes and constants that no output needs; returns how many."""
    graph = model.graph
    needed = {item.name for item in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    dropped = len(graph.node) - len(kept)
    kept.reverse()
    living = [item for item in graph.initializer if item.name in needed]
    dropped += len(graph.initializer) - len(living)
    _assign(graph.node, kept)
    _assign(graph.initializer, living)
    return dropped


def _assign(field: Any, items: list[Any]) -> None:
    copies = []
    for item in items:
        twin = type(item)()
        twin.CopyFrom(item)
        copies.append(twin)
    del field[:]
    field.extend(copies)


def compact(model: Any) -> None:
    """Shorten, in place, the names of tensors in between, and drop attributes that say the default.

    The nodes' own names stay, so that a refusal can name them. In a network of 30,000 weights, names are
    a fifth of the file.
    """
    graph = model.graph
    keep = {item.name for item in (*graph.input, *graph.output)}
    renamed: dict[str, str] = {}
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name and name not in keep:
                    names[index] = renamed.setdefault(name, f"{len(renamed):x}")
        spoken = [item for item in node.attribute if not _default(node.op_type, item)]
        _assign(node.attribute, spoken)
    for item in graph.initializer:
        item.name = renamed.get(item.name, item.name)
    del graph.value_info[:]


def _default(operator: str, attribute: Any) -> bool:
    value = helper.get_attribute_value(attribute)
    defaults: dict[str, Any] = {"auto_pad": b"NOTSET", "group": 1}
    if operator == "Conv":
        if attribute.name in ("strides", "dilations"):
            return set(value) == {1}
        if attribute.name == "pads":
            return set(value) == {0}
    if operator == "Resize":
        defaults = {
            "antialias": 0,
            "extrapolation_value": 0.0,
            "exclude_outside": 0,
            "cubic_coeff_a": -0.75,
            "keep_aspect_ratio_policy": b"stretch",
            "mode": b"nearest",
        }
    return bool(attribute.name in defaults and value == defaults[attribute.name])
