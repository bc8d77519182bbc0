"""What a bundle's parts mean: arrays, plan and manifest, checked against one another before use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import BundleError
from onboard.flight.bundle import Container
from onboard.flight.class_plan import CLASSES_PART, ClassPlan, unpack_class_plan
from onboard.flight.denoiser_plan import DENOISER_GRAPH, DENOISER_PLAN, DenoiserPlan, unpack_denoiser_plan
from onboard.flight.int8_body import INT8_PART, Int8Body, refuse, unpack_body
from onboard.flight.limits import LIMITS_PART, Limits, unpack_limits
from onboard.flight.plan import PLAN_PART, PRODUCT_METHANE, PRODUCT_MINERALS, Plan, unpack_plan

Array = npt.NDArray[np.float32]

MANIFEST_FORMAT = 1
STEM_PART, FLOAT_PART = "stem.onnx", "body.onnx"
MANIFEST_MAX_BYTES = 1 << 20
REQUIRED_PARTS = (
    "manifest.json",
    PLAN_PART,
    STEM_PART,
    "bands.f32",
    "reference.f32",
    "mf_bands.u16",
    "mf_curve.f32",
    "mf_noise.f32",
)
BODY_PARTS = (FLOAT_PART, INT8_PART)
"""Of these a bundle has one."""
PRECISION = "precision"
FLOAT32, INT8 = "float32", "int8"
KNOWN_PARTS = ("known_input.f32", "known_output.f32")
PRODUCT_BITS = {"methane": PRODUCT_METHANE, "minerals": PRODUCT_MINERALS}
REMEDY = "build the bundle again with `onboard bundle build`"


@dataclass(frozen=True)
class Contents:
    """The parts of a bundle, decoded.

    Attributes:
        manifest: What the bundle says of itself.
        plan: Shapes, thresholds and memory.
        centres: (bands,) float32 nm.
        fwhm: (bands,) float32 nm.
        reference: (bands,) float32 radiance in uW cm-2 sr-1 nm-1.
        mf_bands: (K,) uint16 indices of the matched filter's bands, rising.
        alphas: (A,) float32 ppm m, first 0, rising.
        log_transmittance: (A, K) float32, first row 0.
        noise: (2, K) float32, a and b of sigma = a * sqrt(b + L).
        known_input: (lines, samples, bands) float32 radiance, or None.
        known_output: (lines, 2, samples) float32, plume probability and enhancement in ppm m, or None.
        limits: Expiry and target; none where the part is missing.
        int8: The quantized body, or None where the body is a graph.
        denoiser: The denoiser's plan, or None.
        classes: The codebook of ground classes, or None.
    """

    manifest: Mapping[str, Any]
    plan: Plan
    centres: Array
    fwhm: Array
    reference: Array
    mf_bands: npt.NDArray[np.uint16]
    alphas: Array
    log_transmittance: Array
    noise: Array
    known_input: Array | None
    known_output: Array | None
    limits: Limits
    int8: Int8Body | None
    denoiser: DenoiserPlan | None = None
    classes: ClassPlan | None = None

    @property
    def precision(self) -> str:
        """What the body computes in: ``float32`` or ``int8``."""
        return FLOAT32 if self.int8 is None else INT8


class _Parts:
    """A container's parts with this file's checks and errors."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def refuse(self, problem: str, field: str, found: object, expected: object) -> BundleError:
        return BundleError(
            problem,
            file=self.container.file,
            field=field,
            found=found,
            expected=expected,
            remedy=REMEDY,
        )

    def array(self, name: str, kind: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """Decode a part as an array of little-endian ``kind``; its size must fit the shape exactly."""
        part, dtype = self.container.parts[name], np.dtype(kind)
        expected = int(np.prod(shape)) * dtype.itemsize
        if len(part) != expected:
            what = f"{expected} bytes for {shape} of {dtype.name}"
            raise self.refuse("a part's size contradicts the plan", f"{name}: size", len(part), what)
        values = np.frombuffer(part, dtype).reshape(shape)
        if dtype.kind == "f" and not np.isfinite(values).all():
            raise self.refuse(
                "a part holds values that are no numbers", name, "NaN or infinity", "finite values"
            )
        return values

    def require(self, good: bool, field: str, expected: str) -> None:
        if not good:
            raise self.refuse("a part holds values that make no sense", field, "other values", expected)


def read_contents(container: Container) -> Contents:
    """Decode the parts of a container and check them against the plan and the manifest.

    Args:
        container: What ``read_container`` returned.

    Raises:
        BundleError: Naming the part and field, what was found and what was expected.
    """
    parts = _Parts(container)
    missing = [name for name in REQUIRED_PARTS if name not in container.parts]
    if missing:
        raise parts.refuse("parts are missing", "table of parts", f"no {', '.join(missing)}", "every part")
    plan = unpack_plan(container.parts[PLAN_PART], container.file)
    manifest = _read_manifest(parts)
    _check_manifest(parts, manifest, plan)
    bands = parts.array("bands.f32", "<f4", (2, plan.bands))
    parts.require(bool((bands > 0).all()), "bands.f32", "centres and widths above 0 nm")
    reference = parts.array("reference.f32", "<f4", (plan.bands,))
    parts.require(bool((reference > 0).all()), "reference.f32", "radiances above 0")
    mf_bands = parts.array("mf_bands.u16", "<u2", (plan.mf_bands,))
    rising = bool((np.diff(mf_bands.astype(int)) > 0).all())
    parts.require(rising and int(mf_bands[-1]) < plan.bands, "mf_bands.u16", "rising indices of bands")
    alphas, curve = _read_curve(parts, plan)
    noise = parts.array("mf_noise.f32", "<f4", (2, plan.mf_bands))
    parts.require(bool((noise >= 0).all()), "mf_noise.f32", "coefficients of at least 0")
    known_input, known_output = _read_known(parts, plan)
    limits = _read_limits(parts, manifest)
    int8 = _read_body(parts, manifest, plan)
    return Contents(
        manifest,
        plan,
        bands[0],
        bands[1],
        reference,
        mf_bands,
        alphas,
        curve,
        noise,
        known_input,
        known_output,
        limits,
        int8,
        _read_denoiser(parts, manifest, plan),
        _read_classes(parts, plan),
    )


def _read_body(parts: _Parts, manifest: dict[str, Any], plan: Plan) -> Int8Body | None:
    """Return the quantized body, if the bundle has one; it and the manifest must say the same."""
    present = [name for name in BODY_PARTS if name in parts.container.parts]
    if len(present) != 1:
        found = " and ".join(present) or "none"
        raise parts.refuse("a bundle needs one body", "table of parts", found, " or ".join(BODY_PARTS))
    expected = INT8 if present == [INT8_PART] else FLOAT32
    if manifest.get(PRECISION, FLOAT32) != expected:
        where = f"manifest.json: {PRECISION}"
        said = manifest.get(PRECISION, "nothing")
        raise parts.refuse("the manifest contradicts the bundle", where, said, expected)
    if expected == FLOAT32:
        return None
    body = unpack_body(parts.container.parts[INT8_PART], parts.container.file)
    coarsest = max(body.strides())
    for what, found_value, wanted in (
        ("planes", len(body.plane_scales), plan.channels),
        ("outputs", body.outputs, 1 + plan.minerals),
        ("stride: lines left over", plan.body_lines % coarsest, 0),
        ("stride: samples left over", plan.body_samples % coarsest, 0),
    ):
        if found_value != wanted:
            raise refuse((what, found_value, f"{wanted}, by the plan"), parts.container.file)
    return body


def _read_limits(parts: _Parts, manifest: dict[str, Any]) -> Limits:
    part = parts.container.parts.get(LIMITS_PART)
    limits = Limits() if part is None else unpack_limits(part, parts.container.file)
    expected = None if part is None else limits.to_json()
    if manifest.get("limits") != expected:
        where = "manifest.json: limits"
        raise parts.refuse(
            "the manifest contradicts the bundle", where, manifest.get("limits"), expected or "nothing"
        )
    return limits


def _read_denoiser(parts: _Parts, manifest: dict[str, Any], plan: Plan) -> DenoiserPlan | None:
    present = [name for name in (DENOISER_GRAPH, DENOISER_PLAN) if name in parts.container.parts]
    if len(present) == 1:
        raise parts.refuse("the denoiser is not whole", present[0], present, "both of its parts, or neither")
    denoiser = None
    if present:
        part = parts.container.parts[DENOISER_PLAN]
        denoiser = unpack_denoiser_plan(part, plan.body_lines, parts.container.file)
    expected = None if denoiser is None else denoiser.to_json()
    if manifest.get("denoiser") != expected:
        where, found = "manifest.json: denoiser", manifest.get("denoiser")
        raise parts.refuse("the manifest contradicts the bundle", where, found, expected or "nothing")
    return denoiser


def _read_classes(parts: _Parts, plan: Plan) -> ClassPlan | None:
    part = parts.container.parts.get(CLASSES_PART)
    return None if part is None else unpack_class_plan(part, plan.bands, parts.container.file)


def _read_curve(parts: _Parts, plan: Plan) -> tuple[Array, Array]:
    points, bands = plan.curve_points, plan.mf_bands
    values = parts.array("mf_curve.f32", "<f4", (points * (1 + bands),))
    alphas, curve = values[:points], values[points:].reshape(points, bands)
    parts.require(
        alphas[0] == 0 and bool((np.diff(alphas) > 0).all()), "mf_curve.f32", "enhancements rising from 0"
    )
    parts.require(
        bool((curve <= 0).all()) and not curve[0].any(), "mf_curve.f32", "transmittance 1, then at most 1"
    )
    parts.require(bool(curve[1].any()), "mf_curve.f32", "absorption at the first enhancement above 0")
    return alphas, curve


def _read_known(parts: _Parts, plan: Plan) -> tuple[Array | None, Array | None]:
    present = [name for name in KNOWN_PARTS if name in parts.container.parts]
    if plan.known_lines == 0 and not present:
        return None, None
    if len(present) != len(KNOWN_PARTS) or plan.known_lines == 0:
        expected = "both known-answer parts and known_lines above 0, or neither"
        found = f"parts {present}, known_lines {plan.known_lines}"
        raise parts.refuse("the known answer is not whole", "known_input.f32", found, expected)
    lines, samples = plan.known_lines, plan.known_samples
    given = parts.array("known_input.f32", "<f4", (lines, samples, plan.bands))
    return given, parts.array("known_output.f32", "<f4", (lines, 2, samples))


def _read_manifest(parts: _Parts) -> dict[str, Any]:
    part = parts.container.parts["manifest.json"]
    if len(part) > MANIFEST_MAX_BYTES:
        raise parts.refuse("the manifest is too long", "manifest.json: size", len(part), MANIFEST_MAX_BYTES)
    try:
        manifest = json.loads(bytes(part).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise parts.refuse("the manifest is no JSON", "manifest.json", error, "a JSON object") from None
    if not isinstance(manifest, dict):
        raise parts.refuse("the manifest is no object", "manifest.json", type(manifest).__name__, "an object")
    return manifest


def _check_manifest(parts: _Parts, manifest: dict[str, Any], plan: Plan) -> None:
    def expect(field: str, expected: object) -> None:
        value: Any = manifest
        for key in field.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value != expected or isinstance(value, bool):
            raise parts.refuse(
                "the manifest contradicts the bundle", f"manifest.json: {field}", value, expected
            )

    expect("format", MANIFEST_FORMAT)
    expect("sequence", parts.container.sequence)
    expect("bands.count", plan.bands)
    for name in ("name", "version", "created", "sensor"):
        if not isinstance(manifest.get(name), str):
            raise parts.refuse(
                "the manifest lacks a text", f"manifest.json: {name}", manifest.get(name), "a text"
            )
    _check_products(parts, manifest, plan)
    minerals = manifest.get("minerals")
    good = isinstance(minerals, list) and len(set(map(str, minerals))) == plan.minerals == len(minerals)
    if not good or not all(isinstance(name, str) for name in minerals or []):
        raise parts.refuse(
            "the manifest contradicts the plan", "manifest.json: minerals", minerals, f"{plan.minerals} names"
        )
    expected = plan.to_json()
    given = manifest.get("plan")
    if not isinstance(given, dict) or set(given) != set(expected):
        raise parts.refuse(
            "the manifest contradicts the plan", "manifest.json: plan", "other fields", sorted(expected)
        )
    for name, value in expected.items():
        expect(f"plan.{name}", value)


def _check_products(parts: _Parts, manifest: dict[str, Any], plan: Plan) -> None:
    products = manifest.get("products")
    names = {name for name, bit in PRODUCT_BITS.items() if plan.products & bit}
    if not isinstance(products, dict) or set(products) != names:
        raise parts.refuse(
            "the manifest contradicts the plan", "manifest.json: products", products, sorted(names)
        )
    for name, product in products.items():
        ranges = product.get("required_nm") if isinstance(product, dict) else None
        if not isinstance(ranges, list) or not ranges or not all(map(_is_range, ranges)):
            where = f"manifest.json: products.{name}.required_nm"
            raise parts.refuse(
                "a product's bands are malformed", where, ranges, "pairs of rising wavelengths in nm"
            )


def _is_range(pair: object) -> bool:
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    low, high = pair
    numbers = all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in pair)
    return numbers and 0 < low < high
