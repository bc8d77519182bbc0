"""Scores a run plume by plume: which true plumes were found, which events are false."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onboard.replay.components import Mask, dilate, label_components
from onboard.replay.quality import lost_lines


def score_plumes(
    found: Any, true: Any, events: Sequence[dict[str, Any]], strong_peak: float, tolerance: int
) -> dict[str, Any]:
    """Match events and true plumes.

    The pixels of an event are the component of the plume mask that holds its peak, which goes on behind a few
    lost lines as events do. A true plume is found
    when such a pixel lies in it; an event is false when none of its pixels is within ``tolerance`` of
    any true plume pixel.

    Args:
        found: Open ``products.nc``.
        true: Open truth file.
        events: Properties of the run's events.
        strong_peak: Plumes with a higher true peak are also counted apart, ppm m.
        tolerance: Pixels.

    Returns:
        Counts, recalls, false events, and one entry for each true plume.
    """
    plume_id = np.where(true["valid"][...] != 0, true["plume_id"][...], 0).astype(np.int32)
    labels, _ = label_components(found["plume_mask"][...] != 0, lost_lines(found["quality"][...]))
    pixels_of = [_event_pixels(event, labels) for event in events]
    covered = np.zeros(plume_id.shape, np.bool_)
    near_truth = dilate(plume_id > 0, tolerance)
    false_events = []
    for event, (window, inside) in zip(events, pixels_of, strict=True):
        covered[window] |= inside
        if not (near_truth[window] & inside).any():
            false_events.append(int(event["event_id"]))
    plumes = _true_plumes(plume_id, true["ch4_enhancement"][...], covered)
    strong = [plume for plume in plumes if plume["peak_ppm_m"] > strong_peak]
    return {
        "true": len(plumes),
        "found": sum(plume["found"] for plume in plumes),
        "recall": _recall(plumes),
        "strong_true": len(strong),
        "strong_found": sum(plume["found"] for plume in strong),
        "strong_recall": _recall(strong),
        "events": len(events),
        "false_events": len(false_events),
        "false_event_ids": false_events,
        "per_plume": plumes,
    }


def _event_pixels(event: dict[str, Any], labels: NDArray[np.int32]) -> tuple[tuple[slice, slice], Mask]:
    window = (
        slice(event["first_line"], event["last_line"] + 1),
        slice(event["first_sample"], event["last_sample"] + 1),
    )
    inside = labels[window]
    peak = int(labels[event["peak_line"], event["peak_sample"]])
    # An event whose peak is outside the mask is taken for all of the mask within its bounds.
    return window, (inside == peak) if peak else (inside > 0)


def _true_plumes(
    plume_id: NDArray[np.int32], enhancement: NDArray[np.float32], covered: Mask
) -> list[dict[str, Any]]:
    inside = plume_id > 0
    # Numbers may be anything: no table is as long as the largest of them.
    numbers, ids = np.unique(plume_id[inside], return_inverse=True)
    peaks = np.zeros(len(numbers))
    np.maximum.at(peaks, ids, enhancement[inside])
    pixels = np.bincount(ids, minlength=len(numbers))
    hits = np.bincount(ids[covered[inside]], minlength=len(numbers))
    return [
        {
            "plume_id": int(number),
            "peak_ppm_m": round(float(peaks[index]), 1),
            "pixels": int(pixels[index]),
            "pixels_covered": int(hits[index]),
            "found": bool(hits[index]),
        }
        for index, number in enumerate(numbers)
    ]


def _recall(plumes: Sequence[dict[str, Any]]) -> float | None:
    return sum(plume["found"] for plume in plumes) / len(plumes) if plumes else None
