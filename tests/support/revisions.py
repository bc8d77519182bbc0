"""Newer bundles out of older ones, as a fine-tuning on the ground would make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.bundle import sign_container, write_container
from export.manifest import encode_manifest
from onboard.flight.bundle import read_container

Change = Callable[[str, npt.NDArray[np.float32]], npt.NDArray[Any] | None]


def revised(old: bytes, change: Change, key: bytes, *, answer_noise: float = 1e-3) -> bytes:
    """Return a signed bundle of the next sequence with other weights, another known answer and manifest.

    Args:
        old: A bundle.
        change: Takes a float tensor's name and values; returns its new values, or None to leave it.
        key: Ed25519 private key (seed) that signs the new one.
        answer_noise: Relative noise of the known answer; its values need not be those of the weights.
    """
    container = read_container(old)
    parts = {name: bytes(part) for name, part in container.parts.items()}
    for name in ("stem.onnx", "body.onnx"):
        parts[name] = changed_graph(parts[name], change)
    random = np.random.default_rng(12)
    if "known_output.f32" in parts:
        answer = np.frombuffer(parts["known_output.f32"], "<f4")
        noisy = answer * (1.0 + random.normal(0.0, answer_noise, answer.shape))
        parts["known_output.f32"] = noisy.astype("<f4").tobytes()
    manifest = json.loads(parts["manifest.json"])
    manifest.update(sequence=container.sequence + 1, created="2026-12-01T00:00:00Z")
    parts["manifest.json"] = encode_manifest(manifest)
    return sign_container(write_container(parts, container.sequence + 1), key)


def changed_graph(part: bytes, change: Change) -> bytes:
    """Return a serialized graph with changed float initializers."""
    model = onnx.load_model_from_string(part)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        new = change(tensor.name, values) if values.dtype == np.float32 else None
        if new is not None:
            tensor.raw_data = np.ascontiguousarray(new, "<f4").tobytes()
    return bytes(model.SerializeToString())
