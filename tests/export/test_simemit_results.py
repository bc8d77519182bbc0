"""Results of the benchmark, read back and held against the counts beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from export.simemit_results import find_sets, read_set
from onboard.errors import CaptureError
from onboard.scenes.simemit import benchmark_name
from tests.support.simemit import score


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    (folder / "b.onb").write_bytes(b"one")
    return score(folder / "out", folder / "b.onb", ("flight", "column-filter"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "out")
    return tmp_path / "out"


def change(file: Path, **values: Any) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | values))


def test_both_sets_are_found_and_read(out: Path) -> None:
    first, second = (read_set(place) for place in find_sets(out))
    assert (first.part, second.part) == ("validation", "test")
    assert first.benchmark == benchmark_name()
    assert len(second.captures) == len(second.recipes) == 8
    assert not second.frozen
    flight = second.methods["flight"]
    assert flight.limits is not None
    assert flight.chosen is not None
    assert flight.chosen["chosen_on"] == list(first.captures)
    assert flight.groups["all"]["pixels"]["f1"] > 0
    assert flight.date.startswith("20")
    assert first.methods["flight"].limits is None
    assert find_sets(out / "test") == [out / "test"]


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no results"):
        find_sets(tmp_path)
    with pytest.raises(CaptureError, match="cannot be read"):
        read_set(tmp_path)


@pytest.mark.parametrize("field", ["benchmark", "captures", "frozen", "rules", "methods"])
def test_a_field_of_another_kind_is_named(out: Path, field: str) -> None:
    change(out / "test/results.json", **{field: 5})
    with pytest.raises(CaptureError, match=f"field: {field}"):
        read_set(out / "test")


def test_no_captures_are_no_results(out: Path) -> None:
    change(out / "test/results.json", captures=[])
    with pytest.raises(CaptureError, match="captures"):
        read_set(out / "test")


def test_a_missing_capture_is_named(out: Path) -> None:
    name = read_set(out / "test").captures[3]
    (out / "test" / f"{name}.json").unlink()
    with pytest.raises(CaptureError, match=name):
        read_set(out / "test")


def test_captures_scored_with_different_bundles_are_refused(out: Path) -> None:
    file = next((out / "test").glob("test-*.json"))
    content = json.loads(file.read_text())
    content["methods"]["flight"]["bundle"] = "ab" * 32
    file.write_text(json.dumps(content))
    with pytest.raises(CaptureError, match="not scored alike"):
        read_set(out / "test")


def test_other_thresholds_than_validation_gave_are_refused(out: Path) -> None:
    file = out / "thresholds.json"
    content = json.loads(file.read_text())
    content["flight"]["limits"]["plume"] = 0.123
    file.write_text(json.dumps(content))
    with pytest.raises(CaptureError, match="other thresholds"):
        read_set(out / "test")
    file.unlink()
    with pytest.raises(CaptureError, match=r"thresholds\.json"):
        read_set(out / "test")


def test_results_that_contradict_their_counts_are_refused(out: Path) -> None:
    file = out / "test/results.json"
    content = json.loads(file.read_text())
    content["methods"]["flight"]["all"]["pixels"]["auprc"] += 0.01
    file.write_text(json.dumps(content))
    with pytest.raises(CaptureError, match="contradict") as caught:
        read_set(out / "test")
    assert caught.value.field == "flight: pixels.auprc"


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_damaged_files_are_named(out: Path, text: str) -> None:
    (out / "test/results.json").write_text(text)
    with pytest.raises(CaptureError, match=r"results\.json"):
        read_set(out / "test")


def test_counts_without_a_date_are_as_old_as_their_file(out: Path) -> None:
    for file in (out / "test").glob("test-*.json"):
        content = json.loads(file.read_text())
        for method in content["methods"].values():
            del method["scored"]
        file.write_text(json.dumps(content))
        import os

        os.utime(file, (86_400.0, 86_400.0))
    assert read_set(out / "test").methods["flight"].date == "1970-01-02"
