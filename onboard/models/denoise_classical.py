"""Denoisers without training: Gaussian and total variation band by band, and low rank with wavelets.

All take (bands, lines, samples) float32, estimate each band's noise themselves, and return the same shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]

MAGNITUDE_TO_DEVIATION = 1.4826
WIDTHS = (0.0, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.0)
TV_ROUNDS = 30
TV_STEP = 0.24
TV_WEIGHTS = (0.6, 1.0, 1.6)
WAVELET_LEVELS = 4
LEAST_NOISE = 1e-6


def band_noise(cube: Array) -> npt.NDArray[np.float64]:
    """Return (bands,) standard deviations of white noise, from the finest diagonal differences.

    The median magnitude of the diagonal Haar coefficients (Donoho and Johnstone 1994, Biometrika 81, 425).
    """
    lines, samples = (size // 2 * 2 for size in cube.shape[1:])
    part = cube[:, :lines, :samples]
    diagonal = part[:, ::2, ::2] - part[:, 1::2, ::2] - part[:, ::2, 1::2] + part[:, 1::2, 1::2]
    spread = MAGNITUDE_TO_DEVIATION * np.median(np.abs(diagonal), axis=(1, 2)) / 2
    return np.maximum(np.asarray(spread, np.float64), LEAST_NOISE)


def gaussian_bands(cube: Array) -> Array:
    """Smooth each band with the Gaussian of least estimated risk (Stein 1981, Ann. Stat. 9, 1135)."""
    result = np.empty_like(cube)
    for band, noise, out in zip(cube, band_noise(cube), result, strict=True):
        out[:] = _best_gaussian(band, noise)
    return result


def _best_gaussian(image: Array, noise: float) -> Array:
    best, least = image, np.inf
    for width in WIDTHS:
        smooth = ndimage.gaussian_filter(image, width, mode="nearest") if width else image
        impulse = np.zeros((33, 33))
        impulse[16, 16] = 1.0
        own = float(ndimage.gaussian_filter(impulse, width)[16, 16]) if width else 1.0
        risk = float(np.mean((smooth - image) ** 2)) + 2.0 * noise**2 * own
        if risk < least:
            best, least = smooth, risk
    return best


def total_variation_bands(cube: Array) -> Array:
    """Denoise each band by total variation (Chambolle 2004, J. Math. Imaging Vis. 20, 89).

    Of a few weights in units of the band's noise, that is kept whose residual comes nearest to the noise.
    """
    noise = band_noise(cube).astype(np.float32)[:, None, None]
    best, apart = cube.copy(), np.full(cube.shape[0], np.inf)
    for weight in TV_WEIGHTS:
        found = _chambolle(cube, weight * noise)
        left = np.sqrt(np.mean((found - cube) ** 2, axis=(1, 2))) / noise[:, 0, 0]
        better = np.abs(left - 1.0) < apart
        best[better], apart[better] = found[better], np.abs(left - 1.0)[better]
    return best


def _chambolle(cube: Array, weight: Array) -> Array:
    """Minimise |u - cube|^2 / 2 + weight TV(u) in each band, by fixed points of the dual field."""
    down, across = np.zeros_like(cube), np.zeros_like(cube)
    for _ in range(TV_ROUNDS):
        step = _divergence(down, across) - cube / weight
        slope_down, slope_across = _gradient(step)
        size = 1.0 + np.float32(TV_STEP) * np.sqrt(slope_down**2 + slope_across**2)
        down = (down + np.float32(TV_STEP) * slope_down) / size
        across = (across + np.float32(TV_STEP) * slope_across) / size
    return np.asarray(cube - weight * _divergence(down, across), np.float32)


def _gradient(cube: Array) -> tuple[Array, Array]:
    down, across = np.zeros_like(cube), np.zeros_like(cube)
    down[:, :-1] = cube[:, 1:] - cube[:, :-1]
    across[:, :, :-1] = cube[:, :, 1:] - cube[:, :, :-1]
    return down, across


def _divergence(down: Array, across: Array) -> Array:
    """Return minus the adjoint of :func:`_gradient`."""
    result = np.zeros_like(down)
    result[:, :-1] += down[:, :-1]
    result[:, 1:] -= down[:, :-1]
    result[:, :, :-1] += across[:, :, :-1]
    result[:, :, 1:] -= across[:, :, :-1]
    return result


def low_rank(cube: Array) -> Array:
    """Whiten the bands' noise, rotate to principal components, and shrink the wavelets of each component.

    In the manner of HyRes (Rasti et al. 2017, Remote Sens. 9, 504): thresholds by Stein's unbiased risk, and
    a rank that follows from the same risk, since a component is dropped when that lowers it. Haar wavelets,
    averaged over four shifts.
    """
    noise = band_noise(cube).astype(np.float32)[:, None, None]
    white = (cube / noise).reshape(cube.shape[0], -1).astype(np.float64)
    mean = white.mean(axis=1, keepdims=True)
    white -= mean
    _, vectors = np.linalg.eigh(white @ white.T / white.shape[1])
    maps = (vectors.T @ white).reshape(cube.shape)
    for image in maps:
        image[:] = _shrunken(image)
    kept = vectors @ maps.reshape(white.shape) + mean
    return np.asarray(kept.reshape(cube.shape) * noise, np.float32)


def _shrunken(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Denoise an image of unit noise, or drop it where that has the lower risk."""
    lines, samples = image.shape
    block = 1 << WAVELET_LEVELS
    total, risk = np.zeros_like(image), 0.0
    shifts = ((0, 0), (3, 5), (6, 10), (9, 15))
    for down, across in shifts:
        rest = (-(lines + down)) % block, (-(samples + across)) % block
        padded = np.pad(image, ((down, rest[0]), (across, rest[1])), mode="symmetric")
        cleaned, own = _haar_shrink(padded, WAVELET_LEVELS)
        total += cleaned[down : down + lines, across : across + samples] / len(shifts)
        risk += own / padded.size / len(shifts)
    dropped = float(np.mean(image**2)) - 1.0
    return np.zeros_like(image) if dropped <= risk else total


def _haar_shrink(image: npt.NDArray[np.float64], levels: int) -> tuple[npt.NDArray[np.float64], float]:
    """Return an image whose wavelets were softly thresholded, and its risk summed over pixels."""
    if levels == 0:
        return image, float(image.size)
    a, b, c, d = image[::2, ::2], image[::2, 1::2], image[1::2, ::2], image[1::2, 1::2]
    coarse, risk = _haar_shrink((a + b + c + d) / 2, levels - 1)
    fine = []
    for detail in ((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2):
        threshold, own = _stein_threshold(detail)
        fine.append(np.sign(detail) * np.maximum(np.abs(detail) - threshold, 0.0))
        risk += own
    x, y, z = fine
    result = np.empty_like(image)
    result[::2, ::2], result[::2, 1::2] = (coarse + x + y + z) / 2, (coarse - x + y - z) / 2
    result[1::2, ::2], result[1::2, 1::2] = (coarse + x - y - z) / 2, (coarse - x - y + z) / 2
    return result, risk


def _stein_threshold(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the soft threshold of least estimated risk for unit noise, and that risk summed."""
    squares = np.sort(values.ravel() ** 2)
    count = squares.size
    smaller = np.arange(1, count + 1)
    risks = count - 2.0 * smaller + np.cumsum(squares) + (count - smaller) * squares
    best = int(np.argmin(risks))
    if risks[best] >= count:
        return 0.0, float(count)
    return float(np.sqrt(squares[best])), float(risks[best])
