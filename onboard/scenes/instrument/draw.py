"""Detectors drawn from statistics of EMIT's, or taken from its measured files."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random, seed_of
from onboard.scenes.instrument.detector import Detector, Seam
from onboard.scenes.instrument.elements import bad_elements, draw_bad_elements
from onboard.scenes.instrument.measured import SAMPLES, MeasuredDetector
from onboard.scenes.instrument.radiometry import full_scale, quantum
from onboard.scenes.response import Float64
from onboard.sensors import load_sensor

# EMIT_FlatField_20241024: response of an element over the median of the 31 columns around, robust deviation
# 0.36 % in the median band; 0.26 % of it is shared by all bands of a column.
DEPARTURE_SIGMA, DEPARTURE_SHARED = 0.0036, 0.65
RESIDUAL_SHARE = (0.4, 1.0)
"""What is left of departures after the flat field: stripes of 0.15 to 0.36 %. Assumed: the flat field was
renewed from scenes when stripes of that size had appeared (versions of 2022-08 and 2024-10)."""
# EMIT_WavelengthCenters_20220421: wavelengths tilt across the swath by 7.5e-6 (lambda - 444 nm) nm from the
# middle to either edge, 0.015 nm at 2493 nm, and do not bend.
SMILE_TILT, SMILE_ROOT_NM = 7.5e-6, 444.0
# emit-sds/emit-sds-l1b config/EMIT_20241025.json, `osf_seam_interpolation_edges` [121, 125]: bands 122-124.
SEAM_NM = (1286.5, 1308.9)
NOISY_BANDS, NOISY_FACTOR = 0.03, 2.5
Float32 = NDArray[np.float32]


def draw_detector(
    random: Random,
    centres: ArrayLike,
    noise: ArrayLike,
    samples: int,
    *,
    measured: MeasuredDetector | None = None,
    smile_nm: float = 0.05,
    shift_nm: float = 0.03,
) -> Detector:
    """Draw the detector of one scene, on the library and device of ``random``.

    Args:
        random: Source of chance; equal keys give the same detector on all libraries.
        centres: Band centres (bands,) in nm.
        noise: Coefficients a, b, c, (3, bands).
        samples: Columns.
        measured: A measured detector; narrower scenes get a window of it.
        smile_nm: Largest bend of wavelengths at the swath's edge that calibration left, beside the tilt.
        shift_nm: Standard deviation of the whole detector's wavelength error.

    Raises:
        UsageError: More samples than were measured, or bands that were not.
    """
    rng = np.random.default_rng(seed_of((*random.key, "detector")))
    wavelengths = np.asarray(centres, np.float64)
    table = np.asarray(noise, np.float64)
    bands = wavelengths.size
    shift: Float64
    if measured is None:
        departure, bad = _stripes(rng, samples, bands), _bad(rng, wavelengths, samples)
        place = np.linspace(-1, 1, samples)[:, None] if samples > 1 else np.zeros((1, 1))
        shift = SMILE_TILT * rng.uniform(0.5, 1.5) * (wavelengths - SMILE_ROOT_NM) * place
        shift = shift + smile_nm * rng.uniform(-1.0, 1.0) * (place**2 - 1 / 3)
    else:
        departure, bad, shift = _window(rng, measured.select(wavelengths), samples)
    shift = shift + shift_nm * rng.standard_normal()
    floor = np.abs(table[0] * np.sqrt(np.maximum(table[1], 0)) + table[2])
    offset = rng.standard_normal((samples, bands)) * np.minimum(0.3 * floor, 0.003)
    seam, weights = seam_of(wavelengths)
    anchor = random.asarray(0.0)
    left_out = tuple(range(seam[0], seam[1]))

    def array(values: ArrayLike) -> Array:
        # Libraries keep the order of axes in memory, and are slow in another one.
        return random.asarray(np.ascontiguousarray(values))

    return Detector(
        shear=array(shift * _steepness(wavelengths)),
        gain=array(1 + rng.uniform(*RESIDUAL_SHARE) * departure),
        offset=array(offset),
        noise=array(table),
        full_scale=array(full_scale(wavelengths)),
        quantum=array(quantum(wavelengths)),
        seam=Seam(seam[0], seam[1] - seam[0], array(weights)) if left_out else None,
        elements=bad_elements(bad, anchor, left_out),
    )


def _stripes(rng: np.random.Generator, samples: int, bands: int) -> Float32:
    """Draw departures of elements from their neighbours, (samples, bands)."""
    sigma = np.full(bands, DEPARTURE_SIGMA)
    sigma[rng.random(bands) < NOISY_BANDS] *= NOISY_FACTOR
    shared, own = rng.standard_normal((samples, 1)), rng.standard_normal((samples, bands))
    stripes = np.sqrt(DEPARTURE_SHARED) * shared + np.sqrt(1 - DEPARTURE_SHARED) * own
    return np.asarray(sigma * stripes, np.float32)


def _bad(rng: np.random.Generator, centres: Float64, samples: int) -> NDArray[np.bool_]:
    nearest = np.abs(load_sensor("emit").centres[None, :] - centres[:, None]).argmin(axis=1)
    return draw_bad_elements(rng, samples)[:, nearest]


def _window(
    rng: np.random.Generator, measured: MeasuredDetector, samples: int
) -> tuple[Float32, NDArray[np.bool_], Float64]:
    """Cut neighbouring columns out of a measured detector."""
    if samples > SAMPLES:
        raise UsageError(
            "a scene is wider than the measured detector",
            field="samples",
            found=samples,
            expected=f"at most {SAMPLES}",
        )
    first = int(rng.integers(0, SAMPLES - samples + 1))
    cut = slice(first, first + samples)
    return measured.departure[cut], measured.bad.T[cut], measured.smile_nm[cut].astype(np.float64)


def _steepness(centres: Float64) -> Float64:
    """Return 1 over the distance (bands,) of each band's neighbours, 0 at the ends and beside gaps."""
    steep = np.zeros(centres.size)
    if centres.size > 2:
        gap = np.maximum(centres[2:] - centres[1:-1], centres[1:-1] - centres[:-2])
        # Slopes do not reach across gaps of a band table.
        steep[1:-1] = (gap < 30.0) / (centres[2:] - centres[:-2])
    return steep


def seam_of(centres: Float64) -> tuple[tuple[int, int], Float64]:
    """Return the bands at the filter's seam, first and one past the last, and the weights that bridge them.

    EMIT's processing interpolated them by a cubic until January 2024 and has inferred them from statistics
    of radiance since (utils/fixosf.py); the weights here are those of the cubic through two bands on either
    side. A table that lacks those bands, or neighbours within 30 nm, has no seam.

    Returns:
        (first, last), and weights (4, last - first).
    """
    inside = np.flatnonzero((centres > SEAM_NM[0]) & (centres < SEAM_NM[1]))
    if inside.size == 0 or inside[0] < 2 or inside[-1] > centres.size - 3:
        return (0, 0), np.zeros((4, 0))
    first, last = int(inside[0]), int(inside[-1]) + 1
    nodes = centres[[first - 2, first - 1, last, last + 1]]
    if nodes[-1] - nodes[0] > 60.0 + (SEAM_NM[1] - SEAM_NM[0]):
        return (0, 0), np.zeros((4, 0))
    weights = np.ones((4, inside.size))
    for i in range(4):
        for j in range(4):
            if i != j:
                weights[i] *= (centres[inside] - nodes[j]) / (nodes[i] - nodes[j])
    return (first, last), weights
