from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.atmosphere import reference_radiance
from onboard.training.adapters.starcop import TO_RADIANCE, band_files, open_starcop
from tests.training.adapters.miniatures import STARCOP_NM


def test_bands_come_from_names_by_wavelength(home: Path) -> None:
    tiles = open_starcop(home / "starcop")
    assert tiles.centres.tolist() == sorted(STARCOP_NM)
    assert ((tiles.fwhm > 5.5) & (tiles.fwhm < 6.1)).all()


def test_values_come_back_as_radiance(home: Path) -> None:
    tiles = open_starcop(home / "starcop")
    row = next(row for row in tiles.rows["train"] if row.emission)
    tile = tiles.read(row, tiles.whole(row))
    assert not tile.valid[:, -4:].any()
    assert tile.valid[:, :-4].all()
    ratio = tile.radiance[tile.valid].mean(axis=0) / reference_radiance(tiles.centres, tiles.fwhm)
    assert 0.5 < np.median(ratio) < 1.5
    assert pytest.approx(0.766 / 3.1416, rel=1e-3) == TO_RADIANCE
    assert tile.plume is not None
    assert tile.weight is not None
    assert tile.weight[tile.plume].min() > 0.5
    assert tile.weight.min() == pytest.approx(0.1)


def test_the_test_part_may_lie_one_folder_down(home: Path) -> None:
    tiles = open_starcop(home / "starcop")
    (row,) = tiles.rows["test"]
    assert row.folder.parent.name == "STARCOP_allbands_Eval"
    assert tiles.plume_label(row).any()


def test_an_event_without_bands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no AVIRIS-NG bands"):
        band_files(tmp_path)
    (tmp_path / "TOA_AVIRIS_21220nm.tif").touch()
    with pytest.raises(CaptureError, match="TOA_AVIRIS_21220nm"):
        band_files(tmp_path)
