from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.training.tables import FlightTables


def test_round_trip(tmp_path: Path, tables: FlightTables) -> None:
    tables.save(tmp_path / "tables.npz")
    loaded = FlightTables.load(tmp_path / "tables.npz")
    np.testing.assert_array_equal(loaded.mf_bands, tables.mf_bands)
    np.testing.assert_array_equal(loaded.log_transmittance, tables.log_transmittance)


def test_reference_and_curve_are_physical(tables: FlightTables) -> None:
    assert (tables.reference > 0).all()
    assert (np.diff(tables.log_transmittance, axis=0) <= 0).all()
    assert 40 <= len(tables.mf_bands) <= 80


def test_damaged_tables_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "tables.npz"
    broken.write_bytes(b"PK not a table")
    with pytest.raises(CaptureError, match=r"tables\.npz"):
        FlightTables.load(broken)
