"""Checks that every capture passes, whatever its format: sizes, band tables, non-finite values."""

from __future__ import annotations

import logging
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.captures.units import has_units, wavelength_factor
from onboard.errors import CaptureError

log = logging.getLogger(__name__)

File = str | PathLike[str]

# Far beyond any instrument, yet small enough that a hostile header cannot ask for the machine's memory.
MAX_LINES = 10_000_000
MAX_SAMPLES = 65_536
MAX_BANDS = 4_096
MAX_LINE_VALUES = 2_000_000
WAVELENGTH_RANGE_NM = (100.0, 30_000.0)
FWHM_RANGE_NM = (0.05, 1_000.0)


def check_sizes(file: File, lines: int, samples: int, bands: int) -> None:
    """Refuse sizes that are empty or absurd.

    Args:
        file: The capture, for the message.
        lines: Number of lines.
        samples: Number of samples in a line.
        bands: Number of bands.

    Raises:
        CaptureError: If a size is below 1 or beyond what any instrument delivers.
    """
    limits = {"lines": (lines, MAX_LINES), "samples": (samples, MAX_SAMPLES), "bands": (bands, MAX_BANDS)}
    for field, (found, limit) in limits.items():
        if not 1 <= found <= limit:
            what = "holds no data" if found == 0 else "has an impossible size"
            raise CaptureError(
                f"capture {what}",
                file=file,
                field=field,
                found=found,
                expected=f"1 to {limit}",
                remedy="get the capture again, or check how it was written",
            )
    if samples * bands > MAX_LINE_VALUES:
        raise CaptureError(
            "one line of the capture is too large",
            file=file,
            field="samples x bands",
            found=samples * bands,
            expected=f"at most {MAX_LINE_VALUES}",
            remedy="cut the capture into narrower ones",
        )


def band_table(
    file: File,
    bands: int,
    wavelengths: npt.ArrayLike,
    fwhm: npt.ArrayLike | None,
    units: str | None,
    field: str = "wavelengths",
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Check a capture's wavelengths and widths, and turn them into nm.

    Args:
        file: The capture, for messages.
        bands: Number of bands of the radiance.
        wavelengths: Band centres (bands,) in ``units``, in any order.
        fwhm: Full widths at half maximum (bands,) in ``units``; None to take the band spacing.
        units: Units as the file gives them; None or "Unknown" means nm if the values agree with that.
        field: Name of the wavelengths' field in the file.

    Returns:
        Centres and FWHM, float64 (bands,), nm.

    Raises:
        CaptureError: If a table has another length, is not finite, is no wavelength or has unknown units.
    """
    centres = _table(file, bands, wavelengths, field)
    factor = _nm_factor(file, centres, units, field)
    centres = centres * factor
    low, high = WAVELENGTH_RANGE_NM
    if centres.min() < low or centres.max() > high:
        raise CaptureError(
            "wavelengths are out of range",
            file=file,
            field=field,
            found=f"{centres.min():g} to {centres.max():g} nm",
            expected=f"{low:g} to {high:g} nm",
            remedy="correct the wavelengths or their units in the file",
        )
    if fwhm is None:
        widths = spacing(centres)
        log.warning(
            "%s: no FWHM in the file; taking the band spacing, %.2f to %.2f nm",
            file,
            widths.min(),
            widths.max(),
        )
        return centres, widths
    widths = _table(file, bands, fwhm, "fwhm") * factor
    low, high = FWHM_RANGE_NM
    if widths.min() < low or widths.max() > high:
        raise CaptureError(
            "band widths are out of range",
            file=file,
            field="fwhm",
            found=f"{widths.min():g} to {widths.max():g} nm",
            expected=f"{low:g} to {high:g} nm, in the units of the wavelengths",
            remedy="correct the widths, or remove them to have the band spacing taken",
        )
    return centres, widths


def spacing(centres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distance to the neighbours of each band, the nearer one where they differ (gaps), in nm.

    Args:
        centres: Band centres (bands,) in nm, in any order.

    Returns:
        float64 (bands,), at least 0.05 nm; 10 nm for a single band.
    """
    if centres.size < 2:
        return np.full(centres.shape, 10.0)
    order = np.argsort(centres, kind="stable")
    steps = np.diff(centres[order])
    # Two bands at one wavelength (overlapping detectors) say nothing about the width.
    steps = np.where(steps < FWHM_RANGE_NM[0], np.inf, steps)
    nearest = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf))
    widths: npt.NDArray[np.float64] = np.empty(centres.shape)
    widths[order] = np.where(np.isfinite(nearest), nearest, 10.0)
    return widths


def check_block(
    radiance: npt.NDArray[np.float32], path: File, *, first_line: int = 0, mask: bool = False
) -> bool:
    """Refuse a block that holds NaN or infinity, naming the first one.

    Args:
        radiance: float32 (lines, samples, bands).
        path: The capture, for the message.
        first_line: Line of the capture where the block begins.
        mask: Leave non-finite values in, for a caller that masks them.

    Returns:
        Whether all values are finite.

    Raises:
        CaptureError: If a value is not finite and ``mask`` is False; it names line, sample and band.
    """
    # NaN and infinity survive a sum; it takes a fraction of the time of testing each value.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.add.reduce(radiance, axis=None)):
            return True
    for i, line in enumerate(radiance):
        finite = np.isfinite(line)
        if finite.all():
            continue
        if mask:
            return False
        sample, band = (int(n) for n in np.argwhere(~finite)[0])
        raise CaptureError(
            "radiance is not finite",
            file=path,
            field=f"radiance, line {first_line + i}, sample {sample}, band {band} (counted from 0)",
            found=float(line[sample, band]),
            expected="finite radiance, or a flag value such as -9999",
            remedy="replace such values by -9999 (no data), or replay with --nonfinite mask",
        )
    return True


def no_valid_pixel(path: File, lines: int) -> CaptureError:
    """The error for a capture in which every pixel is flagged or not finite."""
    return CaptureError(
        "capture holds no valid pixel",
        file=path,
        field="radiance",
        found=f"flag values (-9999 no data and the like) in all {lines} lines",
        expected="at least one pixel with radiance",
        remedy="choose another capture; this one was never filled",
    )


def _table(file: File, bands: int, values: npt.ArrayLike, field: str) -> npt.NDArray[np.float64]:
    """A float64 table of one finite, positive value a band."""
    problem: dict[str, Any] = {"file": file, "field": field, "remedy": "correct the band table in the file"}
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CaptureError("band table is not numeric", found=error, **problem) from error
    if table.shape != (bands,):
        raise CaptureError(
            "band table does not fit the radiance",
            found=f"shape {table.shape}",
            expected=f"({bands},)",
            **problem,
        )
    bad = np.flatnonzero(~np.isfinite(table) | (table <= 0))
    if bad.size:
        raise CaptureError(
            f"band table holds {bad.size} unusable values, the first in band {bad[0]} (counted from 0)",
            found=float(table[bad[0]]),
            expected="finite and positive",
            **problem,
        )
    return table


def _nm_factor(file: File, centres: npt.NDArray[np.float64], units: str | None, field: str) -> float:
    """Factor to nm: what the units say, checked against the values."""
    if units is not None and has_units(units):
        factor = wavelength_factor(units)
        if factor is None:
            raise CaptureError(
                "wavelength units are not known",
                file=file,
                field=f"{field}, units",
                found=repr(units[:80]),
                expected="nm or um",
                remedy="give the wavelengths in nm",
            )
        if factor != 1.0:
            log.info("%s: wavelengths are in %s; converted to nm", file, units)
        return factor
    if centres.max() < WAVELENGTH_RANGE_NM[0]:
        raise CaptureError(
            "wavelengths without units are not in nm",
            file=file,
            field=field,
            found=f"{centres.min():g} to {centres.max():g}",
            expected="nm, or a units attribute that says micrometres",
            remedy="add the units (netCDF: attribute `units`; ENVI: `wavelength units = Micrometers`)",
        )
    log.info("%s: wavelengths have no units; taken as nm", file)
    return 1.0
