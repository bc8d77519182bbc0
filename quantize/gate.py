"""The gate: a quantized network flies only if it loses next to nothing of the float one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onboard.errors import CaptureError
from onboard.scenes.simemit import benchmark_name
from quantize.scoring import Scores, Thresholds, ValidationSet, score_graph

METHANE_F1_LOSS = 0.005
MINERAL_F1_LOSS = 0.01


@dataclass(frozen=True)
class Limits:
    """What a quantized network may lose at most; gains are free.

    Attributes:
        methane_f1: Pixel F1 of methane.
        mineral_f1: Macro F1 of minerals.
    """

    methane_f1: float = METHANE_F1_LOSS
    mineral_f1: float = MINERAL_F1_LOSS

    def as_dict(self) -> dict[str, float]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """What the gate found.

    Attributes:
        judged_on: The data, in words.
        exact: Scores of the float network.
        found: Scores of the quantized one.
        limits: What was allowed.
    """

    judged_on: str
    exact: Mapping[str, float]
    found: Mapping[str, float]
    limits: Limits = field(default_factory=Limits)

    @property
    def losses(self) -> dict[str, float]:
        """Score of the float network less that of the quantized one."""
        return {name: self.exact[name] - self.found[name] for name in ("methane_f1", "mineral_f1")}

    @property
    def excess(self) -> float:
        """The worst loss as a share of what is allowed; above 1 fails. NaN scores are infinitely bad."""
        shares = [loss / getattr(self.limits, name) for name, loss in self.losses.items()]
        return max(share if share == share else float("inf") for share in shares)

    @property
    def passed(self) -> bool:
        """Whether the quantized network may fly."""
        return self.excess <= 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the report that goes into the bundle."""
        return {
            "judged_on": self.judged_on,
            "float32": dict(self.exact),
            "quantized": dict(self.found),
            "lost": self.losses,
            "allowed": self.limits.as_dict(),
            "passed": self.passed,
        }


def verdict_of(report: object) -> Verdict | None:
    """Return the verdict that :meth:`Verdict.as_dict` once wrote, or None if something else is given."""
    names = ("methane_f1", "mineral_f1")
    try:
        scores = [
            {name: float(report[part][name]) for name in names}  # type: ignore[index]
            for part in ("float32", "quantized", "allowed")
        ]
        judged_on = str(report["judged_on"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None
    exact, found, allowed = scores
    # A score that is no number fails the gate; one that cannot be a score would pass it.
    if not all(
        math.isnan(score) or 0.0 <= score <= 1.0 for part in (exact, found) for score in part.values()
    ):
        return None
    if not all(math.isfinite(limit) and limit > 0.0 for limit in allowed.values()):
        return None
    return Verdict(judged_on, exact, found, Limits(**allowed))


def judge_scores(exact: Scores, found: Scores, judged_on: str, limits: Limits | None = None) -> Verdict:
    """Hold a quantized network's scores against the float one's, at the same thresholds."""
    return Verdict(judged_on, exact.as_dict(), found.as_dict(), limits or Limits())


def judge_graphs(
    exact: bytes,
    quantized: bytes,
    given: ValidationSet,
    thresholds: Thresholds,
    limits: Limits | None = None,
) -> Verdict:
    """Score both graphs on validation patches in ONNX Runtime and hold one against the other.

    Args:
        exact: Float graph for the set's window.
        quantized: Q/DQ graph for the same.
        given: Validation patches.
        thresholds: Those that fly.
        limits: What may be lost.
    """
    both = [score_graph(data, given, thresholds) for data in (exact, quantized)]
    return judge_scores(both[0], both[1], f"{len(given.planes)} validation patches", limits)


def judge_results(
    exact: Path, quantized: Path, method: str = "flight", limits: Limits | None = None
) -> Verdict:
    """Hold two results of the benchmark against each other.

    Args:
        exact: ``results.json`` of the float bundle, as ``python -m bench.simemit`` writes it.
        quantized: That of the quantized bundle, on the same captures.
        method: Which method of them.
        limits: What may be lost.

    Raises:
        CaptureError: A file is none, lacks the method, or the two are of different captures.
    """
    first, second = _read(exact), _read(quantized)
    for name in ("set", "captures", "rules"):
        if first.get(name) != second.get(name):
            raise CaptureError(
                "the two results are of different captures or rules",
                file=quantized,
                field=name,
                found=second.get(name),
                expected=first.get(name),
            )
    where = f"{benchmark_name()} {first['set']}, {len(first['captures'])} captures"
    return Verdict(
        where, _scores(first, method, exact), _scores(second, method, quantized), limits or Limits()
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaptureError("a result of the benchmark cannot be read", file=file, found=error) from None
    found: dict[str, Any] = content if isinstance(content, dict) else {}
    if found.get("benchmark") != benchmark_name():
        raise CaptureError(
            "this is no result of the benchmark",
            file=file,
            field="benchmark",
            found=found.get("benchmark"),
            expected=benchmark_name(),
        )
    return found


def _scores(content: Mapping[str, Any], method: str, file: Path) -> dict[str, float]:
    try:
        whole = content["methods"][method]["all"]
        pixels, minerals = whole["pixels"], whole["minerals"]
        # Where thresholds are chosen on the set itself, its results hold the best F1 alone.
        return {
            "methane_f1": float(pixels["f1"] if "f1" in pixels else pixels["best_f1"]),
            "methane_auprc": float(pixels["auprc"]),
            "mineral_f1": float(
                minerals["macro_best_f1"] if minerals["macro_f1"] is None else minerals["macro_f1"]
            ),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise CaptureError(
            "a result of the benchmark lacks a score", file=file, field=f"methods.{method}.all", found=error
        ) from None
