"""Which precision each layer of an engine runs in, out of the engine inspector's JSON.

TensorRT 10 gives a tensor's type in one text under ``Format/Datatype``; TensorRT 11 gives ``Format`` and
``DataType`` apart (NVIDIA, "Migrating IEngineInspector Usage from TensorRT 10.x to 11.x").
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onboard.errors import BundleError

TYPES = (
    ("INT8", r"\bint8\b"),
    ("FP8", r"\bfp8\b"),
    ("BF16", r"\b(bf16|bfloat16)\b"),
    ("FP16", r"\b(fp16|half)\b"),
    ("FP32", r"\b(fp32|float|float32)\b"),
    ("INT32", r"\bint32\b"),
    ("INT64", r"\bint64\b"),
    ("BOOL", r"\bbool\b"),
)
"""Names here, and how the inspector writes them: in the narrowest first order that a layer is judged by."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Layer:
    """A layer of an engine, as the inspector tells it.

    Attributes:
        name: Its name; fused layers carry several.
        kind: Its type, such as ``CaskConvolution``.
        precision: What it computes in: type of its weights, else the narrowest of its inputs.
        inputs: Types of its inputs.
        outputs: Types of its outputs.
    """

    name: str
    kind: str
    precision: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_layers(information: str) -> tuple[Layer, ...]:
    """Return the layers of an engine built with detailed profiling.

    Args:
        information: What ``EngineInspector.get_engine_information`` returned in JSON.

    Raises:
        BundleError: If it is no JSON, or tells names alone.
    """
    try:
        layers = json.loads(information)["Layers"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError("the engine inspector's answer cannot be read", found=error) from None
    if not all(isinstance(layer, Mapping) for layer in layers):
        raise BundleError(
            "the engine tells its layers' names alone",
            expected="detailed information",
            remedy="build it with profiling_verbosity DETAILED",
        )
    return tuple(_layer(layer) for layer in layers)


def _layer(layer: Mapping[str, Any]) -> Layer:
    inputs, outputs = _types(layer.get("Inputs", ())), _types(layer.get("Outputs", ()))
    weights = layer.get("Weights")
    kinds = [_type_of(str(weights.get("Type", "")))] if isinstance(weights, Mapping) else list(inputs)
    order = [name for name, _ in TYPES]
    known = [kind for kind in kinds if kind in order] or [kind for kind in inputs if kind in order]
    precision = min(known, key=order.index, default=UNKNOWN)
    return Layer(str(layer.get("Name", "")), str(layer.get("LayerType", "")), precision, inputs, outputs)


def _types(tensors: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        _type_of(str(tensor.get("DataType") or tensor.get("Format/Datatype") or tensor.get("Format", "")))
        for tensor in tensors
    )


def _type_of(text: str) -> str:
    lower = text.lower()
    return next((name for name, pattern in TYPES if re.search(pattern, lower)), UNKNOWN)


CONVERSIONS = ("quantize", "dequantize", "reformat", "scale", "cast", "shuffle", "nop", "constant")
"""Kinds of layers that only change how numbers are written: one that reads INT8 computes nothing in it."""


def computes_in_int8(layers: Sequence[Layer]) -> bool:
    """Return whether any layer that computes does so in INT8."""
    return any(
        layer.precision == "INT8" and not any(word in layer.kind.lower() for word in CONVERSIONS)
        for layer in layers
    )


def count_precisions(layers: Sequence[Layer]) -> dict[str, int]:
    """Return how many layers run in each precision."""
    return dict(sorted(Counter(layer.precision for layer in layers).items()))
