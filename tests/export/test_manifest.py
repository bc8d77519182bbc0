"""The manifest says what the plan says, and is proper JSON."""

from __future__ import annotations

import json

from export.manifest import Label, build_manifest, encode_manifest, mlm_fields
from export.onnx import Graph
from tests.export.samples import MINERAL_NAMES, sample_plan

LABEL = Label("n", "1.2", "2026-01-02T03:04:05Z", 9)


def graph(name: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Graph:
    return Graph(name, b"", "in", inputs, "out", outputs, {"Conv": 2}, 1e-6)


def test_the_manifest_repeats_the_plan_in_short_numbers() -> None:
    plan = sample_plan(mineral_thresholds=[0.1, 0.2, 0.3])
    manifest = json.loads(encode_manifest(build_manifest(LABEL, plan, MINERAL_NAMES)))
    assert manifest["plan"] == plan.to_json()
    assert b"0.1," in encode_manifest(manifest)
    assert manifest["plan"]["mineral_thresholds"] == [0.1, 0.2, 0.3]
    assert manifest["sequence"] == 9
    assert manifest["minerals"] == list(MINERAL_NAMES)


def test_products_that_the_plan_lacks_are_left_out() -> None:
    plan = sample_plan(products=1)
    assert set(build_manifest(LABEL, plan, MINERAL_NAMES)["products"]) == {"methane"}


def test_what_is_no_number_becomes_null() -> None:
    text = encode_manifest({"a": float("nan"), "b": [float("inf"), {"c": -float("inf")}], "d": 1.5})
    assert json.loads(text) == {"a": None, "b": [None, {"c": None}], "d": 1.5}


def test_the_mlm_extension_s_required_fields_are_there() -> None:
    stem, body = graph("stem", (16, 12), (16, 5)), graph("body", (1, 9, 16, 16), (1, 4, 16, 16))
    fields = mlm_fields(LABEL, "linescan", 100, sample_plan(), stem, body)
    for name in ("name", "architecture", "tasks", "input", "output"):
        assert fields[f"mlm:{name}"]
    for item in fields["mlm:input"]:
        assert set(item) == {"name", "bands", "input"}
        assert len(item["input"]["shape"]) == len(item["input"]["dim_order"])
    for item in fields["mlm:output"]:
        assert len(item["result"]["shape"]) == len(item["result"]["dim_order"])
    assert fields["mlm:memory_size"] == sample_plan().inference_bytes
