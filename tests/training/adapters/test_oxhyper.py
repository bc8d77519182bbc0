from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.training.adapters.oxhyper_ch4 import open_synthetic
from tests.training.adapters.miniatures import write_raster


def test_the_band_table_is_the_rasters_own(home: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    assert tiles.centres.shape == (86,)
    assert tiles.centres[0] == pytest.approx(462.5989, abs=1e-3)
    assert ((tiles.fwhm > 8.3) & (tiles.fwhm < 9.0)).all()


def test_the_valid_mask_counts_where_there_is_one(home: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    with_mask, without = tiles.rows["train"][:2]
    valid = tiles.read(with_mask, tiles.whole(with_mask)).valid
    assert not valid[:, :2].any()
    assert not valid[:3].any()
    assert valid[3:, 2:].all()
    assert tiles.read(without, tiles.whole(without)).valid[3:].all()


def test_a_tile_of_other_bands_is_refused(home: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(home / "oxhyper-synthetic-ch4", tmp_path / "set")
    tiles = open_synthetic(folder)
    row = tiles.rows["train"][1]
    write_raster(row.folder / "B", np.ones((3, 64, 64), np.float32), ["2100", "2200", "2300"], "ENVI")
    with pytest.raises(CaptureError, match="other bands"):
        tiles.read(row, tiles.whole(row))
