"""``onboard quantize``: the body of a training in INT8 and FP16, judged against float32."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from onboard.cli.ground import ground_tools
from onboard.errors import BundleError, OutputError


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for graphs and reports.")
@click.option(
    "--pool", type=click.Path(path_type=Path), help="Folder of the patches; RUN_DIR/pool unless said."
)
@click.option("--samples", type=click.IntRange(1), default=24, show_default=True, help="Calibration samples.")
@click.option("--patches", type=click.IntRange(2), help="Validation patches to judge on; all unless said.")
@click.option("--fine-tune", "steps", type=click.IntRange(1), help="Steps of quantization-aware fine-tuning.")
@click.option("--sensitivity", is_flag=True, help="Also measure what each layer costs: table and plot.")
@click.option("--mixed/--no-mixed", default=True, help="Keep few layers in float32 if the gate asks for it.")
@click.option("--overwrite", is_flag=True, help="Replace what an earlier call wrote.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    run_dir: Path,
    out: Path,
    pool: Path | None,
    samples: int,
    patches: int | None,
    steps: int | None,
    sensitivity: bool,
    mixed: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Quantize the body of the training in RUN_DIR: ranges chosen by a search, both forms of Q/DQ, and FP16.

    Exit code 4 if the gate refuses: more than 0.005 of methane's F1 or 0.01 of the minerals' macro F1 lost
    on validation patches. What was written stays, for a look at the report.
    """
    with ground_tools("quantizing networks"):
        from quantize.calibration import CalibrationSet
        from quantize.job import REPORT, Wanted, quantize_run
        from quantize.qat import FineTuning
    if (out / REPORT).exists() and not overwrite:
        raise OutputError(
            "the folder holds a quantized network already",
            file=out,
            remedy="give --overwrite or another folder",
        )
    wanted = Wanted(
        calibration=CalibrationSet(samples=samples),
        fine_tuning=None if steps is None else FineTuning(steps=steps),
        patches=patches,
        sensitivity=sensitivity,
        mixed=mixed,
    )
    report = quantize_run(run_dir, out, wanted, pool)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        for line in _lines(report):
            click.echo(line)
    refused = [name for name, verdict in report["gate"].items() if not verdict["passed"]]
    if refused:
        raise BundleError(
            "the gate refuses the quantized network",
            file=out / REPORT,
            field=", ".join(refused),
            found={name: report["gate"][name]["lost"] for name in refused},
            expected=report["gate"][refused[0]]["allowed"],
            remedy="fine-tune it with --fine-tune 300",
        )


def _lines(report: dict[str, Any]) -> list[str]:
    width = max(len(name) for name in report["scores"])
    lines = [
        f"{name:{width}}  methane F1 {scores['methane_f1']:.4f}  AUPRC {scores['methane_auprc']:.4f}  "
        f"mineral macro F1 {scores['mineral_f1']:.4f}"
        for name, scores in report["scores"].items()
    ]
    kept = report["kept_in_float32"]
    lines.append(f"kept in float32: {', '.join(kept) if kept else 'nothing'}")
    for form, verdict in report["gate"].items():
        lost = verdict["lost"]
        lines.append(
            f"gate, {form}: {'passed' if verdict['passed'] else 'refused'}; lost {lost['methane_f1']:+.4f} "
            f"methane F1, {lost['mineral_f1']:+.4f} mineral macro F1, on {verdict['judged_on']}"
        )
    lines += [f"{name}: {size} bytes" for name, size in report["files"].items()]
    return lines
