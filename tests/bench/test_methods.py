from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from bench.methods import METHODS, Observation, find_method
from bench.simemit import observe
from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.simemit import BenchmarkCapture
from onboard.sensors import load_sensor

LINES, SAMPLES = 128, 64
HAVE_SPLIT = importlib.util.find_spec("onboard.scenes.spectra.split") is not None


@pytest.fixture(scope="module")
def seen() -> Observation:
    recipe = SceneRecipe(
        seed=3, lines=LINES, samples=SAMPLES, climate="arid-bright", plumes=2, flagged_lines=1
    )
    scene = build_scene(recipe, load_sensor("emit"))
    return observe(BenchmarkCapture("small", "test", recipe), scene, None)


def test_filter_says_ppm_m_where_there_is_light(seen: Observation) -> None:
    found = METHODS["column-filter"](seen)
    assert found.scale == "ppm m"
    assert found.plume_score is found.enhancement
    assert found.plume_score is not None
    assert found.plume_score.shape == (LINES, SAMPLES)
    np.testing.assert_array_equal(np.isfinite(found.plume_score), seen.valid)


def test_flight_says_everything(seen: Observation) -> None:
    found = METHODS["flight"](seen)
    assert found.plume_score is not None
    assert found.enhancement is not None
    assert found.mineral_scores is not None
    assert found.mineral_names == MINERALS
    assert found.mineral_scores.shape == (10, LINES, SAMPLES)
    assert np.isnan(found.plume_score[~seen.valid]).all()
    known = found.plume_score[seen.valid]
    assert np.nanmin(known) >= 0
    assert np.nanmax(known) <= 1


def test_flight_takes_bands_that_moved(seen: Observation) -> None:
    moved = METHODS["flight"](replace(seen, centres=seen.centres + 0.5))
    assert moved.plume_score is not None
    assert np.isfinite(moved.plume_score).any()


@pytest.mark.skipif(not HAVE_SPLIT, reason="the library's parts are not there")
@pytest.mark.parametrize("name", ["feature-fit", "spectral-angle"])
def test_classical_mappers_score_all_minerals(seen: Observation, name: str) -> None:
    found = METHODS[name](seen)
    assert found.mineral_names == MINERALS
    assert found.mineral_scores is not None
    assert found.mineral_scores.shape == (10, LINES, SAMPLES)
    assert np.isnan(found.mineral_scores[:, ~seen.valid]).all()
    assert np.isfinite(found.mineral_scores[:, seen.valid]).all()


def test_methods_of_others_are_imported() -> None:
    assert find_method("column-filter") is METHODS["column-filter"]
    assert find_method("bench.methods:mag1c_method") is METHODS["mag1c"]
    for bad in ("guesswork", "bench.methods:none", "no_such_package:method"):
        with pytest.raises(UsageError, match="--methods"):
            find_method(bad)
