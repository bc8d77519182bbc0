from __future__ import annotations

import numpy as np
import pytest

from onboard.scenes.library import GRID, load_library
from onboard.scenes.response import band_weights
from onboard.scenes.spectra.minerals import bland, mineral_spectra, shifted

CENTRES = np.arange(400.0, 2480.0, 10.0)
RESPONSES = band_weights(GRID, CENTRES, np.full(CENTRES.size, 10.0)).astype(np.float32)


def test_shifts_move_vibrations_and_iron_bands_by_their_own_figure() -> None:
    rho = np.ones((2, GRID.size), np.float32)
    rho -= 0.5 * np.exp(-0.5 * ((GRID - 900.0) / 40.0) ** 2) + 0.5 * np.exp(
        -0.5 * ((GRID - 2200.0) / 15.0) ** 2
    )
    moved = shifted(rho.astype(np.float32), np.array([4.0, -2.5]), np.array([-10.0, 0.0]))
    swir, vnir = GRID > 2000, GRID < 1100
    centres = [[np.average(GRID[part], weights=1 - row[part]) for part in (vnir, swir)] for row in moved]
    np.testing.assert_allclose(centres, [[890.0, 2204.0], [900.0, 2197.5]], atol=0.6)
    np.testing.assert_allclose(shifted(rho, np.zeros(2), np.zeros(2)), rho, atol=1e-6)
    far = shifted(rho, np.array([500.0, 0.0]), np.zeros(2))
    assert GRID[swir][np.argmin(far[0, swir])] < 2206


def test_bland_matrix_has_no_features() -> None:
    rho = bland(np.random.default_rng(1), 50)
    assert rho.min() > 0.01
    assert rho.max() < 0.9
    assert np.abs(np.diff(np.log(rho), 2, axis=1)).max() < 4e-3


@pytest.mark.parametrize("mineral", ["goethite", "gypsum", "vermiculite"])
def test_variants_differ_and_stay_near_their_samples(mineral: str) -> None:
    library = load_library()
    samples = library.spectra[library.members(mineral)]
    made = mineral_spectra(np.random.default_rng(3), samples, RESPONSES, 200)
    assert made.shape == (200, CENTRES.size)
    assert made.dtype == np.float32
    assert made.min() >= 0.003
    assert made.max() <= 1.0
    assert len(np.unique(made.round(4), axis=0)) == 200
    unit = made / np.linalg.norm(made, axis=1, keepdims=True)
    known = samples @ RESPONSES.T
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    angle = np.arccos(np.clip((unit @ known.T).max(axis=1), -1, 1))
    assert 0.02 < np.median(angle) < 0.3
