"""Quantized bodies of seeded random numbers, small enough to fly in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from export.manifest import encode_manifest
from onboard.flight.contents import INT8, PRECISION
from onboard.flight.int8_body import INT8_PART, Int8Body, Int8Layer, Kind
from onboard.flight.plan import Plan
from tests.support.bundles import TestBundle, build_test_bundle

HALF_WEIGHT = 73.0
"""Deviation of weights drawn evenly between -127 and 127."""


def random_layer(
    random: np.random.Generator,
    kind: Kind,
    source: int,
    inputs: int,
    outputs: int,
    *,
    half: int = 0,
    logits: bool = False,
    given: float = 4.0 / 255.0,
) -> Int8Layer:
    """Return a layer whose outputs are about 1 where its inputs are."""
    scale = 1.0 if logits else 4.0 / 255.0
    if kind is Kind.SUM:
        empty = np.zeros(0)
        return Int8Layer(
            kind, False, source, half, inputs, outputs, 6.0 / 255.0, 0.0, 0.0,
            empty.astype(np.uint16), empty.astype(np.int16), empty.astype(np.int8).reshape(0, 0),
        )  # fmt: skip
    taps = {Kind.POINTWISE: inputs, Kind.DEPTHWISE: 9, Kind.HALVE: 4 * inputs}[kind]
    step = (1.0 if source else given * 255.0 / 4.0 / 64.0) / (HALF_WEIGHT * np.sqrt(taps))
    unit = float(np.float32(step / (100.0 if logits else 1000.0)))
    scales = random.integers(700, 1400, outputs).astype(np.uint16)
    biases = random.integers(-300, 500, outputs).astype(np.int16)
    weights = random.integers(-127, 128, (outputs, taps)).astype(np.int8)
    units = (scale, unit, float(np.float32(0.001)))
    return Int8Layer(kind, logits, source, half, inputs, outputs, *units, scales, biases, weights)


def random_body(plan: Plan, seed: int = 5) -> Int8Body:
    """Return a body with a skip connection, two resolutions and two heads, for a plan's planes."""
    random = np.random.default_rng(seed)
    planes, minerals = plan.channels, plan.minerals

    def layer(*what: Any, **more: Any) -> Int8Layer:
        return random_layer(random, *what, **more)

    layers = (
        layer(Kind.POINTWISE, 0, planes, 16),
        layer(Kind.DEPTHWISE, 1, 16, 16),
        layer(Kind.POINTWISE, 2, 16, 16),
        layer(Kind.HALVE, 3, 16, 24),
        layer(Kind.DEPTHWISE, 4, 24, 24),
        layer(Kind.POINTWISE, 5, 24, 16),
        layer(Kind.SUM, 3, 16, 16, half=6),
        layer(Kind.DEPTHWISE, 7, 16, 16),
        layer(Kind.POINTWISE, 8, 16, 8),
        layer(Kind.POINTWISE, 9, 8, 1, logits=True),
        layer(Kind.POINTWISE, 0, planes, 40),
        layer(Kind.POINTWISE, 11, 40, minerals, logits=True),
    )
    scales = random.uniform(0.02, 0.06, planes).astype(np.float32)
    return Int8Body(scales, random.integers(90, 160, planes).astype(np.uint8), layers)


def build_int8_bundle(
    body: Int8Body | None = None,
    part: bytes | None = None,
    manifest: Mapping[str, object] | None = None,
    **settings: Any,
) -> TestBundle:
    """Return a small signed bundle with a quantized body.

    Args:
        body: The body; a random one if None.
        part: Bytes to put in its place.
        manifest: Fields to add to the manifest.
        settings: As for ``build_test_bundle``.
    """
    plain = build_test_bundle(**settings)
    data = part if part is not None else (body or random_body(plain.plan)).pack()
    fields = json.loads(plain.parts["manifest.json"]) | {PRECISION: INT8, **(manifest or {})}
    return build_test_bundle(
        **settings,
        parts={"manifest.json": encode_manifest(fields), INT8_PART: data},
        without=("body.onnx",),
    )
