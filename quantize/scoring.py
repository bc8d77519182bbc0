"""What a body's graph is worth: F1, average precision and mineral F1 on validation patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.minerals import MINERALS
from onboard.progress import progress
from onboard.scenes import methane
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.plumes import place_plumes
from onboard.training.body_input import InputScales
from onboard.training.dataset import finished_sample
from onboard.training.metrics import average_precision, f1_at
from onboard.training.network_input import AnyNetwork
from onboard.training.pool import Pool
from onboard.training.tables import FlightTables
from quantize.calibration import body_planes
from quantize.runtime import outputs_of

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
EMISSION_KG_H = (1000.0, 20_000.0)
PLUME_SEED = 0x6A7E


@dataclass(frozen=True)
class ValidationSet:
    """Inputs of the body and their truth; every second patch has plumes.

    Attributes:
        planes: (1, channels, lines, samples) float32 each.
        plume: (patches, lines, samples).
        present: (patches, 10, lines, samples) minerals above the label's abundance.
        valid: (patches, lines, samples).
    """

    planes: Sequence[Array]
    plume: Mask
    present: Mask
    valid: Mask


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which outputs count as found.

    Attributes:
        plume: For methane.
        minerals: One a mineral.
    """

    plume: float
    minerals: Sequence[float]


@dataclass(frozen=True)
class Scores:
    """How well a body does at fixed thresholds.

    Attributes:
        methane_f1: Pixel F1 of the plume mask.
        methane_auprc: Area under its precision-recall curve.
        mineral_f1: Macro F1 over minerals.
    """

    methane_f1: float
    methane_auprc: float
    mineral_f1: float

    def as_dict(self) -> dict[str, float]:
        """Return plain values."""
        return asdict(self)


def validation_set(
    network: AnyNetwork,
    pool: Pool,
    tables: FlightTables,
    scales: InputScales,
    mineral_label: float,
    patches: int | None = None,
) -> ValidationSet:
    """Return body inputs of a pool's patches, the stem in float32, with seeded plumes in every second one.

    Args:
        network: In evaluation mode.
        pool: Patches that nothing was trained or calibrated on.
        tables: Its tables.
        scales: Input scaling.
        mineral_label: Abundance from which a mineral counts as present.
        patches: How many; all if None.
    """
    gas = methane.methane_curve(tables.centres, tables.fwhm)
    count = len(pool) if patches is None else min(patches, len(pool))
    planes, parts = [], []
    for index in progress(range(count), total=count, label="validation inputs", unit="patch"):
        patch = pool[index]
        lines, samples = patch.valid.shape
        enhancement, plume = np.zeros((lines, samples), np.float32), np.zeros((lines, samples), np.int32)
        if index % 2 == 0:
            chance = NumpyRandom(PLUME_SEED, index, "plumes")
            number = int(np.random.default_rng((PLUME_SEED, index)).integers(1, 4))
            placed = place_plumes(chance, lines, samples, number, emission_range=EMISSION_KG_H)
            enhancement, plume = placed.enhancement, placed.plume_id
        sample = finished_sample(patch, enhancement, plume, tables, gas, mineral_label)
        planes.append(body_planes(network, sample, scales))
        minerals = sample["minerals"].numpy().astype(bool)
        parts.append(((plume > 0) & patch.valid, minerals & patch.valid, patch.valid))
    plumes, present, valid = (np.stack(column) for column in zip(*parts, strict=True))
    return ValidationSet(planes, plumes, present, valid)


def probabilities(data: bytes, given: ValidationSet, *, exact: bool = False, threads: int = 1) -> Array:
    """Return (patches, 11, lines, samples) probabilities of a graph built for the set's window.

    Args:
        data: The body's graph.
        given: Inputs.
        exact: Compute Q/DQ pairs as they are written, without ONNX Runtime's fusions.
        threads: Threads of ONNX Runtime.
    """
    logits = outputs_of(data, given.planes, exact=exact, threads=threads)
    return np.asarray(1.0 / (1.0 + np.exp(-logits.astype(np.float32))) * given.valid[:, None], np.float32)


def scores_of(probability: Array, given: ValidationSet, thresholds: Thresholds) -> Scores:
    """Return the scores of (patches, 11, lines, samples) probabilities, methane first."""
    minerals = [
        f1_at(probability[:, 1 + index], given.present[:, index], thresholds.minerals[index])
        for index in range(len(MINERALS))
    ]
    return Scores(
        f1_at(probability[:, 0], given.plume, thresholds.plume),
        average_precision(probability[:, 0], given.plume),
        float(np.mean(minerals)),
    )


def score_graph(data: bytes, given: ValidationSet, thresholds: Thresholds, **how: Any) -> Scores:
    """Return the scores of a graph; ``how`` goes to :func:`probabilities`."""
    return scores_of(probabilities(data, given, **how), given, thresholds)
