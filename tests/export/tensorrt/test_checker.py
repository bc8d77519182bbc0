"""Each broken file trips exactly its own rule, at its own node; good files pass; bundles are read whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.bundle import write_container
from export.tensorrt.checker import (
    RULES,
    check_file,
    check_model,
    read_source,
    require_accepted,
)
from onboard.errors import BundleError
from onboard.flight.bundle import default_bundle_path
from tests.export.tensorrt.broken import BROKEN, GOOD, simple
from tests.export.tensorrt.graphs import Maker, good_float, good_quantized


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_trips_its_own_rule_and_no_other(name: str) -> None:
    rule, node, make = BROKEN[name]
    report = check_model(make(), f"{name}.onnx")
    assert {item.rule for item in report.errors} == {rule}, report.findings
    assert report.errors[0].node == node


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_passes(name: str) -> None:
    report = check_model(GOOD[name](), f"{name}.onnx")
    assert report.findings == ()
    assert report.precision == ("int8" if name == "quantized" else "float32")


def test_every_rule_that_refuses_has_a_broken_file_and_a_source() -> None:
    refusing = {rule.identity for rule in RULES if rule.severity == "error"}
    assert refusing == {rule for rule, _, _ in BROKEN.values()}
    assert len(BROKEN) >= 12
    assert len({rule.identity for rule in RULES}) == len(RULES)
    assert all("Source:" in (rule.check.__doc__ or "") for rule in RULES)


@pytest.mark.parametrize("shipped", [True, False])
def test_bundles_pass_graph_by_graph(shipped: bool, float_bundle: Path) -> None:
    report = check_file(default_bundle_path() if shipped else float_bundle)
    assert report.kind == "bundle"
    graphs = {"stem.onnx", "denoiser.onnx"} if shipped else {"stem.onnx", "body.onnx"}
    assert {graph.graph for graph in report.graphs} == graphs
    assert not report.refused
    require_accepted(report)


def test_a_bundle_is_refused_for_one_of_its_graphs(tmp_path: Path) -> None:
    path = tmp_path / "x.onb"
    parts = {"stem.onnx": good_float(), "body.onnx": BROKEN["unsigned"][2](), "plan.bin": b"no graph"}
    path.write_bytes(write_container(parts, 1))
    report = check_file(path)
    assert [bool(graph.errors) for graph in report.graphs] == [False, True]
    with pytest.raises(BundleError) as caught:
        require_accepted(report)
    text = str(caught.value)
    assert "body.onnx: input_q" in text
    assert "unsigned" in text
    assert "remedy" in text


def test_the_report_is_json_and_text(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(BROKEN["zero_point"][2]())
    report = check_file(path)
    back = json.loads(json.dumps(report.to_json()))
    assert back["refused"] is True
    assert back["graphs"][0]["findings"][0]["rule"] == "zero-point"
    assert back["graphs"][0]["findings"][0]["found"] == "zero point 3"
    assert report.lines()[0].startswith("x.onnx: refused; int8 in Q/DQ form, opset 18")
    assert "error zero-point at x.onnx: input_q" in report.lines()[1]


def test_files_that_hold_no_graph_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "x.onb"
    empty.write_bytes(write_container({"plan.bin": b"no graph"}, 1))
    with pytest.raises(BundleError, match="holds no graph"):
        read_source(empty)
    with pytest.raises(BundleError, match="cannot be read"):
        read_source(tmp_path / "none.onnx")
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(bytes(range(256)))
    with pytest.raises(BundleError, match="ONNX graph"):
        check_file(noise)
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(good_quantized()[:-40])
    with pytest.raises(BundleError, match="ONNX graph"):
        check_file(cut)


@given(st.integers(-128, 127), st.floats(-1.0, 1.0, width=32))
@settings(max_examples=40, deadline=None)
def test_only_zero_points_of_zero_and_positive_scales_pass(point: int, scale: float) -> None:
    report = check_model(simple(Maker(), point=np.int8(point), scale=np.float32(scale)), "x.onnx")
    expected = {"zero-point"} if point else set()
    if not scale > 0:
        expected |= {"scale-value"}
    assert {item.rule for item in report.errors} == expected
