"""Two flights held together: of the same training and the same captures, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.benchmark_gate import FloatFlight, judge_flights
from export.bundle import write_container
from export.card_accuracy import read_results
from onboard.errors import CaptureError, UsageError
from onboard.flight.bundle import read_container
from quantize.gate import verdict_of
from tests.export.samples import SEQUENCE, sample_parts
from tests.support.bundles import build_test_bundle
from tests.support.int8 import build_int8_bundle
from tests.support.simemit import score


def body_of(bundle: Path) -> bytes:
    return bytes(read_container(bundle).parts["body.onnx"])


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> FloatFlight:
    home = tmp_path_factory.mktemp("exact")
    (home / "f.onb").write_bytes(build_test_bundle().data)
    return FloatFlight(score(home / "out", home / "f.onb", parts=("validation",)), home / "f.onb")


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the quantized bundle; its results lie beside it."""
    home = tmp_path_factory.mktemp("int8")
    (home / "i.onb").write_bytes(build_int8_bundle().data)
    score(home / "out", home / "i.onb")
    return home / "i.onb"


def test_two_flights_are_held_together(exact: FloatFlight, flown: Path) -> None:
    found = read_results(flown.parent / "out", flown)
    report = judge_flights(exact, found, flown, body_of(exact.bundle))
    verdict = verdict_of(report)
    assert verdict is not None
    validation = next(item for item in found if item.part == "validation")
    groups = validation.methods["flight"].groups["all"]
    assert verdict.found["methane_f1"] == groups["pixels"]["best_f1"]
    assert report["float32"] != report["quantized"]
    assert report["frozen"] is False
    assert report["quantized_bundle"] == validation.methods["flight"].bundle != report["float32_bundle"]


def test_a_float_bundle_of_another_training_is_refused(exact: FloatFlight, flown: Path) -> None:
    found = read_results(flown.parent / "out", flown)
    with pytest.raises(UsageError, match="another training"):
        judge_flights(exact, found, flown, b"another body")
    with pytest.raises(UsageError, match="another training"):
        judge_flights(FloatFlight(exact.results, flown), found, flown, body_of(exact.bundle))


def test_other_tables_are_refused(exact: FloatFlight, flown: Path, tmp_path: Path) -> None:
    other = tmp_path / "o.onb"
    other.write_bytes(write_container(sample_parts(), SEQUENCE))
    found = read_results(flown.parent / "out", flown)
    with pytest.raises(UsageError, match="other networks"):
        judge_flights(FloatFlight(exact.results, other), found, flown, body_of(other))


def test_results_of_another_float_bundle_are_refused(exact: FloatFlight, flown: Path) -> None:
    found = read_results(flown.parent / "out", flown)
    with pytest.raises(UsageError, match="another bundle"):
        judge_flights(FloatFlight(flown.parent / "out", exact.bundle), found, flown, body_of(exact.bundle))


def test_the_validation_set_must_be_there(exact: FloatFlight, flown: Path) -> None:
    found = read_results(flown.parent / "out/test", flown)
    with pytest.raises(CaptureError, match="validation"):
        judge_flights(exact, found, flown, body_of(exact.bundle))
