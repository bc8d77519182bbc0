"""HDF5 access that turns every way a file can be damaged into a CaptureError."""

from __future__ import annotations

from pathlib import Path

import h5py

from onboard.errors import CaptureError

# What h5py raises for damaged or foreign content.
HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)


def open_hdf5(path: Path) -> h5py.File:
    """Open a netCDF-4 (HDF5) file for reading.

    Args:
        path: The file.

    Raises:
        CaptureError: If it is damaged, cut short or no HDF5 at all.
    """
    try:
        return h5py.File(path, "r", locking="best-effort")
    except HDF5_ERRORS as error:
        text = str(error)
        cut = "truncated" in text
        raise CaptureError(
            "netCDF file is truncated" if cut else "netCDF file cannot be opened",
            file=path,
            found=f"{path.stat().st_size if path.exists() else 0} bytes; {_core(text)}",
            expected="a whole netCDF-4 (HDF5) file",
            remedy="get the capture again and compare its size and checksum with the archive's",
        ) from error


def _core(text: str) -> str:
    """The part of an HDF5 message that says what is wrong."""
    inner = text[text.rfind("(") + 1 :] if "(" in text else text
    return inner.rstrip(")")[:200]


def find_dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset | None:
    """A dataset that lies in this very file, or None if there is none of that name.

    Args:
        file: The open file.
        name: Its name, groups separated by "/".
        path: The file's path, for messages.

    Raises:
        CaptureError: If the name leads to something else: a group, a broken or an external link, or
            data kept in another file.
    """
    item: object = file
    for part in name.split("/"):
        if not isinstance(item, h5py.Group):
            return None
        try:
            if part not in item and item.get(part, getlink=True) is None:
                return None
            link = item.get(part, getlink=True)
            item = None if isinstance(link, h5py.ExternalLink) else item[part]
        except HDF5_ERRORS as error:
            raise CaptureError(
                "netCDF variable cannot be opened", file=path, field=name, found=_core(str(error))
            ) from error
    if not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
        raise CaptureError(
            "netCDF variable is not one",
            file=path,
            field=name,
            found=f"a {type(item).__name__.lower()}"
            if isinstance(item, h5py.Group)
            else "a link to other data",
            expected="a variable whose data lie in this file",
            remedy="repack the file (h5repack), or get the capture again",
        )
    return item
