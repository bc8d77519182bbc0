from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes import parts
from onboard.scenes.air.clouds import Clouds
from onboard.scenes.instrument.frames import CLOUDY
from onboard.scenes.library import load_library
from onboard.scenes.recipe import SceneRecipe
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
RECIPE = SceneRecipe(seed=5, lines=40, samples=48, plumes=3)


def test_a_named_climate_leaves_the_draws_after_it_as_they_were() -> None:
    one, two = np.random.default_rng(1), np.random.default_rng(1)
    assert parts.draw_climate(one, None) is not None
    assert parts.draw_climate(two, "urban").name == "urban"
    assert one.random() == two.random()


def test_clouds_only_where_they_are_asked_for() -> None:
    assert parts.draw_clouds(RECIPE, (40, 48), 30.0, 90.0) is None
    clouds = parts.draw_clouds(replace(RECIPE, cloud_fraction=0.4), (40, 48), 30.0, 90.0)
    assert clouds is not None
    assert (clouds.opacity > 0).mean() == pytest.approx(0.4, abs=0.1)


def test_plumes_follow_the_range_that_is_asked_for() -> None:
    strong = parts.draw_plumes(replace(RECIPE, plumes=20, emission_kg_h=(15_000.0, 20_000.0)), 60.0).sources
    assert strong["emission_kg_h"].min() >= 15_000
    detected = parts.draw_plumes(replace(RECIPE, plumes=60), 60.0).sources["emission_kg_h"]
    assert detected.min() < 1000 < np.median(detected) < 3000


def test_a_library_of_ones_own_makes_the_palette() -> None:
    built_in = load_library()
    table = np.asarray(SENSOR.centres), np.asarray(SENSOR.fwhm)
    own = parts.draw_palette(
        RECIPE, *table, replace(built_in, spectra=np.clip(built_in.spectra * 0.5, 0.005, 1))
    )
    usual = parts.draw_palette(RECIPE, *table, None)
    assert np.median(own.reflectance) < 0.8 * np.median(usual.reflectance)


def test_stripes_scale_and_an_ideal_detector_has_none() -> None:
    def spread(**change: object) -> float:
        recipe = replace(RECIPE, **change)  # type: ignore[arg-type]
        return float(np.std(parts.make_detector(recipe, SENSOR, SENSOR.centres, None).gain))

    assert spread(stripes=2.0) == pytest.approx(2 * spread(), rel=1e-3)
    assert spread(detector="ideal") == 0
    with pytest.raises(UsageError, match="measured"):
        spread(detector="measured")


def test_frames_under_thick_cloud_are_lost_whole() -> None:
    opacity = np.zeros((1, 96, 48), np.float32)
    opacity[0, 32:64] = 0.9
    opacity[0, 70:80] = 0.9
    clouds = Clouds(opacity, np.ones_like(opacity))
    flags = parts.draw_flags(replace(RECIPE, lines=96), clouds)
    np.testing.assert_array_equal(flags != 0, (np.arange(96) >= 32) & (np.arange(96) < 64))
    assert set(flags[32:64].tolist()) == {CLOUDY}
    assert not parts.draw_flags(replace(RECIPE, lines=96), None).any()
