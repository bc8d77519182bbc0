"""Rasters through rasterio, which is asked for when the first is opened; every failure names the file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import CaptureError, MissingExtraError
from onboard.training.adapters.common import Array, Mask, Window

REMEDY = "get the event again and compare its size with the archive's"


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """Open a raster for reading.

    Raises:
        CaptureError: It is missing, damaged or no raster, or a read inside fails.
        MissingExtraError: rasterio is not installed.
    """
    try:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "geo", "reading rasters of public data sets") from error
    if not file.is_file():
        raise CaptureError("raster is missing", file=file, found="no such file", remedy=REMEDY)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(file) as raster:
                yield raster
    except (RasterioError, OSError) as error:
        raise CaptureError(
            "raster cannot be read",
            file=file,
            found=str(error)[:200],
            expected="a whole raster",
            remedy=REMEDY,
        ) from error


def raster_size(file: Path, window: Window | None) -> tuple[int, int]:
    """Return (lines, samples) of a raster, or of a window once it is known to lie inside.

    Raises:
        CaptureError: The window does not lie inside.
    """
    with opened(file) as raster:
        size = (int(raster.height), int(raster.width))
    if window is None:
        return size
    if window.line + window.lines > size[0] or window.sample + window.samples > size[1]:
        raise CaptureError(
            "window lies outside the raster",
            file=file,
            field="window",
            found=f"lines {window.line} to {window.line + window.lines - 1}, "
            f"samples {window.sample} to {window.sample + window.samples - 1}",
            expected=f"within {size[0]} lines x {size[1]} samples",
            remedy="use the CSV that came with these tiles",
        )
    return window.lines, window.samples


def fitted(file: Path, window: Window | None) -> Window | None:
    """Return a row's window as it applies to a raster.

    A window as large as the raster, but offset, says where the whole tile was cut from, as STARCOP's
    sampling CSVs do: then all of the raster is meant.
    """
    if window is None or not (window.line or window.sample):
        return window
    lines, samples = raster_size(file, None)
    return Window(0, 0, lines, samples) if (lines, samples) == (window.lines, window.samples) else window


def read_bands(file: Path, window: Window) -> Array:
    """Read all bands of a window.

    Returns:
        (lines, samples, bands) float32, NaN where the raster says that there is no data.
    """
    with opened(file) as raster:
        planes = raster.read(window=_slices(window), out_dtype="float32")
        nodata = raster.nodata
    if nodata is not None and np.isfinite(nodata):
        planes = np.where(planes == np.float32(nodata), np.float32(np.nan), planes)
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2))


def read_plane(file: Path, window: Window, band: int = 1) -> Array:
    """Read one band of a window: (lines, samples) float32, NaN where there is no data."""
    with opened(file) as raster:
        if band > raster.count:
            raise CaptureError(
                "raster has too few bands", file=file, found=raster.count, expected=f"at least {band}"
            )
        plane: Array = raster.read(band, window=_slices(window), out_dtype="float32")
        if plane.shape != (window.lines, window.samples):
            raise CaptureError(
                "raster is smaller than the others of its event",
                file=file,
                found=(raster.height, raster.width),
                expected=f"at least {window.line + window.lines} x {window.sample + window.samples}",
                remedy=REMEDY,
            )
    return plane


def read_mask(file: Path, window: Window) -> Mask:
    """Read a raster of 0 and 1 as (lines, samples) bool; NaN is no.

    Raises:
        CaptureError: It holds other values.
    """
    plane = np.nan_to_num(read_plane(file, window))
    values: npt.NDArray[Any] = np.unique(plane)
    if not np.isin(values, (0.0, 1.0)).all():
        raise CaptureError(
            "label holds other values than 0 and 1",
            file=file,
            found=", ".join(f"{value:g}" for value in values[:6]),
            expected="0 and 1",
            remedy=REMEDY,
        )
    return plane > 0.5


def descriptions(file: Path) -> Sequence[str | None]:
    """Return what a raster calls its bands."""
    with opened(file) as raster:
        found: Sequence[str | None] = raster.descriptions
    return found


def _slices(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    return (
        (window.line, window.line + window.lines),
        (window.sample, window.sample + window.samples),
    )
