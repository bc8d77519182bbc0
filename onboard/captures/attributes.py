"""Text attributes of netCDF-4 files, read so that a damaged one cannot take the process down.

netCDF writes text of fixed length, which is read in place. Text of variable length (as h5py and xarray
write it) lies in a heap whose damage makes HDF5 2.0 crash or never return; it is read by a child process.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import h5py

from onboard.captures.hdf5 import HDF5_ERRORS
from onboard.errors import CaptureError

log = logging.getLogger(__name__)

Item: TypeAlias = Any  # h5py.File, h5py.Group or h5py.Dataset: h5py has no types

MAX_TEXT_CHARACTERS = 20_000
CHILD_SECONDS = 20.0
CHILD = """
import json, sys
import h5py
texts = {}
with h5py.File(sys.argv[1], "r") as file:
    for name in ("/", "radiance", "sensor_band_parameters/wavelengths", "sensor_band_parameters/fwhm"):
        item = file.get(name)
        for key in item.attrs if item is not None else ():
            kind = item.attrs.get_id(key).get_type()
            if not (isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()):
                continue
            try:
                value = item.attrs[key]
                value = value if isinstance(value, (str, bytes)) else value[0]
                value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                texts[item.name + "@" + key] = value[:20000]
            except (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError):
                pass
print(json.dumps(texts))
"""


def text_attribute(item: Item, name: str) -> str | None:
    """A text attribute, or None if it is absent or no text.

    Args:
        item: What carries the attribute.
        name: Its name.

    Raises:
        CaptureError: If the file's texts are damaged.
    """
    try:
        if name not in item.attrs:
            return None
        kind = item.attrs.get_id(name).get_type()
        if not isinstance(kind, h5py.h5t.TypeStringID):
            return None
        if kind.is_variable_str():
            return _variable_text(item, name)
        value = item.attrs[name]
        # netCDF libraries write strings as arrays of one, too.
        value = value if isinstance(value, str | bytes) else value[0]
    except (*HDF5_ERRORS, IndexError):
        log.debug("attribute %s cannot be read", name)
        return None
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return text[:MAX_TEXT_CHARACTERS]


def _variable_text(item: Item, name: str) -> str | None:
    path = Path(item.file.filename)
    state = path.stat()
    return _variable_texts(path, state.st_size, state.st_mtime_ns).get(f"{item.name}@{name}")


@lru_cache(maxsize=8)
def _variable_texts(path: Path, size: int, changed_ns: int) -> dict[str, str]:
    """All texts of variable length, by object and name; a file that changes is read again."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", CHILD, str(path)],
            capture_output=True,
            timeout=CHILD_SECONDS,
            env=environment,
            check=True,
        )
        texts: dict[str, str] = json.loads(child.stdout)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError, ValueError) as error:
        raise CaptureError(
            "text attributes of the netCDF file are damaged",
            file=path,
            field="attributes of variable length",
            found="HDF5 crashes or never returns on them"
            if isinstance(error, subprocess.TimeoutExpired) or getattr(error, "returncode", 0) < 0
            else str(error)[:200],
            expected="readable text",
            remedy="get the capture again and compare its size and checksum with the archive's",
        ) from error
    return texts
