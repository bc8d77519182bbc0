"""Band tables of the data sets: what their names say, and what must come from the sensor's own table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onboard.errors import CaptureError
from onboard.sensors import load_sensor

Array64 = npt.NDArray[np.float64]

OXHYPER_VISIBLE_NM = (462.6, 551.9, 641.3)
OXHYPER_RANGES_NM = ((1573.0, 1700.0), (2004.0, 2479.0))
"""The 86 bands of the OxHyper methane sets, as previtus/HyperspectralViTs lists them (data_utils.py)."""
OXHYPER_BANDS = 86
EMIT_BANDS = 285
AVIRIS_NG_FWHM = (
    (376.86, 877.73, 1378.59, 1879.46, 2104.85, 2500.54),
    (5.57, 5.76, 5.79, 5.83, 5.88, 6.03),
)
"""FWHM of AVIRIS-NG at some centres, nm: header of flight ang20170323t202244 (emit-sds/SpectralUnmixing)."""
AVIRIS_NG_RANGE_NM = (370.0, 2510.0)
_LEADING_NUMBER = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)")
_GENERIC = re.compile(r"\s*(band\s*\d+)?\s*", re.IGNORECASE)


def described_centres(descriptions: Sequence[str | None], file: Path) -> Array64:
    """Return band centres (bands,) in nm from descriptions such as ``462.59888 (462.59888)``.

    Some events lost them when they were repacked and say ``Band 1`` and so on; then 86 bands are those
    of the OxHyper methane sets and 285 those of EMIT, as the authors' own loader takes them to be.

    Args:
        descriptions: One a band.
        file: The raster, for messages.

    Raises:
        CaptureError: They name no wavelength, and the number of bands is neither.
    """
    matches = [_LEADING_NUMBER.match(text or "") for text in descriptions]
    if all(matches):
        return np.array([float(match[1]) for match in matches if match])
    centres = load_sensor("emit").centres
    if all(_GENERIC.fullmatch(text or "") for text in descriptions):
        if len(descriptions) == EMIT_BANDS:
            return np.array(centres)
        if len(descriptions) == OXHYPER_BANDS:
            return centres[oxhyper_bands(centres)]
    raise CaptureError(
        "bands do not say their wavelengths",
        file=file,
        field="band descriptions",
        found=f"{len(descriptions)} bands, the first {descriptions[0]!r}",
        expected="`462.59888 (462.59888)` and so on, or 86 or 285 bands without names",
        remedy="get the event again, with its .hdr",
    )


def oxhyper_bands(centres: Array64) -> npt.NDArray[np.int64]:
    """Return the indices of the OxHyper methane sets' 86 bands among EMIT's.

    Args:
        centres: (285,) nm.
    """
    visible = [int(np.abs(centres - at).argmin()) for at in OXHYPER_VISIBLE_NM]
    inside = np.zeros(centres.shape, bool)
    for low, high in OXHYPER_RANGES_NM:
        inside |= (centres > low) & (centres < high)
    return np.concatenate([visible, np.flatnonzero(inside)])


def emit_fwhm(centres: Array64) -> Array64:
    """Return EMIT's FWHM (bands,) in nm at given centres, between those of its own bands."""
    sensor = load_sensor("emit")
    return np.interp(centres, sensor.centres, sensor.fwhm)


def aviris_ng_fwhm(centres: Array64) -> Array64:
    """Return AVIRIS-NG's FWHM (bands,) in nm at given centres."""
    return np.interp(centres, *AVIRIS_NG_FWHM)
