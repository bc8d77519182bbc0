from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.models.denoise_classical import band_noise, gaussian_bands, low_rank, total_variation_bands

Array = npt.NDArray[np.float32]
BANDS, SIZE = 16, 48


def clean_cube(seed: int = 1) -> Array:
    """Three materials in patches with smooth shading, 0-1."""
    rng = np.random.default_rng(seed)
    spectra = 0.3 + 0.3 * np.abs(np.cumsum(rng.normal(0, 0.2, (3, BANDS)), axis=1))
    maps = np.kron(rng.random((3, 6, 6)), np.ones((8, 8)))
    maps += 0.3 * np.sin(np.arange(SIZE) / 9)[None, :, None]
    cube = np.einsum("kb,kls->bls", spectra, maps)
    return np.asarray((cube - cube.min()) / np.ptp(cube), np.float32)


def rmse(a: Array, b: Array) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


@given(st.floats(0.01, 0.3), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_noise_of_each_band_is_found(sigma: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    level = sigma * np.array([1.0, 3.0], np.float32)
    cube = rng.standard_normal((2, 64, 65), dtype=np.float32) * level[:, None, None]
    assert band_noise(cube) == pytest.approx(level, rel=0.12)


@pytest.mark.parametrize("method", [gaussian_bands, total_variation_bands, low_rank])
def test_noise_goes_down_and_shape_stays(method: Callable[[Array], Array]) -> None:
    clean = clean_cube()
    noisy = clean + np.random.default_rng(2).standard_normal(clean.shape, dtype=np.float32) * np.float32(0.1)
    kept = noisy.copy()
    found = method(noisy)
    assert found.shape == clean.shape
    assert found.dtype == np.float32
    assert np.array_equal(noisy, kept)
    assert rmse(found, clean) < 0.65 * rmse(noisy, clean)


def test_low_rank_beats_what_looks_at_one_band_alone() -> None:
    clean = clean_cube()
    noisy = clean + np.random.default_rng(3).standard_normal(clean.shape, dtype=np.float32) * np.float32(0.1)
    alone = min(rmse(gaussian_bands(noisy), clean), rmse(total_variation_bands(noisy), clean))
    assert rmse(low_rank(noisy), clean) < 0.8 * alone


@pytest.mark.parametrize("method", [gaussian_bands, total_variation_bands, low_rank])
def test_almost_clean_cubes_are_hardly_touched(method: Callable[[Array], Array]) -> None:
    clean = clean_cube()
    noisy = clean + np.random.default_rng(4).standard_normal(clean.shape, dtype=np.float32) * np.float32(1e-3)
    assert rmse(method(noisy), clean) < 0.02


def test_odd_sizes_pass() -> None:
    cube = np.random.default_rng(5).random((5, 17, 23), dtype=np.float32)
    for method in (gaussian_bands, total_variation_bands, low_rank):
        assert np.isfinite(method(cube)).all()
