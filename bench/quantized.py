"""Precision against accuracy, size and time: `python -m bench.quantized RUN --out FOLDER`.

One table: float32, FP16, INT8 after training in both forms, and INT8 fine-tuned, each with methane F1 and
AUPRC, mineral macro F1 on validation patches, the file's size, and ONNX Runtime's time for one strip on two
threads as a ratio to float32 in the same run. Rows of the flight core have what the core itself counts for a
strip's body, as a ratio to float32 in the core. Nothing else should run meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bench.command import tells_errors
from bench.flight_bodies import bundle_of_run, fly_bodies
from export.assemble import contents_of
from export.measure import probe_radiance
from export.run_folder import TrainedRun, load_run
from onboard.flight.int8_body import Int8Body
from onboard.scenes import methane
from quantize.affine import Form
from quantize.calibration import CalibrationSet
from quantize.flight_body import choose_plane_ranges, flight_body
from quantize.flight_twin import twin_graph
from quantize.graph import load_model, model_bytes, with_input_shape
from quantize.half import half_graph
from quantize.job import Inputs, Wanted, gather, head_weights, sensitivity_of
from quantize.post_training import SEARCH_BATCHES, Calibrated, calibrate
from quantize.qat import FineTuning, fine_tune
from quantize.runtime import open_session, outputs_of
from quantize.scoring import score_graph
from quantize.sensitivity import mean_sqnr_db
from quantize.sensitivity_report import write_report
from quantize.stem import GAS_PPMM, StemPrecision, study_stem
from quantize.stem import markdown as stem_table

Array = npt.NDArray[np.float32]
COLUMNS = (
    "precision", "methane F1", "AUPRC", "mineral macro F1", "logits' SQNR, dB", "bytes", "of float32's",
    "strip, ms", "time, of float32's",
)  # fmt: skip
WARM_UP, ROUNDS = 5, 40
STRIPS, MOST_FLIGHTS = 3, 9
FLIGHT_FLOAT = "FP32, flight core"


def stem_study(run: TrainedRun, given: Inputs) -> list[StemPrecision]:
    """Return what fewer bits do to the stem of a run, on pixels of the calibration set."""
    tables, count = run.tables, run.network.settings.static_features
    baked = run.network.stem.baked(tables.centres, tables.fwhm)
    curve = methane.methane_curve(tables.centres, tables.fwhm)
    gas = methane.apply(np.array([GAS_PPMM], np.float32), curve)[0]
    return study_stem(
        given.pixels,
        np.asarray(gas, np.float32),
        baked.weight.numpy(),
        baked.bias.numpy(),
        static_features=count,
        filter_bands=tables.mf_bands,
    )


def precisions(given: Inputs, calibrated: Mapping[str, Calibrated]) -> dict[str, Any]:
    """Return a function from a window's shape to a graph, for each precision."""
    whole = load_model(given.body)
    table: dict[str, Any] = {
        "FP32": lambda shape: model_bytes(with_input_shape(whole, shape)),
        "FP16": lambda shape: half_graph(model_bytes(with_input_shape(whole, shape))),
    }
    for name, each in calibrated.items():
        table |= _forms(name, each)
    return table


def _forms(name: str, calibrated: Calibrated) -> dict[str, Any]:
    def maker(form: Form) -> Any:
        return lambda shape: calibrated.for_shape(shape).quantized(form)

    return {f"{name}, {form.value}": maker(form) for form in Form}


def flight_bodies(given: Inputs, calibrated: Mapping[str, Calibrated]) -> dict[str, Int8Body]:
    """Return the flight core's own body for each set of ranges, by the name of the precision."""
    return {
        name: flight_body(each, choose_plane_ranges(each, given.planes[:SEARCH_BATCHES], head_weights()))
        for name, each in calibrated.items()
    }


def measure_flights(
    run: TrainedRun, given: Inputs, bodies: Mapping[str, Int8Body], threads: int, rounds: int
) -> list[dict[str, Any]]:
    """Return one row a body of the core's own, beside float32 in the core; scores by their Q/DQ twins."""
    flown = {FLIGHT_FLOAT: bundle_of_run(run, given.body)}
    flown |= {name: bundle_of_run(run, body) for name, body in bodies.items()}
    contents = contents_of(flown[FLIGHT_FLOAT])
    lines = probe_radiance(contents, STRIPS * contents.plan.strip_lines, contents.plan.body_samples)
    seconds = {
        name: float(np.median(found.body))
        for name, found in fly_bodies(flown, lines, threads, rounds).items()
    }
    window, whole = given.validation.planes[0].shape, load_model(given.body)
    exact = outputs_of(model_bytes(with_input_shape(whole, window)), given.validation.planes[:4])
    rows = []
    for name in flown:
        body = bodies.get(name)
        data = model_bytes(with_input_shape(whole, window)) if body is None else twin_graph(body, window)
        scores = score_graph(data, given.validation, given.thresholds, exact=True).as_dict()
        found = exact if body is None else outputs_of(data, given.validation.planes[:4], exact=True)
        size = len(given.body) if body is None else len(body.pack())
        rows.append(
            {
                "precision": name,
                **scores,
                "sqnr_db": mean_sqnr_db(exact, found),
                "bytes": size,
                "size_ratio": size / len(given.body),
                "milliseconds": 1e3 * seconds[name],
                "time_ratio": seconds[name] / seconds[FLIGHT_FLOAT],
            }
        )
    return rows


def time_strips(
    graphs: Mapping[str, bytes], planes: Array, threads: int, rounds: int
) -> dict[str, list[float]]:
    """Return seconds of each run of each graph, taking turns so that a busy moment hits all alike."""
    bound = {}
    for name, data in graphs.items():
        session = open_session(data, threads=threads)
        binding = session.io_binding()
        binding.bind_cpu_input(session.get_inputs()[0].name, planes)
        binding.bind_output(session.get_outputs()[0].name)
        bound[name] = (session, binding)
    seconds: dict[str, list[float]] = {name: [] for name in graphs}
    for round_ in range(WARM_UP + rounds):
        for name, (session, binding) in bound.items():
            started = time.perf_counter()
            session.run_with_iobinding(binding)
            if round_ >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def strip_of(planes: Sequence[Array], shape: Sequence[int]) -> Array:
    """Return a strip's input, filled with validation patches side by side."""
    lines, samples = shape[2], shape[3]
    row = np.concatenate(planes, axis=3)
    down, across = -(-lines // row.shape[2]), -(-samples // row.shape[3])
    return np.ascontiguousarray(np.tile(row, (1, 1, down, across))[:, :, :lines, :samples])


def measure(given: Inputs, table: Mapping[str, Any], threads: int, rounds: int) -> list[dict[str, Any]]:
    """Return one row of figures a precision."""
    strip = [item.dim_value for item in load_model(given.body).graph.input[0].type.tensor_type.shape.dim]
    window = given.validation.planes[0].shape
    graphs = {name: make(strip) for name, make in table.items()}
    seconds = time_strips(graphs, strip_of(given.validation.planes, strip), threads, rounds)
    first = float(np.median(seconds["FP32"]))
    exact = outputs_of(table["FP32"](window), given.validation.planes[:4])
    rows = []
    for name, make in table.items():
        data, middle = make(window), float(np.median(seconds[name]))
        scores = score_graph(data, given.validation, given.thresholds).as_dict()
        sqnr = mean_sqnr_db(exact, outputs_of(data, given.validation.planes[:4]))
        size = len(graphs[name])
        rows.append(
            {
                "precision": name,
                **scores,
                "sqnr_db": sqnr,
                "bytes": size,
                "size_ratio": size / len(graphs["FP32"]),
                "milliseconds": 1e3 * middle,
                "time_ratio": middle / first,
            }
        )
    return rows


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        sqnr = "exact" if row["sqnr_db"] >= 199.0 else f"{row['sqnr_db']:.1f}"
        lines.append(
            f"| {row['precision']} | {row['methane_f1']:.4f} | {row['methane_auprc']:.4f} "
            f"| {row['mineral_f1']:.4f} | {sqnr} | {row['bytes']} | {row['size_ratio']:.2f} "
            f"| {row['milliseconds']:.1f} | {row['time_ratio']:.2f} |"
        )
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for tables and plots.")
@click.option(
    "--pool", type=click.Path(path_type=Path), help="Folder of the patches; RUN_DIR/pool unless said."
)
@click.option("--samples", default=24, show_default=True, help="Calibration samples.")
@click.option("--patches", type=int, help="Validation patches; all unless said.")
@click.option("--steps", default=400, show_default=True, help="Steps of fine-tuning; 0 for none.")
@click.option("--threads", default=2, show_default=True, help="Threads of ONNX Runtime.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Timed runs of each graph.")
@click.option(
    "--sensitivity", is_flag=True, help="Also the sensitivity report: two graphs a layer are scored."
)
@tells_errors
def main(
    run_dir: Path,
    out: Path,
    pool: Path | None,
    samples: int,
    patches: int | None,
    steps: int,
    threads: int,
    rounds: int,
    sensitivity: bool,
) -> None:
    """Measure a training's body in every precision, and its stem at every width of its input."""
    out.mkdir(parents=True, exist_ok=True)
    run = load_run(run_dir)
    wanted = Wanted(calibration=CalibrationSet(samples=samples), patches=patches)
    given = gather(run, pool or run_dir / "pool", wanted)
    stem = stem_table(stem_study(run, given))
    (out / "stem.md").write_text(stem, encoding="utf-8")
    click.echo(stem)
    calibrated = calibrate(given.body, given.planes, weights=head_weights())
    ranges = {"INT8 PTQ": calibrated}
    if steps:
        ranges["INT8 QAT"] = fine_tune(
            calibrated, given.planes, FineTuning(steps=steps), checkpoint=out / "fine_tuning.ckpt"
        )
    rows = measure(given, precisions(given, ranges), threads, rounds)
    bodies = {f"{name}, flight core": body for name, body in flight_bodies(given, ranges).items()}
    rows += measure_flights(run, given, bodies, threads, min(rounds, MOST_FLIGHTS))
    (out / "quantized.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    (out / "quantized.md").write_text(markdown(rows), encoding="utf-8")
    click.echo(markdown(rows))
    if sensitivity:
        write_report(sensitivity_of(calibrated, given), out)


if __name__ == "__main__":
    main()
