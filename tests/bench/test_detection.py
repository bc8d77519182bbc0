from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.detection import APART_PX, climates_of, judge, main, place_releases, recipe_for
from bench.flights import Flown
from onboard.errors import UsageError
from onboard.flight.types import PlumeEvent
from onboard.replay.components import dilate
from onboard.scenes.gas.sources import plume_mass
from onboard.scenes.simemit import benchmark_set

RATES = [1500.0, 1060.0, 2500.0, 1500.0]


def test_releases_are_as_strong_as_asked_and_lie_apart() -> None:
    placed = place_releases(5, (256, 256), RATES, 3.0, 60.0)
    assert placed.rates == tuple(RATES)
    for number, rate in enumerate(RATES, 1):
        own = placed.footprint == number
        others = (placed.footprint > 0) & ~own
        assert own.any()
        assert not (dilate(own, APART_PX) & others).any()
        # What a plume holds follows from its emission; some of it is fainter than the footprint.
        whole = plume_mass(np.asarray(rate, np.float32), np.asarray(3.0, np.float32))
        held = float(placed.enhancement[own].sum()) * 7.16e-7 * 60.0**2
        assert 0.2 * float(whole) < held < 1.1 * float(whole)
    assert (placed.enhancement[placed.strong > 0] >= 500).all()
    again = place_releases(5, (256, 256), RATES, 3.0, 60.0)
    np.testing.assert_array_equal(again.enhancement, placed.enhancement)


def test_twice_the_wind_thins_a_plume() -> None:
    slow, fast = (place_releases(5, (256, 256), [2500.0], wind, 60.0) for wind in (3.0, 9.0))
    assert fast.enhancement.sum() < 0.7 * slow.enhancement.sum()


def test_releases_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        place_releases(5, (48, 48), [2500.0] * 6, 3.0, 60.0)


def event_at(line: int, sample: int) -> PlumeEvent:
    names = dict.fromkeys(PlumeEvent.__dataclass_fields__, 0)
    return PlumeEvent(**{**names, "peak_line": line, "peak_sample": sample, "touches_edge": False})  # type: ignore[arg-type]


def test_what_counts_as_found() -> None:
    placed = place_releases(5, (256, 256), [2500.0, 5000.0], 3.0, 60.0)
    mask = np.zeros((256, 256), np.bool_)
    lines, samples = np.nonzero(placed.strong == 1)
    mask[lines, samples] = True
    line, sample = np.argwhere(placed.strong == 2)[0]
    mask[line, sample] = True
    empty = np.argwhere(~dilate((placed.footprint > 0) | mask, 4))[0]
    mask[tuple(empty)] = True
    nothing = np.zeros((256, 256), np.float32)
    events = (event_at(int(lines[0]), int(samples[0])), event_at(int(empty[0]), int(empty[1])))
    found = judge(Flown(nothing, nothing, nothing, mask, events), placed)
    assert [row["event"] for row in found["releases"]] == [True, False]
    # One pixel of many is less than a tenth.
    assert [row["mask"] for row in found["releases"]] == [True, False]
    assert found["false_events"] == 1


def test_captures_follow_the_test_set_but_are_none_of_it() -> None:
    taken = {one.recipe.seed for part in ("train", "validation", "test") for one in benchmark_set(part)}
    recipes = [recipe_for(climate, number, (64, 64)) for climate in climates_of(None) for number in range(9)]
    seeds = {recipe.seed for recipe in recipes}
    assert len(seeds) == len(recipes)
    assert not seeds & taken
    assert all(recipe.plumes == 0 and recipe.library_part == "test" for recipe in recipes)
    with pytest.raises(UsageError, match="no such climate"):
        recipe_for("moon", 0, (64, 64))


def test_a_small_campaign_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    options = ["--out", str(tmp_path), "--captures", "1", "--repeats", "1", "--size", "128", "96"]
    options += ["--rates", "100,1500", "--climates", "arid-bright"]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    assert "| all | event |" in result.output
    assert (tmp_path / "detection.png").stat().st_size > 10_000
    (file,) = (tmp_path / "captures").iterdir()
    row = json.loads(file.read_text())
    row["releases"][1]["event"] = row["releases"][1]["mask"] = True
    file.write_text(json.dumps(row))
    again = CliRunner().invoke(main, options)
    assert again.exit_code == 0, again.output
    groups = json.loads((tmp_path / "detection.json").read_text())["groups"]
    assert groups["all"]["event"]["rates"][1]["found"] == 1
