from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.instrument.draw import draw_detector, seam_of
from onboard.scenes.instrument.measured import BANDS, SAMPLES, MeasuredDetector
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
CENTRES = SENSOR.centres
NOISE = np.stack([SENSOR.noise_a, SENSOR.noise_b, SENSOR.noise_c])
SHORT = (CENTRES > 2004) & (CENTRES < 2478)
SHORT[[10, 22, 35]] = True


def measured() -> MeasuredDetector:
    rng = np.random.default_rng(1)
    return MeasuredDetector(
        centres=CENTRES,
        bad=rng.random((BANDS, SAMPLES)) < 0.001,
        departure=rng.normal(0, 0.004, (SAMPLES, BANDS)).astype(np.float32),
        smile_nm=rng.normal(0, 0.01, (SAMPLES, BANDS)).astype(np.float32),
    )


@pytest.mark.parametrize("source", [None, measured()])
def test_a_detector_is_the_same_on_all_libraries(source: MeasuredDetector | None) -> None:
    one, other = (
        draw_detector(k(3), CENTRES, NOISE, 200, measured=source) for k in (NumpyRandom, TorchRandom)
    )
    for field in fields(one):
        if field.name not in ("seam", "elements"):
            value = getattr(one, field.name)
            assert value.dtype == np.float32
            np.testing.assert_array_equal(value, host(getattr(other, field.name)))
    assert one.elements is not None
    assert other.elements is not None
    np.testing.assert_array_equal(one.elements.bad, host(other.elements.bad))
    assert one.gain.shape == (200, SENSOR.bands)


def test_keys_give_different_detectors() -> None:
    one, other = (draw_detector(NumpyRandom(k), CENTRES, NOISE, 50) for k in (1, 2))
    assert not np.array_equal(one.gain, other.gain)


def test_smile_has_the_size_that_was_measured() -> None:
    tilts = []
    for key in range(30):
        detector = draw_detector(NumpyRandom(key), CENTRES, NOISE, 101, smile_nm=0.0, shift_nm=0.0)
        shift = detector.shear[:, 1:-1] * (CENTRES[2:] - CENTRES[:-2])
        assert np.abs(shift).max() < 0.03
        tilts.append(shift[-1, -1])
        assert np.abs(shift[50]).max() < 1e-6
    assert np.mean(tilts) == pytest.approx(7.5e-6 * (2486 - 444), rel=0.15)


def test_slopes_do_not_reach_across_gaps() -> None:
    centres = CENTRES[SHORT]
    detector = draw_detector(NumpyRandom(1), centres, NOISE[:, SHORT], 20, smile_nm=0.5)
    gaps = np.flatnonzero(np.diff(centres) > 30)
    assert gaps.size
    assert np.abs(detector.shear[:, gaps]).max() == 0
    assert np.abs(detector.shear[:, 20]).max() > 0


def test_the_seam_lies_where_it_is_published_and_only_there() -> None:
    (first, last), weights = seam_of(CENTRES)
    assert (first, last) == (122, 125)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    assert seam_of(CENTRES[SHORT])[0] == (0, 0)
    assert seam_of(CENTRES[123:])[0] == (0, 0)
    assert draw_detector(NumpyRandom(1), CENTRES[SHORT], NOISE[:, SHORT], 20).seam is None


def test_a_measured_detector_gives_windows_of_itself() -> None:
    source = measured()
    whole = draw_detector(NumpyRandom(1), CENTRES, NOISE, SAMPLES, measured=source)
    departure = whole.gain - 1
    share = departure.std() / source.departure.std()
    assert 0.4 <= share <= 1.0
    np.testing.assert_allclose(departure, share * source.departure, atol=1e-5)
    assert whole.elements is not None
    np.testing.assert_array_equal(whole.elements.bad, source.bad.T)
    with pytest.raises(UsageError):
        draw_detector(NumpyRandom(1), CENTRES, NOISE, SAMPLES + 1, measured=source)
