"""The manifest of a bundle: what it holds, in words, under the STAC MLM extension's field names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export.onnx import OPSET, Graph
from onboard.flight.contents import MANIFEST_FORMAT, PRODUCT_BITS
from onboard.flight.plan import Plan

MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
REQUIRED_NM: dict[str, list[list[int]]] = {
    "methane": [[2130, 2440]],
    "minerals": [[450, 1300], [2000, 2440]],
}
"""Wavelengths without which a product means nothing: the CH4 band at 2.3 um; iron and the clays."""
TASK = "semantic-segmentation"
DESCRIPTION = (
    "Methane plumes and ten surface minerals, line by line, from radiance of an imaging spectrometer: "
    "a line stem and a streaming matched filter feed a small convolutional body."
)


@dataclass(frozen=True)
class Label:
    """What a bundle is called: name, version, time of creation (ISO 8601, UTC) and sequence number."""

    name: str
    version: str
    created: str
    sequence: int


def build_manifest(
    label: Label,
    plan: Plan,
    minerals: Sequence[str],
    *,
    sensor: str = "emit",
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a plan.

    Args:
        label: What the bundle is called.
        plan: Its plan; repeated in the manifest under the same names.
        minerals: Names in the order of the body's outputs.
        sensor: Sensor that the bands are of.
        extra: Further fields, such as ``training``, ``metrics`` and ``mlm:*``.
    """
    products = {
        name: {"required_nm": REQUIRED_NM[name]} for name, bit in PRODUCT_BITS.items() if plan.products & bit
    }
    return {
        "format": MANIFEST_FORMAT,
        "name": label.name,
        "version": label.version,
        "created": label.created,
        "sequence": label.sequence,
        "description": DESCRIPTION,
        "sensor": sensor,
        "products": products,
        "minerals": list(minerals),
        "plan": plan.to_json(),
        "bands": {"count": plan.bands},
        **(extra or {}),
    }


def mlm_fields(
    label: Label, architecture: str, parameters: int, plan: Plan, stem: Graph, body: Graph
) -> dict[str, Any]:
    """Return the fields of the STAC Machine Learning Model extension for stem and body.

    Args:
        label: What the bundle is called.
        architecture: Registered name of the network.
        parameters: Its number of parameters as flown.
        plan: Memory and minerals.
        stem: Exported stem.
        body: Exported body.
    """
    pixels, window = ["batch", "channel"], ["batch", "channel", "height", "width"]
    return {
        "stac_extensions": [MLM_SCHEMA],
        "mlm:name": label.name,
        "mlm:architecture": architecture,
        "mlm:tasks": [TASK],
        "mlm:framework": "ONNX",
        "mlm:framework_version": f"opset {OPSET}",
        "mlm:pretrained": False,
        "mlm:batch_size_suggestion": 1,
        "mlm:total_parameters": parameters,
        "mlm:memory_size": plan.inference_bytes,
        "mlm:input": [_input(stem, pixels), _input(body, window)],
        "mlm:output": [
            {
                "name": stem.output_name,
                "tasks": ["feature-extraction"],
                "result": _array(stem.output_shape, pixels),
            },
            {"name": body.output_name, "tasks": [TASK], "result": _array(body.output_shape, window)},
        ],
        "operators": {stem.name: stem.operators, body.name: body.operators},
        "parity_with_pytorch": {stem.name: stem.parity, body.name: body.parity},
    }


def _input(graph: Graph, order: list[str]) -> dict[str, Any]:
    return {"name": graph.input_name, "bands": [], "input": _array(graph.input_shape, order)}


def _array(shape: tuple[int, ...], order: list[str]) -> dict[str, Any]:
    return {"shape": list(shape), "dim_order": order, "data_type": "float32"}


def encode_manifest(manifest: Mapping[str, Any]) -> bytes:
    """Return the manifest's bytes: UTF-8 JSON, one field a line; what is no number becomes null."""
    manifest = _finite(manifest)
    return (json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _finite(value: Any) -> Any:
    """Return the value with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
