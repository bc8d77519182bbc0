from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.operating_sweep import Patches, Point, choose, frontier, markdown, scores, sweep


def capture(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sources = [{"id": 10 + i, "peak": 3000.0, "labelled": int(rng.integers(0, 40))} for i in range(4)]
    rows: list[list[Any]] = []
    for _ in range(30):
        source = sources[int(rng.integers(4))]
        met = [[source["id"], 5, min(source["labelled"], 3)]] if rng.random() < 0.4 else []
        rows.append([int(rng.integers(3, 60)), round(float(rng.uniform(0.5, 1.0)), 6), int(not met), met])
    return {"climate": "farmland", "sources": sources, "patches": {"0.5": rows, "0.8": rows[:9]}}


def test_counts_at_a_point() -> None:
    one = {
        "sources": [{"id": 7, "labelled": 30}, {"id": 8, "labelled": 0}, {"id": 9, "labelled": 10}],
        "patches": {
            "0.5": [
                [20, 0.99, 0, [[7, 9, 2], [8, 1, 0]]],
                [12, 0.90, 0, [[7, 4, 1], [5, 2, 2]]],
                [10, 0.80, 1, []],
                [4, 0.999, 1, []],
            ]
        },
    }
    row = scores([one, {"sources": [], "patches": {}}], Point(0.5, 0.85, 5))
    assert row["alarms"] == 0.0
    assert (row["found"], row["strong"]) == (2, 3)
    # Two and one of thirty are a tenth together, and the third source is not found.
    assert row["recall_tenth"] == pytest.approx(0.5)
    assert scores([one, one], Point(0.5, 0.5, 3))["alarms"] == 2.0
    assert scores([one], Point(0.5, 0.95, 5))["recall_tenth"] == 0.0
    assert scores([{"sources": [], "patches": {}}], Point(0.5, 0.5, 3))["recall"] is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 1.0), st.floats(0.5, 1.0), st.integers(3, 40), st.integers(3, 40))
def test_stricter_events_find_no_more_and_alarm_no_more(
    seed: int, peak: float, other: float, size: int, more: int
) -> None:
    patches = Patches.gather([capture(seed), capture(seed + 1)], 0.5)
    loose = patches.scores(min(peak, other), min(size, more))
    strict = patches.scores(max(peak, other), max(size, more))
    assert strict["found"] <= loose["found"]
    assert strict["alarms"] <= loose["alarms"]
    assert (strict["recall_tenth"] or 0) <= (loose["recall_tenth"] or 0)


def test_points_are_chosen_on_the_frontier() -> None:
    rows = list(sweep([capture(seed) for seed in range(5)]))
    line = frontier(rows)
    assert all(a["alarms"] < b["alarms"] and a["recall"] < b["recall"] for a, b in pairwise(line))
    picked = choose(rows)
    enough, quiet = picked["at_recall"], picked["at_alarms"]
    assert enough is not None
    assert quiet is not None
    assert enough["recall"] >= 0.9
    assert all(row["alarms"] >= enough["alarms"] for row in rows if row["recall"] >= 0.9)
    assert quiet["alarms"] <= 1.0
    assert all(row["recall"] <= quiet["recall"] for row in rows if row["alarms"] <= 1.0)
    assert choose([]) == {"at_recall": None, "at_alarms": None}
    text = markdown({"a": enough, "b": None})
    assert text.count("\n") == 4
