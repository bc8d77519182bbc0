"""The sensitivity report as JSON, as a table in Markdown, and as a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from onboard.errors import MissingExtraError
from quantize.gate import METHANE_F1_LOSS, MINERAL_F1_LOSS
from quantize.sensitivity import SensitivityReport

COLUMNS = (
    "layer", "weights", "SQNR alone, dB", "methane F1 lost alone", "mineral F1 lost alone",
    "SQNR all but it, dB", "methane F1 lost, all but it", "mineral F1 lost, all but it",
)  # fmt: skip
INK, BLUE, ORANGE, GREY = "#222222", "#2b6ca3", "#d9822b", "#b8b8b8"


def markdown(report: SensitivityReport) -> str:
    """Return the table in Markdown."""
    lines = [
        f"Activations {report.form.value}. Float32: {_scores(report.exact.as_dict())}.",
        f"All layers quantized: {_scores(report.quantized.as_dict())}, SQNR {report.sqnr_db:.1f} dB.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    for item in report.layers:
        cells = [
            item.layer,
            f"{item.weights}",
            f"{item.alone_sqnr_db:.1f}",
            f"{item.alone_methane_loss:+.4f}",
            f"{item.alone_mineral_loss:+.4f}",
            f"{item.rest_sqnr_db:.1f}",
            f"{item.rest_methane_loss:+.4f}",
            f"{item.rest_mineral_loss:+.4f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _scores(scores: dict[str, float]) -> str:
    return (
        f"methane F1 {scores['methane_f1']:.4f}, AUPRC {scores['methane_auprc']:.4f}, "
        f"mineral macro F1 {scores['mineral_f1']:.4f}"
    )


def plot(report: SensitivityReport, path: Path) -> None:
    """Draw the report as a PNG: SQNR of each layer at the left, F1 lost by it at the right.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "report", "drawing the sensitivity plot") from None
    layers = list(report.layers)
    rows = np.arange(len(layers))
    figure = Figure(figsize=(11.0, 1.6 + 0.27 * len(layers)), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 1.15))
    _draw_sqnr(left, rows, report)
    _draw_losses(right, rows, report)
    left.set_yticks(rows, [item.layer for item in layers], fontsize=8)
    left.set_ylim(len(layers) - 0.4, -0.6)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=INK, length=3)
        axis.grid(axis="x", color="#e6e6e6", linewidth=0.8)
        axis.set_axisbelow(True)
    figure.suptitle(f"What INT8 costs, layer by layer (activations {report.form.value})", fontsize=11)
    figure.savefig(path, dpi=130)


def _draw_sqnr(axis: Any, rows: Any, report: SensitivityReport) -> None:
    values = [item.alone_sqnr_db for item in report.layers]
    axis.barh(rows, values, height=0.66, color=BLUE)
    for row, value in zip(rows, values, strict=True):
        axis.text(value + 0.4, row, f"{value:.0f}", va="center", fontsize=7, color=INK)
    axis.axvline(report.sqnr_db, color=ORANGE, linewidth=1.2)
    axis.set_title(
        f"SQNR of the outputs, dB, when it alone is quantized\n(line: all layers, {report.sqnr_db:.1f} dB)",
        fontsize=9,
        loc="left",
    )


def _draw_losses(axis: Any, rows: Any, report: SensitivityReport) -> None:
    methane = [1000.0 * item.alone_methane_loss for item in report.layers]
    minerals = [1000.0 * item.alone_mineral_loss for item in report.layers]
    axis.barh(rows - 0.18, methane, height=0.34, color=BLUE, label="methane F1")
    axis.barh(rows + 0.18, minerals, height=0.34, color=ORANGE, label="mineral macro F1")
    for limit, colour in ((METHANE_F1_LOSS, BLUE), (MINERAL_F1_LOSS, ORANGE)):
        axis.axvline(1000.0 * limit, color=colour, linewidth=1.0, linestyle=(0, (4, 3)))
    axis.axvline(0.0, color=GREY, linewidth=0.8)
    axis.set_title(
        "F1 lost when it alone is quantized, thousandths\n(dashed: what the gate allows all layers together)",
        fontsize=9,
        loc="left",
    )
    axis.legend(fontsize=8, facecolor="white", framealpha=1.0, edgecolor="none", loc="lower right")


def write_report(report: SensitivityReport, folder: Path) -> list[Path]:
    """Write sensitivity.json, sensitivity.md and sensitivity.png, each whole; returns their paths."""
    paths = [folder / f"sensitivity.{ending}" for ending in ("json", "md", "png")]
    asides = [path.with_name(f"partial.{path.name}") for path in paths]
    asides[0].write_text(json.dumps(report.as_dict(), indent=2) + "\n", encoding="utf-8")
    asides[1].write_text(markdown(report), encoding="utf-8")
    plot(report, asides[2])
    for aside, path in zip(asides, paths, strict=True):
        aside.replace(path)
    return paths
