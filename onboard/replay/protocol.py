"""The evaluation protocol: one evaluator for all that finds plumes and minerals, however it was made.

A method's say about a capture (`Prediction`) is held against what is really there (`CaptureTruth`). All
counts add up over captures (`tally.Tally`); `results` turns them into figures. docs/benchmark.md states
the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.replay.components import dilate, label_components
from onboard.replay.curves import ScoreCurve
from onboard.replay.intervals import recall_by, wilson_interval
from onboard.replay.prediction import Prediction, Thresholds
from onboard.replay.scoring import mean_of
from onboard.replay.tally import MineralTally, Tally, pooled
from onboard.replay.tiles import MOST_PIXELS, STRIDE, WINDOW, false_tiles

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

EMISSION_EDGES = (20.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0)
PEAK_EDGES = (250.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0, 5000.0, 10_000.0)


@dataclass(frozen=True)
class Rules:
    """What counts as what.

    Attributes:
        abundance: Abundance from which a mineral counts as present.
        slope_floor_ppm_m: True enhancement above which plume pixels enter regression and errors.
        tolerance_px: A patch this close to a labelled plume pixel is no false one.
        faint_ppm_m: Nor is one that meets this much true enhancement, labelled or not.
        found_share: Share of a plume's labelled pixels that must be predicted for it to be found.
        window: Lines and samples of a tile.
        stride: Pixels from one tile to the next.
        tile_pixels: Predicted pixels in a tile that are still no detection.
    """

    abundance: float = 0.15
    slope_floor_ppm_m: float = 500.0
    tolerance_px: int = 2
    faint_ppm_m: float = 500.0
    found_share: float = 0.1
    window: int = WINDOW
    stride: int = STRIDE
    tile_pixels: int = MOST_PIXELS


class SceneTruth(Protocol):
    """The part of a scene's truth that the protocol needs; ``onboard.scenes.truth.Truth`` has it."""

    @property
    def ch4_enhancement(self) -> npt.NDArray[np.float32]: ...  # noqa: D102
    @property
    def plume_id(self) -> npt.NDArray[np.int32]: ...  # noqa: D102
    @property
    def mineral_abundance(self) -> npt.NDArray[np.float32]: ...  # noqa: D102
    @property
    def mineral_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def valid(self) -> npt.NDArray[np.uint8]: ...  # noqa: D102
    @property
    def sources(self) -> npt.NDArray[np.void]: ...  # noqa: D102


def score_capture(
    prediction: Prediction,
    truth: SceneTruth,
    thresholds: Thresholds | None = None,
    rules: Rules | None = None,
) -> Tally:
    """Count one capture.

    Pixels count where the truth calls them valid. Where a method says nothing (NaN), it predicts nothing.

    Args:
        prediction: What the method says.
        truth: What is there.
        thresholds: From which scores; without them only curves and enhancements are counted, as is enough
            to choose some.
        rules: What counts as what.

    Raises:
        UsageError: Shapes or minerals do not belong together, or a mineral has no threshold.
    """
    rules = rules or Rules()
    valid = np.asarray(truth.valid) != 0
    tally = Tally(ScoreCurve(prediction.scale), captures=1)
    if prediction.plume_score is not None:
        _check_shape("plume_score", prediction.plume_score, valid.shape)
        true = (truth.plume_id > 0) & valid
        tally.curve.add(true[valid], prediction.plume_score[valid])
        if thresholds is not None:
            tally.judged = 1
            score = np.nan_to_num(prediction.plume_score, nan=-np.inf)
            _judge_plumes(tally, (score >= thresholds.plume) & valid, true, truth, rules)
    if prediction.enhancement is not None:
        _check_shape("enhancement", prediction.enhancement, valid.shape)
        _score_enhancement(tally, prediction.enhancement, truth, valid, rules)
    if prediction.mineral_scores is not None:
        _score_minerals(tally, prediction, truth, valid, thresholds, rules)
    return tally


def _check_shape(name: str, layer: Array, shape: tuple[int, ...]) -> None:
    if layer.shape != shape:
        raise UsageError(
            "a prediction has another shape than the capture", field=name, found=layer.shape, expected=shape
        )


def _judge_plumes(tally: Tally, found: Mask, true: Mask, truth: SceneTruth, rules: Rules) -> None:
    valid = np.asarray(truth.valid) != 0
    tally.pixels.add(true[valid], found[valid])
    tally.false_tiles, tally.empty_tiles = false_tiles(
        found, true, valid, window=rules.window, stride=rules.stride, most_pixels=rules.tile_pixels
    )
    labels, tally.components = label_components(found)
    real = dilate(true, rules.tolerance_px) | (truth.ch4_enhancement >= rules.faint_ppm_m)
    sizes = np.bincount(labels.ravel(), minlength=tally.components + 1)
    false = np.ones(tally.components + 1, np.bool_)
    false[0] = False
    false[labels[real]] = False
    tally.false_components = int(np.count_nonzero(false))
    tally.large_false_components = int(np.count_nonzero(false & (sizes > rules.tile_pixels)))
    tally.plumes = _plume_rows(truth, true, found, rules)


def _plume_rows(truth: SceneTruth, true: Mask, found: Mask, rules: Rules) -> list[dict[str, Any]]:
    """One row a source: what it emits, how strong it is, and whether it was found."""
    ids = np.where(true, truth.plume_id, 0)
    most = int(max(ids.max(initial=0), truth.sources["plume_id"].max(initial=0))) + 1
    pixels = np.bincount(ids.ravel(), minlength=most)
    hits = np.bincount(ids[found], minlength=most)
    return [
        {
            "emission_kg_h": float(source["emission_kg_h"]),
            "peak_ppm_m": float(source["peak_ppm_m"]),
            "pixels": int(pixels[source["plume_id"]]),
            "hits": int(hits[source["plume_id"]]),
            "found": bool(
                hits[source["plume_id"]] >= max(1.0, rules.found_share * pixels[source["plume_id"]])
            ),
        }
        for source in truth.sources
    ]


def _score_enhancement(tally: Tally, found: Array, truth: SceneTruth, valid: Mask, rules: Rules) -> None:
    seen = valid & np.isfinite(found)
    plume = seen & (truth.plume_id > 0) & (truth.ch4_enhancement > rules.slope_floor_ppm_m)
    true, retrieved = (layer[plume].astype(np.float64) for layer in (truth.ch4_enhancement, found))
    tally.regression.add(true, retrieved)
    tally.errors.add(retrieved - true)
    tally.background.add(
        found[seen & (truth.plume_id == 0) & (truth.ch4_enhancement <= 0)].astype(np.float64)
    )


def _score_minerals(
    tally: Tally,
    prediction: Prediction,
    truth: SceneTruth,
    valid: Mask,
    thresholds: Thresholds | None,
    rules: Rules,
) -> None:
    scores = prediction.mineral_scores
    assert scores is not None
    _check_shape("mineral_scores", scores, (len(prediction.mineral_names), *valid.shape))
    for layer, name in enumerate(prediction.mineral_names):
        if name not in truth.mineral_names:
            raise UsageError("the truth lacks a mineral", field="mineral_names", found=name)
        present = truth.mineral_abundance[truth.mineral_names.index(name)][valid] >= rules.abundance
        score = scores[layer][valid]
        mineral = MineralTally(ScoreCurve(prediction.mineral_scale))
        mineral.curve.add(present, score)
        if thresholds is not None:
            limit = thresholds.minerals.get(name, float("inf"))
            mineral.pixels.add(present, np.nan_to_num(score, nan=-np.inf) >= limit)
        tally.minerals[name] = mineral


def results(tally: Tally) -> dict[str, Any]:
    """Turn counts into figures; None where something is undefined, was not predicted or not judged."""
    predicted = tally.curve.counts.any()
    judged = _plume_results(tally) if predicted and tally.judged else {}
    pixels = judged.pop("pixels", {}) | _curve_results(tally.curve)
    return {
        "captures": tally.captures,
        "pixels": pixels if predicted else None,
        **{name: judged.get(name) for name in ("plumes", "false_alarms")},
        "enhancement": tally.regression.results() | tally.errors.results(),
        "background": tally.background.results(),
        "minerals": _mineral_results(tally.minerals),
    }


def _plume_results(tally: Tally) -> dict[str, Any]:
    labelled = [plume for plume in tally.plumes if plume["pixels"]]
    hits = sum(plume["found"] for plume in labelled)
    return {
        "pixels": tally.pixels.scores(),
        "plumes": {
            "labelled": len(labelled),
            "found": hits,
            "recall": hits / len(labelled) if labelled else None,
            "interval": wilson_interval(hits, len(labelled)),
            "by_emission_kg_h": _recall(tally.plumes, "emission_kg_h", EMISSION_EDGES),
            "by_peak_ppm_m": _recall(tally.plumes, "peak_ppm_m", PEAK_EDGES),
        },
        "false_alarms": {
            "per_capture": tally.false_components / tally.judged,
            "large_per_capture": tally.large_false_components / tally.judged,
            "tile_fpr": tally.false_tiles / tally.empty_tiles if tally.empty_tiles else None,
            "empty_tiles": tally.empty_tiles,
        },
    }


def _curve_results(curve: ScoreCurve) -> dict[str, float | None]:
    threshold, best = curve.best()
    return {
        "auprc": curve.average_precision(),
        "best_f1": best,
        "best_threshold": None if best is None else threshold,
    }


def _recall(plumes: Sequence[dict[str, Any]], by: str, edges: Sequence[float]) -> list[dict[str, Any]]:
    return recall_by([plume[by] for plume in plumes], [plume["found"] for plume in plumes], edges)


def _mineral_results(minerals: Mapping[str, MineralTally]) -> dict[str, Any] | None:
    if not minerals:
        return None
    scores = {}
    for name, mineral in minerals.items():
        scores[name] = mineral.pixels.scores() | _curve_results(mineral.curve)
    there = [score for score in scores.values() if score["best_f1"] is not None]
    return {
        "macro_f1": mean_of([score["f1"] for score in there]),
        "macro_best_f1": mean_of([score["best_f1"] for score in there]),
        "macro_classes": len(there),
        "per_mineral": scores,
    }


def choose_thresholds(tallies: Sequence[Tally]) -> Thresholds:
    """Thresholds of the best pixel F1 over all captures given: the validation set's, never the test's.

    Raises:
        UsageError: There is no capture.
    """
    total = pooled(tallies)
    minerals = {name: mineral.curve.best()[0] for name, mineral in total.minerals.items()}
    return Thresholds(total.curve.best()[0], minerals)
