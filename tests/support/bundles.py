"""Small but real bundles: seeded random graphs in ONNX, tables of a made-up sensor, an ephemeral key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.bundle import sign_container, write_container
from export.keys import public_key_of
from export.manifest import Label, build_manifest, encode_manifest
from onboard.flight.plan import Plan, make_plan
from onboard.minerals import MINERALS

Array = npt.NDArray[np.float32]

TEST_SEED = bytes(range(32))
"""Private key (seed) of the tests: as public as this file."""


@dataclass(frozen=True)
class TestBundle:
    """A bundle's bytes and what went into it."""

    __test__ = False

    data: bytes
    public_key: bytes
    plan: Plan
    tables: dict[str, npt.NDArray[Any]] = field(repr=False)
    parts: dict[str, bytes] = field(repr=False)


def make_test_bundle(
    path: Path, *, bands: int = 24, samples_hint: int = 64, key: bytes = TEST_SEED, **settings: Any
) -> bytes:
    """Write a small signed bundle to ``path``; returns the public key that it is signed with.

    Args:
        path: Where the bundle goes.
        bands: Bands of the made-up sensor, 400 to 2480 nm.
        samples_hint: Width that stem and body are built for; other swaths run as well.
        key: Ed25519 private key (seed), 32 bytes.
        settings: As for :func:`build_test_bundle`.
    """
    bundle = build_test_bundle(bands=bands, samples_hint=samples_hint, key=key, **settings)
    path.write_bytes(bundle.data)
    return bundle.public_key


def build_test_bundle(
    *,
    bands: int = 24,
    samples_hint: int = 64,
    key: bytes = TEST_SEED,
    seed: int = 1,
    sequence: int = 7,
    known: tuple[Array, Array] | None = None,
    parts: dict[str, bytes] | None = None,
    without: Sequence[str] = (),
    **plan_values: Any,
) -> TestBundle:
    """Build a small signed bundle in memory.

    Args:
        bands: Bands of the made-up sensor, 400 to 2480 nm.
        samples_hint: Width that stem and body are built for; other swaths run as well.
        key: Ed25519 private key (seed), 32 bytes.
        seed: Of weights and tables.
        sequence: Of the container.
        known: Known input (lines, samples, bands) and output (lines, 2, samples).
        parts: Parts to put in the place of the built ones.
        without: Names of built parts to leave out.
        plan_values: Fields of the plan to put in the place of the defaults.
    """
    random = np.random.default_rng(seed)
    tables = make_tables(random, bands)
    plan = make_plan({**default_plan(bands, samples_hint, tables), **_known_size(known), **plan_values})
    label = Label("test", "0.0.0", "2026-01-01T00:00:00Z", sequence)
    manifest = build_manifest(label, plan, MINERALS[: plan.minerals])
    built = {
        "manifest.json": encode_manifest(manifest),
        "plan.bin": plan.pack(),
        "stem.onnx": make_stem(random, plan),
        "body.onnx": make_body(random, plan),
        "bands.f32": tables["bands"].astype("<f4").tobytes(),
        "reference.f32": tables["reference"].astype("<f4").tobytes(),
        "mf_bands.u16": tables["mf_bands"].astype("<u2").tobytes(),
        "mf_curve.f32": tables["alphas"].astype("<f4").tobytes() + tables["curve"].astype("<f4").tobytes(),
        "mf_noise.f32": tables["noise"].astype("<f4").tobytes(),
    }
    if known is not None:
        built["known_input.f32"] = known[0].astype("<f4").tobytes()
        built["known_output.f32"] = known[1].astype("<f4").tobytes()
    built.update(parts or {})
    built = {name: part for name, part in built.items() if name not in without}
    data = sign_container(write_container(built, sequence), key)
    return TestBundle(data, public_key_of(key), plan, tables, built)


def default_plan(bands: int, width: int, tables: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Return the plan's values for a small body of 16-line strips."""
    return {
        "bands": bands,
        "mf_bands": len(tables["mf_bands"]),
        "curve_points": len(tables["alphas"]),
        "stem_pixels": width,
        "static_features": 3,
        "dynamic_features": 2,
        "body_lines": 32,
        "body_samples": width,
        "strip_lines": 16,
        "halo_lines": 8,
        "minerals": len(MINERALS),
        "memory_lines": 64,
        "covariance_stride": 2,
        "event_min_pixels": 3,
        "kappa": 16.0,
        "exclude_sigma": 3.0,
        "alpha_scale": 1000.0,
        "alpha_clip": 8.0,
        "z_clip": 10.0,
        "feature_clip": 5.0,
        "plume_threshold": 0.5,
        "event_peak_probability": 0.6,
        "mineral_thresholds": (0.5,) * len(MINERALS),
        "known_lines": 0,
        "known_samples": 0,
        "inference_bytes": 32 << 20,
        "products": 3,
    }


def _known_size(known: tuple[Array, Array] | None) -> dict[str, int]:
    if known is None:
        return {}
    return {"known_lines": known[0].shape[0], "known_samples": known[0].shape[1]}


def make_tables(random: np.random.Generator, bands: int) -> dict[str, npt.NDArray[Any]]:
    """Return band table, reference radiance, filter bands, gas curve and noise of a made-up sensor."""
    centres = np.linspace(400.0, 2480.0, bands)
    mf_bands = np.arange(bands)[-max(4, bands // 3) :]
    alphas = np.array([0.0, 500.0, 2000.0, 8000.0, 20000.0])
    strength = random.uniform(2e-6, 2e-5, len(mf_bands))
    # Saturating, as a band full of lines is: absorption grows slower than the enhancement.
    saturating = alphas / (1.0 + alphas / 30000.0)
    return {
        "bands": np.stack([centres, np.full(bands, 2080.0 / bands)]),
        "reference": np.exp(random.normal(0.0, 0.5, bands)) + 0.5,
        "mf_bands": mf_bands,
        "alphas": alphas,
        "curve": -saturating[:, None] * strength[None, :],
        "noise": np.stack([np.full(len(mf_bands), 0.002), np.full(len(mf_bands), 0.05)]),
    }


def make_stem(random: np.random.Generator, plan: Plan) -> bytes:
    """Return the ONNX stem: one matrix product."""
    features = plan.static_features + plan.dynamic_features
    weights = random.normal(0.0, 1.0 / np.sqrt(plan.bands), (plan.bands, features))
    node = helper.make_node("MatMul", ["log_radiance", "weights"], ["features"])
    return _model(
        [node],
        {"weights": weights},
        ("log_radiance", [plan.stem_pixels, plan.bands]),
        ("features", [plan.stem_pixels, features]),
    )


def make_body(random: np.random.Generator, plan: Plan) -> bytes:
    """Return the ONNX body: two convolutions whose first output follows the enhancement over its noise."""
    channels, outputs, width = plan.channels, 1 + plan.minerals, 8
    first = random.normal(0.0, 0.05, (width, channels, 3, 3))
    first[0, 1, 1, 1] += 1.0
    second = random.normal(0.0, 0.3, (outputs, width, 1, 1))
    second[0, :, 0, 0] *= 0.3
    second[0, 0, 0, 0] = 1.5
    bias = random.normal(0.0, 0.3, outputs)
    bias[0] = -4.0
    nodes = [
        helper.make_node("Conv", ["features", "w1"], ["hidden"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Conv", ["active", "w2", "b2"], ["logits"]),
    ]
    shape = [1, channels, plan.body_lines, plan.body_samples]
    return _model(
        nodes,
        {"w1": first, "w2": second, "b2": bias},
        ("features", shape),
        ("logits", [1, outputs, *shape[2:]]),
    )


ECHO_GAIN = 0.25


def make_echo_body(plan: Plan) -> bytes:
    """Return an ONNX body whose output ``i`` is its input channel ``i`` times ``ECHO_GAIN``."""
    weights = np.zeros((1 + plan.minerals, plan.channels, 1, 1))
    for index in range(min(weights.shape[:2])):
        weights[index, index] = ECHO_GAIN
    shape = [1, plan.channels, plan.body_lines, plan.body_samples]
    return _model(
        [helper.make_node("Conv", ["features", "w"], ["logits"])],
        {"w": weights},
        ("features", shape),
        ("logits", [1, 1 + plan.minerals, *shape[2:]]),
    )


def make_mask_graphs(plan: Plan) -> dict[str, bytes]:
    """Return stem and body that make a plume of each pixel with a first band above the reference."""
    stem = np.zeros((plan.bands, plan.static_features + plan.dynamic_features))
    stem[0, 0] = 1.0
    body = np.zeros((1 + plan.minerals, plan.channels, 1, 1))
    body[0, 4] = 50.0
    shape = [1, plan.channels, plan.body_lines, plan.body_samples]
    return {
        "stem.onnx": _model(
            [helper.make_node("MatMul", ["log_radiance", "w"], ["features"])],
            {"w": stem},
            ("log_radiance", [plan.stem_pixels, plan.bands]),
            ("features", [plan.stem_pixels, stem.shape[1]]),
        ),
        "body.onnx": _model(
            [helper.make_node("Conv", ["features", "w"], ["logits"])],
            {"w": body},
            ("features", shape),
            ("logits", [1, 1 + plan.minerals, *shape[2:]]),
        ),
    }


def plan_for(bands: int = 24, samples_hint: int = 64, seed: int = 1, **plan_values: Any) -> Plan:
    """Return the plan that :func:`build_test_bundle` would make of the same arguments."""
    tables = make_tables(np.random.default_rng(seed), bands)
    return make_plan({**default_plan(bands, samples_hint, tables), **plan_values})


def stem_weights(bundle: TestBundle) -> Array:
    """Return the (bands, features) weights of a bundle's stem."""
    graph = onnx.load_model_from_string(bundle.parts["stem.onnx"]).graph
    return np.array(numpy_helper.to_array(graph.initializer[0]), np.float32)


def _model(
    nodes: list[onnx.NodeProto],
    weights: dict[str, npt.NDArray[np.float64]],
    given: tuple[str, list[int]],
    made: tuple[str, list[int]],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, made[1])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def make_radiance(
    bundle: TestBundle, lines: int, samples: int, *, seed: int = 3, plumes: int = 2
) -> tuple[Array, Array]:
    """Return radiance (lines, samples, bands) with plumes, and their enhancement in ppm m."""
    random = np.random.default_rng(seed)
    tables, bands = bundle.tables, bundle.plan.bands
    brightness = random.normal(0.0, 0.2, (lines, samples, 1))
    slope = random.normal(0.0, 0.1, (lines, samples, 1)) * np.linspace(-1.0, 1.0, bands)
    stripes = random.normal(0.0, 0.02, (1, samples, bands))
    log = brightness + slope + stripes + random.normal(0.0, 0.003, (lines, samples, bands))
    alpha = np.zeros((lines, samples))
    row, column = np.mgrid[0:lines, 0:samples]
    for _ in range(plumes):
        y, x = random.uniform(0, lines), random.uniform(0, samples)
        alpha += 9000.0 * np.exp(-((row - y) ** 2 + (column - x) ** 2) / 12.0)
    for k, band in enumerate(tables["mf_bands"]):
        log[..., band] += np.interp(alpha, tables["alphas"], tables["curve"][:, k])
    return (tables["reference"] * np.exp(log)).astype(np.float32), alpha.astype(np.float32)
