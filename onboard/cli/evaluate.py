"""``onboard evaluate``: score a run against its truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command(short_help="Score a run against its truth.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--truth", required=True, type=click.Path(path_type=Path), help="Truth file of the capture.")
@click.option(
    "--abundance",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.15,
    show_default=True,
    help="True abundance from which a mineral counts as present.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def command(run: Path, truth: Path, abundance: float, as_json: bool) -> None:
    """Score the run folder RUN against the truth of its simulated capture.

    The scores also go to evaluation.json in the run folder.
    """
    from onboard.replay.evaluate import Criteria, evaluate_run

    result = evaluate_run(run, truth, Criteria(abundance=abundance))
    click.echo(json.dumps(result, indent=2) if as_json else _text(result))


def _text(result: dict[str, Any]) -> str:
    rows: list[str] = []
    if result["methane"]:
        rows += _methane_rows(result["methane"], result["criteria"])
    if result["minerals"]:
        rows += [""] if rows else []
        rows += _mineral_rows(result["minerals"], result["criteria"])
    return "\n".join(rows)


def _methane_rows(methane: dict[str, Any], criteria: dict[str, Any]) -> list[str]:
    pixels, plumes = methane["pixels"], methane["plumes"]
    line, ground = methane["enhancement"], methane["background"]
    strong = f"plumes above {criteria['strong_peak_ppm_m']:g} ppm m"
    return [
        "Methane",
        _row("pixel F1", pixels["f1"], f"precision {_number(pixels['precision'])}, "
             f"recall {_number(pixels['recall'])}, IoU {_number(pixels['iou'])}"),
        _row("pixel AUPRC", pixels["auprc"], f"{pixels['true_pixels']} plume pixels"),
        _row("plume recall", plumes["recall"], f"{plumes['found']} of {plumes['true']} plumes"),
        _row("strong recall", plumes["strong_recall"],
             f"{plumes['strong_found']} of {plumes['strong_true']} {strong}"),
        _row("false events", plumes["false_events"], f"of {plumes['events']} events"),
        _row("slope", line["slope"], f"through the origin {_number(line['slope_through_origin'])}, "
             f"bias {_number(line['bias'], 0)} ppm m, {line['n']} pixels"),
        _row("background", ground["sigma"], f"ppm m standard deviation, "
             f"robust {_number(ground['robust_sigma'], 0)}, mean {_number(ground['mean'], 0)}", 0),
    ]  # fmt: skip


def _mineral_rows(minerals: dict[str, Any], criteria: dict[str, Any]) -> list[str]:
    detail = f"over {minerals['macro_classes']} minerals, abundance at least {criteria['abundance']:g}"
    rows = ["Minerals", _row("macro F1", minerals["macro_f1"], detail)]
    for name, score in minerals["per_mineral"].items():
        detail = f"precision {_number(score['precision'])}, recall {_number(score['recall'])}"
        rows.append(_row(name, score["f1"], f"{detail}, {score['true_pixels']} pixels"))
    return rows


def _row(name: str, value: float | int | None, detail: str, digits: int = 3) -> str:
    return f"  {name:<18} {_number(value, digits):>8}  {detail}"


def _number(value: float | int | None, digits: int = 3) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"
