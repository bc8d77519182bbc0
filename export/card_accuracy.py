"""Measured accuracy for a model card: out of SimEMIT-1's results, and out of a training's own patches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.simemit_results import SetResults, find_sets, read_set
from onboard.errors import CaptureError, UsageError
from onboard.flight.bundle import Container, read_container
from onboard.flight.card import CARD_PART
from onboard.flight.contents import read_contents
from onboard.replay.calibration import SOME_DOUBT, calibration
from onboard.replay.curves import ScoreCurve
from onboard.replay.tally import pooled

Row = dict[str, Any]

METHOD = "flight"
FREE_PARTS = (CARD_PART, "manifest.json", "plan.bin", "limits.bin", "known_input.f32", "known_output.f32")
"""Parts that a scored bundle may have otherwise: none of them decides a probability."""
OTHER_PARTS = ("denoiser.onnx", "denoiser.bin")
"""Nor do these: SimEMIT-1 is flown without the denoiser."""
FREE_PLAN = (
    "inference_bytes",
    "known_lines",
    "known_samples",
    "plume_threshold",
    "event_peak_probability",
    "event_min_pixels",
    "mineral_thresholds",
)
"""Nor these of the plan: the benchmark chooses its own thresholds."""
PIXELS = ("f1", "precision", "recall", "auprc", "best_f1")
ALARMS = ("per_capture", "large_per_capture", "tile_fpr")


def read_results(folder: Path, scored: Path) -> list[SetResults]:
    """Read what SimEMIT-1 said of a bundle.

    Args:
        folder: What ``bench.simemit --out`` wrote, or one set's folder in it.
        scored: The bundle that was flown for it.

    Raises:
        CaptureError: Results are missing or damaged.
        UsageError: They are of no flight, or of another bundle than ``scored``.
        BundleError: The bundle cannot be read.
    """
    sets = [read_set(place) for place in find_sets(folder)]
    digest = hashlib.sha256(read_container(scored).data).hexdigest()
    for found in sets:
        method = found.methods.get(METHOD)
        if method is None:
            raise UsageError(
                "these results are of no flight", file=found.file, field="methods", found=list(found.methods)
            )
        if method.bundle != digest:
            raise UsageError(
                "these results are of another bundle",
                file=found.file,
                field="sha256 of the bundle flown",
                found=method.bundle,
                expected=f"{digest}, that of {scored}",
                remedy="name the bundle that was scored with --scored",
            )
    return sets


def require_same_networks(built: Container, scored: Path, but: Sequence[str] = ()) -> None:
    """Refuse scores of a bundle that would have said something else than the one that is built.

    Args:
        built: The new bundle.
        scored: The bundle that was scored.
        but: Parts that may differ nevertheless.

    Raises:
        UsageError: Its networks, tables or plan are others.
        BundleError: The bundle cannot be read.
    """
    other = read_container(scored)
    mine, theirs = (_deciding(container) for container in (built, other))
    different = sorted(
        name for name in mine.keys() | theirs.keys() if name not in but and mine.get(name) != theirs.get(name)
    )
    if different:
        raise UsageError(
            "the results are of other networks than the bundle",
            file=scored,
            field=different[0],
            found=f"differs in {', '.join(different)}",
            expected="the same networks, tables and plan",
            remedy="build without --results, score that bundle, and build again with both",
        )


def _deciding(container: Container) -> dict[str, object]:
    """What a bundle's probabilities follow from: parts by name, and values of its plan."""
    free = (*FREE_PARTS, *OTHER_PARTS)
    parts: dict[str, object] = {
        name: bytes(part) for name, part in container.parts.items() if name not in free
    }
    plan = read_contents(container).plan.to_json()
    return parts | {f"plan: {name}": value for name, value in plan.items() if name not in FREE_PLAN}


def benchmark_accuracy(found: SetResults) -> Row:
    """Return a card's entry of one set: figures by group, recall by strength, minerals."""
    method = found.methods[METHOD]
    everything = method.groups["all"]
    # Groups of one climate with plumes alone would say little with so few captures.
    shown = [name for name in method.groups if not name.endswith(", with plumes")]
    beside = [name for name in found.methods if name != METHOD]
    return {
        "on": found.benchmark,
        "set": found.part,
        "captures": len(found.captures),
        "frozen": found.frozen,
        "date": method.date,
        "scored_bundle": method.bundle,
        "plume_label_ppm_m": sorted({recipe["label_threshold"] for recipe in found.recipes.values()}),
        "mineral_label": found.rules["abundance"],
        "thresholds": method.limits,
        "groups": {name: group_figures(method.groups[name]) for name in shown},
        "recall": _recall(everything),
        "minerals": _minerals(everything),
        "beside": {name: group_figures(found.methods[name].groups["all"]) for name in beside},
    }


def group_figures(scores: Mapping[str, Any]) -> Row:
    """Return one group's figures of methane, enhancement and minerals; None where nothing was judged."""
    pixels, plumes, alarms, minerals = (
        scores[name] or {} for name in ("pixels", "plumes", "false_alarms", "minerals")
    )
    enhancement = scores["enhancement"]
    return {
        "captures": scores["captures"],
        **{name: pixels.get(name) for name in PIXELS},
        "plumes": plumes.get("labelled"),
        "plumes_found": plumes.get("found"),
        "false_alarms_a_capture": alarms.get("per_capture"),
        "large_false_alarms_a_capture": alarms.get("large_per_capture"),
        "tile_fpr": alarms.get("tile_fpr"),
        "enhancement_slope": enhancement["slope_through_origin"],
        "enhancement_bias_ppm_m": enhancement["bias"],
        "enhancement_rmse_ppm_m": enhancement["rmse"],
        "background_sigma_ppm_m": scores["background"]["sigma"],
        "mineral_macro_f1": minerals.get("macro_f1"),
        "mineral_macro_best_f1": minerals.get("macro_best_f1"),
    }


def _recall(scores: Mapping[str, Any]) -> Row:
    plumes = scores["plumes"] or {}
    keys = {"emission_kg_h": "by_emission_kg_h", "peak_ppm_m": "by_peak_ppm_m"}
    return {name: list(plumes.get(key, [])) for name, key in keys.items()}


def _minerals(scores: Mapping[str, Any]) -> Row:
    each = (scores["minerals"] or {}).get("per_mineral", {})
    return {name: {key: one[key] for key in ("f1", "auprc", "best_f1")} for name, one in each.items()}


def calibration_figures(found: SetResults) -> list[Row]:
    """Return how far probabilities of a set can be taken at their word: plumes, and all minerals together.

    The expected calibration error over all pixels, and over those that say at least 0.05.
    """
    total = pooled(list(found.methods[METHOD].tallies.values()))
    curves = {"plume": [total.curve], "minerals": [one.curve for one in total.minerals.values()]}
    rows = []
    for name, parts in curves.items():
        if not parts or parts[0].scale != "probability":
            continue
        together = np.sum([part.counts for part in parts], axis=0)
        figures = calibration(ScoreCurve(parts[0].scale, np.asarray(together, np.int64)))
        rows.append(
            {
                "on": found.benchmark,
                "set": found.part,
                "of": name,
                "ece": figures["ece"],
                "ece_in_doubt": figures["ece_doubt"],
                "in_doubt_from": SOME_DOUBT,
                "said": figures["said"],
                "true": figures["true"],
            }
        )
    return rows


def patch_accuracy(metrics: Mapping[str, Any], file: str = "metrics.json") -> list[Row]:
    """Return a card's entries of a training's own patches, as the training scored them.

    Raises:
        CaptureError: A set of scores is no table.
    """
    rows = []
    for part in ("validation", "test"):
        scores = metrics.get(part)
        if scores is None:
            continue
        if not isinstance(scores, Mapping):
            raise CaptureError("the training's scores are damaged", file=file, field=part, found=scores)
        rows.append({"on": "patches", "set": part, "scores": dict(scores)})
    return rows
