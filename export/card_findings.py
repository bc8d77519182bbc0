"""Known failures for a model card: sentences about the weakest of what was measured, none typed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

POOLED = ("all", "with plumes", "without plumes")
WEAKEST_MINERALS = 3
HALF, MOST = 0.5, 0.9


def findings(accuracy: Sequence[Row], calibration: Sequence[Row]) -> list[dict[str, str]]:
    """Return what is weak, each with the set that says so.

    Args:
        accuracy: A card's entries of accuracy.
        calibration: Its figures of calibration.

    Returns:
        ``says`` and ``from`` each; of the benchmark's test set where it was scored, else of what there is.
    """
    benchmark = {str(row["set"]): row for row in accuracy if "groups" in row}
    patches = {str(row["set"]): row for row in accuracy if "scores" in row}
    found: list[dict[str, str]] = []
    for row in (benchmark.get("test") or benchmark.get("validation"),):
        if row is not None:
            source = f"{row['on']}, {row['set']} set"
            lines = [
                *_weak_ground(row),
                *_weak_sources(row),
                *_enhancement(row),
                *_weak_minerals(row["minerals"]),
            ]
            found += [{"says": line, "from": source} for line in lines]
    found += [{"says": line, "from": "SimEMIT-1, both sets"} for line in _unseen(benchmark)]
    found += [
        {"says": line, "from": "Patches of the training, test set"}
        for line in _patches(patches.get("test"), not found)
    ]
    last = [row for row in calibration if row["set"] == "test"] or calibration
    for row in last:
        found += [{"says": line, "from": f"{row['on']}, {row['set']} set"} for line in _overconfident(row)]
    return found


def _weak_ground(row: Row) -> Iterator[str]:
    climates = {name: group for name, group in row["groups"].items() if name not in POOLED}
    key, what = ("f1", "F1") if _all_have(climates, "f1") else ("best_f1", "best F1")
    if len(climates) > 1 and _all_have(climates, key):
        order = sorted(climates, key=lambda name: float(climates[name][key]))
        worst, best = order[0], order[-1]
        yield (
            f"Methane is weakest on {worst} ground: {what} {climates[worst][key]:.2f}, against "
            f"{climates[best][key]:.2f} on {best}."
        )
    alarms = "false_alarms_a_capture"
    if len(climates) > 1 and _all_have(climates, alarms):
        worst = max(climates, key=lambda name: float(climates[name][alarms]))
        total = sum(group[alarms] * group["captures"] for group in climates.values())
        if total > 0:
            share = climates[worst][alarms] * climates[worst]["captures"] / total
            yield (
                f"{100 * share:.0f} % of all false alarms lie on {worst} ground: "
                f"{climates[worst][alarms]:.1f} a capture, {row['groups']['all'][alarms]:.1f} over all."
            )


def _all_have(groups: Mapping[str, Row], key: str) -> bool:
    return all(group.get(key) is not None for group in groups.values())


def _weak_sources(row: Row) -> Iterator[str]:
    for key, what, unit in (
        ("emission_kg_h", "sources that emit", "kg/h"),
        ("peak_ppm_m", "plumes that peak at", "ppm m"),
    ):
        bins = sorted(row["recall"].get(key, ()), key=lambda each: float(each["from"]))
        weak = [each for each in bins if each["recall"] < HALF]
        if weak:
            yield _mostly_missed(weak, bins, what, unit)
        sure = [
            each
            for each in bins
            if min(later["recall"] for later in bins if later["from"] >= each["from"]) >= MOST
        ]
        if sure:
            least = f"{sure[0]['from']:,.0f} {unit}"
            yield f"Of {what} {least} or more, at least {100 * MOST:.0f} % are found in every bin."
        elif bins:
            yield f"Not even of the strongest {what.split()[0]} are {100 * MOST:.0f} % found."


def _mostly_missed(weak: Sequence[Row], bins: Sequence[Row], what: str, unit: str) -> str:
    """The strength up to which some bin has fewer than half of its sources found."""
    edge = max(weak, key=lambda each: float(each["from"]))["to"]
    below = [each for each in bins if edge is None or each["from"] < edge]
    hits, there = (sum(int(each[name]) for each in below) for name in ("found", "true"))
    if edge is None:
        return f"Of {what} whatever, {hits} of {there} are found, and fewer than half of the strongest."
    return (
        f"Of {what} less than {edge:,.0f} {unit}, {hits} of {there} are found; "
        "of stronger ones, half or more in every bin."
    )


def _enhancement(row: Row) -> Iterator[str]:
    everything = row["groups"]["all"]
    slope, sigma = everything["enhancement_slope"], everything["background_sigma_ppm_m"]
    if slope is not None:
        side = "below" if slope < 1.0 else "above"
        yield (
            f"The enhancement in plumes is {100 * abs(1.0 - slope):.0f} % {side} the truth (slope through "
            f"the origin {slope:.2f}, RMSE {everything['enhancement_rmse_ppm_m']:,.0f} ppm m)."
        )
    if sigma is not None:
        yield f"Where there is no gas, the enhancement has a standard deviation of {sigma:,.0f} ppm m."


def _weak_minerals(minerals: Row) -> Iterator[str]:
    key, what = ("f1", "F1") if minerals and _all_have(minerals, "f1") else ("best_f1", "best F1")
    known = {name: float(one[key]) for name, one in minerals.items() if one[key] is not None}
    if len(known) > WEAKEST_MINERALS:
        order = sorted(known, key=lambda name: known[name])
        named = ", ".join(
            f"{name.replace('_', ' / ')} {known[name]:.2f}" for name in order[:WEAKEST_MINERALS]
        )
        yield f"The weakest minerals are {named} ({what}); the best is {order[-1]} {known[order[-1]]:.2f}."


def _unseen(benchmark: Mapping[str, Row]) -> Iterator[str]:
    """What other library samples, air and plumes than training's cost."""
    if not {"validation", "test"} <= set(benchmark):
        return
    for key, what in (("mineral_macro_best_f1", "mineral macro F1"), ("auprc", "methane AUPRC")):
        before, after = (benchmark[part]["groups"]["all"][key] for part in ("validation", "test"))
        if before is not None and after is not None and after < before:
            yield (
                f"Samples, air and plumes that training has not seen cost {what}: {before:.2f} on the "
                f"validation set, {after:.2f} on the test set."
            )


def _patches(row: Row | None, alone: bool) -> Iterator[str]:
    """Events at the thresholds that fly; and minerals, where no benchmark tells of them."""
    if row is None:
        return
    scores = row["scores"]
    recall, alarms = (_number(scores.get(name)) for name in ("strong_plume_recall", "false_events_a_capture"))
    if recall is not None and alarms is not None:
        yield (
            f"At the thresholds that fly, {100 * (1.0 - recall):.0f} % of strong plumes raise no event, and "
            f"there are {alarms:.1f} false events a capture."
        )
    if alone and isinstance(scores.get("mineral_f1"), Mapping):
        yield from _weak_minerals({name: {"f1": value} for name, value in scores["mineral_f1"].items()})


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _overconfident(row: Row) -> Iterator[str]:
    error, said, true = row["ece_in_doubt"], row["said"], row["true"]
    if error is None or error <= 0.1:
        return
    side = "too high" if said > true else "too low"
    label = "plume probabilities" if row["of"] == "plume" else "probabilities of minerals"
    yield (
        f"Where they say at least {row['in_doubt_from']:g}, {label} are {side} for the benchmark's labels: "
        f"off by {error:.2f} on average (ECE)."
    )
