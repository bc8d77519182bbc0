"""The table of all networks as Markdown, and methane and minerals against arithmetic as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.flights import pyplot, save_figure, table
from bench.network_rows import FIGURES, PATCH_FIGURES

Row = dict[str, Any]
DIGITS = {"false_alarms_a_capture": 1, "false_events_a_capture": 1, "tile_fpr": 4}
PATCHES_NOTE = (
    "Patches of the trainings' own pool, each network at thresholds chosen on its validation patches. "
    "**These are no results of SimEMIT-1**, and not to be held against them."
)
SPREAD_NOTE = (
    "Mean over seeds ± sample deviation; a single seed has none. kMAC a pixel: methane alone, and everything."
)
UNKNOWN_NOTE = (
    "Of what nothing says how it was trained, scores of one method are taken for seeds of one network; give "
    "the run folder or the bundle beside the results to have it told."
)


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of what ``bench.networks`` found."""
    parts = [f"# Networks{', ' + found['benchmark'] if found['benchmark'] else ''}\n", SPREAD_NOTE + "\n"]
    for part, rows in found["simemit"].items():
        count, frozen = found["captures"][part], found["frozen"][part]
        held = "held to the frozen fingerprints" if frozen else "NOT held to the frozen fingerprints"
        parts += [f"## {found['benchmark']}, {part} set, {count} captures, {held}\n", _table(rows, FIGURES)]
    if any(not row["known"] for rows in found["simemit"].values() for row in rows):
        parts.append(UNKNOWN_NOTE + "\n")
    for part, rows in found["patches"].items():
        parts += [f"## Pool patches, {part} set: not SimEMIT-1\n", PATCHES_NOTE + "\n"]
        parts.append(_table(rows, PATCH_FIGURES))
    return "\n".join(parts)


def _table(rows: Sequence[Row], figures: Mapping[str, str]) -> str:
    shown = [key for key in figures if any(row["figures"][key] for row in rows)]
    head = ["network", "parameters", "kMAC a pixel", "samples seen", "seeds"]
    cells = [[*_network_cells(row), *(_figure(row["figures"][key], key) for key in shown)] for row in rows]
    return table([*head, *(figures[key] for key in shown)], cells)


def _network_cells(row: Row) -> list[str]:
    methane, everything = row["methane_macs_a_pixel"], row["macs_a_pixel"]
    told = [f"{macs / 1000.0:,.1f}" for macs in dict.fromkeys((methane, everything)) if macs is not None]
    return [
        row["network"],
        f"{row['parameters']:,}" if row["parameters"] is not None else "-",
        "; ".join(told) or "-",
        f"{row['samples_seen']:,}" if row["samples_seen"] is not None else "-",
        ", ".join(row["seeds"]) or (f"{len(row['weights'])} runs" if not row["known"] else "-"),
    ]


def _figure(spread: Mapping[str, Any] | None, key: str) -> str:
    if spread is None:
        return "-"
    digits = DIGITS.get(key, 3)
    mean = f"{spread['mean']:.{digits}f}"
    return mean if spread["deviation"] is None else f"{mean} ± {spread['deviation']:.{digits}f}"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draw F1 against arithmetic, methane left and minerals right, error bars of one sample deviation.

    The test set of SimEMIT-1 if it was scored, else its validation set, else patches; the title says which.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    plt = pyplot()
    title, rows, panels = _drawn(found)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6))
    colours = {row["network"]: f"C{place % 10}" for place, row in enumerate(rows)}
    # Arithmetic of both panels on one axis, so that they can be compared by eye.
    for axis, panel in zip(axes, panels, strict=True):
        for row in rows:
            if row["figures"][panel.figure]:
                _point(axis, row, panel, colours[row["network"]])
        axis.set(xscale="log", ylim=(-0.02, 1.02), xlabel="kMAC a pixel", ylabel=panel.name)
        axis.grid(alpha=0.25, which="both", lw=0.5)
    limits = [axis.get_xlim() for axis in axes]
    for axis in axes:
        axis.set_xlim(min(low for low, _ in limits) / 1.3, max(high for _, high in limits) * 1.3)
        # Ticks as plain numbers: 1, 10, 100.
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    handles: dict[str, Any] = {}
    for axis in axes:
        found_handles, labels = axis.get_legend_handles_labels()
        handles |= dict(zip(labels, found_handles, strict=True))
    # In the table's order, whatever kind of mark they are.
    handles = {row["network"]: handles[row["network"]] for row in rows if row["network"] in handles}
    columns = 2 if max(map(len, handles), default=0) < 50 else 1
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "frameon": False, "fontsize": 9}
    figure.legend(handles.values(), handles, ncols=columns, **below)
    figure.suptitle(title, fontsize=11)
    figure.tight_layout()
    save_figure(figure, path)


@dataclass(frozen=True)
class Panel:
    """One panel of the picture: the figure on its axis, its name, and the arithmetic it is held against."""

    figure: str
    name: str
    macs: str


def _drawn(found: Mapping[str, Any]) -> tuple[str, Sequence[Row], tuple[Panel, Panel]]:
    """Title, rows, and both panels."""
    kind = "simemit" if found["simemit"] else "patches"
    tables = found[kind]
    part = "test" if "test" in tables else next(iter(tables))
    if kind == "patches":
        title, gas, ground, best = (
            f"Pool patches, {part} set: not SimEMIT-1",
            "plume_f1",
            "mineral_macro_f1",
            "",
        )
    elif part == "test":
        title, gas, ground, best = f"{found['benchmark']}, test set", "f1", "mineral_macro_f1", ""
    else:
        title, gas, ground, best = (
            f"{found['benchmark']}, {part} set",
            "best_f1",
            "mineral_macro_best_f1",
            "best ",
        )
    panels = (
        Panel(gas, f"{best}methane F1", "methane_macs_a_pixel"),
        Panel(ground, f"{best}mineral macro F1", "macs_a_pixel"),
    )
    return title, tables[part], panels


def _point(axis: Any, row: Row, panel: Panel, colour: str) -> None:
    """A network is a point; what nobody counted the arithmetic of is a line across."""
    spread, macs, label = row["figures"][panel.figure], row[panel.macs], row["network"]
    if macs is None:
        axis.axhline(spread["mean"], color=colour, ls="--", lw=1.2, label=label)
        return
    bar = {"yerr": spread["deviation"], "fmt": "o", "ms": 7, "capsize": 4}
    axis.errorbar(macs / 1000.0, spread["mean"], color=colour, label=label, **bar)
