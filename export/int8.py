"""The quantized body on its way into a bundle: out of what ``onboard quantize`` wrote, judged by its gate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export.benchmark_gate import BENCHMARK_GATE
from onboard.errors import BundleError, CaptureError
from onboard.flight.contents import INT8, PRECISION, Contents
from onboard.flight.int8_body import INT8_PART, unpack_body

REPORT = "quantization.json"
FORM = "flight"
"""The gate's name of the form that the flight core computes itself."""
BODY_DIGEST = "float_body_sha256"
MANIFEST_FIELD = "quantization"
PATCH_REMEDY = "build the bundle again with `onboard bundle build --quantized FOLDER`"
BENCHMARK_REMEDY = (
    "score this bundle and its float32 twin, signed with the development key, on SimEMIT-1's validation set, "
    "and build again with --results, --scored, --exact and --exact-bundle"
)
REMEDY = "run `onboard quantize RUN --out FOLDER` on the same training"


@dataclass(frozen=True)
class QuantizedBody:
    """A quantized body and what the manifest says of it.

    Attributes:
        part: Bytes of ``body.i8``.
        fields: Manifest fields: precision, calibration, fine-tuning, and the gate's report.
    """

    part: bytes
    fields: Mapping[str, Any]

    def with_report(self, name: str, report: Mapping[str, Any]) -> QuantizedBody:
        """Return the same body with one more report in the manifest."""
        return replace(
            self, fields={**self.fields, MANIFEST_FIELD: {**self.fields[MANIFEST_FIELD], name: dict(report)}}
        )


def load_quantized(folder: Path, float_body: bytes) -> QuantizedBody:
    """Read the quantized body of a training.

    Args:
        folder: What ``onboard quantize`` wrote.
        float_body: The training's exported body; the quantized one must have been made of it.

    Raises:
        CaptureError: A file is missing, cannot be read, or is of another training.
        BundleError: The body cannot be flown.
    """
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        part = (folder / INT8_PART).read_bytes()
        digest = report[BODY_DIGEST]
        quantization = {
            "calibration": report["calibration"],
            "fine_tuning": report["fine_tuning"],
            "gate": report["gate"][FORM],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaptureError(
            "there is no quantized body that flies", file=folder, found=repr(error), remedy=REMEDY
        ) from None
    if digest != hashlib.sha256(float_body).hexdigest():
        raise CaptureError(
            "the quantized body is of another training", file=folder, field=BODY_DIGEST, remedy=REMEDY
        )
    unpack_body(part, folder / INT8_PART)
    return QuantizedBody(part, {PRECISION: INT8, MANIFEST_FIELD: quantization})


def require_gate(contents: Contents, file: Path | None = None, *, benchmark: bool = False) -> None:
    """Refuse a quantized bundle whose gate report is missing, malformed, or says no; others pass.

    The verdict is worked out anew from the report's scores, within the gate's own limits. There are two
    reports: on the training's validation patches, which every quantized bundle has, and on SimEMIT-1's
    validation captures, which takes a bundle that was signed before.

    Args:
        contents: The bundle.
        file: Where it came from, for messages.
        benchmark: The second report must be there; if False, it must say yes where it is there.

    Raises:
        BundleError: Saying what was lost and what may be.
    """
    if contents.int8 is None:
        return
    quantization = contents.manifest.get(MANIFEST_FIELD)
    reports = quantization if isinstance(quantization, Mapping) else {}
    _require_verdict(reports.get("gate"), "gate", PATCH_REMEDY, file)
    report: Any = reports.get(BENCHMARK_GATE)
    if benchmark or report is not None:
        _require_verdict(report, BENCHMARK_GATE, BENCHMARK_REMEDY, file)
    if benchmark and report["frozen"] is not True:
        raise BundleError(
            "the gate was not judged on the benchmark's own captures",
            file=file,
            field=f"manifest.json: {MANIFEST_FIELD}.{BENCHMARK_GATE}.frozen",
            found=report["frozen"],
            expected=True,
            remedy=BENCHMARK_REMEDY,
        )


def _require_verdict(report: Any, name: str, remedy: str, file: Path | None) -> None:
    from quantize.gate import Limits, verdict_of

    verdict, limits = verdict_of(report), Limits()
    where = f"manifest.json: {MANIFEST_FIELD}.{name}"
    if verdict is None or (name == BENCHMARK_GATE and "frozen" not in report):
        raise BundleError(
            "a quantized bundle needs the gate's report",
            file=file,
            field=where,
            found="no such report" if report is None else "another object",
            expected="the report of a judged quantization",
            remedy=remedy,
        )
    allowed, widest = verdict.limits.as_dict(), limits.as_dict()
    if not verdict.passed or any(allowed[name] > widest[name] for name in widest):
        raise BundleError(
            "the gate refuses the quantized body",
            file=file,
            field=where,
            found={"lost": verdict.losses, "allowed": allowed},
            expected=f"a loss within {widest}",
            remedy="fine-tune it with `onboard quantize --fine-tune 300`, or fly float32",
        )
