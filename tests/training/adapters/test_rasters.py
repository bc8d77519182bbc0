from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError, MissingExtraError
from onboard.training.adapters.common import Window
from onboard.training.adapters.rasters import (
    descriptions,
    fitted,
    raster_size,
    read_bands,
    read_mask,
    read_plane,
)
from tests.training.adapters.miniatures import write_raster

PLANES = np.arange(2 * 6 * 8, dtype=np.float32).reshape(2, 6, 8)


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    write_raster(tmp_path / "B", PLANES, ["462.6 (462.6)", "551.9 (551.9)"], "ENVI")
    return tmp_path / "B"


def test_a_raster_without_extension_is_read_by_window(raster: Path) -> None:
    assert raster_size(raster, None) == (6, 8)
    found = read_bands(raster, Window(1, 2, 3, 4))
    np.testing.assert_array_equal(found, np.moveaxis(PLANES, 0, 2)[1:4, 2:6])
    np.testing.assert_array_equal(read_plane(raster, Window(1, 2, 3, 4), band=2), PLANES[1, 1:4, 2:6])
    assert descriptions(raster)[0] == "462.6 (462.6)"


def test_a_window_of_the_whole_but_offset_means_the_whole(raster: Path) -> None:
    assert fitted(raster, Window(8600, 403, 6, 8)) == Window(0, 0, 6, 8)
    assert fitted(raster, Window(2, 0, 4, 8)) == Window(2, 0, 4, 8)
    with pytest.raises(CaptureError, match="outside the raster"):
        raster_size(raster, Window(4, 0, 4, 8))


def test_what_cannot_be_read_is_named(tmp_path: Path, raster: Path) -> None:
    with pytest.raises(CaptureError, match=r"missing.*gone\.tif"):
        read_plane(tmp_path / "gone.tif", Window(0, 0, 1, 1))
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(CaptureError, match=r"cannot be read.*text\.tif"):
        read_plane(tmp_path / "text.tif", Window(0, 0, 1, 1))
    with pytest.raises(CaptureError, match="too few bands"):
        read_plane(raster, Window(0, 0, 1, 1), band=3)
    with pytest.raises(CaptureError, match="smaller than the others"):
        read_plane(raster, Window(0, 0, 7, 8))


def test_labels_are_0_and_1(tmp_path: Path) -> None:
    label = np.array([[[0, 1], [1, 0]]], np.uint8)
    write_raster(tmp_path / "good.tif", label)
    assert read_mask(tmp_path / "good.tif", Window(0, 0, 2, 2)).tolist() == [[False, True], [True, False]]
    write_raster(tmp_path / "bad.tif", label * 255)
    with pytest.raises(CaptureError, match="other values than 0 and 1"):
        read_mask(tmp_path / "bad.tif", Window(0, 0, 2, 2))


def test_rasterio_is_asked_for_by_name(raster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(MissingExtraError, match=r"\.\[geo\]"):
        raster_size(raster, None)
