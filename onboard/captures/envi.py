"""ENVI captures: a text header and a binary file beside it, in any interleave."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from onboard.captures.blocks import Capture, Radiance, read_error
from onboard.captures.envi_header import EnviHeader, read_header
from onboard.captures.flags import FLAG_CEILING, NO_DATA
from onboard.captures.plausibility import check_values, check_words, units_of
from onboard.captures.resample import MAX_EDGE_NM, WATER_GAPS_NM
from onboard.captures.units import RADIANCE_UNITS, has_units, radiance_factor
from onboard.captures.validation import band_table
from onboard.errors import CaptureError

log = logging.getLogger(__name__)

Index = npt.NDArray[np.intp]

HEADER_SUFFIX = ".hdr"
DATA_SUFFIXES = ("", ".img", ".bil", ".bip", ".bsq", ".dat", ".raw", ".bin")
TIME_FIELDS = ("acquisition time", "start acquisition time", "acquisition date")


class EnviCapture(Capture):
    """An ENVI radiance capture; gains, offsets, units and the ignore value are applied while reading.

    Bands that the header calls bad (``bbl``) are left out, but for those where water vapour takes all light:
    archives call them bad for what they are, and networks were trained with them.
    """

    format = "envi"

    def __init__(self, path: Path, *, assume_radiance: bool = False) -> None:
        """Open and check a capture.

        Args:
            path: The header or the data file.
            assume_radiance: Take the values for radiance in uW cm-2 sr-1 nm-1, whatever they look like.

        Raises:
            CaptureError: If a file is missing, the two do not fit, or the values are no radiance.
        """
        header_path, data_path = find_pair(path)
        self.header = header = read_header(header_path)
        data_path = data_path or find_data(header)
        self.data_path = data_path
        size = _check_length(header, data_path)
        if not assume_radiance:
            check_words(header, path)
        if header.wavelengths is None:
            raise CaptureError(
                "ENVI header has no wavelengths",
                file=header_path,
                field="wavelength",
                found="nothing",
                expected=f"{header.bands} band centres",
                remedy="add them to the header, with `wavelength units`",
            )
        centres, fwhm = band_table(
            header_path, header.bands, header.wavelengths, header.fwhm, header.wavelength_units, "wavelength"
        )
        self._bands = _usable_bands(header, centres)
        super().__init__(
            path, (header.lines, header.samples, self._bands.size), centres[self._bands], fwhm[self._bands]
        )
        self.size_bytes = size
        self.granule = data_path.name if not data_path.suffix[1:].isalpha() else data_path.stem
        self.pixel_size_m = _pixel_size(header)
        time = next((header.fields[key] for key in TIME_FIELDS if header.fields.get(key)), None)
        self.time_coverage = (time, time) if time else None
        self._scale, self._shift = _scaling(header, path, assume_radiance)
        self._stream = _open(data_path)
        if not has_units(units_of(header)):
            if not assume_radiance:
                self._check_values()
            log.warning("%s: no data units in the header; values taken as %s", path, RADIANCE_UNITS)

    def _check_values(self) -> None:
        """Look at a few lines across the capture before taking unlabelled numbers for radiance."""
        try:
            picks = sorted({int(i) for i in np.linspace(0, self.lines - 1, 8)})
            check_values(self.path, self.centres, np.concatenate([self.read_lines(i, 1) for i in picks]))
        except BaseException:
            self.close()
            raise

    def _read_lines(self, first: int, out: Radiance) -> None:
        header = self.header
        if header.interleave == "bsq":
            # A band at a time; one band's lines are the largest piece held beside the block.
            shape: tuple[int, ...] = (len(out), header.samples)
            for index, band in enumerate(self._bands):
                plane = self._read(int(band) * header.lines + first, header.samples, shape, first)
                self._convert(plane, out[:, :, index], int(band))
            return
        line_values = header.samples * header.bands
        bil = header.interleave == "bil"
        shape = (header.bands, header.samples) if bil else (header.samples, header.bands)
        every = self._bands.size == header.bands
        chosen: slice | Index = slice(None) if every else self._bands
        for i in range(len(out)):
            line = self._read(first + i, line_values, shape, first + i)
            self._convert((line.T if bil else line)[:, chosen], out[i], chosen)

    def _read(self, row: int, row_values: int, shape: tuple[int, ...], line: int) -> npt.NDArray[Any]:
        """Values of ``shape`` from a row of the file on."""
        itemsize = self.header.dtype.itemsize
        count = math.prod(shape)
        try:
            self._stream.seek(self.header.offset + row * row_values * itemsize)
            data = self._stream.read(count * itemsize)
        except (OSError, ValueError) as error:
            raise read_error(self.data_path, line, 1, error) from error
        if len(data) != count * itemsize:
            raise read_error(self.data_path, line, 1, EOFError(f"{len(data)} of {count * itemsize} bytes"))
        return np.frombuffer(data, dtype=self.header.dtype).reshape(shape)

    def _convert(self, raw: npt.NDArray[Any], out: Radiance, bands: int | slice | Index) -> None:
        """Turn the file's numbers into radiance; flags and the ignore value are not scaled."""
        ignore = self.header.ignore_value
        with np.errstate(over="ignore", invalid="ignore"):
            out[...] = raw
            if self._scale is not None:
                out *= self._scale[bands]
            if self._shift is not None:
                out += self._shift[bands]
        if raw.dtype.kind != "u" and (self._scale is not None or self._shift is not None):
            flagged = (raw <= FLAG_CEILING) & (raw >= NO_DATA)
            np.copyto(out, raw, where=flagged, casting="unsafe")
        if ignore is not None:
            missing = np.isnan(raw) if math.isnan(ignore) else raw == ignore
            np.copyto(out, np.float32(_flag_of(ignore)), where=missing)

    def close(self) -> None:
        """Close the data file. Closing twice does no harm."""
        self._stream.close()


def _usable_bands(header: EnviHeader, centres: npt.NDArray[np.float64]) -> Index:
    """Numbers of the bands to read; says in the log which are left out."""
    spans = [(low - MAX_EDGE_NM, high + MAX_EDGE_NM) for low, high in WATER_GAPS_NM]
    in_water = np.any([(centres > low) & (centres < high) for low, high in spans], axis=0)
    usable = header.good | in_water
    if not usable.all():
        lost = centres[~usable]
        log.warning(
            "%s: %d bands between %.0f and %.0f nm are left out, as bbl says",
            header.path, lost.size, lost.min(), lost.max(),
        )  # fmt: skip
    return np.flatnonzero(usable)


def find_pair(path: Path) -> tuple[Path, Path | None]:
    """The header of a capture, and its data file if that is what was given.

    Args:
        path: The header or the data file.

    Raises:
        CaptureError: If a data file has no header beside it.
    """
    if path.suffix.lower() == HEADER_SUFFIX:
        return path, None
    names = {path.name + HEADER_SUFFIX, path.stem + HEADER_SUFFIX}
    folded = {name.lower() for name in names}
    headers = [item for item in _siblings(path) if item.name in names]
    headers = headers or [item for item in _siblings(path) if item.name.lower() in folded]
    if not headers:
        raise CaptureError(
            "file has no ENVI header beside it",
            file=path,
            found="nothing",
            expected=" or ".join(sorted(names)),
            remedy="put the header beside the data, or give an EMIT L1B RAD netCDF file",
        )
    # `x.bil.hdr` belongs to `x.bil` alone, `x.hdr` may belong to `x.img` as well.
    return max(headers, key=lambda item: len(item.name)), path


def find_data(header: EnviHeader) -> Path:
    """The data file of a header: the same name without suffix, or with a customary one.

    Args:
        header: The header.

    Raises:
        CaptureError: If there is none, or several that all have the promised size.
    """
    base = header.path.with_suffix("")
    suffixes = (*DATA_SUFFIXES, "." + header.interleave)
    names = {base.name + suffix.upper() for suffix in suffixes} | {base.name + suffix for suffix in suffixes}
    found = [item for item in _siblings(base) if item.name in names and item.is_file()]
    if not found:
        raise CaptureError(
            "ENVI header has no data file beside it",
            file=header.path,
            found="nothing",
            expected=f"{base.name} without suffix or with one of {', '.join(DATA_SUFFIXES[1:])}",
            remedy="put the data beside the header, or give the data file itself",
        )
    fitting = [item for item in found if item.stat().st_size == header.offset + header.data_bytes]
    if len(fitting) > 1:
        raise CaptureError(
            "several data files fit one ENVI header",
            file=header.path,
            found=", ".join(sorted(item.name for item in fitting)),
            expected="one",
            remedy="give the data file instead of the header",
        )
    return fitting[0] if fitting else sorted(found)[0]


def _siblings(path: Path) -> list[Path]:
    try:
        return list(path.parent.iterdir())
    except OSError as error:
        raise CaptureError("folder cannot be read", file=path.parent, found=error.strerror) from error


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CaptureError("ENVI data file cannot be opened", file=path, found=error.strerror) from error


def _check_length(header: EnviHeader, data: Path) -> int:
    """Refuse a data file that is not exactly as long as the header says; returns its size."""
    try:
        size = data.stat().st_size
    except OSError as error:
        raise CaptureError("ENVI data file cannot be read", file=data, found=error.strerror) from error
    needed = header.offset + header.data_bytes
    if size != needed:
        raise CaptureError(
            f"ENVI header promises {'more' if needed > size else 'fewer'} bytes than its data file holds",
            file=data,
            field="samples x lines x bands x bytes + header offset, as in " + header.path.name,
            found=f"{size} bytes",
            expected=f"{header.samples} x {header.lines} x {header.bands} x {header.dtype.itemsize} "
            f"+ {header.offset} = {needed} bytes",
            remedy="get the data again if they are cut short, or correct the header",
        )
    return size


def _scaling(
    header: EnviHeader, path: Path, assume_radiance: bool
) -> tuple[npt.NDArray[np.float32] | None, npt.NDArray[np.float32] | None]:
    """Gain and offset of each band, into our units; None where there is nothing to do."""
    units = units_of(header)
    factor = 1.0
    if units is not None and has_units(units) and not assume_radiance:
        known = radiance_factor(units)
        if known is None:
            raise CaptureError(
                "radiance units are not known",
                file=header.path,
                field="data units",
                found=repr(units[:80]),
                expected=RADIANCE_UNITS,
                remedy="convert the radiance, or correct the header",
            )
        factor = known
    if factor != 1.0:
        log.warning("%s: radiance is in %s; multiplied by %g", path, units, factor)
    gains, offsets = header.gains, header.offsets
    if gains is None and factor != 1.0:
        gains = np.ones(header.bands)
    scale = None if gains is None else (gains * factor).astype(np.float32)
    shift = None if offsets is None or not offsets.any() else (offsets * factor).astype(np.float32)
    return scale, shift


METRES = {"meters": 1.0, "metres": 1.0, "m": 1.0, "kilometers": 1e3, "km": 1e3, "feet": 0.3048, "ft": 0.3048}


def _pixel_size(header: EnviHeader) -> float | None:
    """Pixel size out of ``map info`` in metres; None where it says none, or in units of something else."""
    parts = [part.strip() for part in header.fields.get("map info", "").split(",")]
    kind = parts[0].lower()
    if len(parts) < 7 or "geographic" in kind or "arbitrary" in kind:
        return None
    told = [part.partition("=")[2].strip().lower() for part in parts if part.lower().startswith("units")]
    # Projected maps are in metres where they do not say.
    factor = METRES.get(told[0] if told else "meters")
    if factor is None:
        return None
    try:
        across, down = abs(float(parts[5])), abs(float(parts[6]))
    except ValueError:
        return None
    size = factor * math.sqrt(across * down)
    return size if 0.01 <= size <= 10_000 else None


def _flag_of(ignore: float) -> float:
    """A flag value declared as the ignore value keeps its meaning; any other means no data."""
    return ignore if NO_DATA <= ignore <= FLAG_CEILING else NO_DATA
