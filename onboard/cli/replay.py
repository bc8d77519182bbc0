"""``onboard replay``: run a capture through the flight core, exactly as flown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import click


@click.command(short_help="Run a capture through the flight core, exactly as flown.")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="Bundle to fly; the shipped one if not given."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Run folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier run at --out.")
@click.option("--products", help="Products to fly, comma-separated; all of the bundle's if not given.")
@click.option(
    "--nonfinite",
    type=click.Choice(["refuse", "mask"]),
    default="refuse",
    show_default=True,
    help="What to do with NaN or infinite radiance.",
)
@click.option("--assume-radiance", is_flag=True, help="Take an ENVI file's values for radiance.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Flight threads.")
@click.option(
    "--block-lines", type=click.IntRange(1, 4096), default=32, show_default=True, help="Lines read at a time."
)
@click.option("--target", default="host", show_default=True, help="Name of the machine, for the record.")
@click.option("--realtime", is_flag=True, help="Deliver lines at the instrument's pace.")
@click.option("--strict", is_flag=True, help="Exit with 5 if a deadline was missed.")
@click.option("--in-memory", is_flag=True, help="Read all lines before the first is pushed.")
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Public key file to trust, instead of the installed ones; repeatable.",
)
@click.option(
    "--denoised",
    type=click.Choice(["all", "plumes"]),
    help="Also write denoised.nc: denoised radiance of all strips, or of those with a plume. Takes long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    capture: Path,
    bundle: Path | None,
    out: Path,
    products: str | None,
    nonfinite: Literal["refuse", "mask"],
    as_json: bool,
    **options: Any,
) -> None:
    """Replay CAPTURE, an EMIT L1B RAD netCDF file or an ENVI header, through the flight core.

    The folder --out receives summary.json, products.nc, events.geojson and quicklook/*.png, and denoised.nc
    if asked for. It appears whole at the end, or not at all.
    """
    from onboard.replay.job import ReplayJob, run_replay

    wanted = None if products is None else _names(products)
    job = ReplayJob(capture, out, bundle, products=wanted, nonfinite=nonfinite, **options)
    report = run_replay(job)
    click.echo(json.dumps(report, indent=2) if as_json else _text(report, out))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise click.BadParameter("names no product", param_hint="--products")
    return names


def _text(report: dict[str, Any], out: Path) -> str:
    line, quality = report["line_ms"], report["quality"]
    rows = [
        ("run", str(out)),
        ("capture", f"{report['granule']}: {report['lines']} lines x {report['samples']} samples"),
        ("bundle", f"{report['bundle']['name']} {report['bundle']['version']}"),
        ("plumes", str(report["plumes"])),
        ("valid pixels", f"{quality['valid']} of {quality['pixels']}"),
        (
            "processing",
            f"{report['processing_s']:.3f} s, {report['realtime_factor']:.2f} x real time "
            f"(a line: median {line['p50']:.3f} ms, p99 {line['p99']:.2f} ms)",
        ),
        ("deadline misses", str(report["deadline_misses"])),
        ("memory", f"peak {report['peak_rss_mib']:.0f} MiB, arena {report['arena_mib']:.1f} MiB"),
        ("wall time", f"{report['wall_s']:.1f} s"),
        ("pictures", str(out / "quicklook")),
    ]
    return "\n".join(f"{name:<16} {value}" for name, value in rows)
