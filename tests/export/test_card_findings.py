"""Sentences about what is weak: they follow the figures, and say nothing where there are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.card_accuracy import PIXELS
from export.card_findings import findings

EMPTY = dict.fromkeys((*PIXELS, "plumes", "plumes_found", "false_alarms_a_capture", "enhancement_slope"))


def group(**values: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("enhancement_rmse_ppm_m", "background_sigma_ppm_m", "mineral_macro_f1", "mineral_macro_best_f1")
    )
    return EMPTY | blank | {"captures": 2} | values


def strength(low: float, high: float | None, found: int, true: int) -> dict[str, Any]:
    return {"from": low, "to": high, "found": found, "true": true, "recall": found / true}


def entry(part: str = "test", **values: Any) -> dict[str, Any]:
    base = {"on": "B", "set": part, "groups": {"all": group()}, "recall": {}, "minerals": {}}
    return base | values


def said(*rows: dict[str, Any], calibration: tuple[dict[str, Any], ...] = ()) -> str:
    return "\n".join(item["says"] for item in findings(rows, calibration))


def test_nothing_measured_says_nothing() -> None:
    assert findings([], []) == []
    assert said(entry()) == ""


def test_the_weakest_ground_is_named() -> None:
    groups = {
        "all": group(false_alarms_a_capture=2.5),
        "with plumes": group(f1=0.1),
        "bright": group(f1=0.9, false_alarms_a_capture=1.0),
        "dark": group(f1=0.4, false_alarms_a_capture=4.0),
    }
    text = said(entry(groups=groups))
    assert "weakest on dark ground: F1 0.40, against 0.90 on bright" in text
    assert "80 % of all false alarms lie on dark ground: 4.0 a capture, 2.5 over all" in text


def test_an_unjudged_set_is_told_by_its_best_f1() -> None:
    groups = {"all": group(), "a": group(best_f1=0.3), "b": group(best_f1=0.6)}
    assert "best F1 0.30, against 0.60 on b" in said(entry("validation", groups=groups))


def test_sources_below_half_are_counted() -> None:
    bins = [strength(0, 500, 0, 4), strength(500, 1000, 3, 5), strength(1000, 2000, 1, 4)]
    text = said(entry(recall={"emission_kg_h": [*bins, strength(2000, None, 9, 10)]}))
    assert "less than 2,000 kg/h, 4 of 13 are found" in text
    assert "2,000 kg/h or more, at least 90 %" in text
    text = said(entry(recall={"peak_ppm_m": [strength(0, None, 1, 4)]}))
    assert "1 of 4 are found, and fewer than half of the strongest" in text
    assert "Not even of the strongest plumes" in text


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(9, 20)), min_size=1, max_size=8))
def test_bins_never_contradict_what_is_said(hits: list[tuple[int, int]]) -> None:
    edges = [100.0 * 2**place for place in range(len(hits))]
    bins = [
        strength(low, None if place == len(hits) - 1 else 2 * low, *pair)
        for place, (low, pair) in enumerate(zip(edges, hits, strict=True))
    ]
    text = said(entry(recall={"emission_kg_h": bins}))
    assert ("less than" in text or "whatever" in text) is any(each["recall"] < 0.5 for each in bins)
    assert ("or more, at least 90 %" in text) is (bins[-1]["recall"] >= 0.9)


def test_enhancement_and_background_are_told() -> None:
    everything = group(enhancement_slope=0.8, enhancement_rmse_ppm_m=1200.0, background_sigma_ppm_m=500.0)
    text = said(entry(groups={"all": everything}))
    assert "20 % below the truth (slope through the origin 0.80, RMSE 1,200 ppm m)" in text
    assert "deviation of 500 ppm m" in text
    assert "5 % above" in said(entry(groups={"all": everything | {"enhancement_slope": 1.05}}))


def test_the_weakest_minerals_are_named() -> None:
    minerals = {name: {"f1": value} for name, value in zip("abcde", (0.5, 0.2, 0.9, 0.3, 0.4), strict=True)}
    assert "b 0.20, d 0.30, e 0.40 (F1); the best is c 0.90" in said(entry(minerals=minerals))


def test_what_training_has_not_seen_is_told_where_it_costs() -> None:
    def both(before: float, after: float) -> str:
        sets = zip(("validation", "test"), (before, after), strict=True)
        return said(*(entry(part, groups={"all": group(auprc=value)}) for part, value in sets))

    assert "methane AUPRC: 0.90 on the validation set, 0.80 on the test set" in both(0.9, 0.8)
    assert both(0.8, 0.9) == ""


def test_patches_speak_of_events_and_of_minerals_where_nothing_else_does() -> None:
    minerals = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    scores = {"strong_plume_recall": 0.75, "false_events_a_capture": 1.5, "mineral_f1": minerals}
    patches = {"on": "patches", "set": "test", "scores": scores}
    assert "25 % of strong plumes raise no event, and there are 1.5 false" in said(patches)
    assert "weakest minerals are a 0.10" in said(patches)
    measured = entry(groups={"all": group(background_sigma_ppm_m=5.0)})
    assert "weakest" not in said(measured, patches)
    assert said(patches | {"scores": {"strong_plume_recall": None}}) == ""


@pytest.mark.parametrize(("said_", "side"), [(0.3, "too high"), (0.1, "too low")])
def test_probabilities_that_are_far_off_are_told(said_: float, side: str) -> None:
    row = {"on": "B", "set": "test", "of": "plume", "ece_in_doubt": 0.2, "in_doubt_from": 0.05}
    row |= {"said": said_, "true": 0.2}
    assert side in said(calibration=(row,))
    assert said(calibration=(row | {"ece_in_doubt": 0.05},)) == ""
    # Where there is a test set, the validation set is silent.
    assert len(findings([], [row | {"set": "validation"}, row])) == 1
