"""Is it radiance? What a file's words and numbers say, before a network is fed with reflectance."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onboard.captures.envi_header import EnviHeader
from onboard.captures.flags import is_flag
from onboard.captures.units import RADIANCE_UNITS
from onboard.errors import CaptureError

UNIT_FIELDS = ("data units", "radiance units", "data unit", "units", "unit")
REFLECTANCE_WORD = re.compile(r"reflectance|(?<![a-z])(rfl|refl)(?![a-z])", re.IGNORECASE)
RADIANCE_WORD = re.compile(r"radiance|(?<![a-z])(rdn|rad)(?![a-z])", re.IGNORECASE)
UNITLESS = ("unitless", "dimensionless", "1", "percent", "%")

# Sunlight at 0.5 um is about 25 times as strong as at 2.2 um (ASTM G173), so radiance over any ground
# falls steeply; vegetation, soil and rock reflect more at 2.2 um than at 0.5 um.
VISIBLE_NM = (440.0, 600.0)
SWIR_NM = (2080.0, 2320.0)
MIN_RADIANCE_RATIO = 2.5
# A perfect white reflector under an overhead sun gives about 65 uW cm-2 sr-1 nm-1 at 0.5 um.
MAX_MEDIAN_RADIANCE = 100.0
OVERRIDE = (
    "if it is radiance all the same, say so: --assume-radiance, or `data units = uW/cm^2/SR/nm` in the header"
)


def units_of(header: EnviHeader) -> str | None:
    """Units of the values as a header gives them, or None."""
    return next((header.fields[key] for key in UNIT_FIELDS if header.fields.get(key)), None)


def check_words(header: EnviHeader, path: Path) -> None:
    """Refuse a file that calls itself reflectance.

    Units decide; without units a reflectance scale factor, the description or the file's name do.

    Args:
        header: The file's header.
        path: The file as it was given.

    Raises:
        CaptureError: If a field says reflectance and none says radiance.
    """
    units = units_of(header)
    if units is not None:
        if REFLECTANCE_WORD.search(units) or units.strip().lower() in UNITLESS:
            raise _refusal(path, "data units", repr(units[:80]))
        return
    if "reflectance scale factor" in header.fields:
        raise _refusal(path, "reflectance scale factor", header.fields["reflectance scale factor"][:80])
    words = {"description": header.fields.get("description", ""), "file name": path.name.replace("_", " ")}
    if any(RADIANCE_WORD.search(text.replace("_", " ")) for text in words.values()):
        return
    for field, text in words.items():
        if REFLECTANCE_WORD.search(text.replace("_", " ")):
            raise _refusal(path, field, repr(text[:80]))


def check_values(path: Path, centres: npt.NDArray[np.float64], radiance: npt.NDArray[np.float32]) -> None:
    """Refuse values that cannot be radiance in uW cm-2 sr-1 nm-1; for files that name no units.

    Args:
        path: The file, for the message.
        centres: Band centres (bands,), nm.
        radiance: Some lines of the file, float32 (lines, samples, bands).

    Raises:
        CaptureError: If values do not fall from the visible to 2.2 um as sunlight does, or are too large.
    """
    visible = _median(radiance, centres, VISIBLE_NM)
    swir = _median(radiance, centres, SWIR_NM)
    largest = max((value for value in (visible, swir) if value is not None), default=None)
    if largest is not None and largest > MAX_MEDIAN_RADIANCE:
        raise CaptureError(
            "values are too large for radiance",
            file=path,
            field="median value",
            found=f"{largest:g}",
            expected=f"at most {MAX_MEDIAN_RADIANCE:g} {RADIANCE_UNITS}",
            remedy="the numbers seem to be scaled: give `data gain values` or `data units` in the header",
        )
    if visible is None or swir is None or visible <= 0 or swir <= 0:
        return
    ratio = visible / swir
    if ratio < MIN_RADIANCE_RATIO:
        found = (
            f"{ratio:.2f} ({visible:.3g} at {VISIBLE_NM[0]:.0f}-{VISIBLE_NM[1]:.0f} nm, "
            f"{swir:.3g} at {SWIR_NM[0]:.0f}-{SWIR_NM[1]:.0f} nm)"
        )
        raise _refusal(
            path,
            "ratio of the visible to the short-wave infrared, medians",
            found,
            f"at least {MIN_RADIANCE_RATIO}, as sunlight falls with wavelength",
        )


def _median(
    radiance: npt.NDArray[np.float32], centres: npt.NDArray[np.float64], window: tuple[float, float]
) -> float | None:
    """Median of the usable values in a window, or None without any."""
    inside = (centres >= window[0]) & (centres <= window[1])
    values = radiance[..., inside]
    values = values[np.isfinite(values) & ~is_flag(values)]
    return float(np.median(values)) if values.size else None


def _refusal(path: Path, field: str, found: str, expected: str | None = None) -> CaptureError:
    return CaptureError(
        "capture holds reflectance, not radiance",
        file=path,
        field=field,
        found=found,
        expected=expected or f"at-sensor radiance in {RADIANCE_UNITS}",
        remedy="get the L1B radiance of the scene; " + OVERRIDE,
    )
