"""Accuracy out of files: whose results they are, and what a card keeps of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.bundle import write_container
from export.card_accuracy import (
    benchmark_accuracy,
    calibration_figures,
    patch_accuracy,
    read_results,
    require_same_networks,
)
from onboard.errors import BundleError, CaptureError, UsageError
from onboard.flight.bundle import Container, read_container
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan
from tests.support.simemit import score


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("accuracy") / "b.onb"
    path.write_bytes(write_container(sample_parts(), SEQUENCE))
    return path


@pytest.fixture(scope="module")
def out(bundle: Path) -> Path:
    return score(bundle.parent / "out", bundle, ("flight", "column-filter"))


def test_the_card_keeps_what_the_benchmark_says(out: Path, bundle: Path) -> None:
    validation, test = read_results(out, bundle)
    said = test.methods["flight"].groups
    row = benchmark_accuracy(test)
    assert row["groups"]["all"]["f1"] == said["all"]["pixels"]["f1"]
    assert row["groups"]["arid-bright"]["mineral_macro_f1"] == said["arid-bright"]["minerals"]["macro_f1"]
    assert "arid-bright, with plumes" not in row["groups"]
    assert row["recall"]["emission_kg_h"] == said["all"]["plumes"]["by_emission_kg_h"]
    assert row["minerals"]["calcite"]["f1"] == said["all"]["minerals"]["per_mineral"]["calcite"]["f1"]
    assert row["plume_label_ppm_m"] == [2000.0]
    assert list(row["beside"]) == ["column-filter"]
    assert row["beside"]["column-filter"]["mineral_macro_f1"] is None
    unjudged = benchmark_accuracy(validation)
    assert unjudged["thresholds"] is None
    assert unjudged["groups"]["all"]["f1"] is None
    assert unjudged["groups"]["all"]["auprc"] > 0
    assert unjudged["recall"] == {"emission_kg_h": [], "peak_ppm_m": []}


def test_calibration_is_counted_over_all_captures(out: Path, bundle: Path) -> None:
    rows = calibration_figures(read_results(out / "test", bundle)[0])
    assert [row["of"] for row in rows] == ["plume", "minerals"]
    assert all(0 <= row["ece"] <= 1 for row in rows)
    # A fifth of all pixels has each mineral.
    assert rows[1]["true"] == pytest.approx(0.2, abs=0.01)


def test_results_of_another_bundle_are_refused(out: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onb"
    other.write_bytes(write_container(sample_parts(), SEQUENCE + 1))
    with pytest.raises(UsageError, match="another bundle") as caught:
        read_results(out, other)
    assert "--scored" in str(caught.value)
    with pytest.raises(BundleError):
        read_results(out, tmp_path / "none.onb")


def test_results_of_no_flight_are_refused(bundle: Path, tmp_path: Path) -> None:
    score(tmp_path, bundle, ("column-filter",), ("validation",))
    with pytest.raises(UsageError, match="no flight"):
        read_results(tmp_path, bundle)


def container(**changes: bytes) -> Container:
    changed = {name.replace("__", "."): part for name, part in changes.items()}
    return read_container(write_container(sample_parts() | changed, SEQUENCE))


def with_plan(**values: object) -> Container:
    plan = sample_plan(**values)
    from export.manifest import encode_manifest

    parts = sample_parts(plan, manifest__json=encode_manifest(sample_manifest(plan)))
    return read_container(write_container(parts, SEQUENCE))


def test_what_decides_no_probability_may_differ(bundle: Path) -> None:
    require_same_networks(container(), bundle)
    require_same_networks(with_plan(plume_threshold=0.25, inference_bytes=1 << 21), bundle)
    require_same_networks(container(card__json=b"{}"), bundle)


@pytest.mark.parametrize(
    ("built", "field"),
    [
        (container(stem__onnx=b"other"), "stem.onnx"),
        (container(body__onnx=b"other"), "body.onnx"),
        (with_plan(memory_lines=128), "plan: memory_lines"),
    ],
)
def test_other_networks_or_plans_are_refused(built: Container, field: str, bundle: Path) -> None:
    with pytest.raises(UsageError, match="other networks") as caught:
        require_same_networks(built, bundle)
    assert caught.value.field == field


def test_patches_are_taken_as_the_training_scored_them() -> None:
    assert patch_accuracy({}) == []
    rows = patch_accuracy({"test": {"plume_f1": 0.5}, "seconds": {}})
    assert rows == [{"on": "patches", "set": "test", "scores": {"plume_f1": 0.5}}]
    with pytest.raises(CaptureError, match="field: validation"):
        patch_accuracy({"validation": 3})
