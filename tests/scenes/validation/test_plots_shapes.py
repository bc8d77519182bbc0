from dataclasses import replace

from onboard.scenes.gas.outlines import OutlineStatistics
from onboard.scenes.validation.plots_shapes import draw_shapes
from tests.scenes.validation.samples import shapes
from tests.scenes.validation.test_drawing import content


def test_distributions_are_drawn_and_follow_the_outlines() -> None:
    own = shapes()
    assert b"<svg" in content(draw_shapes(own))
    double = OutlineStatistics(2 * own.simulated.area_px, own.simulated.length_px, own.simulated.elongation)
    assert draw_shapes(own) != draw_shapes(replace(own, simulated=double))
