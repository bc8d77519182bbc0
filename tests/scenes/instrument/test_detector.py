from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from onboard.scenes.arrays import NumpyRandom, TorchRandom, host, like
from onboard.scenes.atmosphere import reference_radiance
from onboard.scenes.instrument import detector as steps
from onboard.scenes.instrument.detector import Detector
from onboard.scenes.instrument.draw import draw_detector
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
NOISE = np.stack([SENSOR.noise_a, SENSOR.noise_b, SENSOR.noise_c])
LEVEL = reference_radiance(SENSOR.centres, SENSOR.fwhm).astype(np.float32)
SAMPLES = 96
CHECKED_NM = (550, 1650, 2200, 2300, 2450)


def quiet(detector: Detector) -> Detector:
    """The detector without anything but noise."""
    zero = np.zeros_like(detector.gain)
    return replace(
        detector,
        shear=zero,
        gain=zero + 1,
        offset=zero,
        quantum=detector.quantum * 1e-6,
        seam=None,
        elements=None,
    )


def drawn(kind: Any = NumpyRandom, key: int = 1) -> Detector:
    return draw_detector(kind(key), SENSOR.centres, NOISE, SAMPLES)


def scene(lines: int = 4) -> NDArray[np.float32]:
    contrast = np.random.default_rng(2).uniform(0.4, 1.6, (lines, SAMPLES, 1))
    return np.asarray(LEVEL * contrast, np.float32)


def test_noise_and_snr_are_those_of_the_model() -> None:
    radiance = np.broadcast_to(LEVEL, (300, SAMPLES, SENSOR.bands))
    noise = NumpyRandom(3).normal(radiance.shape)
    seen = steps.observe(quiet(drawn()), radiance, noise)
    expected = SENSOR.noise_sigma(LEVEL)
    for nm in CHECKED_NM:
        band = int(np.argmin(np.abs(SENSOR.centres - nm)))
        sigma = float(seen[..., band].std())
        assert sigma == pytest.approx(float(expected[band]), rel=0.03)
        assert float(seen[..., band].mean()) / sigma == pytest.approx(LEVEL[band] / expected[band], rel=0.03)


def test_noise_below_minus_b_is_the_constant() -> None:
    table = np.asarray([[0.1, 0.1], [0.5, 0.5], [0.0, -0.02]], np.float32)
    sigma = steps.noise_sigma(np.asarray([[-1.0, -1.0], [0.5, 0.5]], np.float32), table)
    np.testing.assert_allclose(sigma, [[0.0, 0.02], [0.1, 0.08]], rtol=1e-6)


def test_a_shift_moves_along_the_slope() -> None:
    centres = SENSOR.centres
    line = (0.01 * centres).astype(np.float32)[None, None, :].repeat(SAMPLES, axis=1)
    detector = replace(drawn(), shear=np.full((SAMPLES, SENSOR.bands), 1.0, np.float32))
    shear = 0.2 / np.gradient(centres) / 2
    moved = steps.shifted(line, (detector.shear * shear).astype(np.float32))
    np.testing.assert_allclose(moved[..., 1:-1] - line[..., 1:-1], 0.01 * 0.2, atol=2e-4)
    np.testing.assert_array_equal(moved[..., [0, -1]], line[..., [0, -1]])


def test_values_are_whole_counts_below_full_scale() -> None:
    quantum, full = np.asarray([0.25, 0.5], np.float32), np.asarray([10.0, 3.0], np.float32)
    seen = steps.quantised(np.asarray([[1.1, 1.1], [99.0, 99.0], [-0.3, -0.3]], np.float32), quantum, full)
    np.testing.assert_allclose(seen, [[1.0, 1.0], [10.0, 3.0], [-0.25, -0.5]])


def test_the_seam_is_inferred_from_its_neighbours() -> None:
    detector = drawn()
    assert detector.seam is not None
    assert (detector.seam.first, detector.seam.count) == (122, 3)
    cubic = (1 + 1e-3 * (SENSOR.centres - 1300) + 1e-8 * (SENSOR.centres - 1300) ** 3).astype(np.float32)
    spoilt = cubic.copy()
    spoilt[122:125] = 50
    np.testing.assert_allclose(steps.bridged(spoilt, detector.seam), cubic, atol=1e-4)


def test_observed_lines_are_as_they_are_in_any_block() -> None:
    detector, radiance = drawn(), scene()
    assert detector.elements is not None
    noise = np.stack([steps.line_noise(5, k, radiance.shape[1:]) for k in range(len(radiance))])
    whole = steps.observe(detector, radiance[None], noise[None])[0]
    for line in range(len(radiance)):
        one = steps.observe(detector, radiance[line], steps.line_noise(5, line, radiance.shape[1:]))
        np.testing.assert_allclose(one, whole[line], atol=1e-6)
    np.testing.assert_array_equal(radiance, scene())


def test_noise_of_a_line_follows_seed_and_line_alone() -> None:
    shape = (7, 5)
    np.testing.assert_array_equal(steps.line_noise(1, 2, shape), steps.line_noise(1, 2, shape))
    assert not np.array_equal(steps.line_noise(1, 2, shape), steps.line_noise(1, 3, shape))
    assert not np.array_equal(steps.line_noise(1, 2, shape), steps.line_noise(2, 2, shape))
    assert steps.line_noise(1, 2, shape).dtype == np.float32


def test_stripes_stay_within_the_size_of_flat_field_residuals() -> None:
    radiance = np.broadcast_to(LEVEL, (200, SAMPLES, SENSOR.bands))
    seen = steps.observe(drawn(), radiance, NumpyRandom(4).normal(radiance.shape)).mean(axis=0)
    for nm in (550, 1650, 2200):
        band = int(np.argmin(np.abs(SENSOR.centres - nm)))
        stripes = float((seen[:, band] / LEVEL[band]).std())
        assert 0.0008 < stripes < 0.012


@pytest.mark.parametrize("step", ["shifted", "respond", "sigma", "quantised", "bridged", "observe"])
def test_numpy_and_torch_agree(step: str) -> None:
    place = pytest.importorskip("torch").zeros(())
    radiance, noise = scene(), NumpyRandom(6).normal((4, SAMPLES, SENSOR.bands))
    results = []
    for kind, there in ((NumpyRandom, np.zeros(())), (TorchRandom, place)):
        d, x, z = drawn(kind), like(radiance, there), like(noise, there)
        # Rounding may fall to either side of a half; the quantum stays out of what must agree.
        fine = replace(d, quantum=d.quantum * 1e-3)
        results.append(host(_step(step, d, fine, x, z)))
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)


def _step(name: str, detector: Detector, fine: Detector, radiance: Any, noise: Any) -> Any:
    if name == "shifted":
        return steps.shifted(radiance, detector.shear)
    if name == "respond":
        return steps.respond(radiance + 0, detector.gain, detector.offset)
    if name == "sigma":
        return steps.noise_sigma(radiance, detector.noise)
    if name == "quantised":
        return steps.quantised(radiance + 0, fine.quantum, fine.full_scale)
    if name == "bridged":
        assert detector.seam is not None
        return steps.bridged(radiance, detector.seam)
    return steps.observe(replace(fine, elements=None), radiance, noise)
