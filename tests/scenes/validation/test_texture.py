import numpy as np
import pytest

from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.random_fields import spectral_field
from onboard.scenes.validation.figures import INSIDE, OUTSIDE
from onboard.scenes.validation.texture import (
    TEXTURE_NM,
    autocorrelation,
    exponent,
    filled,
    power_spectrum,
    texture_figures,
    texture_of_study,
)
from tests.scenes.validation.samples import small_study, texture


@pytest.mark.parametrize("power", [0.0, 2.0, 3.0])
def test_the_exponent_of_a_known_field_is_found(power: float) -> None:
    if power:
        image = spectral_field(NumpyRandom("texture", 1), (1, 384, 384), outer=400.0, slope=power)[0]
    else:
        image = np.random.default_rng(0).standard_normal((384, 384))
    assert exponent(*power_spectrum(np.asarray(image, np.float64))) == pytest.approx(power, abs=0.3)


def test_too_few_rings_give_no_exponent() -> None:
    assert np.isnan(exponent(np.array([0.1, 0.2]), np.array([1.0, 0.5])))


def test_autocorrelation_starts_at_one_and_knows_a_wave() -> None:
    wave = np.tile(np.sin(2 * np.pi * np.arange(160) / 16), (160, 1))
    found = autocorrelation(wave + wave.T)
    assert found[0] == pytest.approx(1)
    assert found[16] == pytest.approx(1, abs=0.02)
    assert found[8] == pytest.approx(0, abs=0.02) or found[8] < 0


def test_lost_pixels_take_the_mean_of_the_others() -> None:
    image = np.array([[1.0, 3.0], [-9999.0, 2.0]], np.float32)
    np.testing.assert_allclose(filled(image, image > 0), [[1, 3], [2, 2]])


def test_a_study_is_measured_at_every_wavelength() -> None:
    found = texture_of_study(small_study())
    assert found.exponent.shape == (len(TEXTURE_NM),)
    assert (found.exponent > 0.5).all()
    assert found.rgb.shape == (192, 32, 3)
    np.testing.assert_allclose(found.power.sum(axis=1), 1)


def test_figures_judge_the_exponent() -> None:
    figures = texture_figures(texture())
    assert [figure.verdict for figure in figures] == [INSIDE] * (len(TEXTURE_NM) + 1)
    from dataclasses import replace

    white = [replace(one, exponent=np.zeros(len(TEXTURE_NM))) for one in texture()]
    assert texture_figures(white)[0].verdict == OUTSIDE
