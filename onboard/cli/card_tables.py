"""Markdown tables whose columns line up, and the card's tables of accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
NOTHING = "-"
DENOISED = ("noisy", "classical", "denoised")
SETS = {"validation": "validation set", "test": "test set"}


def number(value: float | int | None, digits: int = 2) -> str:
    """Return a number with so many decimals and thousands apart; a dash for None."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def plain(value: object) -> str:
    """Return a value as it stands; a dash for None."""
    return NOTHING if value is None else str(value)


def mineral(name: str) -> str:
    """Return a mineral's or product's name for people."""
    return name.replace("_", " / ") if name == "illite_muscovite" else name.replace("_", " ")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table, padded so that its columns line up as text.

    Args:
        head: Names of the columns.
        rows: Cells, as many each.
        left: So many first columns are aligned left, the others right.
    """
    widths = [max(3, *(len(row[at]) for row in [head, *rows])) for at in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if at < left else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *(line(row) for row in rows)])


def accuracy(section: Row) -> Iterator[str]:
    """Yield the parts of the section on accuracy."""
    sets = section["sets"]
    if not sets:
        yield "Nothing was measured."
        return
    notes = section["notes"]
    if any("groups" in entry for entry in sets):
        yield notes["blind"]
    for entry in sorted(sets, key=lambda each: ("scores" in each, each["set"] != "test")):
        yield from _patches(entry, notes) if "scores" in entry else _benchmark(entry, notes)


def denoised(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what was measured of a denoiser: cubes as they came, best classical method, denoised."""
    if not rows:
        yield "Nothing was measured."
        return
    yield (
        "Means over cubes and their bands. Classical: the best of the methods without weights that were "
        "judged beside it, case by case. Real cubes are their own truth, so that their own noise counts "
        "against whoever removes it."
    )
    head = ["cubes", "of them", "noise"]
    head += [f"{measure}, {which}" for measure in ("PSNR dB", "angle deg") for which in DENOISED]
    cells = [
        [row["on"], str(row["cubes"]), row["case"]]
        + [number(row[measure][which]) for measure in ("psnr_db", "angle_deg") for which in DENOISED]
        for row in rows
    ]
    yield table(head, cells, left=3)


def _benchmark(entry: Row, notes: Row) -> Iterator[str]:
    held = "held to its fingerprints" if entry["frozen"] else "NOT held to its fingerprints"
    yield f"### {entry['on']}, {SETS.get(entry['set'], entry['set'])}"
    labels = " or ".join(f"{label:g}" for label in entry["plume_label_ppm_m"])
    yield (
        f"{entry['captures']} captures, {held}; scored {entry['date']} with bundle "
        f"`{entry['scored_bundle'][:16]}`. Plume: at least {labels} ppm m. Mineral: abundance of at least "
        f"{entry['mineral_label']:g}."
    )
    limits = entry["thresholds"]
    if limits is None:
        yield "Thresholds are chosen here, so only what needs none is given: curves, and the best F1 of any."
    else:
        yield f"All {notes['thresholds']}: plume {number(limits['plume'], 3)}."
    yield _groups(entry)
    yield from _recall(entry["recall"])
    if entry["minerals"]:
        yield _minerals(entry["minerals"])


COLUMNS = {
    "F1": ("f1", 3), "AUPRC": ("auprc", 3), "best F1": ("best_f1", 3),
    "false alarms a capture": ("false_alarms_a_capture", 1),
    "of > 10 px": ("large_false_alarms_a_capture", 1),
    "tile FPR": ("tile_fpr", 4), "slope": ("enhancement_slope", 2),
    "RMSE, ppm m": ("enhancement_rmse_ppm_m", 0),
    "background, ppm m": ("background_sigma_ppm_m", 0), "mineral macro F1": ("mineral_macro_f1", 3),
    "best macro F1": ("mineral_macro_best_f1", 3),
}  # fmt: skip


def _groups(entry: Row) -> str:
    """Figures by kind of ground, other methods below; columns without any figure are left out."""
    rows = dict(entry["groups"]) | {f"beside: {name}": group for name, group in entry["beside"].items()}
    shown = {name: at for name, at in COLUMNS.items() if any(row[at[0]] is not None for row in rows.values())}
    found = any(row["plumes"] for row in rows.values())
    head = ["captures of", "captures", *(["plumes found"] if found else []), *shown]
    cells = []
    for name, row in rows.items():
        plumes = f"{row['plumes_found']} of {row['plumes']}" if row["plumes"] else NOTHING
        # Without a plume in view there is no F1 to speak of.
        blank = row["auprc"] is None
        figures = [
            NOTHING if blank and key == "f1" else number(row[key], digits) for key, digits in shown.values()
        ]
        cells.append([name, str(row["captures"]), *([plumes] if found else []), *figures])
    return table(head, cells)


def _recall(recall: Row) -> Iterator[str]:
    for key, title in (("emission_kg_h", "emission, kg/h"), ("peak_ppm_m", "peak, ppm m")):
        bins = recall.get(key) or []
        if bins:
            rows = [
                [_span(each), f"{each['found']} of {each['true']}", f"{each['recall']:.2f}", _interval(each)]
                for each in bins
            ]
            yield table([title, "found", "recall", "95 %"], rows)


def _span(each: Row) -> str:
    low, high = each["from"], each["to"]
    return f"{low:,.0f} and more" if high is None else f"{low:,.0f} to {high:,.0f}"


def _interval(each: Row) -> str:
    return f"{each['low']:.2f} to {each['high']:.2f}"


def _minerals(minerals: Row) -> str:
    keys = [
        key for key in ("f1", "auprc", "best_f1") if any(one[key] is not None for one in minerals.values())
    ]
    names = {"f1": "F1", "auprc": "AUPRC", "best_f1": "best F1"}
    rows = [[mineral(name), *(number(one[key], 3) for key in keys)] for name, one in minerals.items()]
    return table(["mineral", *(names[key] for key in keys)], rows)


PATCH_FIGURES = {
    "plume_f1": "methane F1",
    "plume_auprc": "methane AUPRC",
    "strong_plume_recall": "strong plumes with an event",
    "false_events_a_capture": "false events a capture",
    "matched_filter_best_f1": "matched filter's best F1",
    "enhancement_slope": "slope of the enhancement",
    "mineral_macro_f1": "mineral macro F1",
}


def _patches(entry: Row, notes: Row) -> Iterator[str]:
    scores = entry["scores"]
    rows = [
        [title, number(scores[name], 3)]
        for name, title in PATCH_FIGURES.items()
        if isinstance(scores.get(name), int | float)
    ]
    yield f"### Patches of the training, {SETS.get(entry['set'], entry['set'])}"
    if not rows:
        yield "No figures."
    if rows:
        yield f"{notes['patches'][0].upper()}{notes['patches'][1:]}."
        yield table(["", "value"], rows)
