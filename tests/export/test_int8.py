"""A quantized body becomes a part of a bundle, and no bundle is signed against its gate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from export.int8 import BODY_DIGEST, FORM, REPORT, load_quantized, require_gate
from onboard.errors import BundleError, CaptureError
from onboard.flight.bundle import read_container
from onboard.flight.contents import Contents, read_contents
from onboard.flight.int8_body import INT8_PART
from quantize.gate import Limits, Verdict
from tests.support.bundles import build_test_bundle, plan_for
from tests.support.int8 import build_int8_bundle, random_body

FLOAT_BODY = b"the float body"
EXACT = {"methane_f1": 0.7, "mineral_f1": 0.6}


def verdict(methane: float = 0.699, mineral: float = 0.6, limits: Limits | None = None) -> dict[str, Any]:
    return Verdict(
        "4 patches", EXACT, {"methane_f1": methane, "mineral_f1": mineral}, limits or Limits()
    ).as_dict()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    report = {
        "calibration": {"seed": 1},
        "fine_tuning": None,
        "gate": {FORM: verdict()},
        BODY_DIGEST: hashlib.sha256(FLOAT_BODY).hexdigest(),
    }
    (tmp_path / REPORT).write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / INT8_PART).write_bytes(random_body(plan_for()).pack())
    return tmp_path


def contents_with(quantization: object) -> Contents:
    return read_contents(read_container(build_int8_bundle(manifest={"quantization": quantization}).data))


def test_the_part_and_its_fields_are_read(folder: Path) -> None:
    found = load_quantized(folder, FLOAT_BODY)
    assert found.part == (folder / INT8_PART).read_bytes()
    assert found.fields["precision"] == "int8"
    assert found.fields["quantization"]["gate"]["passed"] is True


def test_a_body_of_another_training_is_refused(folder: Path) -> None:
    with pytest.raises(CaptureError, match="another training"):
        load_quantized(folder, b"another body")


@pytest.mark.parametrize("missing", [REPORT, INT8_PART, "gate"])
def test_a_folder_that_is_not_whole_is_refused(folder: Path, missing: str) -> None:
    if missing == "gate":
        report = json.loads((folder / REPORT).read_text())
        del report["gate"][FORM]
        (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")
    else:
        (folder / missing).unlink()
    with pytest.raises(CaptureError, match="onboard quantize"):
        load_quantized(folder, FLOAT_BODY)


def test_a_damaged_part_is_refused(folder: Path) -> None:
    (folder / INT8_PART).write_bytes((folder / INT8_PART).read_bytes()[:-1])
    with pytest.raises(BundleError, match="quantized body"):
        load_quantized(folder, FLOAT_BODY)


def test_the_gate_lets_float_bundles_and_good_verdicts_pass() -> None:
    require_gate(read_contents(read_container(build_test_bundle().data)))
    require_gate(contents_with({"gate": verdict()}))


@pytest.mark.parametrize(
    "quantization",
    [
        None,
        [],
        {},
        {"gate": None},
        {"gate": {"passed": True}},
        {"gate": verdict() | {"float32": {"methane_f1": "x"}}},
    ],
)
def test_a_missing_report_is_refused(quantization: object) -> None:
    with pytest.raises(BundleError, match="needs the gate's report"):
        require_gate(contents_with(quantization))


def test_the_gate_on_the_benchmark_is_asked_for_or_held_to_where_it_is() -> None:
    good = verdict() | {"frozen": True}
    require_gate(contents_with({"gate": verdict(), "benchmark_gate": good}), benchmark=True)
    require_gate(contents_with({"gate": verdict(), "benchmark_gate": good | {"frozen": False}}))
    for reports in (
        {},
        {"benchmark_gate": None},
        {"benchmark_gate": verdict()},
        {"benchmark_gate": good | {"frozen": False}},
        {"benchmark_gate": good | {"frozen": "yes"}},
        {"benchmark_gate": verdict(methane=0.69) | {"frozen": True}},
    ):
        with pytest.raises(BundleError, match="benchmark_gate"):
            require_gate(contents_with({"gate": verdict(), **reports}), benchmark=True)
    with pytest.raises(BundleError, match="gate refuses"):
        require_gate(contents_with({"gate": verdict(), "benchmark_gate": verdict(0.69) | {"frozen": True}}))


def test_a_report_is_added_beside_the_first(folder: Path) -> None:
    found = load_quantized(folder, FLOAT_BODY)
    more = found.with_report("benchmark_gate", {"passed": True})
    assert more.fields["quantization"]["benchmark_gate"] == {"passed": True}
    assert more.fields["quantization"]["gate"] == found.fields["quantization"]["gate"]
    assert "benchmark_gate" not in found.fields["quantization"]


@pytest.mark.parametrize(
    "report",
    [
        verdict(methane=0.69),
        verdict(mineral=0.58),
        verdict(methane=0.69) | {"passed": True, "lost": {"methane_f1": 0.0, "mineral_f1": 0.0}},
        verdict(methane=0.69, limits=Limits(0.1, 0.1)),
        verdict(methane=float("nan")),
    ],
)
def test_a_failed_gate_is_refused_whatever_it_says_of_itself(report: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=r"gate"):
        require_gate(contents_with({"gate": report}))
