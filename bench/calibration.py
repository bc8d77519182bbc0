"""Do the probabilities of a method mean what they say: `python -m bench.calibration RESULTS`.

Reads the counts that SimEMIT-1 kept of each capture (`bench.simemit --out RESULTS`), prints expected
calibration errors by kind of ground and by mineral, and draws the reliability diagram.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.command import tells_errors
from bench.flights import number, pyplot, save_figure, table
from onboard.errors import CaptureError
from onboard.replay.calibration import SOME_DOUBT, calibration, expected_calibration_error, reliability
from onboard.replay.curves import BINS, SCALES, ScoreCurve
from onboard.replay.run_folder import write_json
from onboard.replay.tally import Tally

Row = dict[str, Any]
BAR = 0.03
DRAWS = 200
COLUMNS = (
    "pixels of", "ECE", "equal mass", f"ECE where >= {SOME_DOUBT}", "95 %", "equal mass ", "worst bin",
    "Brier", "said", "true", "Platt scale", "offset",
)  # fmt: skip


def read_results(folder: Path, method: str) -> list[tuple[Row, Tally]]:
    """Return what was counted of each capture in a set's folder.

    Raises:
        CaptureError: The folder holds no counts of the method.
    """
    found = []
    for file in sorted(folder.glob("*.json")):
        row = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(row, dict) and method in (row.get("methods") or {}) and "capture" in row:
            found.append((row, Tally.from_json(row["methods"][method]["tally"])))
    if not found:
        raise CaptureError(
            "there are no counts of this method",
            file=folder,
            field=method,
            expected="CAPTURE.json files of SimEMIT-1",
            remedy=f"python -m bench.simemit --methods {method} --out {folder.parent}",
        )
    return found


def summarise(counted: Sequence[tuple[Row, Tally]], fit: bool = True) -> dict[str, Row]:
    """Return figures of plume probabilities by group, and of minerals.

    Args:
        counted: Captures and their counts.
        fit: Also give the line that would calibrate each group (needs torch and SciPy).
    """
    groups: dict[str, list[ScoreCurve]] = {"plume, all captures": []}
    for row, tally in counted:
        with_gas = "with plumes" if row["plumes"] else "without plumes"
        for name in ("all captures", with_gas, str(row["climate"])):
            groups.setdefault(f"plume, {name}", []).append(tally.curve)
    for name in counted[0][1].minerals:
        curves = [tally.minerals[name].curve for _, tally in counted]
        groups.setdefault("all minerals", []).extend(curves)
        groups[name] = curves
    return {name: _figures(curves, fit) for name, curves in groups.items()}


def _figures(curves: Sequence[ScoreCurve], fit: bool) -> Row:
    together = added(curves)
    line = _line(together) if fit else None
    return {**calibration(together), "interval_doubt": spread(curves), "platt": line}


def _line(curve: ScoreCurve) -> list[float] | None:
    from onboard.training.calibration import fit_platt_curve

    if not curve.counts.sum(axis=1).all():
        return None
    line = fit_platt_curve(curve)
    return [line.scale, line.offset]


def mended(curve: ScoreCurve, line: Sequence[float]) -> ScoreCurve:
    """Return the counts as they would be with a line folded in; what was not said stays unsaid.

    Args:
        curve: Counts of a probability.
        line: Scale and offset of the logit.
    """
    scale = SCALES[curve.scale]
    step = (scale.high - scale.low) / BINS
    moved = line[0] * (scale.low + (np.arange(BINS) + 0.5) * step) + line[1]
    place = np.clip((moved - scale.low) / step, 0, BINS - 1).astype(np.int64)
    place[0] = 0
    result = ScoreCurve(curve.scale)
    for kind in (0, 1):
        np.add.at(result.counts[kind], place, curve.counts[kind])
    return result


def mend(counted: Sequence[tuple[Row, Tally]], lines: Mapping[str, Row]) -> list[tuple[Row, Tally]]:
    """Return captures as they would be scored with the lines that another set gave.

    Args:
        counted: Captures and their counts.
        lines: What :func:`summarise` says of the other set.
    """
    plume = lines["plume, all captures"]["platt"]
    result = []
    for row, tally in counted:
        minerals = {
            name: replace(
                one, curve=mended(one.curve, lines[name]["platt"]) if lines[name]["platt"] else one.curve
            )
            for name, one in tally.minerals.items()
        }
        result.append((row, replace(tally, curve=mended(tally.curve, plume), minerals=minerals)))
    return result


def added(curves: Sequence[ScoreCurve]) -> ScoreCurve:
    """Return the counts of several curves of one kind together."""
    counts = np.sum([curve.counts for curve in curves], axis=0)
    return ScoreCurve(curves[0].scale, np.asarray(counts, np.int64))


def spread(curves: Sequence[ScoreCurve]) -> list[float] | None:
    """Return the 95 % interval of the error where it is 0.05 or more, by drawing captures anew.

    Captures are drawn, not pixels: neighbours err together (Efron and Tibshirani 1993, chapter 8).
    """
    rng = np.random.default_rng(len(curves))
    found = []
    for _ in range(DRAWS):
        drawn = added([curves[int(index)] for index in rng.integers(len(curves), size=len(curves))])
        error = expected_calibration_error(reliability(drawn, "width", SOME_DOUBT))
        if error is not None:
            found.append(error)
    return [float(limit) for limit in np.percentile(found, (2.5, 97.5))] if found else None


def markdown(groups: Mapping[str, Row]) -> str:
    """Return the table of the figures."""
    rows = []
    for name, found in groups.items():
        limits, line = found["interval_doubt"], found["platt"]
        keys = ("ece", "ece_mass", "ece_doubt", "ece_mass_doubt", "worst_doubt", "brier", "said", "true")
        cells = {key: number(found[key], 4) for key in keys}
        between = f"{limits[0]:.3f}-{limits[1]:.3f}" if limits else "-"
        rows.append(
            [name, cells["ece"], cells["ece_mass"], cells["ece_doubt"], between]
            + [cells[key] for key in ("ece_mass_doubt", "worst_doubt", "brier", "said", "true")]
            + ([f"{line[0]:.3f}", f"{line[1]:+.3f}"] if line else ["-", "-"])
        )
    return table(COLUMNS, rows)


def draw(counted: Sequence[tuple[Row, Tally]], path: Path) -> None:
    """Draw reliability of plumes, by climate and over all, of minerals, and how many pixels say what."""
    plt = pyplot()
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.6), height_ratios=(3, 1), sharex=True)
    climates = sorted({str(row["climate"]) for row, _ in counted})
    curves = {"all captures": [t.curve for _, t in counted]}
    curves |= {name: [t.curve for row, t in counted if row["climate"] == name] for name in climates}
    minerals = {
        name.replace("_", " / "): [t.minerals[name].curve for _, t in counted]
        for name in counted[0][1].minerals
    }
    for column, (title, groups) in enumerate((("Plume", curves), ("Minerals", minerals))):
        top, low = axes[:, column]
        top.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--")
        for index, (name, group) in enumerate(groups.items()):
            rows = reliability(added(group), "mass", SOME_DOUBT)
            bold = (
                {"color": "black", "lw": 2.2}
                if name == "all captures"
                else {"color": f"C{index % 10}", "lw": 1.2}
            )
            top.plot(
                [r["said"] for r in rows], [r["true"] for r in rows], marker="o", ms=3, label=name, **bold
            )
            fine = reliability(added(group), "width", 0.0, 20)
            low.plot([r["said"] for r in fine], [r["pixels"] for r in fine], **bold)
        top.set(title=title, ylabel="share that is true", xlim=(0, 1), ylim=(0, 1))
        low.set(yscale="log", xlabel="probability that is said", ylabel="pixels")
        if groups:
            top.legend(fontsize=7, loc="upper left", frameon=False)
        for axis in (top, low):
            axis.grid(alpha=0.25)
    figure.align_ylabels()
    save_figure(figure, path)


@click.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--set", "part", default="test", show_default=True, help="Sub-folder of the results.")
@click.option("--method", default="flight", show_default=True, help="Method whose counts are read.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where JSON and picture go; RESULTS if not given."
)
@click.option(
    "--no-fit", is_flag=True, help="Leave out lines that would calibrate; they need SciPy and torch."
)
@click.option("--line-from", "other", help="Set whose lines are applied first, such as validation.")
@tells_errors
def main(results: Path, part: str, method: str, out: Path | None, no_fit: bool, other: str | None) -> None:
    """Print how far the probabilities kept in RESULTS can be taken at their word."""
    counted = read_results(results / part, method)
    if other is not None:
        counted = mend(counted, summarise(read_results(results / other, method)))
    groups = summarise(counted, fit=not no_fit)
    folder = out or results
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / "calibration.json",
        {"set": part, "method": method, "bar": BAR, "lines_from": other, "groups": groups},
    )
    draw(counted, folder / "reliability.png")
    click.echo(markdown(groups))


if __name__ == "__main__":
    main()
