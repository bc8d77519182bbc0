from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.drift import KINDS, Drift, count, drifts, main, part_of, with_gas
from bench.flights import Flown
from onboard.errors import UsageError
from onboard.scenes.gas.plumes import SOURCE_DTYPE
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.truth import Truth

CENTRES = np.linspace(380.0, 2500.0, 5)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS), st.floats(0.0, 0.2), st.integers(1, 60))
def test_drift_does_not_depend_on_blocks_and_starts_from_nothing(kind: str, amount: float, cut: int) -> None:
    change = Drift(kind, amount).change(64, 3, CENTRES)
    assert change is not None
    light = np.random.default_rng(1).uniform(1, 9, (64, 3, 5)).astype(np.float32)
    whole = change(light, 0)
    parts = np.concatenate([change(light[:cut], 0), change(light[cut:], cut)])
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(whole[0], light[0])


def test_what_each_kind_does_to_the_last_line() -> None:
    light = np.ones((11, 200, 5), np.float32)

    def last(kind: str) -> np.ndarray:
        change = Drift(kind, 0.1).change(11, 200, CENTRES)
        assert change is not None
        return np.asarray(change(light, 0)[-1])

    np.testing.assert_allclose(last("gain"), 1.1, rtol=1e-6)
    np.testing.assert_allclose(last("tilt")[0], [0.95, 0.975, 1.0, 1.025, 1.05], rtol=1e-6)
    columns = last("columns")
    assert np.ptp(columns, axis=1).max() == 0
    assert columns[:, 0].std() == pytest.approx(0.1, rel=0.2)
    assert Drift("none", 0.0).change(11, 2, CENTRES) is None
    with pytest.raises(UsageError, match="no such drift"):
        Drift("sideways", 0.1).change(11, 2, CENTRES)


def test_flags_do_not_drift() -> None:
    change = Drift("gain", 0.1).change(2, 1, CENTRES)
    assert change is not None
    flagged = np.full((2, 1, 5), -9998.0, np.float32)
    np.testing.assert_array_equal(change(flagged, 0), flagged)


def truth() -> Truth:
    ids = np.zeros((30, 20), np.int32)
    ids[2:5, 3:6], ids[25:28, 3:6] = 1, 2
    sources = np.zeros(2, SOURCE_DTYPE)
    sources["plume_id"] = [1, 2]
    gas = np.where(ids > 0, np.float32(4000), np.float32(0))
    return Truth(gas, ids, np.zeros((0, 30, 20), np.float32), (), np.ones((30, 20), np.uint8), sources)


def test_part_of_a_strip_keeps_its_own_sources() -> None:
    part = part_of(truth(), slice(20, None))
    assert part.plume_id.shape == (10, 20)
    assert part.sources["plume_id"].tolist() == [2]


def test_counts_of_a_part() -> None:
    said = np.zeros((30, 20), np.float32)
    said[25:28, 3:6] = 0.9
    said[22, 15] = 0.8
    flown = Flown(said, said, said, said > 0.5, ())
    found = count(flown, truth(), 0.5, slice(20, None))
    assert found["tally"]["false_components"] == 1
    assert found["tally"]["plumes"][0]["found"]
    assert count(flown, truth(), 0.5, slice(0, 10))["tally"]["false_components"] == 0
    assert found["events"] == 0


def test_plumes_go_with_the_area() -> None:
    assert with_gas(SceneRecipe(seed=1, lines=1000, samples=1000)).plumes == 20
    assert with_gas(SceneRecipe(seed=1, lines=64, samples=64)).plumes == 1


def test_a_small_study(tmp_path: Path) -> None:
    options = [
        "--out",
        str(tmp_path),
        "--size",
        "96",
        "64",
        "--strip",
        "192",
        "64",
        "--climates",
        "arid-bright",
    ]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    assert "| x 4 |" in result.output
    found = json.loads((tmp_path / "drift.json").read_text())
    assert set(found["drifts"]) == {drift.name for drift in drifts()}
    assert (tmp_path / "drift.png").stat().st_size > 10_000
