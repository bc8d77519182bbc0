"""From a training's run folder to an unsigned bundle."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import onboard
from export.benchmark_gate import BENCHMARK_GATE, FloatFlight, judge_flights
from export.bundle import write_bundle_file, write_container
from export.card import CardMaker, Sources, encode_card
from export.card_accuracy import read_results, require_same_networks
from export.denoiser import DenoiserRun, denoiser_parts, export_denoiser, load_denoiser
from export.denoiser_scores import read_denoiser_scores
from export.int8 import MANIFEST_FIELD, QuantizedBody, load_quantized
from export.manifest import Label, build_manifest, encode_manifest, mlm_fields
from export.measure import KNOWN_LINES, KNOWN_SAMPLES, known_answer, measure_inference_bytes
from export.onnx import Graph, export_graph, weights_in
from export.plan import BODY_SAMPLES, STEM_PIXELS, check_graphs, plan_of_run
from export.reproduce import Options
from export.run_folder import TrainedRun, load_run
from onboard.errors import CaptureError, UsageError
from onboard.flight.bundle import default_bundle_path, read_container
from onboard.flight.class_plan import CLASSES_PART, ClassPlan
from onboard.flight.contents import FLOAT_PART, STEM_PART, Contents, read_contents
from onboard.flight.int8_body import INT8_PART
from onboard.flight.plan import PLAN_PART, Plan
from onboard.minerals import MINERALS

log = logging.getLogger(__name__)
BUNDLE_NAME = "onboard-emit"
UNMEASURED_BYTES = 1 << 20


def export_run(run: TrainedRun) -> tuple[Graph, Graph]:
    """Export a training's stem, baked for its band table, and its body; parity checked.

    Raises:
        CaptureError: The network is none that takes lines.
        ExportError: It cannot be exported as flight needs it.
    """
    if not (hasattr(run.network, "stem") and hasattr(run.network, "body")):
        raise CaptureError(
            "only line networks fly", field="model", found=run.architecture, expected="linescan"
        )
    plan = plan_of_run(run, inference_bytes=UNMEASURED_BYTES)
    stem = export_graph(
        run.network.stem.baked(run.tables.centres, run.tables.fwhm),
        name="stem",
        input_name="log_radiance",
        input_shape=(STEM_PIXELS, plan.bands),
        output_name="features",
    )
    body = export_graph(
        run.network.body,
        name="body",
        input_name="features",
        input_shape=(1, plan.channels, plan.body_lines, BODY_SAMPLES),
        output_name="logits",
    )
    check_graphs(plan, stem, body)
    return stem, body


def build_from_training(
    run_dir: Path,
    out: Path,
    sequence: int,
    *,
    name: str = BUNDLE_NAME,
    version: str = onboard.__version__,
    quantized: Path | None = None,
    denoiser: Path | None = None,
    denoiser_scores: Path | None = None,
    results: Path | None = None,
    scored: Path | None = None,
    exact: FloatFlight | None = None,
) -> Path:
    """Build the unsigned bundle of a training; ``export.bundle.sign_container`` signs it.

    The bundle is flown while it is built, to measure its inference memory and to record its known
    answer. The same run folder gives the same bytes.

    Args:
        run_dir: Folder of a finished ``onboard train``.
        out: The file to write, whole or not at all.
        sequence: Sequence number, above that of every bundle flown before.
        name: What the bundle is called.
        version: Version of the bundle.
        quantized: What ``onboard quantize`` wrote of the same training, for a body in INT8; None for float32.
        denoiser: Folder of a denoiser's training that flies along, or None.
        denoiser_scores: What ``bench.denoise`` wrote of it, for the model card; None for a card without it.
        results: What ``bench.simemit`` wrote, for the model card; None for a card without it.
        scored: The bundle that was flown for it; the shipped one if None.
        exact: A float32 bundle of the same training with its results, for the gate on SimEMIT-1.

    Raises:
        CaptureError: If the run folder, the quantized body or the results cannot be used.
        UsageError: If the results are of another bundle or of other networks, or something is given
            without what it is of.
        ExportError: If the network cannot be exported as flight needs it.
        OutputError: If the file cannot be written.
    """
    _check_given(quantized, denoiser, denoiser_scores, results, exact)
    run = load_run(run_dir)
    log.info("exporting stem and body of %s", run_dir)
    stem, body = export_run(run)
    flown = scored or default_bundle_path()
    measured = [] if results is None else read_results(results, flown)
    int8 = None if quantized is None else load_quantized(quantized, body.data)
    if int8 is not None and exact is not None:
        int8 = int8.with_report(BENCHMARK_GATE, judge_flights(exact, measured, flown, body.data))
    companion = None if denoiser is None else Companion.of(load_denoiser(denoiser), run, denoiser_scores)
    denoised = [] if companion is None else companion.scores
    quantization = None if int8 is None else int8.fields[MANIFEST_FIELD]
    options = Options(
        name,
        sequence,
        quantization,
        denoises=companion is not None,
        denoiser_scored=bool(denoised),
        scored=results is not None,
        compared=exact is not None,
    )
    cards = CardMaker(Sources(run, None if companion is None else companion.run, measured, options, denoised))
    made = Ingredients(run, stem, body, int8, companion, Label(name, version, run.created, sequence), cards)
    if results is not None:
        # Before minutes are spent on measuring.
        plan = plan_of_run(run, inference_bytes=UNMEASURED_BYTES)
        require_same_networks(read_container(made.container(plan)), flown)
    data = complete_container(run, made.container, denoises=companion is not None)
    write_bundle_file(out, data)
    return out


def _check_given(
    quantized: Path | None,
    denoiser: Path | None,
    denoiser_scores: Path | None,
    results: Path | None,
    exact: FloatFlight | None,
) -> None:
    """Refuse what would be passed over without what it is of."""
    if denoiser_scores is not None and denoiser is None:
        raise UsageError(
            "scores of a denoiser are given without it",
            field="--denoiser-scores",
            found=denoiser_scores,
            expected="--denoiser RUN beside it",
        )
    if exact is not None and (results is None or quantized is None):
        raise UsageError(
            "the gate on SimEMIT-1 needs two flights",
            field="--exact",
            found=f"--results {results}, --quantized {quantized}",
            expected="--quantized and --results of INT8 beside it",
        )


@dataclass(frozen=True)
class Ingredients:
    """What a bundle is made of, but for its plan.

    Attributes:
        run: The training.
        stem: Its stem, baked.
        body: Its body in float32.
        int8: The quantized body that flies in its place, or None.
        companion: The denoiser that flies along, or None.
        label: What the bundle is called.
        cards: Makes its model card.
    """

    run: TrainedRun
    stem: Graph
    body: Graph
    int8: QuantizedBody | None
    companion: Companion | None
    label: Label
    cards: CardMaker

    def container(self, plan: Plan, known: dict[str, bytes] | None = None, denoiser_bytes: int = 0) -> bytes:
        """Return the unsigned bundle of a plan.

        Args:
            plan: The plan.
            known: Parts of the known answer, where it is recorded.
            denoiser_bytes: Memory that the denoiser was measured to need.
        """
        fields = {
            **_training_fields(self.run),
            **_mlm(self.label, self.run, plan, self.stem, self.body),
            **({} if self.int8 is None else self.int8.fields),
        }
        beside = {} if self.companion is None else self.companion.parts(fields, denoiser_bytes)
        sensor = str(self.run.recipe.get("sensor", "emit"))
        manifest = build_manifest(self.label, plan, MINERALS, sensor=sensor, extra=fields)
        parts = {
            "manifest.json": encode_manifest(manifest),
            PLAN_PART: plan.pack(),
            STEM_PART: self.stem.data,
            **({FLOAT_PART: self.body.data} if self.int8 is None else {INT8_PART: self.int8.part}),
            **array_parts(self.run.tables),
            **(known or {}),
            **beside,
        }
        card = encode_card(self.cards.make(manifest, parts, self.run.tables))
        return write_container(parts | card, self.label.sequence)


@dataclass(frozen=True)
class Companion:
    """A denoiser that flies along.

    Attributes:
        run: Its training.
        graph: Exported for the bundle's bands.
        scores: What was measured of it; empty where nothing was.
    """

    run: DenoiserRun
    graph: Graph
    scores: list[dict[str, Any]]

    @classmethod
    def of(cls, denoiser: DenoiserRun, run: TrainedRun, scores: Path | None) -> Companion:
        """Export a denoiser for a training's bands and strips; ``scores`` is what ``bench.denoise`` wrote."""
        known = [] if scores is None else read_denoiser_scores(scores, denoiser.digest)
        log.info("exporting the denoiser")
        lines = plan_of_run(run, inference_bytes=UNMEASURED_BYTES).body_lines
        return cls(denoiser, export_denoiser(denoiser, run.tables, lines=lines), known)

    def parts(self, fields: dict[str, Any], inference_bytes: int) -> dict[str, bytes]:
        """Return its parts of the bundle, and add to the manifest's fields what they are."""
        plan, parts = denoiser_parts(self.graph, inference_bytes)
        fields["denoiser"] = plan.to_json()
        fields["training"]["denoiser"] = {"recipe": dict(self.run.recipe), "report": dict(self.run.report)}
        fields["operators"]["denoiser"] = self.graph.operators
        fields["parity_with_pytorch"]["denoiser"] = self.graph.parity
        return parts


def complete_container(
    run: TrainedRun, container_of: Callable[..., bytes], *, denoises: bool = False
) -> bytes:
    """Measure, fly the known answer, and return the checked container with both."""

    def unmeasured(size: int) -> bytes:
        return container_of(plan_of_run(run, inference_bytes=size))

    log.info("flying it to measure its memory and to record its known answer")
    needed = measure_inference_bytes(unmeasured, contents_of(unmeasured(UNMEASURED_BYTES)))
    final = unmeasured(needed)
    given, answer = known_answer(final, contents_of(final))
    plan = plan_of_run(run, inference_bytes=needed, known=(KNOWN_LINES, KNOWN_SAMPLES))
    known = {"known_input.f32": _f32(given), "known_output.f32": _f32(answer)}
    data = container_of(plan, known)
    if denoises:
        log.info("flying it to measure the denoiser's memory")

        def denoising(size: int) -> bytes:
            return container_of(plan, known, denoiser_bytes=size)

        size = measure_inference_bytes(denoising, contents_of(data), denoise=True)
        data = denoising(size)
    contents_of(data)
    return data


def contents_of(data: bytes) -> Contents:
    """Return the checked contents of a container's bytes."""
    return read_contents(read_container(data))


def array_parts(tables: Any) -> dict[str, bytes]:
    """Return the parts that hold a training's tables (``FlightTables``); classes only where it has some."""
    curve = np.concatenate([tables.alphas.ravel(), tables.log_transmittance.ravel()])
    ground: dict[str, bytes] = {}
    if len(tables.class_centres):
        ground[CLASSES_PART] = ClassPlan(tables.class_bands, tables.class_centres).pack(len(tables.centres))
    return {
        "bands.f32": _f32(np.stack([tables.centres, tables.fwhm])),
        "reference.f32": _f32(tables.reference),
        "mf_bands.u16": np.ascontiguousarray(tables.mf_bands, "<u2").tobytes(),
        "mf_curve.f32": _f32(curve),
        "mf_noise.f32": _f32(tables.mf_noise),
        **ground,
    }


def _f32(values: Any) -> bytes:
    return np.ascontiguousarray(values, "<f4").tobytes()


def _training_fields(run: TrainedRun) -> dict[str, Any]:
    metrics = {name: value for name, value in run.metrics.items() if name != "seconds"}
    return {"training": {"recipe": dict(run.recipe)}, "metrics": metrics}


def _mlm(label: Label, run: TrainedRun, plan: Plan, stem: Graph, body: Graph) -> dict[str, Any]:
    return mlm_fields(label, run.architecture, weights_in(stem) + weights_in(body), plan, stem, body)
