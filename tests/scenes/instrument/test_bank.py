from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.instrument.bank import DetectorBank
from onboard.scenes.instrument.detector import observe
from onboard.scenes.instrument.measured import SAMPLES
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
CENTRES = SENSOR.centres
NOISE = np.stack([SENSOR.noise_a, SENSOR.noise_b, SENSOR.noise_c])
SHORT = (CENTRES > 2004) & (CENTRES < 2478)
SHORT[[10, 22, 35]] = True


@pytest.mark.parametrize("kind", [NumpyRandom, TorchRandom])
def test_tiles_get_windows_of_whole_detectors(kind: Any) -> None:
    bank = DetectorBank.build(kind(1), CENTRES[SHORT], NOISE[:, SHORT], 32, count=2)
    detector = bank.draw(kind(2), 3)
    bands = int(SHORT.sum())
    assert detector.gain.shape == (3, 1, 32, bands)
    assert detector.elements is not None
    assert detector.elements.columns.shape == (3, bank.repaired)
    radiance = kind(3).uniform((3, 5, 32, bands), 0.3, 1.0)
    noise = kind(4).normal(radiance.shape)
    seen = host(observe(detector, radiance, noise))
    assert seen.shape == radiance.shape
    assert np.isfinite(seen).all()
    # Every bad element of a window lies in a column that is repaired.
    bad = np.asarray(host(detector.elements.bad)[:, 0].max(axis=-1))
    columns = host(detector.elements.columns)
    for scene in range(3):
        assert set(np.flatnonzero(bad[scene])) <= set(columns[scene])
    one = host(bank.arrays["gain"]).reshape(2, SAMPLES, bands)
    assert np.isin(host(detector.gain)[:, 0, 5, 0], one[:, :, 0]).all()


def test_windows_follow_their_key_and_both_libraries_share_the_bank() -> None:
    kinds = (NumpyRandom, TorchRandom)
    one, other = (DetectorBank.build(kind(1), CENTRES[SHORT], NOISE[:, SHORT], 16, count=1) for kind in kinds)
    np.testing.assert_array_equal(one.arrays["bad"], host(other.arrays["bad"]))
    assert one.repaired == other.repaired
    np.testing.assert_array_equal(one.draw(NumpyRandom(5), 4).gain, one.draw(NumpyRandom(5), 4).gain)


@pytest.mark.parametrize(("samples", "count"), [(0, 2), (1243, 2), (32, 0)])
def test_what_is_no_bank_is_refused(samples: int, count: int) -> None:
    with pytest.raises(UsageError):
        DetectorBank.build(NumpyRandom(1), CENTRES, NOISE, samples, count=count)
