"""The plan of a trained network: its shapes, the filter's constants and the chosen thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from export.onnx import ExportError, Graph
from export.run_folder import TrainedRun
from onboard.flight.plan import PRODUCT_METHANE, PRODUCT_MINERALS, Plan, make_plan
from onboard.minerals import MINERALS
from onboard.models.filter_tables import FilterSettings

STEM_PIXELS = 1248
"""Pixels of one stem run: EMIT's 1242 samples, rounded up to whole vectors."""
BODY_SAMPLES = 1248
POINT_FIELDS = (
    "plume_threshold",
    "event_peak_probability",
    "event_min_pixels",
    "mineral_thresholds",
    "alpha_scale",
    "alpha_clip",
    "z_clip",
    "feature_clip",
)


def plan_of_run(run: TrainedRun, *, inference_bytes: int, known: tuple[int, int] = (0, 0)) -> Plan:
    """Return the plan that a training's network flies by.

    Args:
        run: The training.
        inference_bytes: Memory that the inference engine may take.
        known: Lines and samples of the known answer, zeros for none.

    Raises:
        ExportError: If the operating point lacks a value.
        BundleError: If a value cannot be flown.
    """
    from onboard.training.strips import HALO_LINES, STRIP_LINES

    missing = [name for name in POINT_FIELDS if name not in run.point]
    if missing:
        raise ExportError(
            "the operating point lacks values",
            file="operating_point.json",
            found=f"no {', '.join(missing)}",
            expected=", ".join(POINT_FIELDS),
        )
    settings = run.network.settings
    values: dict[str, Any] = {
        **_filter_constants(run.point),
        **{name: run.point[name] for name in POINT_FIELDS},
        "bands": len(run.tables.centres),
        "mf_bands": len(run.tables.mf_bands),
        "curve_points": len(run.tables.alphas),
        "stem_pixels": STEM_PIXELS,
        "static_features": settings.static_features,
        "dynamic_features": settings.dynamic_features,
        "body_lines": STRIP_LINES + 2 * HALO_LINES,
        "body_samples": BODY_SAMPLES,
        "strip_lines": STRIP_LINES,
        "halo_lines": HALO_LINES,
        "minerals": len(MINERALS),
        "known_lines": known[0],
        "known_samples": known[1],
        "inference_bytes": inference_bytes,
        "products": PRODUCT_METHANE | PRODUCT_MINERALS,
        "exclude_near": run.tables.exclude_near,
    }
    return make_plan(values)


def _filter_constants(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constants of the running statistics; a training that chose its own wins."""
    constants = asdict(FilterSettings())
    known = {item.name for item in fields(Plan)}
    return {name: point.get(name, value) for name, value in constants.items() if name in known}


def check_graphs(plan: Plan, stem: Graph, body: Graph) -> None:
    """Refuse graphs whose shapes are not those of the plan.

    Raises:
        ExportError: Naming the tensor, its shape and the plan's.
    """
    features = plan.static_features + plan.dynamic_features
    window = (plan.body_lines, plan.body_samples)
    for graph, field, found, expected in (
        (stem, stem.input_name, stem.input_shape, (plan.stem_pixels, plan.bands)),
        (stem, stem.output_name, stem.output_shape, (plan.stem_pixels, features)),
        (body, body.input_name, body.input_shape, (1, plan.channels, *window)),
        (body, body.output_name, body.output_shape, (1, 1 + plan.minerals, *window)),
    ):
        if found != expected:
            where = f"{graph.name}: {field}"
            raise ExportError("a graph contradicts the plan", field=where, found=found, expected=expected)
