"""Calibration of a trained network on scored validation patches, before thresholds are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.models.linescan import Linescan
from onboard.training.calibration import Calibration, Platt, fit_network, fold_into_head
from onboard.training.operating_point import Scored

STRIDE = 5
"""One valid pixel in so many is fitted to: neighbours say the same."""
SMALLEST, LARGEST = 1e-7, 1.0 - 1e-6
LARGEST_HALF = 1.0 - 5e-4
"""What the half precision of scored minerals can tell from 1."""


def calibrated(
    network: Linescan, scored: Scored, label_ppm_m: float, plume_share: float
) -> tuple[Scored, Calibration]:
    """Fit lines to a network's logits, fold them into it, and return what it would have scored with them.

    A network that has learned nothing yet, or patches without any plume, leave all as it is.

    Args:
        network: Trained; changed in place.
        scored: Its validation patches.
        label_ppm_m: A plume probability is that of a labelled pixel with at least this much gas.
        plume_share: Share of such pixels, 0 to 1, in the captures that probabilities are to hold for: odds
            follow it, and patches have many times as many.
    """
    try:
        lines = fit_network(*_pixels(scored, label_ppm_m), plume_share)
    except UsageError:
        return scored, Calibration(Platt(), (None,) * scored.minerals.shape[1])
    fold_into_head(network, lines.methane, lines.minerals)
    minerals = [
        probabilities if line is None else _moved(np.minimum(probabilities, LARGEST_HALF), line)
        for line, probabilities in zip(lines.minerals, scored.minerals.swapaxes(0, 1), strict=True)
    ]
    valid = scored.valid
    plume = _moved(scored.plume, lines.methane) * valid
    stacked = np.stack(minerals, axis=1) * valid[:, None]
    return replace(scored, plume=plume, minerals=stacked.astype(np.float16)), lines


def _pixels(
    scored: Scored, label_ppm_m: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return logits (n, 1 + minerals), plume (n,) and minerals (n, minerals) of some valid pixels."""
    where = np.nonzero(scored.valid)
    patch, line, sample = (index[::STRIDE] for index in where)
    plume = scored.plume[patch, line, sample][:, None]
    minerals = scored.minerals[patch, :, line, sample].astype(np.float32)
    present = scored.present[patch, :, line, sample]
    minerals = np.minimum(minerals, np.float32(LARGEST_HALF))
    return (
        _logit(np.concatenate([plume, minerals], axis=1)),
        (scored.plume_id[patch, line, sample] > 0) & (scored.enhancement[patch, line, sample] >= label_ppm_m),
        present,
    )


def _logit(probability: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    p = np.clip(probability.astype(np.float64), SMALLEST, LARGEST)
    return np.log(p / (1.0 - p))


def _moved(probability: npt.NDArray[np.floating], line: Platt) -> npt.NDArray[np.float32]:
    p = np.clip(probability.astype(np.float32), SMALLEST, LARGEST)
    z = np.float32(line.scale) * np.log(p / (1.0 - p)) + np.float32(line.offset)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -80.0, 80.0))), np.float32)
