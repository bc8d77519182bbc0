"""Scores of a network on a data set's own tiles, gathered in bins so that no tile need be kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from onboard.minerals import MINERALS
from onboard.models.linescan import Linescan
from onboard.progress import progress
from onboard.training.adapters.common import Mask
from onboard.training.adapters.forward import tile_logits
from onboard.training.adapters.mixture import TileSource
from onboard.training.adapters.samples import tile_sample
from onboard.training.adapters.tables import stem_basis
from onboard.training.body_input import InputScales
from onboard.training.operating_point import OperatingPoint

BINS = 400
FILTER_TOP_PPMM = 6000.0


class Histogram:
    """Counts of a probability by label, in 400 bins of [0, 1] and one for 1 itself."""

    def __init__(self) -> None:
        self.counts = np.zeros((2, BINS + 1), np.int64)

    def add(self, probability: npt.NDArray[np.floating], label: Mask, counted: Mask) -> None:
        """Count pixels.

        Args:
            probability: Any shape, 0 to 1.
            label: Same shape.
            counted: Same shape; the others are left out.
        """
        bins = np.clip((probability[counted] * BINS).astype(np.int64), 0, BINS)
        for value in (0, 1):
            here = bins[label[counted] == bool(value)]
            self.counts[value] += np.bincount(here, minlength=BINS + 1)

    @property
    def positives(self) -> int:
        """Number of pixels whose label is true."""
        return int(self.counts[1].sum())

    def _above(self) -> npt.NDArray[np.float64]:
        """(2, 401) pixels at or above each threshold k / 400, false and true."""
        return np.cumsum(self.counts[:, ::-1], axis=1)[:, ::-1].astype(np.float64)

    def f1(self) -> npt.NDArray[np.float64]:
        """Return F1 at each threshold k / 400, (401,); 0 where nothing is true and nothing found."""
        false, true = self._above()
        return np.asarray(2.0 * true / np.maximum(true + false + self.positives, 1.0))

    def best(self) -> float:
        """Return the threshold of the best F1, above 0; 0.5 if no pixel is true."""
        return float(1 + np.argmax(self.f1()[1:])) / BINS if self.positives else 0.5

    def average_precision(self) -> float:
        """Return the area under the precision-recall curve by steps, 0 if no pixel is true."""
        false, true = self._above()
        precision = true / np.maximum(true + false, 1.0)
        return float((precision * self.counts[1]).sum() / max(self.positives, 1))


class TileScores:
    """What a network and the matched filter make of a part of a data set."""

    def __init__(self) -> None:
        self.plume, self.filter = Histogram(), Histogram()
        self.minerals = [Histogram() for _ in MINERALS]
        self.tiles = 0

    def add(self, logits: torch.Tensor, sample: dict[str, torch.Tensor]) -> None:
        """Count a tile: (11, lines, samples) logits and the sample they are of."""
        probability = torch.sigmoid(logits).numpy()
        counted = sample["plume_weight"].numpy() > 0
        plume = sample["plume"].numpy() > 0.5
        self.plume.add(probability[0], plume, counted)
        filtered = np.clip(sample["physics"][..., 0].numpy() / FILTER_TOP_PPMM, 0.0, 1.0)
        self.filter.add(filtered, plume, counted)
        for index, histogram in enumerate(self.minerals):
            label, known = (sample[key][index].numpy() > 0.5 for key in ("minerals", "minerals_known"))
            histogram.add(probability[1 + index], label, known)
        self.tiles += 1

    def report(self, point: OperatingPoint) -> dict[str, object]:
        """Return scores at an operating point; of plumes and minerals only what is labelled.

        The macro F1 is that of the minerals that some pixel has.
        """
        found: dict[str, object] = {"tiles": self.tiles}
        if self.plume.counts.any():
            found["plume_f1"] = float(self.plume.f1()[round(point.plume_threshold * BINS)])
            found["plume_auprc"] = self.plume.average_precision()
            found["matched_filter_best_f1"] = float(self.filter.f1().max())
        scores = {
            name: float(histogram.f1()[round(threshold * BINS)])
            for name, histogram, threshold in zip(
                MINERALS, self.minerals, point.mineral_thresholds, strict=True
            )
            if histogram.counts.any()
        }
        if scores:
            found["mineral_f1"] = scores
            there = [
                scores[name]
                for name, histogram in zip(MINERALS, self.minerals, strict=True)
                if histogram.positives
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
    plume, minerals = Histogram(), [Histogram() for _ in MINERALS]
    for score in scores:
        plume.counts += score.plume.counts
        for total, histogram in zip(minerals, score.minerals, strict=True):
            total.counts += histogram.counts
    threshold, usual = plume.best(), OperatingPoint()
    return OperatingPoint(
        threshold,
        max(usual.event_peak_probability, threshold),
        usual.event_min_pixels,
        tuple(histogram.best() for histogram in minerals),
    )
