import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.surface.climates import climate_names
from onboard.scenes.validation.material import check_size, endmembers, patches, quiet_sensor, sun_zenith
from onboard.sensors import load_sensor
from tests.scenes.validation.samples import small_study


def test_a_quiet_sensor_differs_in_noise_alone() -> None:
    sensor = load_sensor("emit")
    still = quiet_sensor(sensor)
    assert not still.noise_sigma(np.full(sensor.bands, 5.0)).any()
    np.testing.assert_array_equal(still.centres, sensor.centres)


def test_a_study_shows_the_same_ground_with_and_without_noise_and_plumes() -> None:
    study = small_study()
    assert study.background.shape == study.with_plumes.shape == (192, 32, study.scene.bands)
    assert study.quiet.shape == study.noisy.shape
    difference = (study.noisy - study.quiet)[study.valid[: len(study.quiet)]]
    sigma = load_sensor("emit").noise_sigma(study.quiet[study.valid[: len(study.quiet)]])
    assert 0 < np.median(np.abs(difference) / sigma) < 2
    gas = study.enhancement > 100
    assert gas.any()
    clean = ~(study.enhancement > 0)
    # A bad element beside a plume may be filled from another column than without it.
    same = study.background[clean] == study.with_plumes[clean]
    assert same.mean() > 0.9995
    assert 10 < sun_zenith(study.scene) < 80


def test_patches_are_of_every_climate_and_free_of_noise() -> None:
    sensor = load_sensor("emit")
    found = patches(5, sensor, count=1, size=16)
    assert [part.climate for part in found] == climate_names()
    for part in found:
        assert part.radiance.shape == (256, sensor.bands)
        assert np.isfinite(part.radiance).all()
        assert ((part.endmembers > 0) & (part.endmembers <= 1.01)).all()
    again = patches(5, sensor, count=1, size=16)
    np.testing.assert_array_equal(found[0].radiance, again[0].radiance)


def test_endmembers_are_reflectances_by_band() -> None:
    scene = build_scene(SceneRecipe(seed=1, lines=8, samples=8), load_sensor("emit"))
    assert endmembers(scene).shape[1] == scene.bands


@pytest.mark.parametrize("size", [(100, 200), (640, 8)])
def test_a_size_too_small_for_statistics_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="too small"):
        check_size(size)
