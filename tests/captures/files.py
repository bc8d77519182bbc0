"""Small captures for the tests: EMIT L1B netCDF in the archive's layout, and ENVI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LINES, SAMPLES, BANDS = 7, 5, 12
DIMENSIONS = ("downtrack", "crosstrack", "bands")


def cube(lines: int = LINES, samples: int = SAMPLES, bands: int = BANDS, seed: int = 0) -> Array:
    """Radiance that looks like sunlight: steep, positive, a little noise."""
    rng = np.random.default_rng(seed)
    level = 12.0 * np.exp(-np.linspace(0.0, 3.5, bands))
    return (level * rng.uniform(0.8, 1.2, (lines, samples, bands))).astype(np.float32)


def centres(bands: int = BANDS) -> Array:
    return np.linspace(400.0, 2450.0, bands)


def write_l1b(
    path: Path,
    radiance: Array | None = None,
    *,
    names: tuple[str, str, str] | None = DIMENSIONS,
    units: str | None = "uW/cm^2/SR/nm",
    wavelengths: Array | None = None,
    wavelength_units: str | None = "nm",
    fwhm: Array | None = None,
    location: bool = True,
    text: type[str] | type[np.bytes_] = np.bytes_,
    **storage: Any,
) -> Path:
    """Write a capture in the layout of EMIT L1B RAD: shared dimension scales at the root, three groups.

    ``text`` is how attributes are stored: of fixed length, as netCDF does, or ``str``, of variable length.
    """
    data = cube() if radiance is None else radiance
    bands = data.shape[2]
    table = centres(bands) if wavelengths is None else wavelengths
    widths = np.full(bands, 8.5) if fwhm is None else fwhm
    with h5py.File(path, "w") as file:
        scales = _scales(file, dict(zip(names, data.shape, strict=True)) if names else {})
        variable = file.create_dataset("radiance", data=data, **{"fillvalue": -9999.0, **storage})
        for i, name in enumerate(names or ()):
            variable.dims[i].attach_scale(scales[name])
        if units is not None:
            variable.attrs["units"] = text(units)
        group = file.create_group("sensor_band_parameters")
        for name, values in (("wavelengths", table), ("fwhm", widths)):
            item = group.create_dataset(name, data=values.astype(np.float32))
            if wavelength_units is not None:
                item.attrs["units"] = text(wavelength_units)
        if location:
            _write_location(file, data.shape[0], data.shape[1])
        file.attrs["time_coverage_start"] = text("2023-04-01T18:20:00+0000")
        file.attrs["time_coverage_end"] = [text("2023-04-01T18:20:12+0000")]
        file.attrs["geotransform"] = np.array([-119.0, 0.000542, 0.0, 36.0, 0.0, -0.000542])
        file.attrs["spatial_ref"] = text('GEOGCS["WGS 84"]')
    return path


def _scales(file: h5py.File, sizes: dict[str, int]) -> dict[str, h5py.Dataset]:
    scales = {}
    for name, size in sizes.items():
        scales[name] = file.create_dataset(name, (size,), dtype="f4")
        scales[name].make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
    return scales


def _write_location(file: h5py.File, lines: int, samples: int) -> None:
    group = file.create_group("location")
    line, sample = np.mgrid[0:lines, 0:samples]
    group["lon"] = -119.0 + 0.001 * sample
    group["lat"] = 36.0 - 0.001 * line
    group["elev"] = (100.0 + line).astype(np.float32)
    group["glt_x"] = (sample + 1).astype(np.int32)
    group["glt_y"] = (line + 1).astype(np.int32)


def write_envi(
    folder: Path,
    data: Array,
    *,
    interleave: str = "bil",
    code: int = 4,
    dtype: str = "<f4",
    suffix: str = "",
    offset: int = 0,
    extra: str = "data units = uW/cm^2/SR/nm\n",
    wavelengths: Array | None = None,
    fwhm: bool = True,
) -> Path:
    """Write an ENVI pair named ``scene``; ``data`` is (lines, samples, bands). Returns the header."""
    lines, samples, bands = data.shape
    order = {"bip": (0, 1, 2), "bil": (0, 2, 1), "bsq": (2, 0, 1)}[interleave]
    body = np.ascontiguousarray(data.transpose(order)).astype(dtype).tobytes()
    (folder / f"scene{suffix}").write_bytes(b"\x00" * offset + body)
    table = centres(bands) if wavelengths is None else wavelengths
    text = (
        f"ENVI\ndescription = {{\n  a test scene}}\nsamples = {samples}\nlines   = {lines}\nbands = {bands}\n"
        f"header offset = {offset}\nfile type = ENVI Standard\ndata type = {code}\n"
        f"interleave = {interleave}\nbyte order = {1 if dtype.startswith('>') else 0}\n"
        f"Wavelength Units = Nanometers\nwavelength = {{ {listed(table)} }}\n{extra}"
    )
    if fwhm:
        text += f"fwhm = {{\n {listed(np.full(bands, 8.5))}\n}}\n"
    header = folder / "scene.hdr"
    header.write_text(text)
    return header


def listed(values: Array) -> str:
    return ", ".join(repr(float(value)) for value in values)
