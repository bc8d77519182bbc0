from __future__ import annotations

import numpy as np
import pytest

from onboard.minerals import MINERALS
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.library import load_library
from onboard.scenes.spectra.bank import SpectralBank
from onboard.scenes.spectra.mixing import albedo_of
from onboard.scenes.spectra.recipes import RECIPES

CENTRES = np.arange(385.0, 2491.0, 8.0)
FWHM = np.full(CENTRES.size, 10.0)


@pytest.fixture(scope="module")
def bank() -> SpectralBank:
    return SpectralBank.build(load_library(), CENTRES, FWHM, seed=1, size=1600)


def angles(spectra: np.ndarray) -> np.ndarray:
    unit = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    cosine = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(cosine, -1.0)
    return np.asarray(np.arccos(cosine.max(axis=1)))


def own(bank: SpectralBank, group: str) -> np.ndarray:
    first, end = bank.members[group]
    return bank.spectra[first:end]


def at(nm: float) -> int:
    return int(np.argmin(np.abs(CENTRES - nm)))


def test_a_thousand_backgrounds_are_distinct_and_physical(bank: SpectralBank) -> None:
    backgrounds = np.concatenate([own(bank, group) for group in RECIPES])
    assert len(backgrounds) >= 1500
    assert backgrounds.dtype == np.float32
    assert backgrounds.min() >= 0.003
    assert bank.spectra.max() <= 1.0
    # The nearest neighbour of a spectrum is another spectrum, not a brighter copy of it.
    assert np.sum(angles(backgrounds.astype(np.float64)) > 0.01) >= 1000
    assert all(len(own(bank, mineral)) >= 100 for mineral in MINERALS)
    # Without a jump from band to band that no ground shows.
    jumps = np.abs(np.diff(np.log(backgrounds), axis=1)).max(axis=1)
    assert np.percentile(jumps, 99) < 1.2


def test_groups_look_like_what_they_are_called(bank: SpectralBank) -> None:
    green = own(bank, "green")
    assert np.median(green[:, at(800)] / green[:, at(675)]) > 3
    assert np.median(own(bank, "snow")[:, at(500)]) > 0.4
    assert np.median(own(bank, "snow")[:, at(1500)]) < 0.25
    assert np.median(own(bank, "water")[:, at(1600)]) < 0.03
    assert np.median(own(bank, "dark")[:, at(1600)]) < 0.2
    soil = own(bank, "soil")
    assert 0.1 < np.median(soil[:, at(1600)]) < 0.5
    assert np.median(soil[:, at(1600)]) < np.median(own(bank, "playa")[:, at(1600)])
    # Some soils are wet: the water band at 1.94 um varies from none to deep.
    dip = soil[:, at(1940)] / soil[:, at(2130)]
    assert np.percentile(dip, 2) < 0.6
    assert np.percentile(dip, 75) > 0.85


def test_minerals_keep_their_bands_and_vary_in_depth(bank: SpectralBank) -> None:
    for mineral, nm, span in (("kaolinite", 2207, 120), ("calcite", 2340, 120), ("gypsum", 1749, 80)):
        inside = np.abs(CENTRES - nm) < span
        rho = own(bank, mineral)[:, inside]
        x = CENTRES[inside]
        chord = rho[:, :1] + (rho[:, -1:] - rho[:, :1]) * (x - x[0]) / (x[-1] - x[0])
        depth = 1 - (rho / chord).min(axis=1)
        lowest = x[np.argmin(rho / chord, axis=1)]
        assert np.median(np.abs(lowest - nm)) <= 26
        assert np.percentile(depth, 95) > 2.5 * np.percentile(depth, 5) > 0


def test_a_bank_depends_on_its_seed_alone_and_may_be_small() -> None:
    one, same, other = (
        SpectralBank.build(load_library(), CENTRES[::4], FWHM[::4], seed=seed, size=100) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.spectra, same.spectra)
    assert not np.array_equal(one.spectra, other.spectra)
    assert len(one) < 1000


@pytest.mark.parametrize("tile", [False, True])
def test_every_draw_has_new_spectra_in_one_layout(bank: SpectralBank, tile: bool) -> None:
    palette = bank.draw(NumpyRandom(4), 3, tile=tile)
    groups = SpectralBank.groups(tile)
    assert palette.groups == groups
    assert set(groups) == {*RECIPES, *MINERALS}
    assert sorted(n for numbers in groups.values() for n in numbers) == list(range(len(palette)))
    assert len(palette) == (58 if tile else 107)
    rho = palette.reflectance
    assert rho.shape == (3, len(palette), CENTRES.size)
    assert rho.dtype == np.float32
    assert rho.min() >= 0.003
    assert rho.max() <= 1
    np.testing.assert_array_equal(palette.albedo, albedo_of(rho))
    flat = rho.reshape(-1, CENTRES.size).astype(np.float64)
    assert np.median(angles(flat)) > 0.01
    again = bank.draw(NumpyRandom(4), 3, tile=tile).reflectance
    np.testing.assert_array_equal(rho, again)
    known = {row.tobytes() for row in bank.spectra}
    assert not any(np.asarray(row).tobytes() in known for row in rho.reshape(-1, CENTRES.size))


def test_draws_belong_to_their_group(bank: SpectralBank) -> None:
    palette = bank.draw(NumpyRandom(9), 20, tile=True)
    rho = palette.reflectance
    green, water = (rho[:, list(palette.groups[g])] for g in ("green", "water"))
    assert np.median(green[..., at(800)] / green[..., at(675)]) > 3
    assert np.median(water[..., at(1600)]) < 0.03


def test_torch_draws_from_the_same_bank(bank: SpectralBank) -> None:
    pytest.importorskip("torch")
    palette = bank.draw(TorchRandom(4), 64, tile=True)
    rho = host(palette.reflectance)
    assert rho.shape == (64, 58, CENTRES.size)
    ours = bank.draw(NumpyRandom(4), 64, tile=True).reflectance
    np.testing.assert_allclose(rho.mean(axis=(0, 1)), ours.mean(axis=(0, 1)), rtol=0.05)
