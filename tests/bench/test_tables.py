from __future__ import annotations

import numpy as np

from bench.tables import markdown, summarise
from onboard.replay.curves import ScoreCurve
from onboard.replay.tally import MineralTally, Tally


def tally(plumes: int, seed: int, *, judged: int = 1, minerals: bool = False) -> Tally:
    rng = np.random.default_rng(seed)
    truth = (rng.random(500) < 0.2) & (plumes > 0)
    score = (rng.random(500) + truth).astype(np.float32)
    made = Tally(ScoreCurve("score"), captures=1, judged=judged)
    made.curve.add(truth, score)
    if judged:
        made.pixels.add(truth, score > 0.9)
        made.false_components = 4
    made.plumes = [
        {"emission_kg_h": 900.0, "peak_ppm_m": 1200.0, "pixels": 9, "hits": 5, "found": True}
    ] * plumes
    if minerals:
        made.minerals["calcite"] = MineralTally(ScoreCurve("score"))
        made.minerals["calcite"].curve.add(truth, score)
        made.minerals["calcite"].pixels.add(truth, score > 0.9)
    return made


COUNTED = [
    ({"climate": "arid", "plumes": 3}, tally(3, 1, minerals=True)),
    ({"climate": "arid", "plumes": 0}, tally(0, 2, minerals=True)),
    ({"climate": "wet", "plumes": 2}, tally(2, 3, minerals=True)),
]


def test_groups_are_pooled() -> None:
    groups = summarise(COUNTED)
    counts = {name: scores["captures"] for name, scores in groups.items()}
    assert counts == {
        "all": 3, "with plumes": 2, "without plumes": 1,
        "arid": 2, "arid, with plumes": 1, "wet": 1, "wet, with plumes": 1,
    }  # fmt: skip
    assert groups["all"]["plumes"]["labelled"] == 5
    assert groups["all"]["false_alarms"]["per_capture"] == 4
    assert groups["without plumes"]["pixels"]["auprc"] is None


def test_tables_have_a_row_a_group_and_even_cells() -> None:
    found = {
        "benchmark": "B", "set": "test", "captures": ["a", "b", "c"], "frozen": True,
        "methods": {"one": summarise(COUNTED)}, "seconds": {"one": [1.0, 2.0, 3.0]},
    }  # fmt: skip
    text = markdown(found)
    assert "5 of 5" in text
    assert "500 to 1000" in text
    assert "| one | wet |" in text
    assert "one 2.0 s" in text
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_unjudged_figures_are_left_open() -> None:
    groups = summarise([({"climate": "arid", "plumes": 3}, tally(3, 1, judged=0))])
    found = {
        "benchmark": "B", "set": "validation", "captures": ["a"], "frozen": False,
        "methods": {"one": groups}, "seconds": {"one": [1.0]},
    }  # fmt: skip
    text = markdown(found)
    assert "| one | all | 1 | - | - |" in text
    assert "emission" not in text
