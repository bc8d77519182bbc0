"""Choosing thresholds on validation patches, and scoring unseen ones with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from onboard.minerals import MINERALS
from onboard.progress import progress
from onboard.scenes import methane
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.plumes import place_plumes
from onboard.training.body_input import InputScales
from onboard.training.dataset import finished_sample
from onboard.training.metrics import average_precision, best_f1, f1_at
from onboard.training.network_input import AnyNetwork, logits_of
from onboard.training.pool import Pool
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]
EIGHT = np.ones((3, 3), bool)
STRONG_PPMM = 3000.0
CAPTURE_PIXELS = 1280 * 1242
EMISSION_KG_H = (1000.0, 20_000.0)
FALSE_EVENTS_A_CAPTURE = 2.0
SIZES = (6, 9, 12, 16, 24, 32, 48)
PEAK_LOGITS = np.arange(0.0, 11.1, 0.5)
"""How far above the mask's own threshold the highest probability of an event may have to be."""


@dataclass(frozen=True)
class OperatingPoint:
    """Where the outputs of a network are cut, as chosen on validation patches.

    Attributes:
        plume_threshold: Probability from which a pixel belongs to the plume mask.
        event_peak_probability: Highest probability that a plume event must reach.
        event_min_pixels: Fewest pixels of a plume event.
        mineral_thresholds: One probability a mineral.
    """

    plume_threshold: float = 0.5
    event_peak_probability: float = 0.8
    event_min_pixels: int = 9
    mineral_thresholds: tuple[float, ...] = field(default=(0.5,) * len(MINERALS))

    def as_dict(self) -> dict[str, object]:
        """Return the thresholds as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Scored:
    """Probabilities and truth of a set of patches.

    Attributes:
        plume: (patches, lines, samples) float32 probability.
        minerals: (patches, 10, lines, samples) float16 probability.
        plume_id: (patches, lines, samples) int32, 0 none.
        enhancement: (patches, lines, samples) true ppm m.
        present: (patches, 10, lines, samples) bool.
        filtered: (patches, lines, samples) ppm m, the matched filter's own.
        valid: (patches, lines, samples) bool.
    """

    plume: Array
    minerals: npt.NDArray[np.float16]
    plume_id: npt.NDArray[np.int32]
    enhancement: Array
    present: npt.NDArray[np.bool_]
    filtered: Array
    valid: npt.NDArray[np.bool_]


def score_pool(
    network: AnyNetwork, pool: Pool, tables: FlightTables, scales: InputScales, mineral_label: float
) -> Scored:
    """Run a network over a pool, with plumes injected into every second patch.

    Args:
        network: In evaluation mode.
        pool: Patches the network was not trained on.
        tables: Its tables.
        scales: Input scaling.
        mineral_label: Abundance from which a mineral counts as present.
    """
    gas = methane.methane_curve(tables.centres, tables.fwhm)
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    for index in progress(range(len(pool)), total=len(pool), label="score", unit="patch"):
        parts.append(_score_patch(network, pool, index, tables, gas, scales, mineral_label))
    stacked = [np.stack(column) for column in zip(*parts, strict=True)]
    return Scored(*stacked)


def _score_patch(
    network: AnyNetwork,
    pool: Pool,
    index: int,
    tables: FlightTables,
    gas: methane.MethaneCurve,
    scales: InputScales,
    label: float,
) -> tuple[npt.NDArray[Any], ...]:
    rng = np.random.default_rng((pool.seeds[0], index, 0xACC))
    patch = pool[index]
    shape = patch.valid.shape
    enhancement, plume_id = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    if index % 2 == 0:
        placed = place_plumes(
            NumpyRandom(pool.seeds[0], index, "plumes"),
            shape[0],
            shape[1],
            int(rng.integers(1, 4)),
            emission_range=EMISSION_KG_H,
        )
        enhancement, plume_id = placed.enhancement, placed.plume_id
    sample = finished_sample(patch, enhancement, plume_id, tables, gas, label)
    with torch.inference_mode():
        logits = logits_of(network, {key: value[None] for key, value in sample.items()}, scales)
    probability = torch.sigmoid(logits)[0].numpy() * patch.valid
    return (
        probability[0],
        probability[1:].astype(np.float16),
        plume_id * patch.valid,
        enhancement,
        sample["minerals"].numpy().astype(bool) & patch.valid,
        sample["physics"][..., 0].numpy(),
        patch.valid,
    )


def choose(scored: Scored) -> OperatingPoint:
    """Choose thresholds: best pixel F1, then events for at most two false alarms a capture."""
    threshold, _ = best_f1(scored.plume, scored.plume_id > 0)
    size, peak = _choose_events(scored, threshold)
    minerals = tuple(
        best_f1(scored.minerals[:, index].astype(np.float32), scored.present[:, index])[0]
        for index in range(len(MINERALS))
    )
    return OperatingPoint(threshold, peak, size, minerals)


def _choose_events(scored: Scored, threshold: float) -> tuple[int, float]:
    """Return (fewest pixels, least peak) that find most strong plumes within the allowance.

    A few patches leave many equals. The strictest of them would lose plumes a little fainter than these, the
    loosest lets through whatever these happen not to hold: the middle one is taken.
    """
    patches = [_components(scored, index, threshold) for index in range(len(scored.plume))]
    known = min(max(threshold, 1e-6), 1.0 - 1e-6)  # a sure network's may round to 0 or 1
    low = float(np.log(known) - np.log1p(-known))
    peaks = [float(peak) for peak in 1.0 / (1.0 + np.exp(-(low + PEAK_LOGITS)))]
    merits = np.array([[_merit(patches, size, peak, scored.plume.size) for peak in peaks] for size in SIZES])
    size, peak = middle_of(merits >= merits.max() - 1e-9)
    return SIZES[size], peaks[peak]


def _merit(patches: list[Components], size: int, peak: float, pixels: int) -> float:
    """Too many false alarms cost more than any plume found; among equals, fewer alarms win."""
    recall, alarms = _event_scores(patches, size, peak, pixels)
    return recall - 0.02 * alarms - 10.0 * max(0.0, alarms - FALSE_EVENTS_A_CAPTURE)


def middle_of(chosen: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return the row and column of a true cell about the middle of all true ones.

    Args:
        chosen: (rows, columns), true somewhere.
    """
    cells = np.argwhere(chosen)
    away = np.abs(cells - np.median(cells, axis=0)).sum(axis=1)
    row, column = cells[int(np.argmin(away))]
    return int(row), int(column)


@dataclass(frozen=True)
class Components:
    """What the plume mask of a patch falls into.

    Attributes:
        sizes: (components,) pixels.
        peaks: (components,) highest probability.
        true: (components,) bool, within 2 pixels of a labelled plume.
        strong: For each plume above 3000 ppm m, the components on it.
    """

    sizes: npt.NDArray[np.int64]
    peaks: Array
    true: npt.NDArray[np.bool_]
    strong: tuple[npt.NDArray[np.int64], ...]


def _components(scored: Scored, index: int, threshold: float) -> Components:
    probability, plume_id = scored.plume[index], scored.plume_id[index]
    labels, count = ndimage.label(probability >= threshold, EIGHT)
    near = ndimage.binary_dilation(plume_id > 0, EIGHT, iterations=2)
    true = np.zeros(count + 1, bool)
    true[np.unique(labels[near])] = True
    strong = [
        identity for identity in np.unique(plume_id[scored.enhancement[index] > STRONG_PPMM]) if identity
    ]
    met = (np.unique(labels[plume_id == identity]) for identity in strong)
    peaks = ndimage.maximum(probability, labels, np.arange(1, count + 1)) if count else []
    return Components(
        np.bincount(labels.ravel(), minlength=count + 1)[1:],
        np.asarray(peaks, np.float32),
        true[1:],
        tuple(ids[ids > 0].astype(np.int64) - 1 for ids in met),
    )


def event_scores(scored: Scored, point: OperatingPoint) -> tuple[float, float]:
    """Return (recall of plumes whose peak exceeds 3000 ppm m, false events a full capture)."""
    patches = [_components(scored, index, point.plume_threshold) for index in range(len(scored.plume))]
    return _event_scores(patches, point.event_min_pixels, point.event_peak_probability, scored.plume.size)


def _event_scores(patches: list[Components], size: int, peak: float, pixels: int) -> tuple[float, float]:
    strong = found = false = 0
    for patch in patches:
        accepted = (patch.sizes >= size) & (patch.peaks >= peak)
        false += int(np.count_nonzero(accepted & ~patch.true))
        strong += len(patch.strong)
        found += sum(bool(accepted[ids].any()) for ids in patch.strong)
    recall = found / strong if strong else 0.0
    return recall, false * CAPTURE_PIXELS / pixels


def report(scored: Scored, point: OperatingPoint) -> dict[str, object]:
    """Return the metrics of scored patches at an operating point."""
    truth = scored.plume_id > 0
    recall, false = event_scores(scored, point)
    strong = truth & (scored.enhancement > 500.0)
    slope = 0.0
    if strong.any():
        slope = float(
            (scored.filtered[strong] * scored.enhancement[strong]).sum()
            / (scored.enhancement[strong] ** 2).sum()
        )
    score = np.where(scored.valid, scored.filtered, 0.0)
    by_filter = best_f1(np.clip(score / 6000.0, 0, 1).astype(np.float32), truth)
    minerals = {
        name: f1_at(
            scored.minerals[:, index].astype(np.float32),
            scored.present[:, index],
            point.mineral_thresholds[index],
        )
        for index, name in enumerate(MINERALS)
    }
    return {
        "plume_f1": f1_at(scored.plume, truth, point.plume_threshold),
        "plume_auprc": average_precision(scored.plume, truth),
        "strong_plume_recall": recall,
        "false_events_a_capture": false,
        "matched_filter_best_f1": by_filter[1],
        "matched_filter_sigma_ppmm": float(scored.filtered[scored.valid & ~truth].std()),
        "enhancement_slope": slope,
        "mineral_f1": minerals,
        "mineral_macro_f1": float(np.mean(list(minerals.values()))),
        "captures": scored.plume.size / CAPTURE_PIXELS,
    }


def named(mapping: dict[str, object]) -> Iterator[str]:
    """Yield lines of a metrics report for people."""
    for key, value in mapping.items():
        yield f"{key}: {value:.3f}" if isinstance(value, float) else f"{key}: {value}"
