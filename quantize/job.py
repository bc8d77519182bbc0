"""From a training's run folder to quantized graphs, judged: what ``onboard quantize`` does."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.assemble import export_run
from export.int8 import BODY_DIGEST, FORM
from export.run_folder import TrainedRun, load_run
from onboard.errors import CaptureError, OutputError
from onboard.flight.int8_body import INT8_PART, Int8Body
from onboard.minerals import MINERALS
from onboard.training.body_input import InputScales
from onboard.training.pool import Pool, is_made, patch_seeds
from onboard.training.recipe import PoolRecipe
from quantize.affine import Form
from quantize.budget import Solution, solve_budget
from quantize.calibration import CalibrationSet, body_planes, draw_samples, stem_pixels
from quantize.flight_body import PlaneRanges, choose_plane_ranges, flight_body
from quantize.flight_twin import twin_graph
from quantize.gate import Limits, Verdict, judge_scores
from quantize.graph import model_bytes
from quantize.half import half_graph
from quantize.post_training import SEARCH_BATCHES, Calibrated, calibrate
from quantize.qat import FineTuning, fine_tune
from quantize.scoring import Scores, Thresholds, ValidationSet, score_graph, validation_set
from quantize.sensitivity import SensitivityReport, measure_sensitivity
from quantize.sensitivity_report import write_report

Array = npt.NDArray[np.float32]
log = logging.getLogger(__name__)
REPORT = "quantization.json"
FINE_TUNING = "fine_tuning.ckpt"
METHANE_SHARE = 10.0
"""What methane's channel counts in the search, against 1 for each of the ten minerals."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        calibration: The calibration set.
        fine_tuning: How to fine-tune, or None for post-training quantization alone.
        patches: Validation patches to judge on; all if None.
        sensitivity: Also measure every layer's sensitivity.
        mixed: Keep as few layers as possible in float32 if the gate refuses the rest.
        limits: What may be lost.
    """

    calibration: CalibrationSet = field(default_factory=CalibrationSet)
    fine_tuning: FineTuning | None = None
    patches: int | None = None
    sensitivity: bool = False
    mixed: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Inputs:
    """What a run folder gives for quantizing its body.

    Attributes:
        body: Float graph for a strip.
        planes: Calibration inputs.
        pixels: Log radiance of the calibration set, (pixels, bands) float32.
        validation: Validation inputs and truth.
        thresholds: Those that fly.
    """

    body: bytes
    planes: Sequence[Array]
    pixels: Array
    validation: ValidationSet
    thresholds: Thresholds


def gather(run: TrainedRun, pools: Path, wanted: Wanted) -> Inputs:
    """Draw the calibration set from training patches, and the validation set from validation's.

    Raises:
        CaptureError: The pools lack patches.
    """
    recipe = PoolRecipe(**run.recipe["pool"])
    for part in ("train", "validation"):
        if not is_made(pools, recipe, part):
            raise CaptureError(
                "the pool of patches is not whole",
                file=pools / part,
                expected="the patches of the run's own recipe",
                remedy="name their folder with --pool, or train again, which makes them",
            )
    train, held = (
        Pool(pools / part, tuple(patch_seeds(recipe, part)), recipe.windows)
        for part in ("train", "validation")
    )
    scales = InputScales(**{name: float(run.point[name]) for name in InputScales().as_dict()})
    label = float(run.point["mineral_label"])
    samples = draw_samples(wanted.calibration, train, run.tables, label)
    planes = [body_planes(run.network, sample, scales) for sample in samples]
    validation = validation_set(run.network, held, run.tables, scales, label, wanted.patches)
    thresholds = Thresholds(float(run.point["plume_threshold"]), list(run.point["mineral_thresholds"]))
    pixels = stem_pixels(wanted.calibration, samples)
    return Inputs(export_run(run)[1].data, planes, pixels, validation, thresholds)


def quantize_run(run_dir: Path, out: Path, wanted: Wanted, pools: Path | None = None) -> dict[str, Any]:
    """Quantize a training's body, judge it, and write graphs and reports.

    ``body.i8`` is what the flight core's own kernels compute, ``body.u8.onnx`` and ``body.s8.onnx`` are the
    two forms for engines, ``body.fp16.onnx`` is the half-precision graph; ``quantization.json`` says how
    ranges were chosen, what each precision scores, and what the gate says.

    Args:
        run_dir: Folder of a finished training.
        out: Folder to write.
        wanted: What is asked for.
        pools: Where the patches are; the run folder's own if None.

    Returns:
        The report.

    Raises:
        CaptureError: The run folder or its pools cannot be used.
        OutputError: The folder cannot be written.
    """
    run = load_run(run_dir)
    _make_folder(out)
    given = gather(run, pools or run_dir / "pool", wanted)
    log.info("calibrating on %d samples", len(given.planes))
    calibrated = calibrate(given.body, given.planes, weights=head_weights())
    window = given.validation.planes[0].shape
    choices = {name: choice.as_dict() for name, choice in calibrated.choices.items()}
    table = {"float32": _score(model_bytes(calibrated.for_shape(window).model), given)}
    table["fp16"] = _score(half_graph(model_bytes(calibrated.for_shape(window).model)), given)
    table |= {f"int8 {form.value}, post-training": _score_form(calibrated, form, given) for form in Form}
    if wanted.fine_tuning is not None:
        calibrated = fine_tune(calibrated, given.planes, wanted.fine_tuning, checkpoint=out / FINE_TUNING)
        table |= {f"int8 {form.value}, fine-tuned": _score_form(calibrated, form, given) for form in Form}
    kept = _solve(calibrated, given, wanted, table["float32"])
    if wanted.sensitivity:
        write_report(sensitivity_of(calibrated, given), out)
    planes = choose_plane_ranges(calibrated, given.planes[:SEARCH_BATCHES], head_weights())
    body = flight_body(calibrated, planes)
    table["int8 flight"] = _score_flight(body, given)
    verdicts = _judge(calibrated, kept.kept, given, wanted, table["float32"])
    where = f"{len(given.validation.planes)} validation patches"
    verdicts[FORM] = judge_scores(table["float32"], table["int8 flight"], where, wanted.limits)
    files = _write_graphs(calibrated, kept.kept, given, out)
    _write(out / INT8_PART, body.pack())
    files[INT8_PART] = len(body.pack())
    report = {
        "calibration": wanted.calibration.as_dict(),
        "fine_tuning": None if wanted.fine_tuning is None else wanted.fine_tuning.as_dict(),
        "ranges": choices,
        "planes": _planes_report(planes),
        BODY_DIGEST: hashlib.sha256(given.body).hexdigest(),
        "scores": {name: scores.as_dict() for name, scores in table.items()},
        "kept_in_float32": list(kept.kept),
        "gate": {form: verdict.as_dict() for form, verdict in verdicts.items()},
        "files": files,
    }
    _write(out / REPORT, (json.dumps(report, indent=2) + "\n").encode())
    # Of use to an interrupted run only.
    (out / FINE_TUNING).unlink(missing_ok=True)
    return report


def sensitivity_of(calibrated: Calibrated, given: Inputs) -> SensitivityReport:
    """Return the sensitivity of every layer in the unsigned form, on the validation patches."""
    planes = given.validation.planes
    return measure_sensitivity(
        calibrated.for_shape(planes[0].shape), planes[:4], lambda data: _score(data, given)
    )


def head_weights() -> list[float]:
    """Return what each of the body's output channels counts in the search of ranges."""
    return [METHANE_SHARE, *[1.0] * len(MINERALS)]


def _score(data: bytes, given: Inputs) -> Scores:
    return score_graph(data, given.validation, given.thresholds)


def _score_form(calibrated: Calibrated, form: Form, given: Inputs, kept: Sequence[str] = ()) -> Scores:
    windowed = calibrated.for_shape(given.validation.planes[0].shape)
    return _score(windowed.quantized(form, kept), given)


def _score_flight(body: Int8Body, given: Inputs) -> Scores:
    """Return the scores of the flight core's body, by its Q/DQ twin computed as it is written."""
    twin = twin_graph(body, given.validation.planes[0].shape)
    return score_graph(twin, given.validation, given.thresholds, exact=True)


def _planes_report(planes: PlaneRanges) -> dict[str, Any]:
    decibels = {name: round(value, 2) for name, value in planes.sqnr_db.items()}
    spans = [[span.low, span.high] for span in planes.spans]
    return {"observer": planes.observer, "output_sqnr_db": decibels, "ranges": spans}


def _solve(calibrated: Calibrated, given: Inputs, wanted: Wanted, exact: Scores) -> Solution:
    """Return the fewest layers to keep, by the worse of the two forms."""

    def excess(kept: frozenset[str]) -> float:
        names = sorted(kept)
        return max(
            judge_scores(exact, _score_form(calibrated, form, given, names), "", wanted.limits).excess
            for form in Form
        )

    if not wanted.mixed:
        return Solution((), excess(frozenset()), {})
    return solve_budget(calibrated.layer_names, excess)


def _judge(
    calibrated: Calibrated, kept: Sequence[str], given: Inputs, wanted: Wanted, exact: Scores
) -> dict[str, Verdict]:
    where = f"{len(given.validation.planes)} validation patches"
    return {
        form.value: judge_scores(exact, _score_form(calibrated, form, given, kept), where, wanted.limits)
        for form in Form
    }


def _write_graphs(calibrated: Calibrated, kept: Sequence[str], given: Inputs, out: Path) -> dict[str, int]:
    graphs = {f"body.{form.value}.onnx": calibrated.quantized(form, kept) for form in Form}
    graphs["body.fp16.onnx"] = half_graph(given.body)
    for name, data in graphs.items():
        _write(out / name, data)
    return {"body.onnx, float32": len(given.body), **{name: len(data) for name, data in graphs.items()}}


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError("the folder cannot be made", file=out, found=error.strerror) from None


def _write(path: Path, data: bytes) -> None:
    aside = path.with_name(f"partial.{path.name}")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        raise OutputError("the file cannot be written", file=path, found=error.strerror) from None
