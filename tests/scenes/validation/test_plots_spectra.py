import pytest

from onboard.scenes.validation.plots_spectra import (
    draw_composition,
    draw_correlation,
    draw_deviation,
    draw_mean,
    draw_noise,
    draw_prediction,
)
from tests.scenes.validation.samples import CENTRES, noise, spectra_check
from tests.scenes.validation.test_drawing import content


@pytest.mark.parametrize("known", [True, False])
def test_radiance_statistics_are_drawn_with_and_without_emits_covariance(known: bool) -> None:
    check = spectra_check(known)
    for uri in (draw_mean(check), draw_deviation(check), draw_composition(check)):
        assert b"<svg" in content(uri)
    assert content(draw_correlation(check))[1:4] == b"PNG"


def test_prediction_is_drawn_only_where_there_is_one() -> None:
    assert b"<svg" in content(draw_prediction(spectra_check()))
    assert draw_prediction(spectra_check(with_covariance=False)) == ""


def test_noise_is_drawn() -> None:
    assert b"<svg" in content(draw_noise(noise(), CENTRES))
