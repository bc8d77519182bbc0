"""A card is made of files alone, and says what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest

from export.bundle import write_container
from export.card import (
    TEXTS,
    CardMaker,
    Sources,
    calibration_line,
    encode_card,
    read_texts,
    rounded,
    standing,
    uses,
)
from export.reproduce import Options
from export.run_folder import load_run
from onboard.errors import CaptureError
from onboard.flight.bundle import read_container
from onboard.flight.card import CARD_MAX_BYTES, CARD_PART, CARD_SECTIONS, read_card
from onboard.replay.products import ProductsHeader, ProductsWriter
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan, write_run_folder
from tests.support.cards import carded_parts, gate_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("card")


@pytest.fixture(scope="module")
def parts(folder: Path) -> dict[str, bytes]:
    return carded_parts(folder)


@pytest.fixture(scope="module")
def card(parts: dict[str, bytes]) -> dict[str, Any]:
    found = read_card(read_container(write_container(parts, SEQUENCE)))
    assert found is not None
    return found


def test_the_reader_takes_what_the_maker_makes(card: dict[str, Any]) -> None:
    assert set(CARD_SECTIONS) <= set(card)
    assert card["bundle"]["name"] == "sample"
    assert set(card["parts"]) == {"stem.onnx", "body.onnx"}


def test_thresholds_are_the_plan_s(card: dict[str, Any]) -> None:
    plan = sample_plan().to_json()
    rows = {row["name"]: row["value"] for row in card["thresholds"]}
    assert rows["plume_threshold"] == plan["plume_threshold"]
    assert [rows[name] for name in ("calcite", "gypsum", "kaolinite")] == plan["mineral_thresholds"]
    reasons = {row["name"]: row["chosen_for"] for row in card["thresholds"]}
    assert "3000 ppm m at no more than 2 false events" in reasons["event_peak_probability"]


def test_accuracy_is_of_both_sets_and_of_patches(card: dict[str, Any]) -> None:
    sets = [(row["on"], row["set"]) for row in card["accuracy"]["sets"]]
    assert [part for _, part in sets] == ["validation", "test"] * 2
    assert sets[0][0].startswith("SimEMIT-1 revision")
    assert sets[2][0] == "patches"
    assert {row["of"] for row in card["calibration"]["measured"]} == {"plume", "minerals"}
    assert "1000 ppm m" in card["accuracy"]["notes"]["patches"]


def test_the_line_says_for_what_it_was_fitted() -> None:
    texts = read_texts()["calibration"]
    told = calibration_line(texts, {"probability_label": 2000.0, "plume_share": 0.002})
    assert told.endswith("at least 2000 ppm m, and for captures of which 0.20% is such plume")
    assert calibration_line(texts, {}) == texts["line"]


def test_the_gate_s_report_is_in_it(card: dict[str, Any]) -> None:
    assert card["precision"]["gate"] == rounded(gate_report()["gate"])
    assert card["precision"]["calibration_set"] == gate_report()["calibration"]


def test_outputs_have_the_names_and_units_of_products(card: dict[str, Any], tmp_path: Path) -> None:
    header = ProductsHeader(4, 3, ("methane", "minerals"), ("calcite",), 2, 0.5, (0.5,))
    with ProductsWriter(tmp_path / "products.nc", header):
        pass
    with h5py.File(tmp_path / "products.nc") as file:
        for item in read_texts()["outputs"]:
            if item["product"] != "denoiser":
                assert file[item["name"]].dtype == item["type"]
                assert file[item["name"]].attrs.get("units", "1") == item["unit"]
    assert "denoiser" not in {item.get("product") for item in card["outputs"]}


def test_nothing_of_this_machine_is_in_it(parts: dict[str, bytes], folder: Path) -> None:
    assert str(folder).encode() not in parts[CARD_PART]


def test_the_same_files_give_the_same_card(parts: dict[str, bytes], tmp_path: Path) -> None:
    again = carded_parts(tmp_path)
    one, other = (json.loads(each[CARD_PART]) for each in (parts, again))
    for found in (one, other):
        # The weights' own time, and a checkout that may change under a test.
        found["training"].pop("finished")
        found.pop("provenance")
    assert one == other


def test_a_bare_training_leaves_sections_open(tmp_path: Path) -> None:
    run = load_run(write_run_folder(tmp_path / "run"))
    card = CardMaker(Sources(run, None, [], Options("x", 1))).make(
        sample_manifest(sample_plan()), sample_parts(), run.tables
    )
    assert card["training"]["samples_seen"] is None
    assert card["calibration"] == {"line": None, "measured": []}
    assert card["precision"]["gate"] is None
    assert [row["set"] for row in card["accuracy"]["sets"]] == ["test"]
    # What is no number is null: JSON knows no NaN.
    assert card["accuracy"]["sets"][0]["scores"]["odd"] is None
    assert any("seed not recorded" in line for line in card["limits"]["standing"])
    encode_card(card)


def test_metrics_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "run")
    (folder / "metrics.json").write_text(json.dumps({"test": 4}))
    with pytest.raises(CaptureError, match="scores are damaged"):
        CardMaker(Sources(load_run(folder), None, [], Options("x", 1)))


def test_words_are_read_or_refused(tmp_path: Path) -> None:
    assert read_texts()["input"]["unit"] == "uW cm-2 sr-1 nm-1"
    (tmp_path / "bad.toml").write_text("[")
    for name in ("bad.toml", "none.toml"):
        with pytest.raises(CaptureError, match=name):
            read_texts(tmp_path / name)
    assert TEXTS.is_file()


def test_a_denoiser_adds_its_own_words() -> None:
    texts = read_texts()
    plain, more = (uses(texts["uses"], denoises) for denoises in (False, True))
    assert len(more["intended"]) > len(plain["intended"])
    assert len(standing(texts["limits"], 3, True)) == len(standing(texts["limits"], 3, False)) + 1


def test_a_card_that_no_reader_takes_is_not_written() -> None:
    with pytest.raises(CaptureError, match="too long"):
        encode_card({"text": "x" * CARD_MAX_BYTES})


def test_figures_keep_five_digits() -> None:
    found = rounded({"a": [0.123456789, float("nan"), 3, True], "b": (123456.0, "x", None)})
    assert found == {"a": [0.12346, None, 3, True], "b": [123460.0, "x", None]}
