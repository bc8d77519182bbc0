"""Scores of a network on a data set's own tiles, gathered in bins so that no tile need be kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from onboard.minerals import MINERALS
from onboard.models.linescan import Linescan
from onboard.progress import progress
from onboard.replay.curves import ScoreCurve
from onboard.training.adapters.forward import tile_logits
from onboard.training.adapters.mixture import TileSource
from onboard.training.adapters.samples import tile_sample
from onboard.training.adapters.tables import stem_basis
from onboard.training.body_input import InputScales
from onboard.training.operating_point import OperatingPoint

UNKNOWN_THRESHOLD = 0.5
"""Where no pixel of any set is true."""


class TileScores:
    """What a network and the matched filter make of a part of a data set."""

    def __init__(self) -> None:
        self.plume, self.filter = ScoreCurve("probability"), ScoreCurve("ppm m")
        self.minerals = [ScoreCurve("probability") for _ in MINERALS]
        self.tiles = 0

    def add(self, logits: torch.Tensor, sample: dict[str, torch.Tensor]) -> None:
        """Count a tile: (11, lines, samples) logits and the sample they are of."""
        probability = torch.sigmoid(logits).numpy()
        counted = sample["plume_weight"].numpy() > 0
        plume = sample["plume"].numpy()[counted] > 0.5
        self.plume.add(plume, probability[0][counted])
        self.filter.add(plume, sample["physics"][..., 0].numpy()[counted])
        for index, curve in enumerate(self.minerals):
            label, known = (sample[key][index].numpy() > 0.5 for key in ("minerals", "minerals_known"))
            curve.add(label[known], probability[1 + index][known])
        self.tiles += 1

    def report(self, point: OperatingPoint) -> dict[str, object]:
        """Return scores at an operating point; of plumes and minerals only what is labelled.

        The macro F1 is that of the minerals that some pixel has.
        """
        found: dict[str, object] = {"tiles": self.tiles}
        if self.plume.counts.any():
            found["plume_f1"] = self.plume.f1_at(point.plume_threshold) or 0.0
            found["plume_auprc"] = self.plume.average_precision() or 0.0
            found["matched_filter_best_f1"] = self.filter.best()[1] or 0.0
        scores = {
            name: curve.f1_at(threshold) or 0.0
            for name, curve, threshold in zip(MINERALS, self.minerals, point.mineral_thresholds, strict=True)
            if curve.counts.any()
        }
        if scores:
            found["mineral_f1"] = scores
            there = [
                scores[name]
                for name, curve in zip(MINERALS, self.minerals, strict=True)
                if curve.counts[1].any()
            ]
            found["mineral_macro_f1"] = float(np.mean(there)) if there else 0.0
        return found


def score_tiles(
    network: Linescan, source: TileSource, part: str, scales: InputScales, mineral_label: float
) -> TileScores:
    """Run a network over all rows of a part.

    Args:
        network: In evaluation mode.
        source: The data set.
        part: "validation" or "test".
        scales: Input scaling.
        mineral_label: Abundance from which a mineral counts as present.
    """
    scores, basis = TileScores(), stem_basis(network.stem, source.tables)
    rows = source.tiles.rows[part]
    for row in progress(rows, total=len(rows), label=f"score {source.tiles.name} {part}", unit="tile"):
        tile = source.tiles.read(row, source.tiles.whole(row))
        sample = tile_sample(tile, source.tables, mineral_label)
        with torch.inference_mode():
            logits = tile_logits(network, {key: value[None] for key, value in sample.items()}, scales, basis)
        scores.add(logits[0], sample)
    return scores


def choose_on_tiles(scores: Sequence[TileScores]) -> OperatingPoint:
    """Choose thresholds where there are no scenes: the best pixel F1 of the validation tiles together.

    Tiles are too small to tell false alarms a capture; the rules for events stay the usual ones, with a
    peak no lower than the mask's threshold. Minerals that no set has labelled stay at 0.5.

    Args:
        scores: Of each set's validation part.
    """
    plume, minerals = ScoreCurve("probability"), [ScoreCurve("probability") for _ in MINERALS]
    for score in scores:
        plume.counts += score.plume.counts
        for total, curve in zip(minerals, score.minerals, strict=True):
            total.counts += curve.counts
    threshold, usual = _best(plume), OperatingPoint()
    return OperatingPoint(
        threshold,
        max(usual.event_peak_probability, threshold),
        usual.event_min_pixels,
        tuple(_best(curve) for curve in minerals),
    )


def _best(curve: ScoreCurve) -> float:
    threshold, f1 = curve.best()
    return UNKNOWN_THRESHOLD if f1 is None else threshold
