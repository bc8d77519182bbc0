"""The column-wise matched filter of the literature: the classical measure that networks are held against.

Each detector column has its own mean and covariance, because each has its own response; the target is
the mean dimmed by a unit of methane (Thompson et al. 2015, AMT 8, 4383, section 2; Foote et al. 2020,
TGRS 58, 6480, section II). The covariance is drawn towards its own diagonal by as much as predicts
left-out pixels best (Theiler 2012, SPIE 8391, 83910P), as EMIT's own methane code does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.scenes.methane import log_transmittance

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Windows = Sequence[tuple[float, float]]

METHANE_WINDOWS: Windows = ((2110.0, 2455.0),)
SLOPE_RANGE = (0.0, 2000.0)
"""Enhancements in ppm m that the unit absorption is fitted over: about 13 % steeper than over 0-16000."""
FLAG_CEILING = -9990.0
"""Radiance at or below this is a flag of the product (-9990 to -9999), not light."""
COLUMNS_AT_A_TIME = 32
SHRINKAGES: tuple[float, ...] = (0.0, *(float(a) for a in 10.0 ** np.arange(-8.0, -0.4, 0.5)))
LEAST_PIXELS_A_BAND = 2


@dataclass(frozen=True)
class ColumnFilterResult:
    """What the filter makes of a capture.

    Attributes:
        enhancement: (lines, samples) float32 ppm m, unclipped; NaN where invalid, and in columns with too
            few valid pixels for statistics of their own (fewer than two a band).
        sigma: (samples,) float32 ppm m, the output's standard deviation that the column's covariance
            implies, (t' C^-1 t)^-1/2; NaN in columns without statistics.
        bands: (K,) indices of the bands used.
        shrinkage: Share of the diagonal in the covariance.
    """

    enhancement: Array
    sigma: Array
    bands: npt.NDArray[np.int64]
    shrinkage: float


def unit_absorption(
    centres: npt.ArrayLike, fwhm: npt.ArrayLike, slope_range: tuple[float, float] = SLOPE_RANGE
) -> Array64:
    """Change of ln radiance per ppm m, (bands,) float64, at most 0.

    The slope of the straight line fitted to the curve's points within ``slope_range`` (Foote et al. 2020,
    section II-B). Over 0-2000 ppm m it is about 13 % steeper than over 0-16000, the range of mag1c: strong
    plumes then come out too weak, faint ones right.

    Args:
        centres: (bands,) nm.
        fwhm: (bands,) nm.
        slope_range: Least and greatest enhancement, ppm m.

    Raises:
        UsageError: A malformed band table, or fewer than two points of the curve within the range.
    """
    alphas, log_t = log_transmittance(centres, fwhm)
    inside = (alphas >= slope_range[0]) & (alphas <= slope_range[1])
    if np.count_nonzero(inside) < 2:
        raise UsageError(
            "the range holds too few points of the methane curve",
            field="slope_range",
            found=slope_range,
            expected=f"two or more of {', '.join(f'{a:g}' for a in alphas)} ppm m",
        )
    x = alphas[inside] - alphas[inside].mean()
    return np.asarray(x @ log_t[inside] / (x @ x))


def bands_within(
    centres: npt.ArrayLike, windows: Windows, purpose: str = "a matched filter"
) -> npt.NDArray[np.int64]:
    """Indices of the bands whose centre lies in any window.

    Args:
        centres: (bands,) nm.
        windows: Pairs of least and greatest wavelength, nm.
        purpose: What they are for, in words for an error.

    Raises:
        UsageError: Fewer than three bands do.
    """
    nm = np.asarray(centres, np.float64)
    inside = np.zeros(nm.shape, np.bool_)
    for low, high in windows:
        inside |= (nm >= low) & (nm <= high)
    if np.count_nonzero(inside) < 3:
        raise UsageError(
            f"too few bands for {purpose}",
            field="windows",
            found=f"{np.count_nonzero(inside)} bands within {list(windows)} nm",
            expected="at least 3",
        )
    return np.flatnonzero(inside)


def usable_pixels(radiance: Array, bands: npt.NDArray[np.int64], valid: npt.ArrayLike | None = None) -> Mask:
    """Pixels (lines, samples) that are called valid and hold light, no flag, in all ``bands``.

    Raises:
        UsageError: ``valid`` has another shape than the image.
    """
    lit = np.empty(radiance.shape[:2], np.bool_)
    for line, row in enumerate(radiance):
        picked = row[:, bands]
        lit[line] = np.isfinite(picked).all(axis=1) & (picked > FLAG_CEILING).all(axis=1)
    if valid is None:
        return lit
    given = np.asarray(valid) != 0
    if given.shape != lit.shape:
        raise UsageError(
            "the valid mask has another shape than the image",
            field="valid",
            found=given.shape,
            expected=lit.shape,
        )
    return np.asarray(lit & given)


def column_filter(
    radiance: Array,
    centres: npt.ArrayLike,
    fwhm: npt.ArrayLike,
    *,
    valid: npt.ArrayLike | None = None,
    windows: Windows = METHANE_WINDOWS,
    slope_range: tuple[float, float] = SLOPE_RANGE,
    shrinkage: float | None = None,
    albedo_correction: bool = False,
) -> ColumnFilterResult:
    """Filter a whole capture, each column by its own statistics.

    With x a pixel, mu and C its column's mean and covariance, s the unit absorption and t = s * mu, the
    enhancement is (x - mu)' C^-1 t / (t' C^-1 t), divided with ``albedo_correction`` by the pixel's
    relative brightness x' mu / mu' mu (Foote et al. 2020, section II).

    Args:
        radiance: (lines, samples, bands) float32, uW cm-2 sr-1 nm-1.
        centres: (bands,) nm.
        fwhm: (bands,) nm.
        valid: (lines, samples), true where radiance was measured; flagged and non-finite pixels are left
            out in any case.
        windows: Wavelengths used, nm; add (1600, 1700) for the weaker band.
        slope_range: See ``unit_absorption``.
        shrinkage: Share of the diagonal in the covariance, 0-1; chosen by leaving pixels of sample
            columns out when None.
        albedo_correction: Divide by relative brightness.

    Raises:
        UsageError: Shapes do not belong together, too few bands, or a shrinkage outside 0-1.
    """
    image = _checked(radiance, centres, shrinkage)
    bands = bands_within(centres, windows)
    absorption = unit_absorption(centres, fwhm, slope_range)[bands]
    good = usable_pixels(image, bands, valid)
    if shrinkage is None:
        shrinkage = _choose_shrinkage(image, good, bands)
    enhancement = np.full(good.shape, np.nan, np.float32)
    sigma = np.full(good.shape[1], np.nan, np.float32)
    for first in range(0, good.shape[1], COLUMNS_AT_A_TIME):
        here = slice(first, first + COLUMNS_AT_A_TIME)
        alpha, deviation = _filter_columns(
            _columns(image, bands, here), good[:, here].T, absorption, shrinkage, albedo_correction
        )
        enhancement[:, here], sigma[here] = alpha.T, deviation
    return ColumnFilterResult(enhancement, sigma, bands, shrinkage)


def check_image(radiance: Array, centres: npt.ArrayLike) -> None:
    """Refuse radiance that is no image of these bands.

    Raises:
        UsageError: Not (lines, samples, bands) for as many bands as there are centres.
    """
    count = np.asarray(centres).size
    if radiance.ndim != 3 or radiance.shape[2] != count:
        raise UsageError(
            "radiance and band table do not belong together",
            field="radiance",
            found=f"shape {radiance.shape}",
            expected=f"(lines, samples, {count})",
        )


def _checked(radiance: Array, centres: npt.ArrayLike, shrinkage: float | None) -> Array:
    image = np.asarray(radiance)
    check_image(image, centres)
    if shrinkage is not None and not 0.0 <= shrinkage <= 1.0:
        raise UsageError("no such shrinkage", field="shrinkage", found=shrinkage, expected="0 to 1")
    return image


def _columns(image: Array, bands: npt.NDArray[np.int64], here: slice | npt.NDArray[np.int64]) -> Array64:
    """Radiance of some columns, float64 (columns, lines, K)."""
    low, high = int(bands[0]), int(bands[-1]) + 1
    # The slice first: picking single bands out of the whole image would touch all of it.
    picked = image[:, here, low:high][..., bands - low]
    return np.ascontiguousarray(picked.transpose(1, 0, 2), np.float64)


def _filter_columns(
    x: Array64, good: Mask, absorption: Array64, shrinkage: float, albedo_correction: bool
) -> tuple[Array, Array]:
    """Return enhancement (columns, lines) and sigma (columns,) of columns x (columns, lines, K)."""
    mean, deviation, count = _deviations(x, good)
    enough = count >= LEAST_PIXELS_A_BAND * x.shape[2]
    covariance = _shrunk(_covariance(deviation, count), shrinkage)
    covariance[~enough] = np.eye(x.shape[2])
    target = absorption * mean
    whitened = _solve(covariance, target)
    norm = np.einsum("ck,ck->c", target, whitened)
    norm[~enough | (norm <= 0.0)] = np.nan
    alpha = np.matmul(deviation, whitened[..., None])[..., 0] / norm[:, None]
    if albedo_correction:
        with np.errstate(divide="ignore", invalid="ignore"):
            alpha /= np.matmul(x, mean[..., None])[..., 0] / np.einsum("ck,ck->c", mean, mean)[:, None]
    alpha[~good] = np.nan
    return alpha.astype(np.float32), (1.0 / np.sqrt(norm)).astype(np.float32)


def _deviations(x: Array64, good: Mask) -> tuple[Array64, Array64, npt.NDArray[np.int64]]:
    """Return column means (columns, K), deviations from them (0 where not good), and how many are good."""
    count = np.count_nonzero(good, axis=1)
    if not good.all():
        x = np.where(good[..., None], x, 0.0)
    mean = x.sum(axis=1) / np.maximum(count, 1)[:, None]
    deviation = x - mean[:, None]
    if not good.all():
        deviation *= good[..., None]
    return mean, deviation, count


def _covariance(deviation: Array64, count: npt.NDArray[np.int64]) -> Array64:
    """Sample covariance (columns, K, K)."""
    scatter = np.matmul(deviation.transpose(0, 2, 1), deviation)
    return np.asarray(scatter / np.maximum(count - 1, 1)[:, None, None])


def _shrunk(covariance: Array64, share: float) -> Array64:
    """Draw covariances (columns, K, K) towards their diagonals; never quite singular."""
    index = np.arange(covariance.shape[1])
    diagonal = covariance[:, index, index]
    result: Array64 = (1.0 - share) * covariance
    result[:, index, index] += share * diagonal + 1e-12 * diagonal.mean(axis=1, keepdims=True) + 1e-30
    return result


def _solve(covariance: Array64, target: Array64) -> Array64:
    return np.asarray(np.linalg.solve(covariance, target[..., None])[..., 0])


def _choose_shrinkage(image: Array, good: Mask, bands: npt.NDArray[np.int64], columns: int = 12) -> float:
    """Choose the shrinkage by which left-out pixels of sample columns are likeliest (Theiler 2012)."""
    full = np.flatnonzero(np.count_nonzero(good, axis=0) >= LEAST_PIXELS_A_BAND * bands.size)
    if full.size == 0:
        return 0.0
    picked = full[np.unique(np.linspace(0, full.size - 1, columns).astype(np.int64))]
    x, use = _columns(image, bands, picked), good[:, picked].T
    _, deviation, count = _deviations(x, use)
    covariance = _covariance(deviation, count)
    costs = [_left_out_cost(deviation, use, covariance, count, share) for share in SHRINKAGES]
    return SHRINKAGES[int(np.argmin(costs))]


def _left_out_cost(
    deviation: Array64, use: Mask, covariance: Array64, count: npt.NDArray[np.int64], share: float
) -> float:
    """Mean negative log likelihood of pixels under statistics that leave each of them out.

    Theiler 2012, with beta = (1 - share) / (n - 1), G = n beta S + share diag(S) and r = x' G^-1 x:
    ln |G| + mean of ln(1 - beta r) + r / (1 - beta r).
    """
    n = count.astype(np.float64)
    beta = (1.0 - share) / (n - 1.0)
    index = np.arange(covariance.shape[1])
    g = (n * beta)[:, None, None] * covariance * ((n - 1) / n)[:, None, None]
    g[:, index, index] += share * covariance[:, index, index] + 1e-30
    sign, log_det = np.linalg.slogdet(g)
    if np.any(sign <= 0):
        return np.inf
    white = np.linalg.solve(np.linalg.cholesky(g), deviation.transpose(0, 2, 1))
    r = np.einsum("ckn,ckn->cn", white, white)
    left = 1.0 - beta[:, None] * r
    if np.any(left[use] <= 0):
        return np.inf
    per_pixel = np.where(use, np.log(np.where(use, left, 1.0)) + r / np.where(use, left, 1.0), 0.0)
    return float((log_det + per_pixel.sum(axis=1) / n).mean())
