from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from onboard.captures import open_capture
from onboard.scenes.geometry import draw_geometry
from onboard.scenes.writer import granule_name, write_capture

SHAPE = (13, 11, 285)
START = datetime(2023, 4, 1, 18, 20, tzinfo=UTC)
CENTRES = np.linspace(381.0, 2493.0, 285)
RADIANCE = np.random.default_rng(0).random(SHAPE, dtype=np.float32)

GEOREADER = """
import sys
from georeader.readers.emit import EMITImage
image = EMITImage(sys.argv[1])
assert image.wavelengths.shape == (285,), image.wavelengths.shape
assert str(image.crs) == "EPSG:4326", image.crs
assert image.time_coverage_start.isoformat() == "2023-04-01T18:20:00+00:00"
one = image.read_from_bands([7])
raw = one.load_raw()
assert raw.shape[-2:] == (13, 11), raw.shape
print(float(raw.reshape(13, 11)[4, 3]), *one.load().shape[-2:])
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("writer") / granule_name(START, 2309101, 1)
    geometry = draw_geometry(np.random.default_rng(1), SHAPE[:2])
    blocks = ((first, RADIANCE[first : first + 5]) for first in (5, 0, 10))
    write_capture(
        path,
        blocks,
        SHAPE,
        centres=CENTRES,
        fwhm=np.full(285, 8.5),
        geometry=geometry,
        elevation_m=np.full(SHAPE[:2], 250, np.float32),
        start=START,
        line_period_s=0.00926,
        attributes={"simulation_seed": 3},
    )
    return path


def test_the_layout_is_that_of_the_archive(capture: Path) -> None:
    assert capture.name == "EMIT_L1B_RAD_001_20230401T182000_2309101_001.nc"
    with h5py.File(capture) as file:
        radiance = file["radiance"]
        assert radiance.dtype == np.float32
        assert radiance.chunks is None
        assert radiance.attrs["units"] == b"uW/cm^2/SR/nm"
        np.testing.assert_array_equal(radiance.attrs["_FillValue"], [-9999])
        np.testing.assert_array_equal(radiance[...], RADIANCE)
        for axis, name in enumerate(("downtrack", "crosstrack", "bands")):
            assert radiance.dims[axis][0].name == f"/{name}"
            assert file[name].is_scale
        np.testing.assert_allclose(file["sensor_band_parameters/wavelengths"][...], CENTRES, rtol=1e-6)
        glt = file["location/glt_x"]
        assert glt.dtype == np.int32
        assert glt.compression == "gzip"
        assert [glt.dims[i][0].name for i in (0, 1)] == ["/ortho_y", "/ortho_x"]
        assert file.attrs["geotransform"].shape == (6,)
        assert file.attrs["time_coverage_start"] == b"2023-04-01T18:20:00+0000"
        assert file.attrs["time_coverage_end"] == b"2023-04-01T18:20:00+0000"
        assert file.attrs["spatial_ref"].startswith(b"GEOGCS")


def test_xarray_reads_it_through_h5netcdf(capture: Path) -> None:
    with xarray.open_dataset(capture, engine="h5netcdf") as root:
        assert dict(root["radiance"].sizes) == {"downtrack": 13, "crosstrack": 11, "bands": 285}
        assert float(root["radiance"][4, 3, 7]) == RADIANCE[4, 3, 7]
    with xarray.open_dataset(capture, engine="h5netcdf", group="location") as location:
        assert location["lon"].dims == ("downtrack", "crosstrack")
        assert float(location["elev"].mean()) == 250


def test_georeader_reads_it(capture: Path) -> None:
    # In a process of its own: its libraries carry another HDF5.
    done = subprocess.run(
        [sys.executable, "-c", GEOREADER, str(capture)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if "No module named 'georeader'" in done.stderr:
        pytest.skip("georeader-spaceml is not installed")
    assert done.returncode == 0, done.stderr
    value, rows, columns = done.stdout.split()
    assert float(value) == RADIANCE[4, 3, 7]
    assert int(rows) >= 13
    assert int(columns) >= 11


def test_our_own_reader_reads_it(capture: Path) -> None:
    with open_capture(capture) as opened:
        assert (opened.lines, opened.samples, opened.bands) == SHAPE
        blocks = np.concatenate([block.radiance.copy() for block in opened.blocks(4)])
        np.testing.assert_array_equal(blocks, RADIANCE)
        location = opened.location()
        assert location is not None
        assert location.lon.shape == (13, 11)
