"""Check 2: noise and signal-to-noise ratio of the simulated radiance against the sensor's noise model.

Twice: from the same lines with and without detector noise, which is exact, and from the image alone, as it
must be done on real data: each band of a small block is predicted from the bands around it, and what is
left is noise (Roger and Arnold 1996, Int. J. Remote Sensing 17, 1951-1962, with more bands).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.validation.figures import Figure
from onboard.scenes.validation.material import Study
from onboard.sensors import Sensor

Float64 = NDArray[np.float64]

WAVELENGTHS_NM = (550.0, 1650.0, 2200.0, 2300.0, 2450.0)
BLOCK = 32
NEIGHBOURS = 14
"""Bands on either side that a band is predicted from."""
BLOCKS_A_STUDY = 24
QUIET_QUANTILE = 0.25
"""Blocks differ in how well their ground can be predicted; the best quarter shows noise, not ground."""


@dataclass(frozen=True, eq=False)
class NoiseOfStudy:
    """Noise of one climate's scene.

    Attributes:
        climate: Name of the landscape.
        radiance: Mean radiance, (bands,), uW cm-2 sr-1 nm-1.
        pair: Standard deviation of noisy less noise-free radiance, (bands,).
        model: The noise model's standard deviation over the same pixels, (bands,), root mean square.
        image: Standard deviation found in the image alone, (bands,).
        image_model: The noise model's over the blocks that ``image`` comes from, (bands,).
    """

    climate: str
    radiance: Float64
    pair: Float64
    model: Float64
    image: Float64
    image_model: Float64


def noise_of_study(study: Study, sensor: Sensor) -> NoiseOfStudy:
    """Estimate a study's noise both ways."""
    good = study.valid[: study.quiet.shape[0]]
    difference = study.noisy - study.quiet
    columns = np.where(good.sum(axis=0) > 1)[0]
    # A column's own offset is calibration, not noise.
    difference -= np.median(difference, axis=0, keepdims=True)
    pixels = difference[:, columns][good[:, columns]]
    model = sensor.noise_sigma(study.quiet[:, columns][good[:, columns]])
    level = np.sqrt((model.astype(np.float64) ** 2).mean(axis=0))
    image, image_model = image_noise(study.background, study.valid, sensor)
    return NoiseOfStudy(
        climate=study.climate,
        radiance=study.quiet[good].mean(axis=0, dtype=np.float64),
        # Bright pixels are noisier than dark ones: each is measured by its own model before the median.
        pair=level * robust_deviation(pixels / np.maximum(model, np.finfo(np.float32).tiny)),
        model=level,
        image=image,
        image_model=image_model,
    )


def robust_deviation(values: NDArray[np.float32]) -> Float64:
    """Standard deviation (bands,) of values (pixels, bands), of those within four of a first estimate.

    A repaired or saturated element is an outlier, not noise. The first estimate is a median, which counts
    of a few a deviation make coarse; the second is not.
    """
    first = 1.4826 * np.median(np.abs(values), axis=0)
    inside = np.abs(values) <= 4 * first
    return np.asarray(np.sqrt((values**2).mean(axis=0, where=inside)), np.float64)


def image_noise(
    radiance: NDArray[np.float32], valid: NDArray[np.bool_], sensor: Sensor
) -> tuple[Float64, Float64]:
    """Noise found in an image alone, and the model's for the same blocks, each (bands,).

    Args:
        radiance: (lines, samples, bands).
        valid: (lines, samples).
        sensor: The instrument.
    """
    found, levels = [], []
    for block in _blocks(valid):
        pixels = radiance[block].reshape(-1, radiance.shape[-1]).astype(np.float64)
        found.append(_residual(pixels))
        levels.append(np.sqrt((sensor.noise_sigma(pixels) ** 2).mean(axis=0)))
    if not found:
        nothing = np.full(radiance.shape[-1], np.nan)
        return nothing, nothing
    ratio = np.quantile(np.stack(found) / np.stack(levels), QUIET_QUANTILE, axis=0)
    level = np.median(np.stack(levels), axis=0)
    return np.asarray(ratio * level), np.asarray(level)


def _blocks(valid: NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """Blocks without a lost pixel, spread evenly over the image."""
    lines, samples = valid.shape
    corners = [
        (i, j) for i in range(0, lines - BLOCK + 1, BLOCK) for j in range(0, samples - BLOCK + 1, BLOCK)
    ]
    blocks = [(slice(i, i + BLOCK), slice(j, j + BLOCK)) for i, j in corners]
    whole = [block for block in blocks if valid[block].all()]
    step = max(1, len(whole) // BLOCKS_A_STUDY)
    return whole[::step][:BLOCKS_A_STUDY]


def _residual(pixels: Float64) -> Float64:
    """Deviation (bands,) of pixels (n, bands) from their best prediction by neighbouring bands.

    The predictors carry noise of their own: with coefficients b the residual's variance is that of the
    band's noise plus the sum of b^2 times theirs, which is taken off.
    """
    centred = pixels - pixels.mean(axis=0)
    covariance = centred.T @ centred / (len(centred) - 1)
    bands = pixels.shape[1]
    coefficients = np.zeros((bands, bands))
    residual = np.zeros(bands)
    for band in range(bands):
        near = np.arange(max(0, band - NEIGHBOURS), min(bands, band + NEIGHBOURS + 1))
        near = near[near != band]
        among = covariance[np.ix_(near, near)]
        b = np.linalg.solve(among + 1e-9 * np.diag(np.diag(among)), covariance[near, band])
        coefficients[band, near] = b**2
        freedom = (len(pixels) - 1) / (len(pixels) - 1 - near.size)
        residual[band] = max((covariance[band, band] - b @ covariance[near, band]) * freedom, 0.0)
    variance = np.linalg.solve(np.eye(bands) + coefficients, residual)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def noise_figures(found: Sequence[NoiseOfStudy], centres: Float64) -> list[Figure]:
    """Return noise over model and SNR at the five wavelengths, over all climates."""
    figures = []
    for nm in WAVELENGTHS_NM:
        band = int(np.argmin(np.abs(centres - nm)))
        pair = np.array([one.pair[band] / one.model[band] for one in found])
        image = np.array([one.image[band] / one.image_model[band] for one in found])
        snr = [one.radiance[band] / one.pair[band] for one in found]
        spread = f"SNR {min(snr):.0f} to {max(snr):.0f} over the climates, {np.median(snr):.0f} in the middle"
        figures += [
            Figure(
                f"noise_pair_{nm:.0f}", f"Noise at {nm:.0f} nm over the model's, with and without noise",
                float(np.median(pair)), 0.95, 1.05, note=spread,
            ),
            Figure(
                f"noise_image_{nm:.0f}", f"Noise at {nm:.0f} nm over the model's, from the image alone",
                float(np.nanmedian(image)) if np.isfinite(image).any() else None, 0.8, 1.3,
            ),
        ]  # fmt: skip
    return figures
