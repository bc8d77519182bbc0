from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.replay.curves import ScoreCurve
from onboard.replay.tally import Errors, MineralTally, Tally, pooled


def tally(seed: int, minerals: tuple[str, ...] = ("calcite",)) -> Tally:
    rng = np.random.default_rng(seed)
    truth, score = rng.random(400) < 0.3, rng.random(400).astype(np.float32)
    made = Tally(ScoreCurve("probability"), captures=1, false_components=int(rng.integers(9)))
    made.curve.add(truth, score)
    made.pixels.add(truth, score > 0.5)
    made.plumes = [{"emission_kg_h": float(rng.uniform(100, 900)), "found": True}]
    made.regression.add(rng.normal(size=9), rng.normal(size=9))
    made.errors.add(rng.normal(0, 100, 50))
    made.background.add(rng.normal(0, 100, 50))
    for name in minerals:
        made.minerals[name] = MineralTally(ScoreCurve("score"))
        made.minerals[name].curve.add(truth, score)
        made.minerals[name].pixels.add(truth, score > 0.2)
    return made


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 9999))
def test_json_keeps_everything(seed: int) -> None:
    made = tally(seed)
    again = Tally.from_json(json.loads(json.dumps(made.to_json())))
    assert again.to_json() == made.to_json()
    np.testing.assert_array_equal(again.curve.counts, made.curve.counts)
    assert again.regression == made.regression
    assert again.background.results() == made.background.results()


def test_pooling_is_the_same_as_counting_together() -> None:
    rng = np.random.default_rng(1)
    truth, score = rng.random(1000) < 0.2, rng.random(1000).astype(np.float32)
    parts = []
    for rows in (slice(0, 300), slice(300, 1000)):
        part = Tally(ScoreCurve("probability"), captures=1)
        part.curve.add(truth[rows], score[rows])
        part.pixels.add(truth[rows], score[rows] > 0.5)
        part.errors.add(score[rows].astype(np.float64))
        parts.append(part)
    both = pooled(parts)
    whole = ScoreCurve("probability")
    whole.add(truth, score)
    np.testing.assert_array_equal(both.curve.counts, whole.counts)
    assert both.captures == 2
    assert both.pixels.tp == int((truth & (score > 0.5)).sum())
    assert both.errors.results()["bias"] == pytest.approx(float(score.mean()), rel=1e-5)


def test_minerals_of_either_side_are_kept() -> None:
    one, other = tally(1, ("calcite", "gypsum")), tally(2, ("gypsum", "kaolinite"))
    both = pooled([one, other])
    assert set(both.minerals) == {"calcite", "gypsum", "kaolinite"}
    single = (
        tally(1, ("gypsum",)).minerals["gypsum"].pixels.tp
        + tally(2, ("gypsum",)).minerals["gypsum"].pixels.tp
    )
    assert both.minerals["gypsum"].pixels.tp == single
    assert len(both.plumes) == 2


def test_errors_have_the_textbook_figures() -> None:
    errors = Errors()
    values = np.random.default_rng(2).normal(50.0, 200.0, 20_000)
    errors.add(values[:5000])
    errors.add(values[5000:])
    found = errors.results()
    assert found["bias"] == pytest.approx(values.mean())
    assert found["rmse"] == pytest.approx(np.sqrt((values**2).mean()))
    assert found["mean_absolute"] == pytest.approx(np.abs(values).mean())
    assert found["mad"] == pytest.approx(np.median(np.abs(values - np.median(values))), abs=5.0)
    assert Errors().results()["rmse"] is None


def test_what_cannot_be_pooled_is_refused() -> None:
    with pytest.raises(UsageError, match="pool"):
        pooled([])
    with pytest.raises(UsageError, match="scale"):
        pooled([Tally(ScoreCurve("score")), Tally(ScoreCurve("ppm m"))])
    with pytest.raises(UsageError, match="counts"):
        Tally.from_json({"curve": {"scale": "score"}})
