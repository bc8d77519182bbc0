"""Published networks in every precision: `python -m bench.peer_precisions RUN... --out FOLDER`.

One table: float32, FP16 and INT8 of each network, with methane F1 and AUPRC on validation patches at the
training's threshold, the file's size, and ONNX Runtime's time for one patch as a ratio to float32 in the same
run. Networks of convolutions alone go through our own quantizer and its fine-tuning; those with attention and
layer norms go through ONNX Runtime's own (weights in eight bits by channel, activations by least and greatest
value). Nothing else should run meanwhile.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from bench.command import tells_errors
from bench.network_sources import read_training
from bench.quantized import time_strips
from export.onnx import ALLOWED_OPERATORS, export_graph
from export.run_folder import load_run
from onboard.errors import CaptureError, UsageError
from onboard.models.network import PeerNetwork
from onboard.training.body_input import InputScales
from onboard.training.metrics import average_precision, f1_at
from onboard.training.pool import Pool, is_made, patch_seeds
from onboard.training.recipe import PoolRecipe
from quantize.affine import Form
from quantize.calibration import CalibrationSet, body_planes, draw_samples
from quantize.fake_quant import OPERATORS as TRAINABLE
from quantize.graph import load_model
from quantize.half import half_graph
from quantize.post_training import Calibrated, calibrate
from quantize.qat import FineTuning, fine_tune
from quantize.runtime import outputs_of, sqnr_db
from quantize.scoring import ValidationSet, validation_set

Array = npt.NDArray[np.float32]
Row = dict[str, Any]
OPERATORS = ALLOWED_OPERATORS | {
    "Clip", "Div", "Erf", "HardSwish", "LayerNormalization", "MatMul", "Pow", "ReduceMean", "Reshape",
    "Slice", "Softmax", "Sqrt", "Transpose", "Unsqueeze",
}  # fmt: skip
COLUMNS = (
    "network", "precision", "methane F1", "AUPRC", "SQNR, dB", "bytes", "of float32's", "patch, ms",
    "time, of float32's",
)  # fmt: skip
SAMPLES = 16
RATE = 5e-5
"""Of fine-tuning: millions of weights do not bear what our thousands do (5e-4 lost 0.016 of F1)."""


@dataclass(frozen=True)
class Peer:
    """A trained published network, ready to be quantized.

    Attributes:
        name: For people.
        body: Float graph for a validation patch.
        planes: Calibration inputs of that shape.
        validation: Validation inputs and truth.
        threshold: Probability from which a pixel counts as plume.
    """

    name: str
    body: bytes
    planes: Sequence[Array]
    validation: ValidationSet
    threshold: float


def read_peer(run_dir: Path, samples: int, patches: int) -> Peer:
    """Export a training of a published network and draw what it is calibrated and judged on.

    Raises:
        UsageError: It is no published network, or one that says nothing of methane.
        CaptureError: The run folder or its pool cannot be used.
    """
    run = load_run(run_dir)
    network: Any = run.network
    if not isinstance(network, PeerNetwork) or "methane" not in network.tasks:
        expected = "a published network that finds methane; for ours there is bench.quantized"
        raise UsageError("another kind of network", file=run_dir, found=run.architecture, expected=expected)
    recipe = PoolRecipe(**run.recipe["pool"])
    for part in ("train", "validation"):
        if not is_made(run_dir / "pool", recipe, part):
            expected = "the patches of the run's own recipe"
            raise CaptureError(
                "the pool of patches is not whole", file=run_dir / "pool" / part, expected=expected
            )
    train, held = (
        Pool(run_dir / "pool" / part, tuple(patch_seeds(recipe, part)), recipe.windows)
        for part in ("train", "validation")
    )
    scales = InputScales(**{name: float(run.point[name]) for name in InputScales().as_dict()})
    label = float(run.point["mineral_label"])
    wanted = CalibrationSet(samples=samples, crop=recipe.samples)
    drawn = draw_samples(wanted, train, run.tables, label)
    planes = [body_planes(network, sample, scales) for sample in drawn]
    validation = validation_set(network, held, run.tables, scales, label, patches)
    shape = planes[0].shape
    graph = export_graph(
        network, name=run.architecture, input_name="planes", input_shape=shape, output_name="logits",
        operators=OPERATORS, inputs=[planes[0]],
    )  # fmt: skip
    named = read_training(run_dir).network.name
    return Peer(named, graph.data, planes, validation, float(run.point["plume_threshold"]))


def precisions(peer: Peer, steps: int) -> dict[str, bytes]:
    """Return the graph of each precision."""
    graphs = {"FP32": peer.body, "FP16": half_graph(peer.body)}
    used = {node.op_type for node in load_model(peer.body).graph.node}
    if not used <= set(TRAINABLE):
        return graphs | {"INT8 PTQ, ONNX Runtime's quantizer": library_int8(peer.body, peer.planes)}
    calibrated = calibrate(peer.body, peer.planes)
    graphs |= _forms("INT8 PTQ", calibrated)
    if steps:
        learned = fine_tune(calibrated, peer.planes, FineTuning(steps=steps, batch=2, learning_rate=RATE))
        graphs |= _forms("INT8 QAT", learned)
    return graphs


def _forms(name: str, calibrated: Calibrated) -> dict[str, bytes]:
    return {f"{name}, {form.value}": calibrated.quantized(form) for form in Form}


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Calibration inputs, one after the other."""

    def __init__(self, name: str, planes: Sequence[Array]) -> None:
        self._left: Iterator[dict[str, Array]] = iter([{name: each} for each in planes])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._left, None)


def library_int8(data: bytes, planes: Sequence[Array]) -> bytes:
    """Return a graph in Q/DQ form as ONNX Runtime's quantizer makes it.

    Args:
        data: Float graph.
        planes: Calibration inputs of its shape.
    """
    given = load_model(data).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder:
        source, ready, target = (Path(folder) / f"{name}.onnx" for name in ("float", "ready", "int8"))
        source.write_bytes(data)
        quant_pre_process(source, ready, skip_symbolic_shape=True)
        quantize_static(
            ready, target, _Reader(given, planes), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return target.read_bytes()


def measure(peer: Peer, graphs: Mapping[str, bytes], threads: int, rounds: int) -> list[Row]:
    """Return one row of figures a precision."""
    seconds = time_strips(graphs, peer.validation.planes[0], threads, rounds)
    exact = outputs_of(graphs["FP32"], peer.validation.planes)
    first = float(np.median(seconds["FP32"]))
    rows = []
    for name, data in graphs.items():
        middle = float(np.median(seconds[name]))
        found = outputs_of(data, peer.validation.planes)
        rows.append(
            {
                "network": peer.name,
                "precision": name,
                **score(found[:, 0], peer.validation, peer.threshold),
                "sqnr_db": sqnr_db(exact, found) if np.isfinite(found).all() else None,
                "bytes": len(data),
                "size_ratio": len(data) / len(graphs["FP32"]),
                "milliseconds": 1e3 * middle,
                "time_ratio": middle / first,
            }
        )
    return rows


def score(logits: Array, given: ValidationSet, threshold: float) -> dict[str, float | None]:
    """Return F1 and AUPRC of (patches, lines, samples) logits; None where one of them is no number."""
    if not np.isfinite(logits).all():
        return {"methane_f1": None, "methane_auprc": None}
    probability = (given.valid / (1.0 + np.exp(-logits))).astype(np.float32)
    return {
        "methane_f1": f1_at(probability, given.plume, threshold),
        "methane_auprc": average_precision(probability, given.plume),
    }


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        f1, auprc, sqnr = (
            "no number" if row[key] is None else f"{row[key]:.{digits}f}"
            for key, digits in (("methane_f1", 4), ("methane_auprc", 4), ("sqnr_db", 1))
        )
        lines.append(
            f"| {row['network']} | {row['precision']} | {f1} | {auprc} "
            f"| {'exact' if row['precision'] == 'FP32' else sqnr} | {row['bytes']} | {row['size_ratio']:.2f} "
            f"| {row['milliseconds']:.1f} | {row['time_ratio']:.2f} |"
        )
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the table.")
@click.option("--samples", default=SAMPLES, show_default=True, help="Calibration samples.")
@click.option("--patches", default=48, show_default=True, help="Validation patches.")
@click.option("--steps", default=100, show_default=True, help="Steps of fine-tuning; 0 for none.")
@click.option("--threads", default=2, show_default=True, help="Threads of ONNX Runtime.")
@click.option("--rounds", default=10, show_default=True, help="Timed runs of each graph.")
@tells_errors
def main(
    run_dirs: tuple[Path, ...], out: Path, samples: int, patches: int, steps: int, threads: int, rounds: int
) -> None:
    """Measure trainings of published networks in every precision."""
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for run_dir in run_dirs:
        peer = read_peer(run_dir, samples, patches)
        rows += measure(peer, precisions(peer, steps), threads, rounds)
        (out / "precisions.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        (out / "precisions.md").write_text(markdown(rows), encoding="utf-8")
    click.echo(markdown(rows))


if __name__ == "__main__":
    main()
