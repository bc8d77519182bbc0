from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.instrument.frames import CLOUDY, CORRUPT_LINE, THICK_OPACITY
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import Scene, build_scene
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
SMALL = SceneRecipe(seed=11, lines=24, samples=40, climate="arid-bright", plumes=2)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build_scene(SMALL, SENSOR)


def test_radiance_is_the_same_for_any_blocks_and_workers(scene: Scene) -> None:
    whole = scene.radiance_block(0, 24)
    assert whole.shape == (24, 40, 285)
    assert whole.dtype == np.float32
    assert whole.flags.c_contiguous
    parts = np.concatenate([block for _, block in scene.blocks(7, workers=3)])
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_array_equal(build_scene(SMALL, SENSOR).radiance_block(10, 1)[0], whole[10])


def test_another_seed_is_another_scene(scene: Scene) -> None:
    other = build_scene(replace(SMALL, seed=12), SENSOR)
    assert not np.allclose(other.radiance_block(0, 2), scene.radiance_block(0, 2), rtol=0.01)


def test_radiance_is_that_of_lit_ground(scene: Scene) -> None:
    mean = scene.radiance_block(0, 24).mean(axis=(0, 1))
    nm = scene.centres

    def at(wavelength: float) -> float:
        return float(mean[np.argmin(np.abs(nm - wavelength))])

    assert 2 < at(550) < 25
    assert at(550) > at(1650) > at(2200) > 0.1
    assert abs(at(1380)) < 0.05 * at(1250)


def test_methane_dims_its_bands_by_the_curve_and_no_others(scene: Scene) -> None:
    gas = np.zeros((24, 40), np.float32)
    gas[5] = 4000.0
    ideal = build_scene(replace(SMALL, detector="ideal"), SENSOR)
    quiet = replace(ideal, detector=replace(ideal.detector, noise=ideal.detector.noise * 0))
    with_gas, without = quiet.radiance_block(5, 1, enhancement=gas)[0], quiet.background_block(5, 1)[0]
    expected = np.exp(scene.methane(np.array([4000.0])))[0]
    bright = without.min(axis=0) > 0.05
    strong = (expected < 0.99) & bright
    ratio = with_gas / np.maximum(without, 1e-3)
    assert strong.sum() > 10
    np.testing.assert_allclose(ratio[:, strong].mean(axis=0), expected[strong], atol=0.01)
    np.testing.assert_array_equal(ratio[:, (expected == 1) & bright], 1)
    np.testing.assert_array_equal(quiet.radiance_block(6, 1, enhancement=gas), quiet.background_block(6, 1))


def test_plumes_do_not_change_the_ground() -> None:
    none = build_scene(replace(SMALL, plumes=0), SENSOR)
    some = build_scene(SMALL, SENSOR)
    np.testing.assert_array_equal(none.radiance_block(0, 4), some.background_block(0, 4))
    assert not none.truth.plume_id.any()


def test_lost_lines_and_thick_clouds_carry_flags_and_are_not_valid() -> None:
    recipe = replace(SMALL, seed=13, lines=48, samples=60, flagged_lines=3, cloud_fraction=0.5)
    flagged = build_scene(recipe, SENSOR)
    assert flagged.clouds is not None
    thick = flagged.clouds.opacity[0] > THICK_OPACITY
    assert 0.02 < thick.mean() < 0.5
    radiance, valid = flagged.radiance_block(0, 48), flagged.truth.valid
    lost = flagged.line_flags != 0
    assert lost.sum() == 3
    assert set(np.unique(radiance[lost]).tolist()) == {CORRUPT_LINE}
    np.testing.assert_array_equal((radiance == CLOUDY).all(axis=2)[~lost], thick[~lost])
    np.testing.assert_array_equal(valid == 0, thick | lost[:, None])
    assert (radiance[valid == 1] > -9).all()


def test_thin_clouds_are_bright_and_shade_the_ground() -> None:
    recipe = replace(SMALL, seed=13, lines=48, samples=60, cloud_fraction=0.5, plumes=0)
    cloudy, clear = build_scene(recipe, SENSOR), build_scene(replace(recipe, cloud_fraction=0.0), SENSOR)
    assert cloudy.clouds is not None
    blue = int(np.argmin(np.abs(SENSOR.centres - 450)))
    change = cloudy.radiance_block(0, 48)[..., blue] - clear.radiance_block(0, 48)[..., blue]
    opacity, light = cloudy.clouds.opacity[0], cloudy.clouds.light[0]
    assert change[(opacity > 0.2) & (cloudy.valid > 0)].mean() > 1
    assert change[(opacity == 0) & (light < 0.8)].mean() < 0


def test_the_air_and_the_sun_follow_the_recipe() -> None:
    recipe = replace(SMALL, sun_zenith_deg=(62.0, 63.0), aerosol_550=(0.4, 0.41), water_cm=(3.0, 3.1))
    air = build_scene(recipe, SENSOR).atmosphere
    assert 62 <= air.sun_zenith_deg <= 63
    assert 0.4 <= air.aerosol_550 <= 0.41
    assert 3.0 <= air.water_cm <= 3.1


def test_training_and_test_ground_are_made_of_different_samples() -> None:
    one, other = (build_scene(replace(SMALL, library_part=part), SENSOR) for part in ("train", "test"))
    assert not np.allclose(one.palette.reflectance, other.palette.reflectance, atol=0.02)
    np.testing.assert_array_equal(one.surface.minerals, other.surface.minerals)


def test_an_ideal_detector_without_noise_adds_nothing() -> None:
    still = replace(
        SENSOR, noise_a=0 * SENSOR.noise_a, noise_b=0 * SENSOR.noise_b, noise_c=0 * SENSOR.noise_c
    )
    ideal = build_scene(replace(SMALL, detector="ideal", plumes=0), still)
    drawn = build_scene(replace(SMALL, plumes=0), SENSOR)
    seen, true = drawn.radiance_block(0, 24), ideal.radiance_block(0, 24)
    lit = true.mean(axis=(0, 1)) > 0.3
    assert 0 < np.median(np.abs(seen / np.maximum(true, 1e-3) - 1)[..., lit]) < 0.01


def test_a_measured_detector_needs_measurements() -> None:
    with pytest.raises(UsageError, match="measurements"):
        build_scene(replace(SMALL, detector="measured"), SENSOR)


def test_a_shifted_table_moves_the_bands() -> None:
    shifted = build_scene(replace(SMALL, shift_nm=1.0), SENSOR)
    np.testing.assert_allclose(shifted.centres - SENSOR.centres, 1.0)
    assert not np.allclose(shifted.radiance_block(0, 1), build_scene(SMALL, SENSOR).radiance_block(0, 1))


def test_the_truth_is_what_was_mixed(scene: Scene) -> None:
    truth = scene.truth
    assert truth.mineral_abundance.shape == (10, 24, 40)
    weights = scene.surface.weights(3)[0]
    gypsum = list(scene.palette.groups["gypsum"])
    index = truth.mineral_names.index("gypsum")
    np.testing.assert_allclose(truth.mineral_abundance[index, 3], weights[:, gypsum].sum(axis=1), atol=2e-3)


@pytest.mark.parametrize(
    "bad",
    [
        {"lines": 0},
        {"samples": 3},
        {"plumes": -1},
        {"cloud_fraction": 1.0},
        {"climate": "moon"},
        {"seed": -1},
    ],
)
def test_a_recipe_that_makes_no_scene_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(bad))):
        build_scene(replace(SMALL, **bad), SENSOR)  # type: ignore[arg-type]


def test_lines_that_do_not_exist_and_gas_of_another_shape_are_refused(scene: Scene) -> None:
    with pytest.raises(UsageError, match="no such lines"):
        scene.radiance_block(24, 1)
    with pytest.raises(UsageError, match="another shape"):
        scene.radiance_block(0, 1, enhancement=np.zeros((2, 2), np.float32))


def test_a_training_scene_takes_about_a_second() -> None:
    started = time.thread_time()
    build_scene(SceneRecipe(seed=1, lines=192, samples=256), SENSOR).background_block(0, 192)
    # Half a second of processor time where this was written; a slow machine gets six times that.
    assert time.thread_time() - started < 3
