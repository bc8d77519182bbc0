"""Scores a run against the truth of a simulated capture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError
from onboard.replay.plume_scoring import score_plumes
from onboard.replay.products import METHANE, MINERALS, mineral_names, products_in
from onboard.replay.quality import valid_pixels
from onboard.replay.run_folder import EVALUATION, EVENTS, PRODUCTS, SUMMARY, is_run_folder, write_json
from onboard.replay.scoring import Confusion, PrecisionRecallCurve, Regression, Spread, mean_of

EVALUATION_FORMAT = "onboard-evaluation-1"
CHUNK_LINES = 64


@dataclass(frozen=True)
class Criteria:
    """What counts as what.

    Attributes:
        abundance: Abundance from which a mineral counts as present in the truth.
        strong_peak_ppm_m: A plume with a higher true peak counts as strong.
        slope_floor_ppm_m: True enhancement above which plume pixels enter the regression.
        tolerance_px: An event this close to a true plume pixel is no false one.
    """

    abundance: float = 0.15
    strong_peak_ppm_m: float = 3000.0
    slope_floor_ppm_m: float = 500.0
    tolerance_px: int = 2


def evaluate_run(run: Path, truth: Path, criteria: Criteria | None = None) -> dict[str, Any]:
    """Score a run folder against a truth file, and write ``evaluation.json`` into the folder.

    A pixel counts if the truth calls it valid; pixels that flight held for invalid then count as
    holding nothing. A plume pixel is one with ``plume_id`` > 0.

    Args:
        run: Run folder of ``onboard replay``.
        truth: Truth file beside the simulated capture.
        criteria: What counts as what.

    Returns:
        The content of ``evaluation.json``.

    Raises:
        CaptureError: The run or truth file cannot be read, lacks something, or they do not match.
        OutputError: The result cannot be written.
    """
    criteria = criteria or Criteria()
    if not is_run_folder(run):
        raise CaptureError(
            "this is no run folder",
            file=run,
            field=SUMMARY,
            found="missing or not written by onboard replay",
            expected="a folder that onboard replay made",
            remedy="run onboard replay first",
        )
    with _open(run / PRODUCTS) as found, _open(truth) as true:
        _check_shapes(found, true, truth)
        result: dict[str, Any] = {
            "format": EVALUATION_FORMAT,
            "truth": str(truth),
            "criteria": asdict(criteria),
            "methane": None,
            "minerals": None,
        }
        products = products_in(found)
        if METHANE in products:
            result["methane"] = _score_methane(found, true, criteria)
            result["methane"]["plumes"] = score_plumes(
                found,
                true,
                _read_events(run / EVENTS, found["quality"].shape),
                criteria.strong_peak_ppm_m,
                criteria.tolerance_px,
            )
        if MINERALS in products:
            result["minerals"] = _score_minerals(found, true, criteria, truth)
    write_json(run / EVALUATION, result)
    return result


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise CaptureError(
            "the file cannot be read",
            file=path,
            found=str(error),
            expected="a netCDF-4 file",
            remedy="name the right file, or make it again",
        ) from error
    with file:
        try:
            yield file
        except OSError as error:
            raise CaptureError(
                "the file is damaged", file=path, found=str(error), remedy="make it again"
            ) from error


def _check_shapes(found: Any, true: Any, truth: Path) -> None:
    expected = _variable(found, "quality").shape
    needed: dict[str, tuple[int, ...]] = {"valid": ()}
    products = products_in(found)
    if METHANE in products:
        needed |= {"ch4_enhancement": (), "plume_id": ()}
    if MINERALS in products:
        names = _variable(true, "mineral_names").shape
        if len(names) != 1:
            raise CaptureError(
                "the truth's minerals are no list",
                file=truth,
                field="mineral_names",
                found=f"shape {names}",
                expected="one name a mineral",
                remedy="name a truth file of onboard simulate",
            )
        needed |= {"mineral_abundance": names}
    for name, before in needed.items():
        shape = _variable(true, name).shape
        if shape != (*before, *expected):
            raise CaptureError(
                "the truth does not belong to this run",
                file=truth,
                field=name,
                found=f"shape {shape}",
                expected=f"shape {(*before, *expected)} as in {found.filename}",
                remedy="name the truth of the capture that was replayed",
            )


def _variable(file: Any, name: str) -> Any:
    if name not in file or not isinstance(file[name], h5py.Dataset):
        raise CaptureError(
            "a variable is missing",
            file=file.filename,
            field=name,
            found=", ".join(sorted(file)) or "an empty file",
            expected=name,
            remedy="name a truth file of onboard simulate, and a run of onboard replay",
        )
    return file[name]


def _chunks(lines: int) -> Iterator[slice]:
    for first in range(0, lines, CHUNK_LINES):
        yield slice(first, min(first + CHUNK_LINES, lines))


def _score_methane(found: Any, true: Any, criteria: Criteria) -> dict[str, Any]:
    pixels, curve, line = Confusion(), PrecisionRecallCurve(), Regression()
    background, unseen = Spread(), 0
    for rows in _chunks(found["quality"].shape[0]):
        valid = true["valid"][rows] != 0
        plume = (true["plume_id"][rows] > 0)[valid]
        enhancement = true["ch4_enhancement"][rows][valid].astype(np.float64)
        retrieved = found["ch4_enhancement"][rows][valid].astype(np.float64)
        seen = valid_pixels(found["quality"][rows])[valid] & np.isfinite(retrieved)
        unseen += int(np.count_nonzero(~seen))
        pixels.add(plume, (found["plume_mask"][rows] != 0)[valid])
        curve.add(plume, found["plume_probability"][rows][valid])
        strong = plume & seen & (enhancement > criteria.slope_floor_ppm_m)
        line.add(enhancement[strong], retrieved[strong])
        background.add(retrieved[seen & ~plume & (enhancement <= 0)])
    return {
        "pixels": pixels.scores() | {"auprc": curve.average_precision()},
        "enhancement": line.results(),
        "background": background.results(),
        "valid_pixels_not_retrieved": unseen,
    }


def _score_minerals(found: Any, true: Any, criteria: Criteria, truth: Path) -> dict[str, Any]:
    names = mineral_names(_variable(found, "mineral_names"))
    true_names = mineral_names(_variable(true, "mineral_names"))
    if set(names) - set(true_names):
        raise CaptureError(
            "the truth lacks minerals of this run",
            file=truth,
            field="mineral_names",
            found=", ".join(true_names),
            expected=", ".join(names),
            remedy="name the truth of the capture that was replayed",
        )
    thresholds: NDArray[np.float32] = np.asarray(found["mineral_probability"].attrs["thresholds"])
    counts = {name: Confusion() for name in names}
    for rows in _chunks(found["quality"].shape[0]):
        valid = true["valid"][rows] != 0
        for layer, name in enumerate(names):
            present = true["mineral_abundance"][true_names.index(name), rows][valid] >= criteria.abundance
            counts[name].add(present, found["mineral_probability"][layer, rows][valid] >= thresholds[layer])
    scores = {name: count.scores() for name, count in counts.items()}
    present_in_truth = [score["f1"] for score in scores.values() if score["true_pixels"]]
    return {
        "macro_f1": mean_of(present_in_truth),
        "macro_classes": len(present_in_truth),
        "thresholds": {name: round(float(t), 6) for name, t in zip(names, thresholds, strict=True)},
        "per_mineral": scores,
    }


def _read_events(path: Path, shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the events' properties, each within the (lines, samples) of the run."""
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        events = [dict(feature["properties"]) for feature in features]
        for number, event in enumerate(events):
            _check_event(event, number, shape)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaptureError(
            "the events of the run cannot be read",
            file=path,
            found=f"{type(error).__name__}: {error}",
            expected="a GeoJSON FeatureCollection as onboard replay writes it",
            remedy="replay the capture again",
        ) from error
    return events


def _check_event(event: dict[str, Any], number: int, shape: tuple[int, int]) -> None:
    if type(event["event_id"]) is not int:
        raise TypeError(f"event {number}: event_id is {event['event_id']!r}")
    for axis, size in zip(("line", "sample"), shape, strict=True):
        first, peak, last = (event[f"{which}_{axis}"] for which in ("first", "peak", "last"))
        whole = all(type(value) is int for value in (first, peak, last))
        if not whole or not 0 <= first <= peak <= last < size:
            raise ValueError(f"event {number}: {axis}s {first!r}, {peak!r}, {last!r} of {size}")
