"""A graph as the rules see it: who makes a tensor, who reads it, what is constant, what type it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from export.tensorrt.findings import Precision
from onboard.errors import BundleError, MissingExtraError

if TYPE_CHECKING:
    from onnx import AttributeProto, ModelProto, NodeProto, TensorProto

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Weighted operations: what TensorRT runs in INT8 when all inputs are quantized."""
CARRIERS = frozenset(
    {"Concat", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "Pad", "Reshape", "Resize", "Slice"}
    | {"Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)
"""Operators that hand values on as they are (``Resize`` does where it repeats the nearest)."""
ACTIVATIONS = frozenset({"Clip", "LeakyRelu", "Relu"})
"""Activations that TensorRT runs within the convolution before them."""
DEFAULT_DOMAINS = ("", "ai.onnx")
FLOAT16 = 10
"""``TensorProto.FLOAT16``."""


def constant_of(attribute: AttributeProto) -> TensorProto | None:
    """Return what an attribute of a Constant holds, a tensor or plain numbers; None if it is neither."""
    from onnx import numpy_helper

    if attribute.name == "value":
        return attribute.t
    numbers: dict[str, tuple[Any, type[np.generic]]] = {
        "value_float": (attribute.f, np.float32),
        "value_floats": (list(attribute.floats), np.float32),
        "value_int": (attribute.i, np.int64),
        "value_ints": (list(attribute.ints), np.int64),
    }
    if attribute.name not in numbers:
        return None
    values, kind = numbers[attribute.name]
    return numpy_helper.from_array(np.asarray(values, kind))


class GraphView:
    """An ONNX model with the indices that rules need.

    Args:
        data: The model's bytes, weights inside.
        name: What to call it in findings.

    Raises:
        BundleError: If the bytes are no valid ONNX model, or its weights lie in other files.
        MissingExtraError: If ``onnx`` is not installed.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.model = load_model(data, name)
        graph = self.model.graph
        self.nodes: list[NodeProto] = list(graph.node)
        self.inputs = [item.name for item in graph.input]
        self.outputs = [item.name for item in graph.output]
        self.producer = {output: node for node in self.nodes for output in node.output if output}
        self.consumers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for tensor in node.input:
                if tensor:
                    self.consumers[tensor].append(node)
        self.constants = {item.name: item for item in graph.initializer}
        for node in self.nodes:
            for item in node.attribute if node.op_type == "Constant" else ():
                tensor = constant_of(item)
                if tensor is not None:
                    self.constants[node.output[0]] = tensor
        self.weights = set(self.constants)
        for node in self.nodes:  # They lie in the order of computation.
            if node.input and all(tensor in self.weights for tensor in node.input if tensor):
                self.weights.update(node.output)

    @property
    def opset(self) -> int:
        """Version of the default operator set; 0 if none is imported."""
        return next((o.version for o in self.model.opset_import if o.domain in DEFAULT_DOMAINS), 0)

    @property
    def quantized(self) -> bool:
        """Whether the graph holds Q/DQ nodes."""
        return any(node.op_type in (QUANTIZE, DEQUANTIZE) for node in self.nodes)

    @property
    def precision(self) -> Precision:
        """The narrowest type that the graph computes in: ``int8``, ``float16`` or ``float32``."""
        if self.quantized:
            return "int8"
        tensors = (*self.constants, *self.types)
        return "float16" if any(self.element_type(name) == FLOAT16 for name in tensors) else "float32"

    @cached_property
    def types(self) -> dict[str, Any]:
        """Tensor types by name, as far as shape inference knows them (``TypeProto.Tensor``)."""
        import onnx

        try:
            model = onnx.shape_inference.infer_shapes(self.model, strict_mode=False, data_prop=True)
        except (onnx.shape_inference.InferenceError, RuntimeError):
            model = self.model  # Rules then go by what the file declares.
        values = (*model.graph.input, *model.graph.value_info, *model.graph.output)
        return {item.name: item.type.tensor_type for item in values if item.type.HasField("tensor_type")}

    def element_type(self, tensor: str) -> int:
        """Return a tensor's ``TensorProto.DataType``, 0 if unknown."""
        if tensor in self.constants:
            return int(self.constants[tensor].data_type)
        return int(self.types[tensor].elem_type) if tensor in self.types else 0

    def shape(self, tensor: str) -> tuple[int | None, ...] | None:
        """Return a tensor's shape with None for what is not fixed; None if even the rank is unknown."""
        if tensor in self.constants:
            return tuple(self.constants[tensor].dims)
        if tensor not in self.types or not self.types[tensor].HasField("shape"):
            return None
        dims = self.types[tensor].shape.dim
        return tuple(int(d.dim_value) if d.HasField("dim_value") and d.dim_value > 0 else None for d in dims)

    def constant(self, tensor: str) -> npt.NDArray[Any] | None:
        """Return the values of a constant tensor, None if it is none."""
        import onnx

        item = self.constants.get(tensor)
        return None if item is None else np.asarray(onnx.numpy_helper.to_array(item))

    def is_weight(self, tensor: str) -> bool:
        """Whether a tensor is computed from constants alone."""
        return tensor in self.weights

    def of_type(self, *operators: str) -> Iterator[NodeProto]:
        """Yield the nodes of some operators, in order."""
        return (node for node in self.nodes if node.op_type in operators)

    def label(self, node: NodeProto) -> str:
        """Return a node's name; its operator and first output if it has none."""
        return node.name or f"{node.op_type} -> {node.output[0]}"

    def attribute(self, node: NodeProto, name: str, default: Any = None) -> Any:
        """Return an attribute's value."""
        import onnx

        found = next((item for item in node.attribute if item.name == name), None)
        return default if found is None else onnx.helper.get_attribute_value(found)

    def source(self, tensor: str, through: frozenset[str]) -> NodeProto | None:
        """Return the node that a tensor comes from, looking through some operators' first input."""
        node = self.producer.get(tensor)
        while node is not None and node.op_type in through:
            node = self.producer.get(node.input[0])
        return node

    def readers(self, tensor: str) -> Iterator[NodeProto | None]:
        """Yield who reads a tensor in the end, looking through carriers; None for a graph output."""
        if tensor in self.outputs:
            yield None
        for node in self.consumers[tensor]:
            if node.op_type in CARRIERS:
                for output in node.output:
                    yield from self.readers(output)
            else:
                yield node


def load_model(data: bytes, name: str) -> ModelProto:
    """Return a valid ONNX model of its bytes.

    Raises:
        BundleError: If they are none, or weights lie in other files.
        MissingExtraError: If ``onnx`` is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(str(error.name), "export", "reading an ONNX graph") from None
    try:
        model: ModelProto = onnx.load_from_string(data)
    except Exception as error:  # Protobuf's own class, of a module without types.
        raise BundleError("this is no ONNX graph", file=name, found=error or "other bytes") from None
    if any(item.data_location == onnx.TensorProto.EXTERNAL for item in model.graph.initializer):
        raise BundleError(
            "a graph's weights lie in other files",
            file=name,
            expected="all weights inside",
            remedy="save it with save_as_external_data=False",
        )
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        first = str(error).strip().splitlines()[0]
        raise BundleError("this is no valid ONNX graph", file=name, found=first) from None
    return model
