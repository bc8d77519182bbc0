"""ENVI headers: text of unknown origin in, checked figures out; nothing but CaptureError comes of a bad one.

Format: ENVI header files as described by NV5 Geospatial; ``wavelength units`` is spelt with a space.
"""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.captures.validation import MAX_BANDS, check_sizes
from onboard.errors import CaptureError

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 4 * 2**20
MAX_FIELDS = 2_000
MAX_OFFSET = 2**40
DATA_TYPES: dict[int, str] = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4"}
INTERLEAVES = ("bil", "bip", "bsq")
INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
COUNTS = ("samples", "lines", "bands")


@dataclass(frozen=True, eq=False)
class EnviHeader:
    """A checked ENVI header.

    Attributes:
        path: The header file.
        samples: Samples of a line.
        lines: Lines.
        bands: Bands.
        offset: Bytes to skip at the beginning of the data file.
        dtype: Type of one value, with its byte order.
        interleave: "bil", "bip" or "bsq".
        wavelengths: Band centres, float64 (bands,), in ``wavelength_units``, or None.
        wavelength_units: As given, or None.
        fwhm: Band widths, float64 (bands,), in ``wavelength_units``, or None.
        gains: Multiplies each band's numbers, float64 (bands,), or None.
        offsets: Is added after that, float64 (bands,), or None.
        good: Bands that the header's list of bad bands (``bbl``) leaves, bool (bands,); all without a list.
        ignore_value: Stands for no data (may be NaN), or None.
        fields: All fields as text, keys in lower case.
    """

    path: Path
    samples: int
    lines: int
    bands: int
    offset: int
    dtype: np.dtype[Any]
    interleave: str
    wavelengths: npt.NDArray[np.float64] | None
    wavelength_units: str | None
    fwhm: npt.NDArray[np.float64] | None
    gains: npt.NDArray[np.float64] | None
    offsets: npt.NDArray[np.float64] | None
    good: npt.NDArray[np.bool_]
    ignore_value: float | None
    fields: dict[str, str]

    @property
    def data_bytes(self) -> int:
        """Bytes of data that the header promises, without the offset."""
        return self.samples * self.lines * self.bands * self.dtype.itemsize


def read_header(path: Path) -> EnviHeader:
    """Read and check an ENVI header.

    Args:
        path: The header file.

    Raises:
        CaptureError: If it cannot be read, is too large, or says nothing usable.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_HEADER_BYTES + 1)
    except OSError as error:
        raise CaptureError("ENVI header cannot be read", file=path, found=error.strerror) from error
    return parse_header(data, path)


def parse_header(data: bytes, path: Path) -> EnviHeader:
    """Check the bytes of an ENVI header.

    Args:
        data: The whole file.
        path: The file, for messages.

    Raises:
        CaptureError: If it is no ENVI header, or a field is missing, malformed or absurd.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise CaptureError(
            "ENVI header is too large", file=path, found=f"over {MAX_HEADER_BYTES} bytes", expected="text"
        )
    fields = split_fields(data.decode("utf-8", errors="replace"), path)
    samples, lines, bands = (_integer(fields, name, path) for name in COUNTS)
    check_sizes(path, lines, samples, bands)
    return EnviHeader(
        path=path,
        samples=samples,
        lines=lines,
        bands=bands,
        offset=_integer(fields, "header offset", path, 0, range(MAX_OFFSET)),
        dtype=_dtype(fields, path),
        interleave=_interleave(fields, path),
        wavelengths=_numbers(fields, "wavelength", bands, path),
        wavelength_units=fields.get("wavelength units"),
        fwhm=_numbers(fields, "fwhm", bands, path),
        gains=_numbers(fields, "data gain values", bands, path, finite=True),
        offsets=_numbers(fields, "data offset values", bands, path, finite=True),
        good=_good_bands(fields, bands, path),
        ignore_value=_number(fields, "data ignore value", path),
        fields=fields,
    )


def split_fields(text: str, path: Path) -> dict[str, str]:
    """Split a header into its fields: ``key = value``, or ``key = { value over lines }``.

    Args:
        text: The header's text.
        path: The file, for messages.

    Returns:
        Values by key; keys in lower case with single spaces, values without their braces.

    Raises:
        CaptureError: If the text is no ENVI header, a brace stays open, or a field comes twice with
            different values.
    """
    lines = iter(text.lstrip("\ufeff").splitlines())
    if next(lines, "").strip().upper() != "ENVI":
        raise CaptureError(
            "file is no ENVI header", file=path, field="first line", found=repr(text[:40]), expected="ENVI"
        )
    fields: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        key = " ".join(key.lower().split())
        if not equals or not key or key.startswith(";"):
            if line.strip() and not line.lstrip().startswith(";"):
                log.warning("%s: header line without a field skipped: %.60r", path, line)
            continue
        value = value.strip()
        if value.startswith("{"):
            value = _braced(value, lines, key, path)
        if fields.get(key, value) != value:
            raise CaptureError(
                "ENVI header gives a field twice",
                file=path,
                field=key[:80],
                found=f"{fields[key][:40]!r} and {value[:40]!r}",
                expected="one value",
            )
        fields[key] = value
        if len(fields) > MAX_FIELDS:
            raise CaptureError("ENVI header has too many fields", file=path, expected=f"at most {MAX_FIELDS}")
    return fields


def _braced(value: str, lines: Any, key: str, path: Path) -> str:
    """The text between braces, taking further lines until they close."""
    parts = [value[1:]]
    while "}" not in parts[-1]:
        following = next(lines, None)
        if following is None:
            raise CaptureError(
                "ENVI header ends within braces",
                file=path,
                field=key[:80],
                found="the end of the file",
                expected="}",
                remedy="get the header again; it is cut short",
            )
        parts.append(following)
    return "\n".join(parts).partition("}")[0].strip()


def _bad(path: Path, key: str, found: str, expected: str) -> CaptureError:
    return CaptureError(
        "ENVI header field is unusable",
        file=path,
        field=key,
        found=repr(found[:80]),
        expected=expected,
        remedy="correct the header",
    )


def _integer(
    fields: dict[str, str],
    key: str,
    path: Path,
    default: int | None = None,
    allowed: range | tuple[int, ...] | None = None,
) -> int:
    """A whole number; ``default`` where the field may be absent."""
    text = fields.get(key)
    if text is None:
        if default is None:
            raise CaptureError(
                "ENVI header lacks a field",
                file=path,
                field=key,
                found="nothing",
                expected="a whole number",
                remedy="get the header again, or add the field",
            )
        return default
    if not INTEGER.fullmatch(text):
        raise _bad(path, key, text, "a whole number")
    number = int(text)
    if allowed is not None and number not in allowed:
        choice = f"{allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else f"one of {allowed}"
        raise _bad(path, key, text, choice)
    return number


def _dtype(fields: dict[str, str], path: Path) -> np.dtype[Any]:
    code = _integer(fields, "data type", path, None, tuple(DATA_TYPES))
    order = _integer(fields, "byte order", path, 0, (0, 1))
    return np.dtype(DATA_TYPES[code]).newbyteorder("<" if order == 0 else ">")


def _interleave(fields: dict[str, str], path: Path) -> str:
    text = fields.get("interleave", "").lower()
    if text not in INTERLEAVES:
        raise _bad(path, "interleave", text, " or ".join(INTERLEAVES))
    return text


def _numbers(
    fields: dict[str, str], key: str, bands: int, path: Path, *, finite: bool = False
) -> npt.NDArray[np.float64] | None:
    """One number a band, or None where the field is absent or empty."""
    text = fields.get(key, "")
    if not text:
        return None
    tokens = text.replace(",", " ").split(maxsplit=MAX_BANDS)
    if len(tokens) != bands:
        raise _bad(path, key, f"{len(tokens)} numbers", f"{bands}, one a band")
    try:
        numbers = np.array([float(token) for token in tokens], dtype=np.float64)
    except ValueError as error:
        raise _bad(path, key, str(error), "numbers") from error
    if finite and not np.isfinite(numbers).all():
        raise _bad(path, key, "a value that is not finite", "finite numbers")
    return numbers


def _good_bands(fields: dict[str, str], bands: int, path: Path) -> npt.NDArray[np.bool_]:
    """Bands that ``bbl`` does not call bad (0); a list that makes no sense refuses no capture."""
    try:
        marks = _numbers(fields, "bbl", bands, path, finite=True)
    except CaptureError as error:
        log.warning("%s; the list is ignored", error)
        marks = None
    if marks is None or not marks.any():
        return np.ones(bands, dtype=np.bool_)
    return np.asarray(marks != 0.0)


def _number(fields: dict[str, str], key: str, path: Path) -> float | None:
    """A number, NaN included, or None where the field is absent or empty."""
    text = fields.get(key, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise _bad(path, key, text, "a number") from error
    if math.isinf(number):
        raise _bad(path, key, text, "a finite number or NaN")
    return number
