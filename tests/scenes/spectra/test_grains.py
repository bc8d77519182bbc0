from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.arrays import TorchRandom, host
from onboard.scenes.spectra.grains import absorb, regrain

NM = np.linspace(2000.0, 2400.0, 81)
BANDS = np.exp(-0.5 * ((NM - 2200.0) / 15.0) ** 2)
sizes = st.floats(0.1, 10.0)


def band_depth(rho: np.ndarray) -> float:
    return float(1.0 - rho[40] / (0.5 * (rho[0] + rho[-1])))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), sizes, sizes)
def test_coarser_is_darker_everywhere_and_sizes_multiply(seed: int, one: float, other: float) -> None:
    rho = np.random.default_rng(seed).uniform(0.003, 0.98, (4, 30))
    small, large = sorted((one, other))
    assert np.all(regrain(rho, large) <= regrain(rho, small) + 1e-12)
    np.testing.assert_allclose(regrain(regrain(rho, one), other), regrain(rho, one * other), rtol=1e-6)
    np.testing.assert_allclose(regrain(rho, 1.0), rho, rtol=1e-9)
    assert regrain(rho, large).min() > 0
    assert regrain(rho, small).max() < 1


@settings(max_examples=30, deadline=None)
@given(st.floats(0.4, 0.9), st.floats(0.02, 0.1))
def test_weak_bands_deepen_with_grain_size_slower_than_in_proportion(level: float, depth: float) -> None:
    rho = level * (1.0 - depth * BANDS)
    depths = [band_depth(regrain(rho, size)) for size in (0.3, 1.0, 3.0)]
    assert depths[0] < depths[1] < depths[2] < 3.0 * depths[1]


def test_strong_bands_saturate_and_then_fade() -> None:
    rho = 0.5 * (1.0 - 0.9 * BANDS)
    depths = [band_depth(regrain(rho, size)) for size in (1.0, 10.0, 300.0)]
    assert depths[2] < depths[1]
    assert regrain(rho, 1e6).min() > 0.005


def test_what_is_darker_than_opaque_grains_stays() -> None:
    np.testing.assert_array_equal(regrain(np.array([0.004, 0.006]), 3.0), [0.004, 0.006])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_an_absorber_darkens_by_its_amount_and_can_be_taken_away(seed: int, a: float, b: float) -> None:
    rho = np.random.default_rng(seed).uniform(0.01, 0.95, (3, NM.size))
    less, more = sorted((a, b))
    assert np.all(absorb(rho, more * BANDS) <= absorb(rho, less * BANDS) + 1e-12)
    np.testing.assert_allclose(
        absorb(absorb(rho, a * BANDS), b * BANDS), absorb(rho, (a + b) * BANDS), rtol=1e-6
    )
    dried = absorb(rho, -a * BANDS)
    assert np.all(dried >= rho - 1e-9)
    assert dried.max() < 1
    np.testing.assert_allclose(absorb(rho, 0.0 * BANDS), rho, rtol=1e-6)


def test_torch_gives_the_same() -> None:
    pytest.importorskip("torch")
    random = TorchRandom(1)
    rho = random.uniform((3, 20), 0.01, 0.9)
    size = random.uniform((3, 1), 0.3, 3.0)
    np.testing.assert_allclose(host(regrain(rho, size)), regrain(host(rho), host(size)), rtol=1e-4)
    np.testing.assert_allclose(host(absorb(rho, size)), absorb(host(rho), host(size)), rtol=1e-4)
