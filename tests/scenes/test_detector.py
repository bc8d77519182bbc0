from __future__ import annotations

import numpy as np
import pytest

from onboard.scenes import detector
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
SAMPLES = 400


def flat(level: float) -> np.ndarray:
    return np.full((SAMPLES, SENSOR.bands), level, np.float32)


def test_noise_follows_the_sensors_model() -> None:
    drawn = detector.draw_detector(np.random.default_rng(0), SENSOR, SAMPLES, seed=1)
    for level in (0.2, 4.0):
        noise = np.concatenate([drawn.draw_noise(flat(level), line) for line in range(6)])
        sigma = SENSOR.noise_sigma(np.full(SENSOR.bands, level))
        np.testing.assert_allclose(noise.std(axis=0) / sigma, 1, atol=0.09)
        assert abs(float((noise / sigma).mean())) < 0.01


def test_a_lines_noise_depends_on_seed_and_line_alone() -> None:
    one = detector.draw_detector(np.random.default_rng(0), SENSOR, SAMPLES, seed=1)
    other = detector.draw_detector(np.random.default_rng(0), SENSOR, SAMPLES, seed=2)
    np.testing.assert_array_equal(one.observe(flat(1), 5), one.observe(flat(1), 5))
    assert not np.array_equal(one.observe(flat(1), 5), one.observe(flat(1), 6))
    assert not np.array_equal(one.observe(flat(1), 5), other.observe(flat(1), 5))


def test_stripes_are_small_and_stay_with_their_column() -> None:
    drawn = detector.draw_detector(np.random.default_rng(3), SENSOR, SAMPLES, seed=1, smile_nm=0.0)
    assert 0.0015 < float(np.median(drawn.gain.std(axis=0))) < 0.0055
    assert float(drawn.gain.std(axis=0).max()) > 1.8 * float(np.median(drawn.gain.std(axis=0)))
    bright = np.mean([drawn.observe(flat(5), line) for line in range(12)], axis=0)
    stripes = bright - 5 * drawn.gain - drawn.offset
    assert float(np.abs(stripes).mean()) < 0.01
    assert not drawn.smile_nm.any()


def test_smile_shifts_the_spectrum_of_the_edge() -> None:
    drawn = detector.draw_detector(np.random.default_rng(3), SENSOR, SAMPLES, seed=1, smile_nm=0.5)
    ramp = np.tile(0.01 * SENSOR.centres, (SAMPLES, 1)).astype(np.float32)
    seen = np.mean([drawn.observe(ramp.copy(), line) for line in range(8)], axis=0) / drawn.gain
    moved = np.median((seen - ramp)[:, 50:250], axis=1) / 0.01
    np.testing.assert_allclose(moved, drawn.smile_nm, atol=0.2)
    assert abs(drawn.smile_nm[0]) > 0.1


def test_values_are_float32() -> None:
    drawn = detector.draw_detector(np.random.default_rng(3), SENSOR, SAMPLES, seed=1)
    assert drawn.observe(flat(1), 0).dtype == np.float32
    assert drawn.gain.dtype == drawn.offset.dtype == drawn.noise.dtype == np.float32


@pytest.mark.parametrize(("lines", "count"), [(100, 0), (100, 7), (8, 3), (8, 100)])
def test_flags_fall_on_the_number_of_lines_asked_for(lines: int, count: int) -> None:
    flags = detector.draw_line_flags(np.random.default_rng(1), lines, count)
    assert flags.shape == (lines,)
    assert np.count_nonzero(flags) == min(count, lines - 1)
    assert set(np.unique(flags).tolist()) <= {0.0, *detector.LINE_FLAGS}
