"""Check 1: mean and covariance of normalised radiance against EMIT's in-flight statistics.

EMIT's set is of unknown composition, and land, plants and water differ far more from each other than any
simulated spectrum does from its real like. So the composition is fitted to EMIT's mean (how much of each
climate's bare ground, plants and water), and then everything else is compared: band by band the mean, the
deviations, the eigenvalues, the correlations, the subspace, none of which but the first the fit has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.errors import MissingExtraError
from onboard.scenes.validation.material import Patches
from onboard.scenes.validation.reference import RadianceStatistics

Float64 = NDArray[np.float64]

ABSORBED_NM = ((1330.0, 1500.0), (1780.0, 2020.0), (2440.0, 2600.0))
"""Water vapour and CO2 leave next to nothing here; ratios of nothing say nothing."""
GAIN_ERROR = 0.004
"""Relative gain error of a detector element; nothing can be predicted better than this."""
PREDICTED_NM = (
    (440.0, 480.0), (500.0, 530.0), (620.0, 660.0), (680.0, 720.0), (750.0, 770.0), (850.0, 880.0),
    (1000.0, 1040.0), (1240.0, 1280.0), (1600.0, 1660.0), (2100.0, 2130.0), (2190.0, 2220.0),
    (2290.0, 2330.0),
)  # fmt: skip
AXES = 10
RANKS = 20
LEAST_PIXELS = 100


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean (bands,) and covariance (bands, bands) of some unit-norm spectra."""

    count: int
    mean: Float64
    covariance: Float64


@dataclass(frozen=True, eq=False)
class SpectraCheck:
    """Everything the page says about radiance statistics.

    Attributes:
        centres: (bands,) nm.
        emit: EMIT's statistics.
        drawn: Ours, all climates equally often.
        matched: Ours, composition fitted to EMIT's mean.
        composition: Share of each kind of ground in the fit.
        clear: bool (bands,), False within strong absorption.
        predicted: For each of ``PREDICTED_NM``: low, high, our error of prediction relative to radiance,
            and the error that EMIT's own statistics expect; empty without EMIT's covariance.
    """

    centres: Float64
    emit: RadianceStatistics
    drawn: Moments
    matched: Moments
    composition: Mapping[str, float]
    clear: NDArray[np.bool_]
    predicted: tuple[tuple[float, float, float, float], ...]


def normalised(radiance: NDArray[np.float32]) -> Float64:
    """Divide spectra (pixels, bands) by their Euclidean norm."""
    values = np.asarray(radiance, np.float64)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))


def moments(spectra: Float64) -> Moments:
    """Return mean and covariance of spectra (pixels, bands)."""
    return Moments(len(spectra), spectra.mean(axis=0), np.cov(spectra, rowvar=False))


def mixture(parts: Sequence[Moments], shares: Float64) -> Moments:
    """Return the moments of a mixture: covariance within parts and between their means."""
    mean = sum(share * part.mean for share, part in zip(shares, parts, strict=True))
    covariance = sum(
        share * (part.covariance + np.outer(part.mean - mean, part.mean - mean))
        for share, part in zip(shares, parts, strict=True)
    )
    count = sum(part.count for share, part in zip(shares, parts, strict=True) if share > 0)
    return Moments(count, np.asarray(mean), np.asarray(covariance))


def kinds(drawn: Sequence[Patches], centres: Float64) -> dict[str, Moments]:
    """Sort pixels into bare ground and plants of each climate, and water of all of them.

    Water reflects nothing at 1650 nm; plants are brighter at 860 than at 680 nm, though the sun is not.
    """
    near = [int(np.argmin(np.abs(centres - nm))) for nm in (470.0, 680.0, 860.0, 1650.0)]
    groups: dict[str, list[Float64]] = {}
    for part in drawn:
        spectra = normalised(part.radiance)
        blue, red, infrared, far = (spectra[:, band] for band in near)
        water = far < 0.02 * blue
        plants = ~water & (infrared > 1.2 * red)
        for name, chosen in (
            ("water, all climates", water),
            (f"{part.climate}, plants", plants),
            (f"{part.climate}, bare", ~water & ~plants),
        ):
            groups.setdefault(name, []).append(spectra[chosen])
    whole = {name: np.concatenate(found) for name, found in groups.items()}
    return {name: moments(found) for name, found in whole.items() if len(found) >= LEAST_PIXELS}


def fit_composition(parts: Sequence[Moments], emit: RadianceStatistics) -> Float64:
    """Shares (parts,) >= 0, sum 1, whose mean comes closest to EMIT's in units of EMIT's deviation.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        from scipy.optimize import nnls
    except ModuleNotFoundError as error:
        raise MissingExtraError("scipy", "report", "fitting the composition of EMIT's spectra") from error
    weight = 1.0 / np.maximum(emit.deviation, 1e-4)
    means = np.stack([part.mean for part in parts], axis=1)
    # A last row, weighted far above the rest, makes the shares sum to 1.
    system = np.vstack([means * weight[:, None], np.full((1, len(parts)), 1e3)])
    shares, _ = nnls(system, np.append(emit.mean * weight, 1e3))
    return np.asarray(shares / shares.sum(), np.float64)


def check_spectra(drawn: Sequence[Patches], centres: Float64, emit: RadianceStatistics) -> SpectraCheck:
    """Compare noise-free pixels of all climates with EMIT's statistics.

    Args:
        drawn: Pixels by climate.
        centres: (bands,) nm.
        emit: EMIT's statistics, of the same bands.
    """
    spectra = normalised(np.concatenate([part.radiance for part in drawn]))
    groups = kinds(drawn, centres)
    shares = fit_composition(list(groups.values()), emit)
    clear = np.ones(centres.size, np.bool_)
    for low, high in ABSORBED_NM:
        clear &= (centres < low) | (centres > high)
    return SpectraCheck(
        centres=centres,
        emit=emit,
        drawn=moments(spectra),
        matched=mixture(list(groups.values()), shares),
        composition=dict(zip(groups, (float(share) for share in shares), strict=True)),
        clear=clear,
        predicted=tuple(predict(spectra, centres, emit)),
    )


def predict(
    spectra: Float64, centres: Float64, emit: RadianceStatistics
) -> list[tuple[float, float, float, float]]:
    """Predict blocks of bands from all others by EMIT's statistics, as EMIT repairs its filter seams.

    The conditional mean of a Gaussian (emit-sds-l1b, utils/fixosf.py), with the detector's gain error added
    to the covariance. Both errors are relative to the root mean square of EMIT's radiance in the band; the
    worst band of a block is returned.

    Args:
        spectra: Unit-norm spectra (pixels, bands).
        centres: (bands,) nm.
        emit: EMIT's statistics; without a covariance nothing is predicted.
    """
    if emit.covariance is None:
        return []
    power = emit.mean**2 + emit.deviation**2
    covariance = emit.covariance + np.diag(GAIN_ERROR**2 * power + 1e-12)
    rows = []
    for low, high in PREDICTED_NM:
        inside = (centres > low) & (centres < high)
        hidden, seen = np.flatnonzero(inside), np.flatnonzero(~inside)
        gain = np.linalg.solve(covariance[np.ix_(seen, seen)], emit.covariance[np.ix_(seen, hidden)]).T
        error = spectra[:, hidden] - emit.mean[hidden] - (spectra[:, seen] - emit.mean[seen]) @ gain.T
        rest = np.diag(covariance[np.ix_(hidden, hidden)] - gain @ emit.covariance[np.ix_(seen, hidden)])
        own = np.sqrt((error**2).mean(axis=0) / (spectra[:, hidden] ** 2).mean(axis=0)).max()
        expected = np.sqrt(np.maximum(rest, 0.0) / power[hidden]).max()
        rows.append((low, high, float(own), float(expected)))
    return rows


def correlation(covariance: Float64) -> Float64:
    """Correlation matrix of a covariance matrix."""
    deviation = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(deviation, deviation))


def spanned(axes_of: Float64, variance_of: Float64, count: int) -> float:
    """Share of one covariance's variance that lies in the leading ``count`` axes of another."""
    axes = np.linalg.eigh(axes_of)[1][:, ::-1][:, :count]
    return float(np.trace(axes.T @ variance_of @ axes) / np.trace(variance_of))
