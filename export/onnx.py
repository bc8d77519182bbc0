"""Networks to ONNX: static shapes, fixed names, plain operators, and parity with PyTorch checked."""

from __future__ import annotations

import logging
import math
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from onboard.errors import BundleError, MissingExtraError

if TYPE_CHECKING:
    import torch

OPSET = 18
"""The lowest opset that PyTorch's exporter writes without conversion; TensorRT 10 and ORT 1.21 read it."""
CHATTY = ("torch.onnx", "onnxscript", "onnx_ir")
PARITY_ABSOLUTE = 1e-4
PARITY_RELATIVE = 1e-4
PARITY_RUNS = 2
ALLOWED_OPERATORS = frozenset(
    {
        "Add",
        "AveragePool",
        "Clip",
        "Concat",
        "Conv",
        "ConvTranspose",
        "DequantizeLinear",
        "Gemm",
        "GlobalAveragePool",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "MatMul",
        "MaxPool",
        "Mul",
        "Pad",
        "QuantizeLinear",
        "Relu",
        "Reshape",
        "Resize",
        "Sigmoid",
        "Slice",
        "Split",
        "Sub",
        "Transpose",
    }
)
"""Operators with INT8 or trivial kernels in both ONNX Runtime and TensorRT; no control flow, no norms."""


class ExportError(BundleError):
    """A network cannot be exported as flight needs it."""


@dataclass(frozen=True)
class Graph:
    """One exported network.

    Attributes:
        name: Name of the part, such as ``stem``.
        data: The ONNX file's bytes.
        input_name: Name of the one input.
        input_shape: Its static shape.
        output_name: Name of the one output.
        output_shape: Its static shape.
        operators: How often each operator occurs.
        parity: Largest difference from PyTorch seen, absolute.
    """

    name: str
    data: bytes
    input_name: str
    input_shape: tuple[int, ...]
    output_name: str
    output_shape: tuple[int, ...]
    operators: dict[str, int]
    parity: float


def export_graph(
    module: torch.nn.Module,
    *,
    name: str,
    input_name: str,
    input_shape: tuple[int, ...],
    output_name: str,
    operators: frozenset[str] = ALLOWED_OPERATORS,
    inputs: Sequence[npt.NDArray[np.float32]] | None = None,
) -> Graph:
    """Export a network with one input and one output, and check it against PyTorch.

    Args:
        module: The network; exported in evaluation mode.
        name: What to call it.
        input_name: Name that flight binds the input by.
        input_shape: Its static shape; float32.
        output_name: Name that flight binds the output by.
        operators: Those that it may have.
        inputs: What it is compared on; seeded normal values if None.

    Raises:
        ExportError: If the graph has a dynamic shape, an operator outside ``operators``, or
            differs from PyTorch by more than 1e-4 absolute plus 1e-4 relative.
        MissingExtraError: If torch, onnx or onnxscript is not installed.
    """
    torch = _import_torch()
    was_training = module.training
    module.eval()
    try:
        data = _clean(_torch_export(module, torch.zeros(input_shape), input_name, output_name))
        found_in, found_out, counts = check_graph(data, name, input_name, output_name, operators)
        if found_in != input_shape:
            raise ExportError("a graph has the wrong input", field=name, found=found_in, expected=input_shape)
        parity = check_parity(module, data, name=name, input_shape=input_shape, inputs=inputs)
    finally:
        module.train(was_training)
    return Graph(name, data, input_name, found_in, output_name, found_out, counts, parity)


def _import_torch() -> Any:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
        import torch
    except ImportError as error:
        raise MissingExtraError(str(error.name), "export", "exporting a network") from None
    return torch


def _torch_export(module: torch.nn.Module, example: torch.Tensor, input_name: str, output_name: str) -> bytes:
    import torch

    with _quiet(), torch.no_grad():
        # Folding is what leaves plain convolutions. It also folds Q/DQ pairs on weights away, so
        # that a fake-quantized network must not come this way.
        program = torch.onnx.export(
            module,
            (example,),
            input_names=[input_name],
            output_names=[output_name],
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's libraries from telling of every pass, and of torchvision that is not there."""
    loggers = [logging.getLogger(name) for name in CHATTY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _clean(data: bytes) -> bytes:
    """Drop what does not fly: stack traces, class names, file paths, inferred shapes in between."""
    import onnx

    model = onnx.load_from_string(data)
    model.producer_name, model.producer_version, model.doc_string = "onboard", "", ""
    model.domain, model.model_version = "", 0
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    model.graph.name, model.graph.doc_string = "graph", ""
    holders = (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output)
    for item in holders:
        item.doc_string = ""
        del item.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))


def check_graph(
    data: bytes,
    name: str,
    input_name: str,
    output_name: str,
    allowed: frozenset[str] = ALLOWED_OPERATORS,
) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, int]]:
    """Check that a graph is one that flight can run.

    Returns:
        The input's shape, the output's shape, and how often each operator occurs.

    Raises:
        ExportError: Naming what is not as flight needs it.
    """
    import onnx

    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    opsets = {item.domain: item.version for item in model.opset_import}
    if set(opsets) - {"", "ai.onnx"} or opsets.get("") != OPSET:
        raise ExportError(
            "a graph uses other operator sets", field=name, found=opsets, expected=f"opset {OPSET}"
        )
    operators = dict(sorted(Counter(node.op_type for node in model.graph.node).items()))
    foreign = set(operators) - allowed
    if foreign or model.functions:
        raise ExportError(
            "a graph uses operators that flight avoids",
            field=name,
            found=", ".join(sorted(foreign)) or "functions",
            expected=", ".join(sorted(allowed)),
            remedy="write the layer in operators of that list",
        )
    shapes = []
    for kind, values, wanted in (
        ("input", model.graph.input, input_name),
        ("output", model.graph.output, output_name),
    ):
        if [value.name for value in values] != [wanted]:
            names = [value.name for value in values]
            raise ExportError(f"a graph has the wrong {kind}s", field=name, found=names, expected=[wanted])
        shapes.append(_static_shape(values[0], f"{name}: {wanted}"))
    return shapes[0], shapes[1], operators


def _static_shape(value: Any, field: str) -> tuple[int, ...]:
    kind = value.type.tensor_type
    if kind.elem_type != 1:
        raise ExportError(
            "a graph's tensor is not float32", field=field, found=kind.elem_type, expected="float32"
        )
    shape = tuple(int(item.dim_value) for item in kind.shape.dim)
    if not shape or min(shape) < 1:
        raise ExportError("a graph has a dynamic shape", field=field, found=shape, expected="static sizes")
    return shape


def check_parity(
    module: torch.nn.Module,
    data: bytes,
    *,
    name: str,
    input_shape: tuple[int, ...],
    inputs: Sequence[npt.NDArray[np.float32]] | None = None,
) -> float:
    """Compare a graph in ONNX Runtime with its network in PyTorch on given inputs, or seeded normal ones.

    Returns:
        The largest absolute difference.

    Raises:
        ExportError: If an output differs by more than 1e-4 absolute plus 1e-4 relative.
    """
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(20)
    worst = 0.0
    seeded = (random.standard_normal(input_shape, dtype=np.float32) for _ in range(PARITY_RUNS))
    for values in seeded if inputs is None else inputs:
        with torch.no_grad():
            expected: npt.NDArray[np.float32] = module(torch.from_numpy(values)).numpy()
        (found,) = session.run(None, {session.get_inputs()[0].name: values})
        difference = np.abs(found - expected)
        allowed = PARITY_ABSOLUTE + PARITY_RELATIVE * np.abs(expected)
        if not (difference <= allowed).all():
            raise ExportError(
                "a graph computes something else than its network",
                field=name,
                found=f"a difference of {difference.max():.3g}",
                expected=f"at most {PARITY_ABSOLUTE} + {PARITY_RELATIVE} x the value",
            )
        worst = max(worst, float(difference.max()))
    return worst


WEIGHTED = ("Conv", "Gemm", "MatMul")


def weights_in(graph: Graph) -> int:
    """Return how many weights and biases a graph flies with; norms are folded into them by then."""
    import onnx

    model = onnx.load_from_string(graph.data)
    taken = {name for node in model.graph.node if node.op_type in WEIGHTED for name in node.input[1:]}
    return sum(math.prod(item.dims) for item in model.graph.initializer if item.name in taken)
