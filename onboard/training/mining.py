"""Hard-negative mining: patches whose ground a half-trained network takes for gas are shown more often."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from onboard.progress import progress
from onboard.scenes import methane
from onboard.training.body_input import InputScales
from onboard.training.dataset import finished_sample
from onboard.training.network_input import AnyNetwork, logits_of
from onboard.training.pool import Patch, Pool
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]

MOST_RAISED = 4.0
"""A patch of the worst is drawn up to this many times as often as one without false alarms."""
WORST_SHARE = 0.1


def false_pixels(
    network: AnyNetwork, patch: Patch, tables: FlightTables, gas: methane.MethaneCurve, scales: InputScales
) -> float:
    """Return how many pixels of a patch without plumes a network takes for gas, by its probabilities.

    Args:
        network: In evaluation mode.
        patch: Background.
        tables: Its tables.
        gas: Gas curve of all bands.
        scales: Input scaling.
    """
    nothing = np.zeros(patch.valid.shape, np.float32)
    sample = finished_sample(patch, nothing, nothing.astype(np.int32), tables, gas, mineral_label=1.0)
    with torch.inference_mode():
        logits = logits_of(network, {key: value[None] for key, value in sample.items()}, scales)
    return float((torch.sigmoid(logits[0, 0]).numpy() * patch.valid).sum())


def sampling_weights(false: Array) -> Array:
    """Return how often to draw each patch, 1 to 4 times the least, from its false pixels.

    Args:
        false: (patches,) false pixels; the weight rises with them up to the worst tenth's.
    """
    worst = float(np.quantile(false, 1.0 - WORST_SHARE)) if len(false) else 0.0
    share = np.minimum(false, worst) / worst if worst > 0 else np.zeros_like(false)
    return (1.0 + (MOST_RAISED - 1.0) * share).astype(np.float32)


def mine(network: AnyNetwork, pool: Pool, tables: FlightTables, scales: InputScales) -> Array:
    """Return sampling weights (patches,) of a pool, by a network's false alarms on it.

    Args:
        network: In evaluation mode.
        pool: Training patches.
        tables: The network's tables.
        scales: Input scaling.
    """
    gas = methane.methane_curve(tables.centres, tables.fwhm)
    shown = progress(range(len(pool)), total=len(pool), label="mine", unit="patch")
    false = [false_pixels(network, pool[index], tables, gas, scales) for index in shown]
    return sampling_weights(np.asarray(false, np.float32))


def mined_weights(path: Path, network: AnyNetwork, pool: Pool, tables: FlightTables) -> Array:
    """Return the weights kept in a file, or mine them and keep them there: a resumed training draws alike.

    Args:
        path: The .npy file.
        network: In evaluation mode.
        pool: Training patches.
        tables: The network's tables.
    """
    if not path.exists():
        aside = path.with_suffix(".partial")
        with aside.open("wb") as handle:
            np.save(handle, mine(network, pool, tables, InputScales()))
        aside.replace(path)
    return np.asarray(np.load(path), np.float32)
