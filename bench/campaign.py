"""Accuracy over several simulated captures that no training saw: `make campaign`.

Each seed is simulated at full size, replayed with a bundle, scored, and let go; what is kept are the
figures, in `campaign.json`, and the pictures of each run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bench.command import bundle_option, tells_errors
from onboard.progress import progress
from onboard.replay.evaluate import evaluate_run
from onboard.replay.job import ReplayJob, run_replay
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.simulate import simulate
from onboard.scenes.truth import truth_path

Row = dict[str, Any]
EMISSION_KG_H = (1000.0, 20_000.0)
COLUMNS = (
    "seed",
    "climate",
    "plume_f1",
    "auprc",
    "strong",
    "false_events",
    "mineral_f1",
    "slope",
    "processing_s",
)


def fly(seed: int, out: Path, bundle: Path | None, plumes: int) -> Row:
    """Simulate, replay and score one capture; its radiance is removed afterwards.

    Args:
        seed: Scene seed.
        out: Folder of the campaign.
        bundle: Bundle to fly; the shipped one if None.
        plumes: Plumes in the scene.
    """
    capture = out / f"seed-{seed}.nc"
    scene = simulate(
        capture,
        SceneRecipe(seed=seed, plumes=plumes, emission_kg_h=EMISSION_KG_H, flagged_lines=4),
        overwrite=True,
    )
    run = out / f"seed-{seed}"
    summary = run_replay(ReplayJob(capture, run, bundle, overwrite=True, in_memory=True))
    scores = evaluate_run(run, truth_path(capture))
    capture.unlink()
    truth_path(capture).unlink()
    methane, minerals = scores["methane"], scores["minerals"]
    return {
        "seed": seed,
        "climate": scene.climate,
        "plume_f1": methane["pixels"]["f1"],
        "auprc": methane["pixels"]["auprc"],
        "pixels": {key: methane["pixels"][key] for key in ("precision", "recall", "true_pixels")},
        "strong_found": methane["plumes"]["strong_found"],
        "strong_true": methane["plumes"]["strong_true"],
        "false_events": methane["plumes"]["false_events"],
        "slope": methane["enhancement"]["slope_through_origin"],
        "background_sigma": methane["background"]["sigma"],
        "mineral_f1": minerals["macro_f1"],
        "processing_s": summary["processing_s"],
        "peak_rss_mib": summary["peak_rss_mib"],
    }


def pooled(rows: list[Row]) -> Row:
    """Return the scores of all captures together: pixels and plumes pooled, other figures averaged."""
    true = [row["pixels"]["true_pixels"] for row in rows]
    hit = [row["pixels"]["recall"] * count for row, count in zip(rows, true, strict=True)]
    # What was found follows from precision: none found has no precision, and none hit.
    found = [
        count / row["pixels"]["precision"] if row["pixels"]["precision"] else 0.0
        for row, count in zip(rows, hit, strict=True)
    ]
    means = {
        key: sum(row[key] for row in rows) / len(rows)
        for key in ("auprc", "mineral_f1", "slope", "processing_s")
    }
    totals = {key: sum(row[key] for row in rows) for key in ("strong_found", "strong_true", "false_events")}
    f1 = 2 * sum(hit) / (sum(true) + sum(found))
    return {"seed": "all", "climate": "", "plume_f1": f1, **means, **totals}


def _line(row: Row) -> str:
    strong = f"{row['strong_found']}/{row['strong_true']}"
    values = [row["seed"], row["climate"], row["plume_f1"], row["auprc"], strong, row["false_events"]]
    values += [row["mineral_f1"], row["slope"], row["processing_s"]]
    cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in values]
    return "  ".join(cell.rjust(14) for cell in cells)


@click.command()
@click.option("--seeds", default="501,502,503,504,505", show_default=True, help="Scene seeds.")
@click.option("--plumes", default=20, show_default=True, help="Plumes a capture.")
@bundle_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/campaign"), show_default=True)
@tells_errors
def main(seeds: str, plumes: int, bundle: Path | None, out: Path) -> None:
    """Fly a bundle over simulated captures and print one row of scores each."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = [int(seed) for seed in seeds.split(",")]
    rows = [fly(seed, out, bundle, plumes) for seed in progress(wanted, total=len(wanted), label="campaign")]
    (out / "campaign.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    click.echo("  ".join(name.rjust(14) for name in COLUMNS))
    for row in [*rows, pooled(rows)]:
        click.echo(_line(row))


if __name__ == "__main__":
    main()
