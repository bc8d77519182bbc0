from __future__ import annotations

from typing import Any

import numpy as np

from onboard.replay.plume_scoring import score_plumes


def scene() -> tuple[dict[str, Any], dict[str, Any]]:
    shape = (40, 50)
    found = {"plume_mask": np.zeros(shape, np.uint8), "quality": np.zeros(shape, np.uint8)}
    true: dict[str, Any] = {
        "plume_id": np.zeros(shape, np.int32),
        "ch4_enhancement": np.zeros(shape, np.float32),
        "valid": np.ones(shape, np.uint8),
    }
    for number, (line, peak) in enumerate(((5, 4000.0), (15, 1000.0), (30, 5000.0)), start=1):
        true["plume_id"][line : line + 4, 10:16] = number
        true["ch4_enhancement"][line : line + 4, 10:16] = peak
    return found, true


def event(number: int, line: int, sample: int, found: dict[str, Any], size: int = 3) -> dict[str, Any]:
    found["plume_mask"][line : line + size, sample : sample + size] = 1
    return {
        "event_id": number,
        "first_line": line,
        "last_line": line + size - 1,
        "first_sample": sample,
        "last_sample": sample + size - 1,
        "peak_line": line + 1,
        "peak_sample": sample + 1,
    }


def test_plumes_are_found_by_overlap_and_events_false_by_distance() -> None:
    found, true = scene()
    events = [event(1, 6, 12, found), event(2, 20, 30, found), event(3, 17, 17, found)]
    score = score_plumes(found, true, events, 3000.0, 2)
    assert (score["true"], score["found"], score["recall"]) == (3, 1, 1 / 3)
    assert (score["strong_true"], score["strong_found"]) == (2, 1)
    # Event 3 touches no plume pixel, but lies within two pixels of plume 2: not found, not false.
    assert score["false_event_ids"] == [2]
    assert [plume["found"] for plume in score["per_plume"]] == [True, False, False]
    assert score["per_plume"][0]["pixels_covered"] == 9
    assert score["per_plume"][1]["peak_ppm_m"] == 1000.0


def test_a_neighbour_in_the_same_box_does_not_count() -> None:
    found, true = scene()
    wide = event(1, 20, 30, found)
    found["plume_mask"][31, 12] = 1
    wide |= {"first_line": 5, "last_line": 39, "first_sample": 0, "last_sample": 49}
    score = score_plumes(found, true, [wide], 3000.0, 2)
    assert score["false_events"] == 1
    assert score["found"] == 0


def test_an_event_goes_on_behind_lost_lines() -> None:
    for lost, covered in ((4, 6), (5, 3)):
        found, true = scene()
        true["plume_id"][:] = 0
        true["plume_id"][5 : 7 + lost, 10:13] = 1
        found["plume_mask"][5, 10:13] = found["plume_mask"][6 + lost, 10:13] = 1
        found["quality"][6 : 6 + lost] = 4
        whole = {"event_id": 1, "first_line": 5, "last_line": 6 + lost, "first_sample": 10, "last_sample": 12}
        score = score_plumes(found, true, [whole | {"peak_line": 5, "peak_sample": 11}], 3000.0, 2)
        assert score["per_plume"][0]["pixels_covered"] == covered


def test_invalid_pixels_hold_no_plume() -> None:
    found, true = scene()
    true["valid"][:12] = 0
    score = score_plumes(found, true, [event(1, 6, 12, found)], 3000.0, 2)
    assert score["true"] == 2
    assert score["false_events"] == 1


def test_nothing_true_gives_no_recall() -> None:
    found, true = scene()
    true["plume_id"][:] = 0
    score = score_plumes(found, true, [], 3000.0, 2)
    assert score["recall"] is None
    assert score["strong_recall"] is None
