"""The whole card as Markdown, of a card made the way real ones are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onboard.cli.card_markdown import markdown
from onboard.flight.card import CARD_PART
from tests.support.cards import carded_parts


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    parts = carded_parts(tmp_path_factory.mktemp("markdown"))
    return dict(json.loads(parts[CARD_PART]))


def test_every_section_is_there_and_every_table_is_even(card: dict[str, Any]) -> None:
    text = markdown(card)
    assert text.startswith("# sample 0.0.1\n")
    for title in (
        "What for",
        "Known failures and limits",
        "Accuracy",
        "Calibration",
        "Number format",
        "Licence",
    ):
        assert f"\n## {title}\n" in text
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(row) for row in rows}) <= 1
    assert "None" not in text
    assert "nan" not in text.split()


def test_figures_are_the_card_s(card: dict[str, Any]) -> None:
    text = markdown(card)
    test = next(row for row in card["accuracy"]["sets"] if row["set"] == "test" and "groups" in row)
    everything = test["groups"]["all"]
    assert f"{everything['f1']:.3f} | {everything['auprc']:.3f}" in text
    assert f"{everything['plumes_found']} of {everything['plumes']}" in text
    assert "NOT held to its fingerprints" in text
    assert "beside: column-filter" in text
    assert text.index("test set") < text.index("validation set")
    assert "The gate, on 4 validation patches: passed." in text
    macs = card["network"]["macs_a_pixel"]["methane_and_minerals"]
    assert f"{macs / 1000.0:,.2f}" in text
    for row in card["limits"]["measured"]:
        assert f"- {row['says']}" in text


def test_a_denoiser_is_added_to_the_arithmetic(card: dict[str, Any]) -> None:
    denoiser = {"architecture": "denoiser", "parameters": 12345, "bands": 63, "window": [128, 464]}
    denoiser |= {"macs_a_pixel": 7000.0}
    training = card["training"] | {"denoiser": {"recipe": {"steps": 8}, "report": {"patches": 16}}}
    text = markdown(card | {"denoiser": denoiser, "training": training})
    assert "12,345 parameters, 63 bands, windows of 128 x 464" in text
    total = card["network"]["macs_a_pixel"]["methane_and_minerals"] + 7000.0
    assert f"{total / 1000.0:,.2f}" in text
    assert "all three" in text
    assert "all three" not in markdown(card)


def test_what_a_denoiser_takes_off_is_shown(card: dict[str, Any]) -> None:
    denoiser = {"architecture": "denoiser", "parameters": 1, "bands": 63, "window": [128, 464]}
    denoiser |= {"macs_a_pixel": 7000.0}
    measured = {
        "on": "scenes",
        "cubes": 3,
        "case": "stripe",
        "psnr_db": {"noisy": 17.48, "classical": None, "denoised": 41.53},
        "angle_deg": {"noisy": 30.0, "classical": 4.0, "denoised": 2.125},
    }
    text = markdown(card | {"denoiser": denoiser | {"accuracy": [measured]}})
    row = next(line for line in text.splitlines() if "stripe" in line)
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "scenes", "3", "stripe", "17.48", "-", "41.53", "30.00", "4.00", "2.12",
    ]  # fmt: skip
    for older in (denoiser, denoiser | {"accuracy": []}):
        assert "## Noise taken off\n\nNothing was measured." in markdown(card | {"denoiser": older})
    assert "Noise taken off" not in markdown(card)


def test_minutes_are_of_all_runs_where_the_card_knows(card: dict[str, Any]) -> None:
    training = {name: value for name, value in card["training"].items() if name != "seconds"}
    now = markdown(
        card | {"training": training | {"seconds": 120.0, "seconds_of_last_run": {"judging": 60.0}}}
    )
    older = markdown(card | {"training": training | {"seconds_of_last_run": {"training": 120.0}}})
    assert "training, minutes of all runs" in now
    assert "judging, minutes of the last run" in now
    assert "of all runs" not in older
    assert "training, minutes of the last run" in older


def test_a_bare_card_is_shown(card: dict[str, Any]) -> None:
    bare = card | {
        "accuracy": {"notes": {}, "sets": []},
        "calibration": {"line": None, "measured": []},
        "precision": card["precision"] | {"gate": None},
        "limits": {"standing": ["x"], "measured": []},
        "provenance": card["provenance"] | {"commit": None, "changed": None},
        "training": card["training"] | {"patches": None, "scenes": None, "seconds_of_last_run": None},
    }
    text = markdown(bare)
    assert "no commit known" in text
    assert "Probabilities are as the network says them." in text
    assert "The gate" not in text
