"""Write radiance in the layout of EMIT's L1B RAD netCDF-4, as the archive ships it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from onboard.scenes.dimensions import add_dimensions, attach, put_text
from onboard.scenes.geometry import Geometry
from onboard.scenes.instrument.frames import FILL
from onboard.scenes.random_fields import Field

RADIANCE_UNITS = "uW/cm^2/SR/nm"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S+0000"
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],'
    'AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
TEXTS = {
    "Conventions": "CF-1.63",
    "title": "EMIT L1B At-Sensor Calibrated Radiance Data 60 m (simulated)",
    "summary": "Simulated at-sensor radiance in the layout of EMIT L1B RAD; not measured by any instrument.",
    "keywords": "Imaging Spectroscopy, simulated",
    "sensor": "EMIT (Earth Surface Mineral Dust Source Investigation)",
    "instrument": "EMIT",
    "platform": "ISS",
    "processing_level": "L1B",
    "product_version": "V001",
    "processing_version": "V1.0",
    "day_night_flag": "Day",
    "history": "onboard simulate",
    "license": "CC0-1.0",
}
LOCATION_FIELDS = {
    "lon": ("Longitude (WGS-84)", "degrees east"),
    "lat": ("Latitude (WGS-84)", "degrees north"),
    "elev": ("Surface Elevation", "m"),
}


def granule_name(start: datetime, orbit: int, scene: int) -> str:
    """Return a file name as the archive gives: ``EMIT_L1B_RAD_001_20230401T182000_2309101_001.nc``."""
    return f"EMIT_L1B_RAD_001_{start:%Y%m%dT%H%M%S}_{orbit:07d}_{scene:03d}.nc"


def write_capture(
    path: Path,
    blocks: Iterable[tuple[int, Field]],
    shape: tuple[int, int, int],
    *,
    centres: NDArray[np.float64],
    fwhm: NDArray[np.float64],
    geometry: Geometry,
    elevation_m: Field,
    start: datetime,
    line_period_s: float,
    attributes: dict[str, int | float | str] | None = None,
) -> None:
    """Write a capture. The caller sees to it that it appears whole.

    Args:
        path: Where to; what lies there is overwritten.
        blocks: (first line, radiance float32 (n, samples, bands)) in any order, together all lines.
        shape: (lines, samples, bands).
        centres: Band centres (bands,) in nm.
        fwhm: Full widths at half maximum (bands,) in nm.
        geometry: Places of the pixels.
        elevation_m: Heights (lines, samples) in metres.
        start: Time of the first line, UTC.
        line_period_s: Time between lines in seconds.
        attributes: Further global attributes.

    Raises:
        OSError: As the disk has it.
    """
    end = start + timedelta(seconds=shape[0] * line_period_s)
    with h5py.File(path, "w") as file:
        _put_globals(file, geometry, start, end)
        for name, value in sorted((attributes or {}).items()):
            file.attrs[name] = np.bytes_(value) if isinstance(value, str) else value
        rows, columns = geometry.glt_x.shape
        sizes = dict(zip(("downtrack", "crosstrack", "bands"), shape, strict=True))
        add_dimensions(file, {**sizes, "ortho_y": rows, "ortho_x": columns})
        _put_bands(file, centres, fwhm)
        _put_location(file, geometry, elevation_m)
        offset = _declare_radiance(file, shape)
    _put_radiance(path, offset, shape, blocks)


def _declare_radiance(file: h5py.File, shape: tuple[int, int, int]) -> int:
    """Declare the radiance, contiguous, and return where in the file it lies."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.CONTIGUOUS)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_value(np.array(FILL, np.float32))
    # All of it is written, so filling it first would only write the disk twice.
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    radiance = h5py.Dataset(h5py.h5d.create(file.id, b"radiance", h5py.h5t.IEEE_F32LE, space, plan))
    put_text(radiance, "long_name", "Radiance Data")
    put_text(radiance, "units", RADIANCE_UNITS)
    radiance.attrs.create("_FillValue", np.array([FILL], np.float32))
    attach(file, radiance, ("downtrack", "crosstrack", "bands"))
    return int(radiance.id.get_offset())


def _put_radiance(
    path: Path, offset: int, shape: tuple[int, int, int], blocks: Iterable[tuple[int, Field]]
) -> None:
    """Write blocks where HDF5 has set room aside; a disk that fills up is then an error, not a crash."""
    line_bytes = shape[1] * shape[2] * np.dtype("<f4").itemsize
    with path.open("r+b", buffering=0) as file:
        for first, block in blocks:
            file.seek(offset + first * line_bytes)
            data = memoryview(np.ascontiguousarray(block, "<f4").view(np.uint8).data).cast("B")
            while data:
                data = data[file.write(data) :]


def _put_globals(file: h5py.File, geometry: Geometry, start: datetime, end: datetime) -> None:
    for name, text in TEXTS.items():
        put_text(file, name, text)
    put_text(file, "time_coverage_start", start.strftime(TIME_FORMAT))
    put_text(file, "time_coverage_end", end.strftime(TIME_FORMAT))
    put_text(file, "spatial_ref", WGS84)
    file.attrs.create("geotransform", np.array(geometry.geotransform, np.float64))
    file.attrs.create("spatialResolution", np.float64(geometry.geotransform[1]))
    lon, lat = geometry.lon, geometry.lat
    edges = {
        "westernmost_longitude": lon.min(),
        "easternmost_longitude": lon.max(),
        "southernmost_latitude": lat.min(),
        "northernmost_latitude": lat.max(),
    }
    for name, value in edges.items():
        file.attrs.create(name, np.float64(value))


def _put_bands(file: h5py.File, centres: NDArray[np.float64], fwhm: NDArray[np.float64]) -> None:
    group = file.create_group("sensor_band_parameters")
    for name, values, words in (
        ("wavelengths", centres, "Wavelength Centers"),
        ("fwhm", fwhm, "Full Width at Half Max"),
    ):
        dataset = group.create_dataset(name, data=values.astype(np.float32))
        put_text(dataset, "long_name", words)
        put_text(dataset, "units", "nm")
        attach(file, dataset, ("bands",))


def _put_location(file: h5py.File, geometry: Geometry, elevation_m: Field) -> None:
    group = file.create_group("location")
    maps = {"lon": geometry.lon, "lat": geometry.lat, "elev": elevation_m.astype(np.float64)}
    for name, values in maps.items():
        dataset = group.create_dataset(name, data=values, fillvalue=FILL)
        long_name, units = LOCATION_FIELDS[name]
        put_text(dataset, "long_name", long_name)
        put_text(dataset, "units", units)
        dataset.attrs.create("_FillValue", np.array([FILL], np.float64))
        attach(file, dataset, ("downtrack", "crosstrack"))
    for name, table, axis in (("glt_x", geometry.glt_x, "Sample"), ("glt_y", geometry.glt_y, "Line")):
        dataset = group.create_dataset(
            name, data=table, compression="gzip", compression_opts=4, chunks=True, fillvalue=0
        )
        put_text(dataset, "long_name", f"GLT {axis} Lookup")
        put_text(dataset, "units", "pixel location")
        dataset.attrs.create("_FillValue", np.array([0], np.int32))
        attach(file, dataset, ("ortho_y", "ortho_x"))
