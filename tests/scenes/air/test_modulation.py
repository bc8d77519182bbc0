from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.air.light import FEATURES, MODULATIONS
from onboard.scenes.air.modulation import OWN_FEATURES_NM, modulation_curves
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
CENTRES = SENSOR.centres


@pytest.mark.parametrize("kind", [NumpyRandom, TorchRandom])
def test_modulation_curves_differ_from_scene_to_scene_and_follow_their_strength(kind: Any) -> None:
    strength = kind(0).asarray([1.0, 2.0, 0.0])
    curves = host(modulation_curves(kind(1), CENTRES, strength, 3))
    assert curves.shape == (3, MODULATIONS + FEATURES, SENSOR.bands)
    own = CENTRES[np.abs(curves[0, MODULATIONS:]).argmax(axis=1)]
    np.testing.assert_allclose(own, [nm for nm, _ in OWN_FEATURES_NM], atol=8)
    assert (curves[0, MODULATIONS:] <= 0).all()
    assert curves.dtype == np.float32
    assert np.abs(curves[2]).max() == 0
    assert 0.02 < curves[0, 0, 0] < 0.08
    same = host(modulation_curves(kind(1), CENTRES, strength, 3))
    np.testing.assert_array_equal(curves, same)
    assert np.abs(curves[1] - 2 * curves[0]).max() > 1e-3
