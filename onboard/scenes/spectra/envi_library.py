"""ENVI spectral libraries: a text header with ``file type = ENVI Spectral Library`` and floats beside it.

``samples`` is the number of wavelengths, ``lines`` that of spectra, ``bands`` is 1; a spectrum is a row
(NV5 Geospatial, ENVI header files).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError
from onboard.scenes.library import Library
from onboard.scenes.response import Float64
from onboard.scenes.spectra.gridding import Gathering
from onboard.scenes.spectra.names import class_of
from onboard.scenes.spectra.text_files import read_lines

MOST_VALUES = 50_000_000
SUFFIXES = (".sli", ".slb", ".esl", "")
_TYPES = {"4": "f4", "5": "f8"}
_DELETED = -1e30


def is_envi(lines: list[str]) -> bool:
    """Whether lines are an ENVI header's."""
    return bool(lines) and lines[0].strip() == "ENVI"


def read_envi(path: Path) -> Library:
    """Read an ENVI spectral library.

    Args:
        path: Its header, or its data file with the header beside it.

    Raises:
        CaptureError: a header that is missing or malformed, or a data file that is not as long as it says.
    """
    header, data = _pair(path)
    fields = _fields(read_lines(header)[1:])
    if "spectral library" not in fields.get("file type", "").lower():
        raise _refusal(header, "file type", fields.get("file type"), "ENVI Spectral Library")
    spectra, wavelengths, names = _values(header, data, fields)
    gathering = Gathering(path)
    for name, values in zip(names, spectra, strict=True):
        gathering.add(name, class_of(name, header.stem), wavelengths, values, file=data)
    return gathering.library()


def _fields(lines: list[str]) -> dict[str, str]:
    """Return the fields as text, keys in lower case; a value in braces may run over many lines."""
    fields: dict[str, str] = {}
    open_key, pieces = "", list[str]()
    for line in lines:
        if open_key:
            pieces.append(line)
        else:
            key, _, value = line.partition("=")
            open_key, pieces = key.strip().lower(), [value]
        if "{" not in pieces[0] or "}" in line:
            fields[open_key] = " ".join(pieces).strip()
            open_key = ""
    return fields


def _pair(path: Path) -> tuple[Path, Path]:
    if path.suffix.lower() != ".hdr":
        for header in (path.with_name(path.name + ".hdr"), path.with_suffix(".hdr")):
            if header.is_file():
                return header, path
        raise _refusal(path, "header", "none", f"{path.name}.hdr or {path.stem}.hdr beside it")
    base = path.with_suffix("")
    for suffix in SUFFIXES:
        data = base.with_name(base.name + suffix)
        if data.is_file():
            return path, data
    raise _refusal(path, "data file", "none", f"{base.name} with one of {', '.join(SUFFIXES[:3])} beside it")


def _refusal(path: Path, where: str, found: object, expected: str) -> CaptureError:
    return CaptureError(
        "an ENVI spectral library is malformed",
        file=path,
        field=where,
        found="nothing" if found is None else str(found)[:60],
        expected=expected,
    )


def _count(header: Path, fields: dict[str, str], key: str, default: str | None = None) -> int:
    text = fields.get(key, default)
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text):
        raise _refusal(header, key, text, "a whole number")
    return int(text)


def _list(header: Path, fields: dict[str, str], key: str, count: int) -> list[str]:
    text = fields.get(key, "")
    items = [item.strip() for item in text.strip("{}").split(",")]
    if not text.startswith("{") or len(items) != count:
        raise _refusal(header, key, f"{len(items)} entries" if text else None, f"{count} in braces")
    return items


def _numbers(header: Path, key: str, texts: list[str]) -> Float64:
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError:
        numbers = np.array([np.nan])
    if not np.all(np.isfinite(numbers)):
        raise _refusal(header, key, texts[:3], "finite numbers")
    return numbers


def _raw(header: Path, data: Path, fields: dict[str, str]) -> NDArray[np.floating[Any]]:
    """Return the numbers (spectra, n) as they lie; sizes are checked before anything is read."""
    channels, rows = _count(header, fields, "samples"), _count(header, fields, "lines")
    if _count(header, fields, "bands", "1") != 1:
        raise _refusal(header, "bands", fields.get("bands"), "1")
    if channels < 2 or rows < 1 or channels * rows > MOST_VALUES:
        raise _refusal(header, "samples x lines", f"{channels} x {rows}", f"1 to {MOST_VALUES} values")
    kind, order = fields.get("data type"), fields.get("byte order", "0")
    if kind not in _TYPES or order not in ("0", "1"):
        raise _refusal(
            header, "data type, byte order", f"{kind}, {order}", "4 or 5 (floats of 4 or 8 bytes), 0 or 1"
        )
    dtype = np.dtype(("<" if order == "0" else ">") + _TYPES[kind])
    offset = _count(header, fields, "header offset", "0")
    needed = offset + channels * rows * dtype.itemsize
    try:
        size = data.stat().st_size
        if size != needed:
            raise _refusal(data, "length", f"{size} bytes", f"{needed} bytes, as in {header.name}")
        return np.fromfile(data, dtype, channels * rows, offset=offset).reshape(rows, channels)
    except OSError as error:
        raise CaptureError("an ENVI spectral library cannot be read", file=data, found=str(error)) from error


def _values(header: Path, data: Path, fields: dict[str, str]) -> tuple[Float64, Float64, list[str]]:
    """Return reflectance (spectra, n), wavelengths (n,) in nm and names; NaN stands for a deleted channel."""
    raw = _raw(header, data, fields)
    rows, channels = raw.shape
    wavelengths = _numbers(header, "wavelength", _list(header, fields, "wavelength", channels))
    names = _list(header, fields, "spectra names", rows)
    spectra = raw.astype(np.float64)
    gone = spectra < _DELETED
    key = "data ignore value"
    if key in fields:
        gone |= raw == _numbers(header, key, [fields[key]]).astype(raw.dtype)
    key = "reflectance scale factor"
    scale = float(_numbers(header, key, [fields.get(key, "1")])[0])
    if scale <= 0:
        raise _refusal(header, key, scale, "a positive number")
    return np.where(gone, np.nan, spectra / scale), wavelengths * _unit(header, fields, wavelengths), names


def _unit(header: Path, fields: dict[str, str], wavelengths: Float64) -> float:
    units = fields.get("wavelength units", "").lower()
    if units.startswith("micro") or units == "um":
        return 1000.0
    if units.startswith("nano") or units == "nm":
        return 1.0
    if units in ("", "unknown"):
        # No grating sees 100 um and 100 nm in one spectrum: the size of the figures tells the unit.
        return 1000.0 if float(wavelengths.max()) < 100.0 else 1.0
    raise _refusal(header, "wavelength units", units, "Micrometers or Nanometers")
