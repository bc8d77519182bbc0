from dataclasses import replace

import numpy as np
import pytest

from onboard.scenes.validation.figures import INSIDE, OUTSIDE
from onboard.scenes.validation.noise import (
    WAVELENGTHS_NM,
    image_noise,
    noise_figures,
    noise_of_study,
    robust_deviation,
)
from onboard.sensors import load_sensor
from tests.scenes.validation.samples import CENTRES, noise, small_study


def test_the_robust_deviation_passes_over_outliers() -> None:
    values = np.random.default_rng(0).normal(0, 2, (20000, 3)).astype(np.float32)
    values[:100] = 1e4
    np.testing.assert_allclose(robust_deviation(values), 2, rtol=0.05)


def test_noise_of_an_image_is_found_without_knowing_the_ground() -> None:
    rng = np.random.default_rng(1)
    sensor = load_sensor("emit")
    weights = rng.uniform(0, 1, (64, 64, 4))
    spectra = np.exp(0.3 * np.cumsum(np.cumsum(rng.normal(0, 0.01, (4, sensor.bands)), axis=1), axis=1))
    clean = (3 + weights @ spectra).astype(np.float32)
    noisy = clean + sensor.noise_sigma(clean) * rng.standard_normal(clean.shape, dtype=np.float32)
    found, model = image_noise(noisy.astype(np.float32), np.ones((64, 64), np.bool_), sensor)
    assert np.median(found / model) == pytest.approx(1, abs=0.12)


def test_an_image_of_lost_pixels_has_no_noise_to_measure() -> None:
    sensor = load_sensor("emit")
    found, _ = image_noise(np.ones((64, 64, sensor.bands), np.float32), np.zeros((64, 64), np.bool_), sensor)
    assert np.isnan(found).all()


def test_a_study_has_the_sensors_noise() -> None:
    found = noise_of_study(small_study(), load_sensor("emit"))
    assert np.median(found.pair / found.model) == pytest.approx(1, abs=0.05)
    assert 0.7 < np.median(found.image / found.image_model) < 2
    assert (found.radiance[:100] > 0).all()


def test_figures_name_every_wavelength_and_judge() -> None:
    figures = {figure.key: figure for figure in noise_figures(noise(), CENTRES)}
    assert len(figures) == 2 * len(WAVELENGTHS_NM)
    assert figures["noise_pair_2300"].value == pytest.approx(1.02)
    assert figures["noise_pair_2300"].verdict == figures["noise_image_550"].verdict == INSIDE
    assert "SNR 490 to 490" in figures["noise_pair_1650"].note
    loud = [replace(one, pair=1.2 * one.pair) for one in noise()]
    assert noise_figures(loud, CENTRES)[0].verdict == OUTSIDE
