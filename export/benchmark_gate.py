"""The gate on SimEMIT-1: a quantized bundle against the float32 bundle of the same training, both flown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.card_accuracy import METHOD, read_results, require_same_networks
from export.simemit_results import SetResults
from onboard.errors import CaptureError, UsageError
from onboard.flight.bundle import read_container
from onboard.flight.contents import FLOAT_PART
from onboard.flight.int8_body import INT8_PART

BENCHMARK_GATE = "benchmark_gate"
PART = "validation"


@dataclass(frozen=True)
class FloatFlight:
    """The flight that a quantized one is held against.

    Attributes:
        results: What ``bench.simemit --out`` wrote of the float32 bundle.
        bundle: That bundle.
    """

    results: Path
    bundle: Path


def judge_flights(
    exact: FloatFlight, found: Sequence[SetResults], scored: Path, float_body: bytes
) -> dict[str, Any]:
    """Return the gate's report of two flights over SimEMIT-1's validation set.

    Args:
        exact: The float32 bundle, and what the benchmark said of it.
        found: What it said of the quantized bundle.
        scored: The quantized bundle.
        float_body: The training's exported body, which the float32 bundle must have flown.

    Raises:
        CaptureError: Results are missing or damaged, or the two are of different captures.
        UsageError: A bundle or its results are of another training.
        BundleError: A bundle cannot be read.
    """
    from quantize.gate import judge_results

    container = read_container(exact.bundle)
    if bytes(container.parts.get(FLOAT_PART, b"")) != float_body:
        raise UsageError(
            "the float32 bundle is of another training",
            file=exact.bundle,
            field=FLOAT_PART,
            found="another body" if FLOAT_PART in container.parts else "none",
            expected="the body of this training in float32",
            remedy="build one without --precision int8, sign it, and score it with bench.simemit",
        )
    require_same_networks(container, scored, but=(FLOAT_PART, INT8_PART))
    one, other = _validation(read_results(exact.results, exact.bundle), exact.results), _validation(found)
    verdict = judge_results(one.file, other.file)
    return verdict.as_dict() | {
        "frozen": one.frozen and other.frozen,
        "float32_bundle": one.methods[METHOD].bundle,
        "quantized_bundle": other.methods[METHOD].bundle,
    }


def _validation(found: Sequence[SetResults], folder: Path | None = None) -> SetResults:
    for item in found:
        if item.part == PART:
            return item
    raise CaptureError(
        "the gate needs scores of the validation set",
        file=folder or found[0].file.parent,
        field="set",
        found=[item.part for item in found],
        expected=PART,
        remedy="score both bundles with `python -m bench.simemit --set validation`",
    )
