from __future__ import annotations

import numpy as np
import pytest

from bench.dead_bands import flight
from bench.methods import METHODS, Observation
from bench.simemit import observe
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.simemit import BenchmarkCapture
from onboard.sensors import load_sensor


@pytest.fixture(scope="module")
def seen() -> Observation:
    recipe = SceneRecipe(seed=3, lines=128, samples=64, climate="arid-bright", plumes=2)
    scene = build_scene(recipe, load_sensor("emit"))
    return observe(BenchmarkCapture("small", "test", recipe), scene, None)


def test_a_capture_without_one_band_in_twenty_is_judged_nearly_as_it_was(seen: Observation) -> None:
    whole, lacking = METHODS["flight"](seen), flight(seen)
    assert whole.enhancement is not None
    assert lacking.enhancement is not None
    both = np.isfinite(whole.enhancement) & np.isfinite(lacking.enhancement)
    assert both.sum() == np.isfinite(whole.enhancement).sum() > 1000
    strong = both & (whole.enhancement > 1000)
    assert strong.sum() > 20
    assert np.median(lacking.enhancement[strong] / whole.enhancement[strong]) == pytest.approx(1.0, abs=0.15)
    assert np.corrcoef(whole.enhancement[both], lacking.enhancement[both])[0, 1] > 0.8
    assert np.isfinite(seen.radiance).all()
