from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from onboard.errors import CaptureError
from onboard.models.stem import WavelengthAwareStem, baking_matrix, knot_grid
from onboard.sensors import load_sensor
from onboard.training.adapters.oxhyper_ch4 import open_synthetic
from onboard.training.adapters.oxhyper_minerals import open_minerals
from onboard.training.adapters.starcop import open_starcop
from onboard.training.adapters.tables import same_table, spacing, stem_basis, tile_tables, touched
from onboard.training.tables import FlightTables
from tests.training.adapters.miniatures import starcop


def test_the_filters_bands_are_the_sets_own(home: Path) -> None:
    tables = tile_tables(open_synthetic(home / "oxhyper-synthetic-ch4"))
    chosen = tables.centres[tables.mf_bands]
    assert len(chosen) > 50
    assert (((chosen > 1590) & (chosen < 1720)) | ((chosen > 2110) & (chosen < 2455))).all()
    assert (tables.reference > 0).all()


def test_a_set_without_shortwave_bands_is_refused(tmp_path: Path) -> None:
    tiles = open_starcop(starcop(tmp_path / "few", bands=(460, 550, 640, 2004, 2109, 2310, 2350, 2360)))
    with pytest.raises(CaptureError, match="3 of 8 within"):
        tile_tables(tiles)


def test_classes_of_ground_where_the_bands_tell_them(home: Path) -> None:
    methane, minerals = (
        open_synthetic(home / "oxhyper-synthetic-ch4"),
        open_minerals(home / "oxhyper-minerals"),
    )
    assert tile_tables(methane).ground is None
    found = tile_tables(minerals, exclude_near=5)
    assert found.ground is not None
    assert len(found.ground) == 16
    assert found.filter_tables.classes == 16
    assert found.filter_tables.exclude_near == 5
    assert tile_tables(minerals, ground=False).ground is None


def test_a_full_tables_basis_is_the_stems_own(tables: FlightTables) -> None:
    stem = WavelengthAwareStem(tables.centres, tables.fwhm)
    torch.testing.assert_close(stem_basis(stem, tables), stem.basis, rtol=1e-5, atol=1e-7)


def test_part_of_a_table_weighs_its_bands_as_the_whole_does_or_not_at_all(home: Path) -> None:
    sensor = load_sensor("emit")
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    stem = WavelengthAwareStem(sensor.centres, sensor.fwhm)
    basis = stem_basis(stem, tile_tables(tiles)).numpy()
    whole = baking_matrix(knot_grid(), sensor.centres, sensor.fwhm)
    same = [int(np.abs(sensor.centres - centre).argmin()) for centre in tiles.centres]
    seen = np.asarray(basis.any(axis=1))
    np.testing.assert_allclose(basis[seen], whole[:, same][seen], rtol=0.02, atol=1e-6)
    assert seen[(stem.knots > 1590) & (stem.knots < 1690)].all()
    assert seen[(stem.knots > 2020) & (stem.knots < 2470)].all()
    # Three visible bands 90 nm apart are no spectrum.
    assert not seen[stem.knots < 1560].any()


def test_features_of_some_bands_are_those_of_all_where_the_rest_weighs_nothing(home: Path) -> None:
    torch.manual_seed(0)
    sensor = load_sensor("emit")
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    stem = WavelengthAwareStem(sensor.centres, sensor.fwhm)
    basis = stem_basis(stem, tile_tables(tiles))
    with torch.no_grad():
        stem.weight.mul_(torch.from_numpy(touched([basis])))
    log = 0.3 * torch.randn(200, 1) + torch.randn(200, 6) @ torch.from_numpy(
        np.stack([np.sin(sensor.centres / (150.0 + 60.0 * k)) for k in range(6)]).astype(np.float32) * 0.1
    )
    same = [int(np.abs(sensor.centres - centre).argmin()) for centre in tiles.centres]
    whole = log @ (stem.weight @ stem.basis).T
    part = log[:, same] @ (stem.weight @ basis).T
    assert ((part - whole).abs().mean(dim=0) < 0.1 * whole.std(dim=0)).all()
    assert part.std() > 0.05


def test_bands_alone_stand_for_a_nominal_width() -> None:
    found = spacing(np.array([462.6, 551.9, 2100.0, 2107.4, 2114.8]))
    np.testing.assert_allclose(found, [7.4, 7.4, 7.4, 7.4, 7.4])
    np.testing.assert_allclose(spacing(np.array([2100.0, 2105.0, 2110.0])), 5.0)


def test_knots_without_bands_are_told(home: Path) -> None:
    sensor = load_sensor("emit")
    stem = WavelengthAwareStem(sensor.centres, sensor.fwhm)
    seen = touched([stem_basis(stem, tile_tables(open_starcop(home / "starcop")))])
    assert not seen[(stem.knots > 700) & (stem.knots < 2000)].any()
    assert seen[(stem.knots > 2130) & (stem.knots < 2480)].all()


def test_tables_are_the_same_but_for_calibration(tables: FlightTables, home: Path) -> None:
    moved = FlightTables(**{**vars(tables), "centres": tables.centres + 1.0})
    assert same_table(tables, moved)
    assert not same_table(tables, tile_tables(open_starcop(home / "starcop")))
