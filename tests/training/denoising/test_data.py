from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import OutputError
from onboard.sensors import load_sensor
from onboard.training.denoising.data import (
    CleanScenes,
    NoisyPatches,
    band_table,
    ensure_scenes,
    gas_of,
    some_bands,
    spectral_moments,
    unit_cube,
)
from onboard.training.denoising.recipe import DenoisingRecipe

RECIPE = DenoisingRecipe(scenes=2, size=32, patch=16, steps=12, batch=2, emit_share=0.5)
WHOLE = (slice(None), slice(None))


def test_scenes_have_no_noise_and_are_made_once(scenes: CleanScenes) -> None:
    counts = np.load(scenes.files[0])
    assert counts.shape == (32, 32, 285)
    log = scenes.log(0, np.arange(200, 204), WHOLE)
    assert log.shape == (4, 32, 32)
    assert np.allclose(log[2], counts[:, :, 202] / 4096)
    before = [file.stat().st_mtime_ns for file in scenes.files]
    again = ensure_scenes(scenes.files[0].parent, "emit", "train", 2, 32, workers=1)
    assert [file.stat().st_mtime_ns for file in again.files] == before


def test_scenes_of_another_simulator_are_refused(tmp_path: Path) -> None:
    ensure_scenes(tmp_path, "emit", "train", 0, 32, workers=1)
    ensure_scenes(tmp_path, "emit", "test", 0, 32, workers=1)
    for text in ('{"sensor": "emit", "version": 0}', '{"sensor": "other", "version": 1}', "{"):
        (tmp_path / "scenes.json").write_text(text)
        with pytest.raises(OutputError, match=r"scenes\.json"):
            ensure_scenes(tmp_path, "emit", "train", 1, 32, workers=1)
        assert [file.name for file in tmp_path.iterdir()] == ["scenes.json"]


def test_neighbouring_bands_differ_by_less_than_noise_would(scenes: CleanScenes) -> None:
    log = scenes.log(0, scenes.tables.mf_bands, WHOLE)
    contrast = np.diff(log[25:30], n=2, axis=0)
    rough = np.abs(np.diff(contrast, n=2, axis=2)).mean()
    assert rough < 0.02


def test_moments_are_those_of_the_pixels(scenes: CleanScenes) -> None:
    found = spectral_moments(scenes)
    pixels = np.concatenate([np.load(file).reshape(-1, 285)[::7] / 4096 for file in scenes.files])
    assert found.log.shape == found.unit.shape == (2, 285, 285)
    assert np.allclose(found.log[0], pixels.T @ pixels / len(pixels))
    assert 0 < np.diag(found.unit[0]).max() <= 1
    for moment in (found.log, found.unit):
        assert np.trace(moment[1]) < np.trace(moment[0])
        assert np.linalg.eigvalsh(moment[1]).min() > -1e-9


@given(st.integers(0, 2**32 - 1))
def test_other_bands_are_31_in_the_light(seed: int) -> None:
    centres = load_sensor("emit").centres
    bands = some_bands(np.random.default_rng(seed), centres)
    assert bands.size == 31
    assert (np.diff(bands) > 0).all()
    chosen = centres[bands]
    assert not ((chosen > 1340) & (chosen < 1460)).any()
    assert not ((chosen > 1795) & (chosen < 1970)).any()


def test_batches_follow_from_their_number(scenes: CleanScenes) -> None:
    all_of_them = list(NoisyPatches(scenes, RECIPE))
    late = list(NoisyPatches(scenes, RECIPE, first=7))
    assert len(all_of_them) == 12
    assert len(late) == 5
    assert torch.equal(all_of_them[7].noisy, late[0].noisy)
    assert not torch.equal(late[0].noisy, late[1].noisy)
    for batch in all_of_them:
        assert batch.noisy.shape == batch.clean.shape == (2, batch.table.bands, 16, 16)
        assert batch.valid.shape == (2, 1, 16, 16)
        assert batch.noisy.dtype == torch.float32
        assert batch.table.bands in (31, 63)
        if batch.table.domain == "unit":
            assert batch.clean.min() == 0
            assert batch.clean.max() == 1
    assert {batch.table.domain for batch in all_of_them} == {"unit", "log"}
    assert {batch.table.bands for batch in all_of_them} == {31, 63}


def test_tables_name_gas_and_noise_of_log_radiance_alone(scenes: CleanScenes) -> None:
    bands = scenes.tables.mf_bands
    log, unit = band_table("emit", bands, "log"), band_table("emit", bands, "unit")
    assert log.gas is not None
    assert log.gas.min() < -0.02
    assert log.noise is not None
    assert (log.noise > 0).all()
    assert unit.gas is None
    assert unit.noise is None


def test_gas_does_not_care_about_the_order_of_bands() -> None:
    centres, fwhm = np.linspace(2100.0, 2400.0, 30), np.full(30, 8.5)
    mixed = np.random.default_rng(1).permutation(30)
    assert np.allclose(gas_of(centres, fwhm)[mixed], gas_of(centres[mixed], fwhm))


def test_cubes_are_radiance() -> None:
    log = np.log(np.array([1.0, 2.0, 4.0, 8.0], np.float32)).reshape(2, 1, 2)
    cube = unit_cube(log, np.array([1.0, 0.5]))
    assert cube.ravel() == pytest.approx([0.0, 1 / 3, 1 / 3, 1.0])


def test_the_tests_scenes_are_others(tmp_path: Path, scenes: CleanScenes) -> None:
    other = ensure_scenes(tmp_path, "emit", "test", 1, 32, workers=1)
    assert other.files[0].name != scenes.files[0].name
    assert not np.array_equal(np.load(other.files[0]), np.load(scenes.files[0]))
