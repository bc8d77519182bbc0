from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.training.recipe import Recipe
from onboard.training.tables import EXCLUDE_NEAR, OPTIONAL, FlightTables


def test_round_trip(tmp_path: Path, tables: FlightTables) -> None:
    tables.save(tmp_path / "tables.npz")
    loaded = FlightTables.load(tmp_path / "tables.npz")
    np.testing.assert_array_equal(loaded.mf_bands, tables.mf_bands)
    np.testing.assert_array_equal(loaded.log_transmittance, tables.log_transmittance)
    assert loaded.exclude_near == tables.exclude_near == EXCLUDE_NEAR == Recipe(name="any").exclude_near
    assert loaded.filter_tables.exclude_near == EXCLUDE_NEAR


def test_tables_of_before_classes_and_surroundings_have_none(tmp_path: Path, tables: FlightTables) -> None:
    tables.save(tmp_path / "tables.npz")
    with np.load(tmp_path / "tables.npz") as archive:
        old = {name: archive[name] for name in archive if name not in OPTIONAL}
    np.savez(tmp_path / "old.npz", **old)
    loaded = FlightTables.load(tmp_path / "old.npz")
    assert loaded.exclude_near == 0
    assert loaded.ground is None


def test_reference_and_curve_are_physical(tables: FlightTables) -> None:
    assert (tables.reference > 0).all()
    assert (np.diff(tables.log_transmittance, axis=0) <= 0).all()
    assert 40 <= len(tables.mf_bands) <= 80


def test_damaged_tables_are_refused(tmp_path: Path, tables: FlightTables) -> None:
    broken = tmp_path / "tables.npz"
    tables.save(broken)
    assert [file.name for file in tmp_path.iterdir()] == ["tables.npz"]
    whole = broken.read_bytes()
    for damaged in (b"PK not a table", b"", whole[: len(whole) // 2], whole[:-30]):
        broken.write_bytes(damaged)
        with pytest.raises(CaptureError, match=r"tables\.npz"):
            FlightTables.load(broken)
