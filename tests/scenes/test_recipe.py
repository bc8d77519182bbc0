from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.sensors import load_sensor


@pytest.mark.parametrize(
    "bad",
    [
        {"lines": 0},
        {"samples": 3},
        {"plumes": -1},
        {"cloud_fraction": 1.0},
        {"seed": -1},
        {"seed": 2**63},
        {"label_threshold": math.nan},
        {"label_threshold": math.inf},
        {"shift_nm": math.nan},
        {"smile_nm": -0.1},
        {"smile_nm": math.nan},
        {"stripes": math.inf},
        {"water_cm": (0.0, 0.0)},
        {"water_cm": (10.0, 10.0)},
        {"stripes": -0.1},
        {"emission_kg_h": (10.0, 100.0)},
        {"emission_kg_h": (200.0, 100.0)},
        {"sun_zenith_deg": (20.0, 90.0)},
        {"water_cm": (3.0, 1.0)},
        {"aerosol_550": (-0.1, 0.2)},
        {"library_part": "mine"},
        {"detector": "perfect"},
    ],
)
def test_a_recipe_that_makes_no_scene_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(bad))):
        SceneRecipe(**{"seed": 1} | bad)


def test_a_recipe_with_every_range_is_taken() -> None:
    recipe = SceneRecipe(
        seed=0, emission_kg_h=(20.0, 20_000.0), sun_zenith_deg=(0.0, 0.0), water_cm=(1.0, 2.0)
    )
    assert recipe.library_part == "all"


@pytest.mark.parametrize("water", [0.05, 9.8])
def test_air_at_either_end_of_its_water_makes_light(water: float) -> None:
    recipe = SceneRecipe(seed=2**63 - 1, lines=8, samples=8, plumes=0, water_cm=(water, water))
    radiance = build_scene(recipe, load_sensor("emit")).radiance_block(0, 8)
    assert np.isfinite(radiance).all()
    assert float(np.max(radiance)) > 0.5
