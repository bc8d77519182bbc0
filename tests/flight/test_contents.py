"""Parts, plan and manifest of a bundle must agree with one another."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.bundle import write_container
from onboard.errors import BundleError
from onboard.flight.bundle import read_container
from onboard.flight.class_plan import CLASSES_PART, ClassPlan
from onboard.flight.contents import REQUIRED_PARTS, Contents, read_contents
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan

SIZED_PARTS = [name for name in REQUIRED_PARTS if not name.endswith((".onnx", ".json"))]


def contents_of(parts: dict[str, bytes], sequence: int = SEQUENCE) -> Contents:
    return read_contents(read_container(write_container(parts, sequence), name="x.onb"))


def with_manifest(**changes: Any) -> dict[str, bytes]:
    manifest = sample_manifest(sample_plan()) | changes
    return sample_parts(manifest__json=json.dumps(manifest).encode())


def f32(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def test_parts_are_decoded() -> None:
    contents = contents_of(sample_parts())
    assert contents.plan == sample_plan()
    assert contents.centres[0] == 400
    assert contents.fwhm.tolist() == [9.0] * 12
    assert contents.mf_bands.tolist() == [2, 5, 10, 11]
    assert contents.alphas.tolist() == [0, 1000, 4000]
    assert contents.log_transmittance.shape == (3, 4)
    assert contents.log_transmittance[2, 0] == np.float32(-0.05)
    assert contents.noise.shape == (2, 4)
    assert contents.known_input is None


def test_a_known_answer_is_decoded() -> None:
    plan = sample_plan(known_lines=2, known_samples=3)
    known = np.arange(2 * 3 * 12, dtype="<f4")
    answer = np.arange(2 * 2 * 3, dtype="<f4")
    contents = contents_of(
        sample_parts(plan, known_input__f32=known.tobytes(), known_output__f32=answer.tobytes())
    )
    assert contents.known_input is not None
    assert contents.known_output is not None
    assert contents.known_input[1, 2, 11] == 71
    assert contents.known_output.shape == (2, 2, 3)


def test_classes_of_ground_are_decoded_where_there_are_some() -> None:
    assert contents_of(sample_parts()).classes is None
    part = ClassPlan(np.array([11, 0]), np.array([[1, -2], [3, 4]], np.int16)).pack(12)
    classes = contents_of({**sample_parts(), CLASSES_PART: part}).classes
    assert classes is not None
    assert classes.bands.tolist() == [11, 0]
    assert classes.centres.tolist() == [[1, -2], [3, 4]]
    with pytest.raises(BundleError, match="band_index"):
        contents_of({**sample_parts(), CLASSES_PART: part[:8] + b"\x0c" + part[9:]})


@pytest.mark.parametrize("name", REQUIRED_PARTS)
def test_a_missing_part_is_named(name: str) -> None:
    parts = sample_parts()
    del parts[name]
    with pytest.raises(BundleError, match=name):
        contents_of(parts)


@given(st.sampled_from(SIZED_PARTS), st.integers(1, 12))
def test_a_part_of_another_size_is_refused(name: str, cut: int) -> None:
    parts = sample_parts()
    parts[name] = parts[name][:-cut] or b"\0"
    with pytest.raises(BundleError, match=name.partition(".")[0]):
        contents_of(parts)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bands__f32": f32(*[0.0] * 24)}, "bands.f32"),
        ({"bands__f32": f32(*[float("nan")] * 24)}, "bands.f32"),
        ({"reference__f32": f32(*[-1.0] * 12)}, "reference.f32"),
        ({"mf_bands__u16": np.array([1, 2, 3, 12], "<u2").tobytes()}, "mf_bands.u16"),
        ({"mf_bands__u16": np.array([1, 3, 3, 4], "<u2").tobytes()}, "mf_bands.u16"),
        ({"mf_noise__f32": f32(*[-1.0] * 8)}, "mf_noise.f32"),
        ({"mf_curve__f32": f32(1, 2, 3, *[0.0] * 4, *[-0.1] * 8)}, "rising from 0"),
        ({"mf_curve__f32": f32(0, 2, 2, *[0.0] * 4, *[-0.1] * 8)}, "rising from 0"),
        ({"mf_curve__f32": f32(0, 1, 2, *[0.0] * 4, *[0.1] * 8)}, "at most 1"),
        ({"mf_curve__f32": f32(0, 1, 2, *[-0.1] * 12)}, "transmittance 1"),
        ({"mf_curve__f32": f32(0, 1, 2, *[0.0] * 12)}, "absorption"),
        ({"known_input__f32": f32(1)}, "known_input.f32"),
        ({"manifest__json": b"{"}, "no JSON"),
        ({"manifest__json": b"\xff"}, "no JSON"),
        ({"manifest__json": b"[" * 200_000}, "no JSON"),
        ({"manifest__json": b"[]"}, "no object"),
        ({"manifest__json": b" " * (1 << 20) + b"{}"}, "too long"),
    ],
)
def test_senseless_values_are_named(changes: dict[str, bytes], field: str) -> None:
    with pytest.raises(BundleError, match=field):
        contents_of(sample_parts() | {name.replace("__", "."): part for name, part in changes.items()})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"format": 2}, "format"),
        ({"sequence": SEQUENCE + 1}, "sequence"),
        ({"name": 5}, "name"),
        ({"bands": {"count": 285}}, r"bands\.count"),
        ({"bands": None}, r"bands\.count"),
        ({"minerals": ["a", "b"]}, "minerals"),
        ({"minerals": ["a", "b", "b"]}, "minerals"),
        ({"minerals": ["a", "b", 3]}, "minerals"),
        ({"products": {"methane": {"required_nm": [[2130, 2440]]}}}, "products"),
        ({"products": {"methane": {}, "minerals": {}}}, "required_nm"),
        (
            {"products": {"methane": {"required_nm": [[9, 1]]}, "minerals": {"required_nm": [[1, 2]]}}},
            "methane",
        ),
        ({"plan": {}}, "plan"),
        ({"plan": sample_plan(kappa=33).to_json()}, r"plan\.kappa"),
        ({"plan": sample_plan(mineral_thresholds=[0.5, 0.6, 0.71]).to_json()}, r"plan\.mineral_thresholds"),
        ({"plan": sample_plan(inference_bytes=4096).to_json()}, r"plan\.inference_bytes"),
    ],
)
def test_a_manifest_that_contradicts_the_bundle_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BundleError, match=field):
        contents_of(with_manifest(**changes))


def test_a_changed_sequence_in_the_header_is_noticed() -> None:
    with pytest.raises(BundleError, match="sequence"):
        contents_of(sample_parts(), sequence=SEQUENCE + 1)
