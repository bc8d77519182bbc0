from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import CaptureError
from onboard.scenes.simemit import benchmark_name
from quantize.gate import Limits, judge_results, judge_scores, verdict_of
from quantize.scoring import Scores

EXACT = Scores(0.70, 0.75, 0.60)


@pytest.mark.parametrize(
    ("methane", "minerals", "passed"),
    [(0.6951, 0.5901, True), (0.694, 0.60, False), (0.70, 0.589, False), (0.9, 0.9, True), (0.9, 0.1, False)],
)
def test_passes_only_within_both_limits(methane: float, minerals: float, passed: bool) -> None:
    assert judge_scores(EXACT, Scores(methane, 0.0, minerals), "patches").passed is passed


@given(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
def test_excess_and_verdict_agree(methane: float, minerals: float) -> None:
    verdict = judge_scores(EXACT, Scores(0.70 - methane, 0.7, 0.60 - minerals), "x", Limits(0.02, 0.05))
    assert verdict.passed == (verdict.losses["methane_f1"] <= 0.02 and verdict.losses["mineral_f1"] <= 0.05)
    assert verdict.passed == (verdict.excess <= 1.0)


def test_a_score_that_is_no_number_fails() -> None:
    assert not judge_scores(EXACT, Scores(float("nan"), 0.7, 0.6), "x").passed


def test_the_report_is_json_and_says_all() -> None:
    report = json.loads(json.dumps(judge_scores(EXACT, Scores(0.699, 0.74, 0.61), "8 patches").as_dict()))
    assert report["passed"] is True
    assert report["judged_on"] == "8 patches"
    assert report["lost"]["methane_f1"] == pytest.approx(0.001)
    assert report["allowed"] == {"methane_f1": 0.005, "mineral_f1": 0.01}


def results(path: Path, f1: float, part: str = "test", **changes: Any) -> Path:
    pixels = {"f1": f1, "auprc": 0.7} if part == "test" else {"best_f1": f1, "auprc": 0.7}
    minerals = {"macro_f1": 0.5 if part == "test" else None, "macro_best_f1": 0.55}
    content = {
        "benchmark": benchmark_name(),
        "set": part,
        "captures": ["a", "b"],
        "rules": {"tolerance": 2},
        "methods": {"flight": {"all": {"pixels": pixels, "minerals": minerals}}},
    }
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize("part", ["test", "validation"])
def test_two_results_of_the_benchmark(tmp_path: Path, part: str) -> None:
    exact = results(tmp_path / "exact.json", 0.70, part)
    close, far = results(tmp_path / "close.json", 0.697, part), results(tmp_path / "far.json", 0.69, part)
    assert judge_results(exact, close).passed
    assert not judge_results(exact, far).passed
    assert judge_results(exact, far).exact["mineral_f1"] == (0.5 if part == "test" else 0.55)


def test_results_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    exact = results(tmp_path / "exact.json", 0.7)
    for changes, problem in (
        ({"captures": ["a"]}, "different captures"),
        ({"benchmark": "another"}, "no result of the benchmark"),
        ({"methods": {}}, "lacks a score"),
    ):
        with pytest.raises(CaptureError, match=problem):
            judge_results(exact, results(tmp_path / "other.json", 0.7, **changes))
    with pytest.raises(CaptureError, match="cannot be read"):
        judge_results(exact, tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("allowed", "methane_f1", 0.0),
        ("allowed", "mineral_f1", -0.005),
        ("allowed", "methane_f1", float("inf")),
        ("quantized", "methane_f1", float("inf")),
        ("float32", "mineral_f1", -3.0),
        ("quantized", "mineral_f1", "much"),
    ],
)
def test_a_report_that_no_gate_wrote_is_none(part: str, name: str, value: Any) -> None:
    report = judge_scores(EXACT, Scores(0.5, 0.7, 0.3), "x").as_dict()
    assert verdict_of(report) is not None
    assert verdict_of(report | {part: {**report[part], name: value}}) is None
