from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.detector import CLOUDY, LINE_FLAGS
from onboard.scenes.scene import Scene, SceneRecipe, build_scene
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
    quiet = replace(scene, detector=replace(scene.detector, noise=scene.detector.noise * 0))
    with_gas, without = quiet.radiance_block(5, 1, enhancement=gas)[0], quiet.background_block(5, 1)[0]
    expected = np.exp(scene.methane(np.array([4000.0])))[0]
    strong = expected < 0.99
    ratio = with_gas / without
    assert strong.sum() > 10
    np.testing.assert_allclose(ratio[:, strong].mean(axis=0), expected[strong], atol=0.01)
    np.testing.assert_array_equal(ratio[:, expected == 1][:, :100], 1)
    np.testing.assert_array_equal(quiet.radiance_block(6, 1, enhancement=gas), quiet.background_block(6, 1))


def test_plumes_do_not_change_the_ground() -> None:
    none = build_scene(replace(SMALL, plumes=0), SENSOR)
    some = build_scene(SMALL, SENSOR)
    np.testing.assert_array_equal(none.radiance_block(0, 4), some.background_block(0, 4))
    assert not none.truth.plume_id.any()


def test_lost_lines_and_clouds_carry_flags_and_are_not_valid() -> None:
    flagged = build_scene(replace(SMALL, flagged_lines=3, cloud_fraction=0.2), SENSOR)
    radiance, valid = flagged.radiance_block(0, 24), flagged.truth.valid
    lost = flagged.line_flags != 0
    assert lost.sum() == 3
    assert set(np.unique(radiance[lost]).tolist()) <= set(LINE_FLAGS)
    cloudy = (radiance == CLOUDY).all(axis=2)
    assert 0.1 < cloudy[~lost].mean() < 0.3
    np.testing.assert_array_equal(valid == 0, cloudy | lost[:, None])
    assert (radiance[valid == 1] > -9).all()


def test_a_shifted_table_moves_the_bands() -> None:
    shifted = build_scene(replace(SMALL, shift_nm=1.0), SENSOR)
    np.testing.assert_allclose(shifted.centres - SENSOR.centres, 1.0)
    assert not np.allclose(shifted.radiance_block(0, 1), build_scene(SMALL, SENSOR).radiance_block(0, 1))


def test_the_truth_is_what_was_mixed(scene: Scene) -> None:
    truth = scene.truth
    assert truth.mineral_abundance.shape == (10, 24, 40)
    weights = scene.ground.line_weights(3, len(scene.palette))
    gypsum = list(scene.palette.groups["gypsum"])
    index = truth.mineral_names.index("gypsum")
    np.testing.assert_allclose(truth.mineral_abundance[index, 3], weights[:, gypsum].sum(axis=1), atol=1e-6)


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
