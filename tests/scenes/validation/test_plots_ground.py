from onboard.scenes.validation.plots_ground import draw_angles, draw_endmembers, draw_quicklooks, draw_texture
from tests.scenes.validation.samples import CENTRES, texture, variety
from tests.scenes.validation.test_drawing import content


def test_the_ground_is_drawn() -> None:
    assert content(draw_quicklooks(texture()))[1:4] == b"PNG"
    for uri in (draw_texture(texture()), draw_endmembers(variety(), CENTRES), draw_angles(variety())):
        assert b"<svg" in content(uri)
