"""Small bundle contents for tests: whole in every check, too small to fly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from export.manifest import Label, build_manifest, encode_manifest
from onboard.flight.plan import Plan, make_plan


def plan_values() -> dict[str, Any]:
    """Return plan values for 12 bands and three minerals."""
    return {
        "bands": 12,
        "mf_bands": 4,
        "curve_points": 3,
        "stem_pixels": 16,
        "static_features": 3,
        "dynamic_features": 2,
        "body_lines": 16,
        "body_samples": 16,
        "strip_lines": 8,
        "halo_lines": 4,
        "minerals": 3,
        "memory_lines": 256,
        "covariance_stride": 4,
        "event_min_pixels": 5,
        "kappa": 32.0,
        "exclude_sigma": 3.0,
        "alpha_scale": 1000.0,
        "alpha_clip": 10.0,
        "z_clip": 20.0,
        "feature_clip": 5.0,
        "plume_threshold": 0.5,
        "event_peak_probability": 0.75,
        "mineral_thresholds": [0.5, 0.6, 0.7],
        "known_lines": 0,
        "known_samples": 0,
        "inference_bytes": 1 << 20,
        "products": 3,
    }


MINERAL_NAMES = ("calcite", "gypsum", "kaolinite")
SEQUENCE = 7


def sample_plan(**changes: Any) -> Plan:
    """Return the sample plan with some values changed."""
    return make_plan(plan_values() | changes)


def sample_manifest(plan: Plan, sequence: int = SEQUENCE) -> dict[str, Any]:
    """Return a manifest that fits the sample plan."""
    label = Label("sample", "0.0.1", "2026-01-02T03:04:05Z", sequence)
    return build_manifest(label, plan, MINERAL_NAMES[: plan.minerals])


def sample_parts(
    plan: Plan | None = None, stem: bytes = b"stem", body: bytes = b"body", **changes: bytes
) -> dict[str, bytes]:
    """Return the parts of a bundle; ``changes`` replace parts by name, with ``__`` for a dot."""
    plan = plan or sample_plan()
    alphas = np.array([0, 1000, 4000], "<f4")
    curve = np.array([[0], [-0.02], [-0.05]], "<f4") * np.array([1, 0.5, 0.25, 0], "<f4")
    parts = {
        "manifest.json": encode_manifest(sample_manifest(plan)),
        "plan.bin": plan.pack(),
        "stem.onnx": stem,
        "body.onnx": body,
        "bands.f32": np.stack([np.linspace(400, 2450, 12), np.full(12, 9.0)]).astype("<f4").tobytes(),
        "reference.f32": np.linspace(8, 1, 12).astype("<f4").tobytes(),
        "mf_bands.u16": np.array([2, 5, 10, 11], "<u2").tobytes(),
        "mf_curve.f32": alphas.tobytes() + curve.astype("<f4").tobytes(),
        "mf_noise.f32": np.array([[0.01] * 4, [0.1] * 4], "<f4").tobytes(),
    }
    return parts | {name.replace("__", "."): part for name, part in changes.items()}


def flyable_parts() -> dict[str, bytes]:
    """Return parts with real graphs, as small as the sample plan; needs torch."""
    import torch

    from export.onnx import export_graph

    torch.manual_seed(3)
    plan = sample_plan()
    stem = export_graph(
        torch.nn.Linear(plan.bands, 5),
        name="stem",
        input_name="log_radiance",
        input_shape=(16, 12),
        output_name="features",
    )
    body = export_graph(
        torch.nn.Conv2d(plan.channels, 4, 3, padding=1),
        name="body",
        input_name="features",
        input_shape=(1, plan.channels, 16, 16),
        output_name="logits",
    )
    return sample_parts(plan, stem.data, body.data)


SMALL: dict[str, object] = {"widths": (8, 8, 8, 8), "mineral_widths": (8, 8)}


def write_run_folder(folder: Path, settings: dict[str, object] | None = None) -> Path:
    """Write what a training leaves, with a network that learned nothing, small unless said; needs torch."""
    import torch

    from onboard.models import registry
    from onboard.sensors import load_sensor
    from onboard.training.body_input import InputScales
    from onboard.training.tables import make_tables

    folder.mkdir(parents=True, exist_ok=True)
    tables = make_tables(load_sensor("emit"))
    tables.save(folder / "tables.npz")
    torch.manual_seed(4)
    sizes = SMALL if settings is None else settings
    network = registry.build("linescan", centres=tables.centres, fwhm=tables.fwhm, **sizes)
    state = {"model": "linescan", "settings": network.settings.as_dict(), "state": network.state_dict()}
    torch.save(state, folder / "model.pt")
    point = {
        "plume_threshold": 0.5,
        "event_peak_probability": 0.8,
        "event_min_pixels": 9,
        "mineral_thresholds": [0.5] * 10,
        "mineral_label": 0.15,
        **InputScales().as_dict(),
    }
    for name, content in (
        ("operating_point", point),
        ("metrics", {"test": {"plume_f1": 0.1, "odd": float("nan")}, "seconds": {"training": 1.0}}),
        ("recipe", {"name": "sample", "sensor": "emit"}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_quantized(folder: Path, float_body: bytes, verdict: dict[str, object]) -> bytes:
    """Write what ``onboard quantize`` leaves of a body, at ranges that nobody chose; returns the part.

    Args:
        folder: Where the part and the report go.
        float_body: The training's exported body.
        verdict: What the gate is said to have found.
    """
    import hashlib

    from export.int8 import BODY_DIGEST, FORM, REPORT
    from onboard.flight.int8_body import INT8_PART
    from quantize.affine import Range
    from quantize.flight_body import PlaneRanges, flight_body
    from quantize.graph import load_model
    from quantize.placement import find_sites
    from quantize.post_training import Calibrated

    model = load_model(float_body)
    sites = find_sites(model)
    spans = dict.fromkeys(sites.names, Range(0.0, 8.0))
    planes = PlaneRanges((Range(-8.0, 8.0),) * 32, "made up", {})
    body = flight_body(Calibrated(model, sites, spans, {}), planes).pack()
    report = {
        "calibration": {"seed": 1},
        "fine_tuning": None,
        "gate": {FORM: verdict},
        BODY_DIGEST: hashlib.sha256(float_body).hexdigest(),
    }
    (folder / INT8_PART).write_bytes(body)
    (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")
    return body
