"""The plan of a bundle: every number that fixes the shapes, thresholds and memory of a flight.

One definition serves the writer and the reader; ``docs/bundle.md`` gives it byte by byte.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any

import numpy as np

from onboard.errors import BundleError

PLAN_STRUCT = struct.Struct("<16I8f16f2IQ2I")
PLAN_VERSION = 1
MAX_MINERALS = 16
PRODUCT_METHANE = 1
PRODUCT_MINERALS = 2
PLAN_PART = "plan.bin"

# Inclusive limits of the whole-numbered fields; what lies outside is a damaged or hostile file.
WHOLE_LIMITS: dict[str, tuple[int, int]] = {
    "bands": (1, 4096),
    "mf_bands": (1, 512),
    "curve_points": (2, 64),
    "stem_pixels": (1, 65536),
    "static_features": (0, 256),
    "dynamic_features": (0, 256),
    "body_lines": (1, 4096),
    "body_samples": (1, 65536),
    "strip_lines": (1, 4096),
    "halo_lines": (0, 1024),
    "minerals": (0, MAX_MINERALS),
    "memory_lines": (1, 1 << 24),
    "covariance_stride": (1, 4096),
    "event_min_pixels": (1, 1 << 24),
    "known_lines": (0, 4096),
    "known_samples": (0, 65536),
    "inference_bytes": (0, 1 << 40),
    "products": (1, PRODUCT_METHANE | PRODUCT_MINERALS),
    "exclude_near": (0, 1024),
}
POSITIVE_FLOATS = ("exclude_sigma", "alpha_scale", "alpha_clip", "z_clip", "feature_clip")
PROBABILITIES = ("plume_threshold", "event_peak_probability")
REMEDY = "build the bundle again with `onboard bundle build`"


@dataclass(frozen=True)
class Plan:
    """Values of ``plan.bin``, in file order.

    Lines, samples and pixels are counts; ``alpha_*`` are in ppm m where they scale an enhancement,
    the other clips in standard deviations; thresholds are probabilities; ``inference_bytes`` is the
    memory the inference engine may take out of the caller's block; ``products`` is a sum of
    ``PRODUCT_METHANE`` and ``PRODUCT_MINERALS``; ``exclude_near`` is in lines and samples, 0 in bundles of
    before there was such a thing.
    """

    bands: int
    mf_bands: int
    curve_points: int
    stem_pixels: int
    static_features: int
    dynamic_features: int
    body_lines: int
    body_samples: int
    strip_lines: int
    halo_lines: int
    minerals: int
    memory_lines: int
    covariance_stride: int
    event_min_pixels: int
    kappa: float
    exclude_sigma: float
    alpha_scale: float
    alpha_clip: float
    z_clip: float
    feature_clip: float
    plume_threshold: float
    event_peak_probability: float
    mineral_thresholds: tuple[float, ...]
    known_lines: int
    known_samples: int
    inference_bytes: int
    products: int
    exclude_near: int = 0

    @property
    def channels(self) -> int:
        """Channels of the body's input: enhancement, its z score, valid, brightness, then the features."""
        return 4 + self.static_features + self.dynamic_features

    def pack(self) -> bytes:
        """Return the 184 bytes of ``plan.bin``.

        Raises:
            BundleError: If a value is outside its limits.
        """
        self.check()
        values: list[float] = [getattr(self, name) for name in _SCALARS]
        thresholds = list(self.mineral_thresholds) + [0.0] * (MAX_MINERALS - self.minerals)
        tail = [self.known_lines, self.known_samples, self.inference_bytes, self.products]
        fixed = (PLAN_STRUCT.size, PLAN_VERSION)
        return PLAN_STRUCT.pack(*fixed, *values, *thresholds, *tail, self.exclude_near)

    def check(self, file: str | PathLike[str] | None = None) -> None:
        """Refuse values outside their limits, or that contradict one another.

        Raises:
            BundleError: Naming the field, what was found and what was expected.
        """
        for problem in (*self._bad_numbers(), *self._contradictions()):
            field, found, expected = problem
            raise BundleError(
                "the plan holds a value that cannot be flown",
                file=file,
                field=f"{PLAN_PART}: {field}",
                found=found,
                expected=expected,
                remedy=REMEDY,
            )

    def _bad_numbers(self) -> list[tuple[str, object, str]]:
        bad: list[tuple[str, object, str]] = []
        for name, (low, high) in WHOLE_LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                bad.append((name, value, f"{low} to {high}"))
        if not (math.isfinite(self.kappa) and self.kappa >= 0):
            bad.append(("kappa", self.kappa, "a finite number, at least 0"))
        for name in POSITIVE_FLOATS:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                bad.append((name, getattr(self, name), "a finite number above 0"))
        probabilities = [(name, getattr(self, name)) for name in PROBABILITIES]
        probabilities += [(f"mineral_thresholds[{i}]", t) for i, t in enumerate(self.mineral_thresholds)]
        bad += [(name, value, "0 to 1") for name, value in probabilities if not 0 <= value <= 1]
        return bad

    def _contradictions(self) -> list[tuple[str, object, str]]:
        bad: list[tuple[str, object, str]] = []
        window = self.strip_lines + 2 * self.halo_lines
        if self.body_lines != window:
            bad.append(("body_lines", self.body_lines, f"strip_lines + 2 x halo_lines = {window}"))
        if self.mf_bands > self.bands:
            bad.append(("mf_bands", self.mf_bands, f"at most bands = {self.bands}"))
        if self.static_features + self.dynamic_features < 1:
            bad.append(("static_features + dynamic_features", 0, "at least 1"))
        if len(self.mineral_thresholds) != self.minerals:
            count = len(self.mineral_thresholds)
            bad.append(("mineral_thresholds", f"{count} values", f"{self.minerals} values (minerals)"))
        if (self.known_lines == 0) != (self.known_samples == 0):
            bad.append(("known_lines", self.known_lines, "0 exactly when known_samples is 0"))
        if self.products & PRODUCT_MINERALS and self.minerals == 0:
            bad.append(("products", self.products, "no minerals bit in a plan without minerals"))
        return bad

    def to_json(self) -> dict[str, Any]:
        """Return the plan under its own names, as the manifest carries it; floats round-trip as float32."""
        values: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                value = [_shortest(item) for item in value]
            elif isinstance(value, float):
                value = _shortest(value)
            values[field.name] = value
        # Manifests of before there was such a thing do not name it.
        return values if self.exclude_near else {k: v for k, v in values.items() if k != "exclude_near"}


# Order in the file of the scalar fields before the mineral thresholds.
_SCALARS = tuple(field.name for field in fields(Plan))[:22]


def _shortest(value: float) -> float:
    """Return the number with fewest digits that becomes the same float32."""
    return float(str(np.float32(value)))


def make_plan(values: Mapping[str, Any]) -> Plan:
    """Build a plan from values by name, rounding floats to float32 so that it survives the file.

    Args:
        values: One value a field of ``Plan``, no more and no less; ``exclude_near`` may be missing.

    Raises:
        BundleError: If a name is missing or unknown, or a value is outside its limits.
    """
    names = {field.name: field.type for field in fields(Plan)}
    values = {"exclude_near": 0, **values}
    if set(values) != set(names):
        missing, unknown = sorted(set(names) - set(values)), sorted(set(values) - set(names))
        raise BundleError(
            "plan values do not match the plan's fields",
            found=f"missing {missing}, unknown {unknown}",
            expected="exactly the fields of onboard.flight.plan.Plan",
        )
    converted: dict[str, Any] = {}
    for name, kind in names.items():
        converted[name] = _convert(name, kind, values[name])
    plan = Plan(**converted)
    plan.check()
    return plan


def _convert(name: str, kind: object, value: Any) -> int | float | tuple[float, ...]:
    try:
        if kind == "int":
            whole = int(value)
            if whole != value:
                raise ValueError
            return whole
        if kind == "float":
            return float(np.float32(value))
        return tuple(float(np.float32(item)) for item in value)
    except (TypeError, ValueError, OverflowError):
        raise BundleError(
            "a plan value has the wrong type", field=name, found=repr(value), expected=kind
        ) from None


def unpack_plan(data: bytes | memoryview, file: str | PathLike[str] | None = None) -> Plan:
    """Read and check ``plan.bin``.

    Args:
        data: The part's bytes, exactly 184.
        file: The bundle's name, for messages.

    Raises:
        BundleError: If the length, the version or any value is not as expected.
    """

    def refuse(field: str, found: object, expected: object) -> BundleError:
        return BundleError(
            "the plan cannot be read",
            file=file,
            field=f"{PLAN_PART}: {field}",
            found=found,
            expected=expected,
            remedy=REMEDY,
        )

    if len(data) != PLAN_STRUCT.size:
        raise refuse("length", f"{len(data)} bytes", f"{PLAN_STRUCT.size} bytes")
    size, version, *rest = PLAN_STRUCT.unpack(data)
    if version != PLAN_VERSION:
        raise refuse("version", version, PLAN_VERSION)
    if size != PLAN_STRUCT.size:
        raise refuse("struct_size", size, PLAN_STRUCT.size)
    scalars, thresholds, tail = rest[:22], rest[22:38], rest[38:]
    minerals = scalars[_SCALARS.index("minerals")]
    if minerals > MAX_MINERALS:
        raise refuse("minerals", minerals, f"at most {MAX_MINERALS}")
    if any(thresholds[minerals:]):
        raise refuse("mineral_thresholds", "values beyond the last mineral", "zeros")
    values = (*scalars, tuple(thresholds[:minerals]), *tail)
    plan = Plan(**{item.name: value for item, value in zip(fields(Plan), values, strict=True)})
    plan.check(file)
    return plan
