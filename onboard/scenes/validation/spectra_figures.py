"""The figures of the check on radiance statistics, and their bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.validation.figures import Figure
from onboard.scenes.validation.spectra import AXES, RANKS, SpectraCheck, correlation, spanned

Float64 = NDArray[np.float64]

NEEDS_FILE = "needs EMIT's own file (--emit)"


def spectra_figures(check: SpectraCheck) -> list[Figure]:
    """Return the figures: mean, deviation, eigenvalues, correlation, subspace, prediction."""
    return [*_band_figures(check), *_axis_figures(check), *_prediction_figures(check)]


def _band_figures(check: SpectraCheck) -> list[Figure]:
    emit, ours, clear = check.emit, check.matched, check.clear
    off = np.abs(ours.mean[clear] / emit.mean[clear] - 1)
    spread = np.sqrt(np.diag(ours.covariance))[clear] / emit.deviation[clear]
    return [
        Figure(
            "mean_median", "Mean radiance: typical difference, composition matched",
            100 * float(np.median(off)), high=10, unit="%", note="median over bands outside absorption",
        ),
        Figure(
            "mean_worst", "Mean radiance: nine bands of ten agree within, composition matched",
            100 * float(np.quantile(off, 0.9)), high=25, unit="%",
        ),
        Figure(
            "mean_drawn", "Mean radiance: typical difference, climates as drawn",
            100 * float(np.median(np.abs(check.drawn.mean[clear] / emit.mean[clear] - 1))), unit="%",
            note="EMIT's set is about half water and dark ground; the climates are land",
        ),
        Figure(
            "deviation_median", "Deviation of a band, ours over EMIT's, composition matched",
            float(np.median(spread)), 0.67, 1.5, note="median over bands outside absorption",
        ),
        Figure(
            "deviation_share", "Bands whose deviation is within a factor of 2 of EMIT's",
            100 * float(np.mean((spread > 0.5) & (spread < 2))), low=90, unit="%",
        ),
    ]  # fmt: skip


def _axis_figures(check: SpectraCheck) -> list[Figure]:
    own = np.linalg.eigvalsh(check.matched.covariance)[::-1][:RANKS]
    ratio = np.log2(np.maximum(own, 1e-30) / check.emit.eigenvalues[:RANKS])
    figures = [
        Figure(
            "eigenvalues_typical", f"First {RANKS} eigenvalues: typical factor between ours and EMIT's",
            float(2 ** np.mean(np.abs(ratio))), high=2,
        ),
        Figure(
            "eigenvalues_worst", f"First {RANKS} eigenvalues: largest factor",
            float(2 ** np.max(np.abs(ratio))), high=4,
        ),
    ]  # fmt: skip
    real = check.emit.covariance
    difference = subspace = back = None
    if real is not None:
        keep = np.ix_(check.clear, check.clear)
        gap = correlation(check.matched.covariance)[keep] - correlation(real)[keep]
        difference = float(np.sqrt(np.mean(gap**2)))
        subspace = 100 * spanned(check.matched.covariance, real, AXES)
        back = 100 * spanned(real, check.matched.covariance, AXES)
    note = "" if real is not None else NEEDS_FILE
    return [
        *figures,
        Figure(
            "correlation", "Band-to-band correlation: root mean square difference",
            difference, high=0.2, note=note,
        ),
        Figure(
            "subspace", f"EMIT's variance that our {AXES} leading axes span",
            subspace, low=99, unit="%", note=note,
        ),
        Figure(
            "subspace_back", f"Our variance that EMIT's {AXES} leading axes span",
            back, low=98, unit="%", note=note,
        ),
    ]  # fmt: skip


def _prediction_figures(check: SpectraCheck) -> list[Figure]:
    errors = np.array([(own, expected) for _, _, own, expected in check.predicted])
    typical = worst = None
    if errors.size:
        typical = 100 * float(np.median(errors[:, 0]))
        worst = float(np.max(errors[:, 0] / errors[:, 1]))
    note = "" if errors.size else NEEDS_FILE
    return [
        Figure(
            "predicted_typical", "Bands predicted from the others by EMIT's statistics: typical error",
            typical, high=3, unit="%", note=note,
        ),
        Figure(
            "predicted_worst", "The same: largest error over the error EMIT's own spectra would show",
            worst, high=6, note=note,
        ),
    ]  # fmt: skip
