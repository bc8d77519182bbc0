from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.captures import Location, open_capture
from onboard.errors import CaptureError, UsageError
from tests.captures.files import LINES, SAMPLES, write_l1b


def located(path: Path, **changes: Any) -> Location:
    write_l1b(path)
    with h5py.File(path, "r+") as file:
        for name, values in changes.items():
            del file[f"location/{name}"]
            if values is not None:
                file[f"location/{name}"] = values
    with open_capture(path) as capture:
        location = capture.location()
    assert location is not None
    return location


def test_everything_is_read_after_the_capture_was_closed(tmp_path: Path) -> None:
    location = located(tmp_path / "a.nc")
    assert location.lon.shape == location.lat.shape == (LINES, SAMPLES)
    assert location.lon.dtype == np.float64
    assert location.lon[0, 3] == pytest.approx(-118.997)
    assert location.elev is not None
    assert location.elev[2, 0] == 102.0
    assert location.glt_x is not None
    assert location.glt_y is not None
    assert (location.glt_x.dtype, location.glt_x.min(), location.glt_y.max()) == (np.dtype("i4"), 1, LINES)
    assert location.geotransform == (-119.0, 0.000542, 0.0, 36.0, 0.0, -0.000542)
    assert location.spatial_ref == 'GEOGCS["WGS 84"]'
    assert location.extent() == pytest.approx((-119.0, 35.994, -118.996, 36.0))


def test_a_capture_may_have_no_location(tmp_path: Path) -> None:
    with open_capture(write_l1b(tmp_path / "a.nc", location=False)) as capture:
        assert capture.location() is None


def test_optional_parts_may_be_absent(tmp_path: Path) -> None:
    location = located(tmp_path / "a.nc", elev=None, glt_x=None, glt_y=None)
    assert location.elev is None
    assert location.glt_x is None
    assert location.glt_y is None


def test_fill_becomes_nan(tmp_path: Path) -> None:
    lon = np.full((LINES, SAMPLES), -9999.0)
    location = located(tmp_path / "a.nc", lon=lon)
    assert np.isnan(location.lon).all()
    assert location.extent() is None


@pytest.mark.parametrize(
    ("name", "values", "word"),
    [
        ("lon", None, "lacks"),
        ("lat", np.zeros((3, 3)), "does not fit"),
        ("lat", np.full((LINES, SAMPLES), 91.0), "out of range"),
        ("lon", np.full((LINES, SAMPLES), 1e30), "out of range"),
        ("lon", "east", "cannot be read"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, values: Any, word: str) -> None:
    location = located(tmp_path / "a.nc", **{name: values})
    with pytest.raises(CaptureError, match=f"{word}.*location/{name}"):
        getattr(location, name)


def test_a_table_that_is_no_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="not a grid"):
        _ = located(tmp_path / "a.nc", glt_x=np.zeros(4, "i4")).glt_x


def test_a_vanished_file_is_an_error(tmp_path: Path) -> None:
    location = located(tmp_path / "a.nc")
    (tmp_path / "a.nc").unlink()
    with pytest.raises(CaptureError):
        _ = location.lon


@settings(max_examples=30, deadline=None)
@given(line=st.floats(-2, LINES + 2), sample=st.floats(-2, SAMPLES + 2))
def test_positions_between_pixels_are_bilinear(
    tmp_path_factory: pytest.TempPathFactory, line: float, sample: float
) -> None:
    location = located(tmp_path_factory.mktemp("l") / "a.nc")
    row, column = np.clip(line, 0, LINES - 1), np.clip(sample, 0, SAMPLES - 1)
    assert location.at(line, sample) == pytest.approx((-119.0 + 0.001 * column, 36.0 - 0.001 * row), abs=1e-9)


def test_positions_across_the_date_line_and_beside_fill(tmp_path: Path) -> None:
    lon = np.full((LINES, SAMPLES), 179.999)
    lon[:, 3:] = -179.999
    lon[:, 0] = -9999.0
    location = located(tmp_path / "a.nc", lon=lon)
    assert abs(location.at(0, 2.5)[0]) == pytest.approx(180.0)
    assert location.at(0, 3)[0] == pytest.approx(-179.999)
    assert location.at(2, 1)[0] == pytest.approx(179.999)
    assert np.isnan(location.at(0, 0.5)[0])
    with pytest.raises(UsageError):
        location.at(float("nan"), 0)
