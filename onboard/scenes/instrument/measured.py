"""EMIT's own calibration files as a detector's imperfections.

Files of emit-sds/emit-sds-l1b, all 328 detector rows x 1280 columns: ``EMIT_BadElements_20220307`` (int16,
-1, -2, ... along a run of bad elements), ``EMIT_FlatField_20241024`` (float32), and
``EMIT_WavelengthCenters_20220421`` (float32, wavelength and width in nm, by pixel). Products hold columns 24
to 1265 mirrored and rows 20 to 304 reversed (config/EMIT_20241025.json: `first_distributed_column`,
`flip_horizontal`; emitrdn.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from onboard.captures.envi_header import read_header
from onboard.errors import CaptureError, UsageError
from onboard.scenes.response import Float64

BAD_ELEMENTS = "EMIT_BadElements_20220307"
FLAT_FIELD = "EMIT_FlatField_20241024"
WAVELENGTHS = "EMIT_WavelengthCenters_20220421"
ROWS, COLUMNS = 328, 1280
PRODUCT_ROWS = slice(20, 305)
PRODUCT_COLUMNS = slice(24, 1266)
SAMPLES, BANDS = 1242, 285
DEPARTURE_COLUMNS = 31
LARGEST_DEPARTURE = 0.02
Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class MeasuredDetector:
    """What was measured of a detector, in the order of a product's samples and bands.

    Attributes:
        centres: Band centres in nm, mean of all columns, float64 (bands,).
        bad: True for bad elements, (bands, samples).
        departure: Response of each element against that of the columns around it, less 1, float32
            (samples, bands).
        smile_nm: Wavelength of each element against its band's mean, float32 (samples, bands).
    """

    centres: Float64
    bad: NDArray[np.bool_]
    departure: Float32
    smile_nm: Float32

    def select(self, centres: Float64) -> MeasuredDetector:
        """Return the bands nearest to other centres (bands,) in nm.

        Raises:
            UsageError: If one lies further than a band's spacing from all that were measured.
        """
        nearest = np.abs(self.centres[None, :] - np.asarray(centres)[:, None]).argmin(axis=1)
        distance = np.abs(self.centres[nearest] - centres)
        if distance.max() > float(np.diff(self.centres).max()):
            worst = int(distance.argmax())
            raise UsageError(
                "a band lies outside the measured detector",
                field="centres",
                found=f"{centres[worst]:.2f} nm",
                expected=f"{self.centres[0]:.2f} to {self.centres[-1]:.2f} nm",
            )
        return MeasuredDetector(
            self.centres[nearest], self.bad[nearest], self.departure[:, nearest], self.smile_nm[:, nearest]
        )


def load_measured(folder: Path) -> MeasuredDetector:
    """Read EMIT's calibration files.

    The flat field itself is taken out of products; what is left of it there is unknown. Elements whose
    response departs from that of the 31 columns around drift in proportion, so the departure, held within
    2 %, is kept as the pattern of stripes, and ``draw_detector`` uses a share of it.

    Args:
        folder: Where the three files and their headers lie.

    Raises:
        CaptureError: If a file is missing, or is not what its name says.
    """
    bad = _read(folder / BAD_ELEMENTS, "i2", 1)[..., 0] != 0
    flat = _read(folder / FLAT_FIELD, "f4", 1)[..., 0]
    wavelengths = _read(folder / WAVELENGTHS, "f4", 2)[..., 0]
    centres = wavelengths.mean(axis=1)
    if not (np.isfinite(centres).all() and 300 < centres[0] < centres[-1] < 2600 and _rising(centres)):
        raise CaptureError(
            "calibration file holds no wavelengths",
            file=folder / WAVELENGTHS,
            found=f"{centres[0]:.1f} to {centres[-1]:.1f}",
            expected="rising, in nm, 381 to 2493",
        )
    usable = np.where(bad | ~np.isfinite(flat) | (flat <= 0.2) | (flat >= 5), np.nan, flat)
    if np.isnan(usable).mean() > 0.05:
        raise CaptureError(
            "flat field is not that of a detector",
            file=folder / FLAT_FIELD,
            found=f"{100 * np.isnan(usable).mean():.0f} % of elements unusable",
            expected="responses about 1",
        )
    return MeasuredDetector(
        centres=centres,
        bad=bad,
        departure=_departure(usable).T,
        smile_nm=np.ascontiguousarray((wavelengths - centres[:, None]).T.astype(np.float32)),
    )


def _rising(values: Float64) -> bool:
    return bool((np.diff(values) > 0).all())


def _departure(flat: Float64) -> Float32:
    """Return the response (bands, samples) over the running median along samples, less 1."""
    half = DEPARTURE_COLUMNS // 2
    around = sliding_window_view(np.pad(flat, ((0, 0), (half, half)), mode="edge"), DEPARTURE_COLUMNS, axis=1)
    departure = flat / np.nanmedian(around, axis=-1) - 1
    held = np.clip(np.nan_to_num(departure, nan=0.0), -LARGEST_DEPARTURE, LARGEST_DEPARTURE)
    return np.ascontiguousarray(held.astype(np.float32))


def _read(path: Path, kind: str, layers: int) -> Float64:
    """Read one file, checked, as (bands, samples, layers) of the product."""
    if not path.exists():
        raise CaptureError("EMIT calibration file is missing", file=path, expected="the file and its header")
    header = read_header(path.with_name(path.name + ".hdr"))
    shape = (header.lines, header.samples, header.bands)
    if shape != (ROWS, COLUMNS, layers) or header.dtype.str[1:] != kind or header.offset:
        raise CaptureError(
            "EMIT calibration file has another layout",
            file=header.path,
            field="lines, samples, bands, data type",
            found=f"{shape}, {header.dtype.str[1:]}",
            expected=f"{(ROWS, COLUMNS, layers)}, {kind}",
        )
    if path.stat().st_size != header.data_bytes:
        raise CaptureError(
            "EMIT calibration file is cut short or too long",
            file=path,
            found=f"{path.stat().st_size} bytes",
            expected=f"{header.data_bytes} bytes",
            remedy="get the file again",
        )
    values = np.fromfile(path, header.dtype)
    if header.interleave == "bsq":
        cube = np.moveaxis(values.reshape(layers, ROWS, COLUMNS), 0, -1)
    elif header.interleave == "bil":
        cube = np.moveaxis(values.reshape(ROWS, layers, COLUMNS), 1, -1)
    else:
        cube = values.reshape(ROWS, COLUMNS, layers)
    return np.asarray(cube[PRODUCT_ROWS, PRODUCT_COLUMNS][::-1, ::-1], np.float64)
