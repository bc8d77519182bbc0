from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onboard.replay.colours import CLASS_COLOURS, RAMP_ANCHORS, nice_ceiling, ramp, stretch


def test_the_ramp_gets_steadily_lighter() -> None:
    table = ramp().astype(float)
    luma = table @ np.array([0.299, 0.587, 0.114])
    assert table.shape == (256, 3)
    assert (np.diff(luma) > -0.75).all()
    assert tuple(table[0]) == RAMP_ANCHORS[0]
    assert tuple(table[-1]) == RAMP_ANCHORS[-1]


def test_class_colours_differ() -> None:
    colours = np.array(CLASS_COLOURS, float)
    distance = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    assert distance[~np.eye(len(colours), dtype=bool)].min() > 60


@given(st.floats(1e-3, 1e6))
def test_a_nice_ceiling_is_above_but_not_far(value: float) -> None:
    assert value <= nice_ceiling(value) * (1 + 1e-8) <= 2.001 * value * (1 + 1e-8)


def test_stretch_uses_valid_pixels_only() -> None:
    band = np.tile(np.linspace(1, 2, 100, dtype=np.float32), (4, 1))
    valid = np.ones(band.shape, bool)
    band[0], valid[0] = np.nan, False
    out = stretch(band, valid)
    assert (out[0] == 0).all()
    assert out[1, 0] == 0
    assert out[1, -1] == 255
    assert not stretch(band, np.zeros(band.shape, bool)).any()
