from dataclasses import replace

from onboard.scenes.validation.plots_methane import draw_background, draw_enhancements, draw_slope
from tests.scenes.validation.samples import methane
from tests.scenes.validation.test_drawing import content


def test_the_filters_are_drawn() -> None:
    assert b"<svg" in content(draw_background(methane()))
    assert content(draw_enhancements(methane()))[1:4] == b"PNG"
    assert content(draw_slope(methane()))[1:4] == b"PNG"


def test_a_climate_without_plume_pixels_is_drawn_empty() -> None:
    first, second = methane()
    empty = replace(second, truth=second.truth[:0], retrieved=second.retrieved[:0])
    assert content(draw_slope([first, empty]))[1:4] == b"PNG"
    assert draw_slope([first, empty]) != draw_slope([first, second])
