"""What the judge of denoisers prints and draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.denoise_cubes import Trial

Array = npt.NDArray[np.float32]
Row = dict[str, Any]
MEASURES = (("psnr", "PSNR, dB", 2), ("ssim", "SSIM", 3), ("sam", "SAM, degrees", 2))


def markdown(rows: Sequence[Row], methods: Sequence[str], costs: Mapping[str, Row]) -> str:
    """Return tables of case by method: each measure, for each source; then cost and time."""
    parts = []
    for source in dict.fromkeys(row["source"] for row in rows):
        mine = [row for row in rows if row["source"] == source]
        count = len({row["name"] for row in mine})
        parts.append(f"## {source}, {count} cube{'s' if count > 1 else ''}\n")
        parts += [_table(mine, methods, *measure) for measure in MEASURES]
    parts.append(_cost_table(rows, methods, costs))
    return "\n".join(parts)


def _mean(rows: Sequence[Row], measure: str, **wanted: str) -> float | None:
    values = [
        row[measure]
        for row in rows
        if row[measure] is not None and all(row[key] == value for key, value in wanted.items())
    ]
    return float(np.mean(values)) if values else None


def _table(rows: Sequence[Row], methods: Sequence[str], measure: str, title: str, digits: int) -> str:
    lines = [f"| {title} | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for case in dict.fromkeys(row["case"] for row in rows):
        means = [_mean(rows, measure, case=case, method=method) for method in methods]
        if any(mean is not None for mean in means):
            cells = ("" if mean is None else f"{mean:.{digits}f}" for mean in means)
            lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _cost_table(rows: Sequence[Row], methods: Sequence[str], costs: Mapping[str, Row]) -> str:
    lines = [
        "| cost | parameters | kMAC a pixel at 63 bands | MAC a band sample | processor us a pixel, scenes |",
        "|---|---|---|---|---|",
    ]
    for method in methods:
        mine = [row for row in rows if row["method"] == method and row["source"] == "scenes"]
        cost = costs.get(method)
        figures = (
            [f"{cost['parameters']:,}", f"{cost['kmac_a_pixel']:.2f}", f"{cost['mac_a_band_sample']:,.0f}"]
            if cost
            else [""] * 3
        )
        spent = sum(row["seconds"] for row in mine) / max(sum(row["pixels"] for row in mine), 1)
        lines.append(f"| {method} | {' | '.join(figures)} | {spent * 1e6:.1f} |")
    return "\n".join(lines) + "\n"


def picture(trial: Trial, outputs: Mapping[str, Array], path: Path) -> None:
    """Draw the bright band that noise hurt as much as the middle one: truth, and what methods made of it.

    Args:
        trial: The noisy cube.
        outputs: By method, (bands, lines, samples).
        path: PNG to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    level = trial.clean.mean(axis=(1, 2))
    bright = np.flatnonzero(level >= np.median(level))
    hurt = ((trial.noisy - trial.clean) ** 2).mean(axis=(1, 2))[bright]
    band = int(bright[np.argsort(hurt)[hurt.size // 2]])
    low, high = np.quantile(trial.clean[band], (0.005, 0.995))
    panels = {"truth": trial.clean, **outputs}
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    size = (3.0 * columns, 3.3 * lines + 0.4)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, cube) in zip(axes.flat, panels.items(), strict=False):
        axis.imshow(cube[band], cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        error = float(((cube[band] - trial.clean[band])[trial.valid] ** 2).mean())
        span = float(np.ptp(trial.clean))
        axis.set_title(
            name if name == "truth" else f"{name}, {-10 * np.log10(error / span**2 + 1e-12):.1f} dB"
        )
    figure.suptitle(f"{trial.source}, {trial.case}: band at {trial.table.centres[band]:.0f} nm")
    figure.savefig(path, dpi=110)
    plt.close(figure)
