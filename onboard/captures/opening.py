"""Finds out what a file is, by its content, and opens it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from onboard.captures.blocks import Capture
from onboard.captures.emit_l1b import EmitCapture
from onboard.captures.envi import HEADER_SUFFIX, EnviCapture
from onboard.errors import CaptureError

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
NETCDF3_MAGIC = b"CDF"
NETCDF_SUFFIXES = (".nc", ".nc4", ".h5", ".hdf5", ".he5", ".cdf")
KNOWN = "an EMIT L1B RAD netCDF-4 file, or an ENVI header or its data file"


def open_capture(path: str | PathLike[str], *, assume_radiance: bool = False) -> Capture:
    """Open a capture for reading: EMIT L1B RAD netCDF-4, or ENVI (header or data file).

    Args:
        path: The file.
        assume_radiance: Take an ENVI file's values for radiance in uW cm-2 sr-1 nm-1, whatever its
            header or the values themselves suggest.

    Returns:
        The open capture; use it as a context manager.

    Raises:
        CaptureError: If the file is missing, damaged, of another kind, or holds no radiance.
    """
    path = Path(path)
    start = _first_bytes(path)
    if start.startswith(HDF5_MAGIC):
        return EmitCapture(path)
    if start.startswith(NETCDF3_MAGIC):
        raise _unknown(path, "classic netCDF-3", "convert it with nccopy -k nc4")
    if path.suffix.lower() in NETCDF_SUFFIXES:
        found = "an empty file" if not start else f"a file that begins with {start[:8]!r}"
        raise _unknown(path, found, "get the capture again; the download failed or was damaged")
    if not start and path.suffix.lower() != HEADER_SUFFIX:
        raise _unknown(path, "an empty file", "get the capture again")
    return EnviCapture(path, assume_radiance=assume_radiance)


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _unknown(path, "a folder", "name the file within")
        with path.open("rb") as file:
            return file.read(16)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CaptureError(
            "capture cannot be opened", file=path, found=reason, expected=KNOWN, remedy="check the path"
        ) from error


def _unknown(path: Path, found: str, remedy: str) -> CaptureError:
    return CaptureError("file is no capture", file=path, found=found, expected=KNOWN, remedy=remedy)
