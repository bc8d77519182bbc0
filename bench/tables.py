"""Scores of SimEMIT-1 by groups of captures, and the tables that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onboard.minerals import MINERALS
from onboard.replay.protocol import results
from onboard.replay.tally import Tally, pooled

Row = dict[str, Any]

METHANE_COLUMNS = (
    "captures", "F1", "IoU", "AUPRC", "best F1", "plumes found", "recall (95 %)", "false alarms a capture",
    "of > 10 px", "tile FPR", "slope", "bias", "RMSE", "background sigma",
)  # fmt: skip


def summarise(counted: Sequence[tuple[Row, Tally]]) -> dict[str, Row]:
    """Pool the counts of one method: all captures, those with and without plumes, and each climate.

    Args:
        counted: What a capture is (``climate``, ``plumes``), and its counts.

    Returns:
        Figures by group of captures; groups without any are left out.
    """
    kinds = {True: "with plumes", False: "without plumes"}
    groups: dict[str, list[Tally]] = {name: [] for name in ("all", *kinds.values())}
    climates = {str(row["climate"]) for row, _ in counted}
    groups |= {f"{climate}{kind}": [] for climate in sorted(climates) for kind in ("", ", with plumes")}
    for row, tally in counted:
        kind = kinds[row["plumes"] > 0]
        for group in ("all", kind, str(row["climate"]), f"{row['climate']}, {kind}"):
            if group in groups:
                groups[group].append(tally)
    return {group: results(pooled(tallies)) for group, tallies in groups.items() if tallies}


def markdown(found: Mapping[str, Any]) -> str:
    """Write the tables of a results file: methane by method and group, recall by strength, minerals."""
    methods: Mapping[str, Mapping[str, Row]] = found["methods"]
    size = len(found["captures"])
    frozen = "frozen" if found["frozen"] else "NOT held to the frozen fingerprints"
    parts = [f"## {found['benchmark']}, {found['set']} set, {size} captures, {frozen}\n"]
    gas = {name: groups for name, groups in methods.items() if _has_methane(groups)}
    if gas:
        parts.append(_methane_table(gas))
    if gas and all(groups["all"]["plumes"] for groups in gas.values()):
        for key, title in (("by_emission_kg_h", "emission, kg/h"), ("by_peak_ppm_m", "peak, ppm m")):
            parts.append(_recall_table(gas, key, title))
    ground = {name: groups for name, groups in methods.items() if groups["all"]["minerals"]}
    if ground:
        parts.append(_mineral_table(ground))
    seconds = {name: values for name, values in found["seconds"].items() if values}
    times = ", ".join(f"{name} {sum(values) / len(values):.1f} s" for name, values in seconds.items())
    parts.append(f"Mean time a capture: {times}.\n")
    return "\n".join(parts)


def _has_methane(groups: Mapping[str, Row]) -> bool:
    return groups["all"]["pixels"] is not None


def _methane_table(methods: Mapping[str, Mapping[str, Row]]) -> str:
    rows = []
    for name, groups in methods.items():
        rows += [[name, group, *_methane_cells(scores)] for group, scores in groups.items()]
    return _table(["method", "captures of", *METHANE_COLUMNS], rows)


def _methane_cells(scores: Row) -> list[str]:
    pixels, plumes, alarms = (scores[key] or {} for key in ("pixels", "plumes", "false_alarms"))
    low, high = plumes.get("interval", (0.0, 1.0))
    recall = f"{plumes['recall']:.2f} ({low:.2f}-{high:.2f})" if plumes.get("labelled") else "-"
    return [
        str(scores["captures"]),
        *(_number(pixels.get(key), 3) for key in ("f1", "iou", "auprc", "best_f1")),
        f"{plumes['found']} of {plumes['labelled']}" if plumes.get("labelled") else "-",
        recall,
        _number(alarms.get("per_capture"), 1),
        _number(alarms.get("large_per_capture"), 1),
        _number(alarms.get("tile_fpr"), 4),
        _number(scores["enhancement"]["slope_through_origin"], 3),
        _number(scores["enhancement"]["bias"], 0),
        _number(scores["enhancement"]["rmse"], 0),
        _number(scores["background"]["sigma"], 0),
    ]


def _recall_table(methods: Mapping[str, Mapping[str, Row]], key: str, title: str) -> str:
    bins = sorted(
        {
            (row["from"], row["to"] or float("inf"))
            for g in methods.values()
            for row in g["all"]["plumes"][key]
        }
    )
    rows = []
    for low, high in bins:
        cells = [f"{low:g} and more" if high == float("inf") else f"{low:g} to {high:g}"]
        for groups in methods.values():
            same = [row for row in groups["all"]["plumes"][key] if row["from"] == low]
            cells += [
                f"{row['found']}/{row['true']} ({row['low']:.2f}-{row['high']:.2f})" for row in same
            ] or ["-"]
        rows.append(cells)
    return _table([title, *(f"found by {name}" for name in methods)], rows)


def _mineral_table(methods: Mapping[str, Mapping[str, Row]]) -> str:
    rows = []
    for name, groups in methods.items():
        for group, scores in groups.items():
            minerals = scores["minerals"]
            each = [_number(minerals["per_mineral"].get(m, {}).get("f1"), 2) for m in MINERALS]
            rows.append(
                [name, group, _number(minerals["macro_f1"], 3), _number(minerals["macro_best_f1"], 3), *each]
            )
    return _table(["method", "captures of", "macro F1", "at best thresholds", *MINERALS], rows)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"
