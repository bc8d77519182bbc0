"""Check 6, in space: power spectrum and autocorrelation of the simulated ground.

Pictures of nature have power spectra that fall as a power of frequency. In 135 photographs the amplitude
fell by a power of 0.8 to 1.5, 1.2 in the middle (Tolhurst, Tadmor and Chao 1992, Ophthalmic and
Physiological Optics 12, 229-232), so power falls by 1.6 to 3.0; satellite pictures of land are power laws
too, over all their scales. White noise would have an exponent of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.validation.figures import Figure
from onboard.scenes.validation.material import Study

Float64 = NDArray[np.float64]

TEXTURE_NM = (550.0, 860.0, 1650.0, 2200.0)
RGB_NM = (640.0, 550.0, 460.0)
WINDOW = 128
RINGS = 16
FIT_CYCLES = (3.0, 0.3)
"""The fit's range: from three waves a window to 0.3 cycles a pixel, short of noise and aliasing."""
LAGS = 33


@dataclass(frozen=True, eq=False)
class TextureOfStudy:
    """Spatial statistics of one climate's scene.

    Attributes:
        climate: Name of the landscape.
        frequency: (rings,) cycles a pixel.
        power: (wavelengths, rings), relative to each wavelength's total.
        exponent: (wavelengths,) of the power law, positive for falling power.
        autocorrelation: (wavelengths, lags) at 0, 1, ... pixels.
        rgb: Radiance at 640, 550 and 460 nm, float32 (lines, samples, 3).
    """

    climate: str
    frequency: Float64
    power: Float64
    exponent: Float64
    autocorrelation: Float64
    rgb: NDArray[np.float32]


def texture_of_study(study: Study) -> TextureOfStudy:
    """Measure a study's texture at ``TEXTURE_NM``."""
    centres = study.scene.centres
    bands = [int(np.argmin(np.abs(centres - nm))) for nm in TEXTURE_NM]
    images = [filled(study.background[:, :, band], study.valid) for band in bands]
    spectra = [power_spectrum(image) for image in images]
    frequency = spectra[0][0]
    power = np.stack([power / power.sum() for _, power in spectra])
    colours = [int(np.argmin(np.abs(centres - nm))) for nm in RGB_NM]
    return TextureOfStudy(
        climate=study.climate,
        frequency=frequency,
        power=power,
        exponent=np.array([exponent(frequency, row) for row in power]),
        autocorrelation=np.stack([autocorrelation(image) for image in images]),
        rgb=np.ascontiguousarray(study.background[:, :, colours]),
    )


def filled(image: NDArray[np.float32], valid: NDArray[np.bool_]) -> Float64:
    """Image (lines, samples) as float64, lost pixels at the mean of the others."""
    values = image.astype(np.float64)
    values[~valid] = values[valid].mean()
    return values


def power_spectrum(image: Float64) -> tuple[Float64, Float64]:
    """Return frequency (rings,) in cycles a pixel and mean power (rings,) of an image (lines, samples).

    Hann windows of up to ``WINDOW`` pixels with half an overlap, averaged over directions (Welch's method).
    """
    side = min(WINDOW, *image.shape)
    taper = np.hanning(side)[:, None] * np.hanning(side)[None, :]
    total = np.zeros((side, side))
    for i in range(0, image.shape[0] - side + 1, max(side // 2, 1)):
        for j in range(0, image.shape[1] - side + 1, max(side // 2, 1)):
            part = image[i : i + side, j : j + side]
            total += np.abs(np.fft.fft2((part - part.mean()) * taper)) ** 2
    axis = np.fft.fftfreq(side)
    radius = np.hypot(axis[:, None], axis[None, :]).ravel()
    edges = np.geomspace(1.5 / side, 0.5, RINGS + 1)
    ring = np.digitize(radius, edges) - 1
    inside = (ring >= 0) & (ring < RINGS)
    count = np.bincount(ring[inside], minlength=RINGS)
    power = np.bincount(ring[inside], total.ravel()[inside], RINGS)
    mean = np.bincount(ring[inside], radius[inside], RINGS)
    some = count > 0
    return mean[some] / count[some], power[some] / count[some]


def exponent(frequency: Float64, power: Float64) -> float:
    """Exponent of the power law through a spectrum (rings,), by least squares of logarithms."""
    low = FIT_CYCLES[0] * frequency[0] / 1.5
    used = (frequency >= low) & (frequency <= FIT_CYCLES[1]) & (power > 0)
    if np.count_nonzero(used) < 3:
        return float("nan")
    return float(-np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0])


def autocorrelation(image: Float64) -> Float64:
    """Correlation (lags,) of an image with itself moved by 0, 1, ... pixels along lines and samples."""
    centred = image - image.mean()
    variance = (centred**2).mean()
    lags = min(LAGS, *image.shape)
    values = [
        0.5 * ((centred[lag:] * centred[: len(centred) - lag]).mean()
               + (centred[:, lag:] * centred[:, : centred.shape[1] - lag]).mean())
        for lag in range(lags)
    ]  # fmt: skip
    return np.asarray(np.asarray(values) / max(variance, 1e-300), np.float64)


def texture_figures(found: Sequence[TextureOfStudy]) -> list[Figure]:
    """Return the power law's exponent at each wavelength, and how alike neighbouring pixels are."""
    exponents = np.stack([one.exponent for one in found])
    beside = np.stack([one.autocorrelation[:, 1] for one in found])
    figures = [
        Figure(
            f"exponent_{nm:.0f}", f"Exponent of the power spectrum at {nm:.0f} nm",
            float(np.median(exponents[:, k])), 1.6, 3.0,
            note=f"{exponents[:, k].min():.2f} to {exponents[:, k].max():.2f} over the climates",
        )
        for k, nm in enumerate(TEXTURE_NM)
    ]  # fmt: skip
    note = f"{beside.min():.2f} to {beside.max():.2f} over climates and wavelengths"
    figures.append(
        Figure(
            "neighbours", "Correlation of neighbouring pixels", float(np.median(beside)), 0.6, 0.98, note=note
        )
    )
    return figures
