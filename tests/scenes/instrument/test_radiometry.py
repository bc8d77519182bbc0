from __future__ import annotations

import numpy as np
import pytest

from onboard.scenes.instrument import radiometry
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")


def test_there_is_one_coefficient_a_band() -> None:
    assert radiometry.COEFFICIENTS.shape == (SENSOR.bands,)
    assert (radiometry.COEFFICIENTS > 1e-5).all()
    np.testing.assert_allclose(radiometry.radiance_per_count(SENSOR.centres), radiometry.COEFFICIENTS)
    # Rows 304, 281 and 20 of EMIT_RadiometricCoeffs_20230119.txt.
    assert radiometry.COEFFICIENTS[[0, 23, 284]] == pytest.approx([9.3374e-4, 6.6024e-4, 5.059e-5], rel=1e-3)


def test_full_scale_lies_above_bright_ground_and_steps_below_noise() -> None:
    for nm, bright in ((550, 15.0), (1650, 2.5), (2200, 0.6)):
        band = int(np.argmin(np.abs(SENSOR.centres - nm)))
        sigma = SENSOR.noise_sigma(np.full(SENSOR.bands, bright))[band]
        assert radiometry.full_scale(SENSOR.centres)[band] > 2 * bright
        assert radiometry.quantum(SENSOR.centres)[band] < 2 * sigma
