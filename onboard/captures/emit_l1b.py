"""EMIT L1B at-sensor radiance as the archive ships it: netCDF-4, read with h5py alone.

Layout (EMIT L1B RAD product user guide): root variable ``radiance`` (downtrack, crosstrack, bands)
float32, ``sensor_band_parameters/{wavelengths,fwhm}``, ``location/{lon,lat,elev,glt_x,glt_y}``.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from onboard.captures.attributes import text_attribute
from onboard.captures.blocks import Capture, Radiance, Table, read_error
from onboard.captures.hdf5 import HDF5_ERRORS, find_dataset, open_hdf5
from onboard.captures.location import Location, has_location
from onboard.captures.units import RADIANCE_UNITS, has_units, radiance_factor
from onboard.captures.validation import band_table, check_sizes
from onboard.errors import CaptureError

log = logging.getLogger(__name__)

RADIANCE = "radiance"
DIMENSIONS = ("downtrack", "crosstrack", "bands")
PIXEL_SIZE_M = 60.0
# A row of chunks of a full swath is kept while its lines are handed out; more would not be "constant".
MAX_CACHE_BYTES = 192 * 2**20
MAX_CHUNK_BYTES = 256 * 2**20
MAX_CACHE_SLOTS = 200_003


class EmitCapture(Capture):
    """An EMIT L1B RAD capture, contiguous or chunked, compressed or not, of any number of lines."""

    format = "emit-l1b"

    def __init__(self, path: Path) -> None:
        """Open and check a capture.

        Args:
            path: The netCDF file.

        Raises:
            CaptureError: If it is no such file, is damaged, or lacks a part.
        """
        self._file = open_hdf5(path)
        try:
            dataset = _radiance(self._file, path)
            shape = _shape(self._file, dataset, path)
            check_sizes(path, *shape)
            self._factor = _unit_factor(dataset, path)
            _check_storage(dataset, path)
            centres, fwhm = _bands(self._file, path, shape[2])
            super().__init__(path, shape, centres, fwhm)
            self._has_location = has_location(self._file, path)
            self._read_attributes()
            access = _chunk_cache(dataset, path)
            # HDF5 takes a new cache only if nobody holds the variable open.
            del dataset
            self._dataset = h5py.Dataset(h5py.h5d.open(self._file.id, RADIANCE.encode(), access))
        except HDF5_ERRORS as error:
            self._file.close()
            raise CaptureError("netCDF file is damaged", file=path, found=str(error)[:200]) from error
        except CaptureError:
            self._file.close()
            raise

    def _read_attributes(self) -> None:
        granule = text_attribute(self._file, "granule_id")
        self.granule = granule or self.path.stem
        start = text_attribute(self._file, "time_coverage_start")
        end = text_attribute(self._file, "time_coverage_end")
        self.time_coverage = (start, end or start) if start else None
        self.pixel_size_m = PIXEL_SIZE_M
        self.size_bytes = self.path.stat().st_size

    def _read_lines(self, first: int, out: Radiance) -> None:
        try:
            self._dataset.read_direct(out, np.s_[first : first + len(out)])
        except HDF5_ERRORS as error:
            raise read_error(self.path, first, len(out), error) from error
        if self._factor != 1.0:
            for line in out:
                np.multiply(line, np.float32(self._factor), out=line, where=line > -9000.0)

    def location(self) -> Location | None:
        """Where each pixel lies, or None if the capture does not tell; read from the file when used."""
        return Location(self.path, self.lines, self.samples) if self._has_location else None

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        self._file.close()


def _radiance(file: h5py.File, path: Path) -> h5py.Dataset:
    """The radiance variable, or an error that says what the file is instead."""
    dataset = find_dataset(file, RADIANCE, path)
    if dataset is not None:
        return dataset
    names = sorted(file)[:12]
    is_reflectance = "reflectance" in file
    raise CaptureError(
        "netCDF file holds reflectance, not radiance"
        if is_reflectance
        else "netCDF file has no variable `radiance`",
        file=path,
        field=RADIANCE,
        found=", ".join(names) or "an empty file",
        expected="an EMIT L1B RAD capture: root variable `radiance` (downtrack, crosstrack, bands)",
        remedy="get the L1B RAD product (EMIT_L1B_RAD_*.nc), not L2A, L2B or OBS",
    )


def _shape(file: h5py.File, dataset: h5py.Dataset, path: Path) -> tuple[int, int, int]:
    """(lines, samples, bands), after checking type and dimension order."""
    problem: dict[str, Any] = {"file": path, "field": RADIANCE}
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (4, 8):
        raise CaptureError(
            "radiance has the wrong type",
            found=str(dataset.dtype),
            expected="float32",
            remedy="convert it to float32 radiance",
            **problem,
        )
    if dataset.ndim != 3:
        raise CaptureError(
            "radiance has the wrong number of dimensions",
            found=f"shape {dataset.shape}",
            expected="3: " + ", ".join(DIMENSIONS),
            **problem,
        )
    names = _dimension_names(file, dataset, path)
    known = set(names) <= set(DIMENSIONS) and len(set(names)) == 3
    if known and names != DIMENSIONS:
        raise CaptureError(
            "radiance has its dimensions in the wrong order",
            found=", ".join(names),
            expected=", ".join(DIMENSIONS),
            remedy="transpose it (ncpdq -a downtrack,crosstrack,bands)",
            **problem,
        )
    lines, samples, bands = (int(size) for size in dataset.shape)
    return lines, samples, bands


def _dimension_names(file: h5py.File, dataset: h5py.Dataset, path: Path) -> tuple[str, ...]:
    """Names of the known dimension scales that the radiance uses, "" where it uses another or none.

    Goes from each scale's list of users, not from the variable's list of scales: that one has a variable
    length, and where it is damaged HDF5 2.0 does not return an error but crashes or never returns.
    """
    names = [""] * dataset.ndim
    for name in DIMENSIONS:
        scale = find_dataset(file, name, path) if name in file else None
        try:
            users = () if scale is None else scale.attrs.get("REFERENCE_LIST", ())
            for user, axis in users:
                if file[user] == dataset:
                    names[int(axis)] = name
        except (*HDF5_ERRORS, IndexError):
            log.debug("%s: users of dimension %s cannot be read", path, name)
    return tuple(names)


def _bands(file: h5py.File, path: Path, bands: int) -> tuple[Table, Table]:
    """Centres and FWHM in nm."""
    table = {}
    for name in ("wavelengths", "fwhm"):
        dataset = find_dataset(file, f"sensor_band_parameters/{name}", path)
        table[name] = None if dataset is None else _small_table(dataset, path)
        if name == "wavelengths":
            units = None if dataset is None else text_attribute(dataset, "units")
    if table["wavelengths"] is None:
        raise CaptureError(
            "netCDF file has no wavelengths",
            file=path,
            field="sensor_band_parameters/wavelengths",
            found=", ".join(sorted(file)[:12]),
            expected=f"({bands},) band centres in nm",
            remedy="get the capture again; it is not whole",
        )
    if table["wavelengths"].shape != (bands,) and table["wavelengths"].size in (
        file[RADIANCE].shape[0],
        file[RADIANCE].shape[1],
    ):
        raise CaptureError(
            "radiance has its dimensions in the wrong order",
            file=path,
            field=RADIANCE,
            found=f"shape {file[RADIANCE].shape} with {table['wavelengths'].size} wavelengths",
            expected="bands in the last dimension: " + ", ".join(DIMENSIONS),
            remedy="transpose it (ncpdq -a downtrack,crosstrack,bands)",
        )
    name = "sensor_band_parameters/wavelengths"
    return band_table(path, bands, table["wavelengths"], table["fwhm"], units, name)


def _small_table(dataset: h5py.Dataset, path: Path) -> npt.NDArray[Any]:
    """A table of at most a few thousand numbers."""
    if dataset.dtype.kind not in "fiu" or dataset.size is None or dataset.size > 100_000:
        raise CaptureError(
            "band table is not numeric",
            file=path,
            field=str(dataset.name),
            found=f"{dataset.dtype}, shape {dataset.shape}",
            expected="one number a band",
        )
    try:
        return np.asarray(dataset[()])
    except HDF5_ERRORS as error:
        raise CaptureError(
            "band table cannot be read", file=path, field=str(dataset.name), found=str(error)[:200]
        ) from error


def _unit_factor(dataset: h5py.Dataset, path: Path) -> float:
    """Factor to uW cm-2 sr-1 nm-1 after the units attribute."""
    units = text_attribute(dataset, "units")
    if units is None or not has_units(units):
        log.warning("%s: radiance has no units; taken as %s", path, RADIANCE_UNITS)
        return 1.0
    factor = radiance_factor(units)
    if factor is None:
        raise CaptureError(
            "radiance units are not known",
            file=path,
            field="radiance, units",
            found=repr(units[:80]),
            expected=RADIANCE_UNITS,
            remedy="convert the radiance, or correct its units attribute",
        )
    if factor != 1.0:
        log.warning("%s: radiance is in %s; multiplied by %g", path, units, factor)
    return factor


def _check_storage(dataset: h5py.Dataset, path: Path) -> None:
    """Refuse data that end before they should: HDF5 itself may open such a file without a word."""
    if dataset.chunks is not None:
        chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
        if chunk_bytes > MAX_CHUNK_BYTES:
            raise CaptureError(
                "chunks of the radiance are too large",
                file=path,
                field=RADIANCE,
                found=f"chunks {dataset.chunks}, {chunk_bytes} bytes each",
                expected=f"at most {MAX_CHUNK_BYTES} bytes",
                remedy="rechunk it, for example h5repack -l radiance:CHUNK=32x256x32",
            )
        return
    offset, stored = dataset.id.get_offset(), dataset.id.get_storage_size()
    needed = math.prod(dataset.shape) * dataset.dtype.itemsize
    size = path.stat().st_size
    if offset is None and stored:
        return  # compact storage: the data lie within the header that HDF5 has just read
    if offset is None or stored < needed or offset + needed > size:
        raise CaptureError(
            "netCDF file is truncated" if stored else "radiance was never written",
            file=path,
            field=RADIANCE,
            found=f"{max(0, min(stored, size - (offset or 0)))} bytes of data in a file of {size}",
            expected=f"{needed} bytes",
            remedy="get the capture again and compare its size and checksum with the archive's",
        )


def _chunk_cache(dataset: h5py.Dataset, path: Path) -> Any:
    """Access properties with a chunk cache that holds a full row of chunks.

    With HDF5's default of 1 MiB, every block would decompress all chunks of its row again.
    """
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    if dataset.chunks is None:
        return access
    lines, samples, bands = dataset.chunks
    count = -(-dataset.shape[1] // samples) * -(-dataset.shape[2] // bands)
    row_bytes = count * lines * samples * bands * dataset.dtype.itemsize
    if row_bytes > MAX_CACHE_BYTES:
        log.warning(
            "%s: a row of chunks %s takes %d MiB, more than the %d MiB kept; reading will be slow",
            path,
            dataset.chunks,
            row_bytes >> 20,
            MAX_CACHE_BYTES >> 20,
        )
    slots = min(count * 100 + 1, MAX_CACHE_SLOTS)
    access.set_chunk_cache(slots, min(row_bytes, MAX_CACHE_BYTES), 0.75)
    return access
