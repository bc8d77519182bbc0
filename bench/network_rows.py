"""The rows of the table of all networks: scores of several seeds put together, and nothing else."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.methods import METHODS
from bench.network_sources import UNTOLD, Trained
from export.card_accuracy import group_figures
from export.simemit_results import SetResults
from onboard.errors import UsageError

Row = dict[str, Any]
FLIGHT = "flight"
FIGURES = {
    "f1": "methane F1",
    "best_f1": "best F1",
    "auprc": "AUPRC",
    "false_alarms_a_capture": "false alarms a capture",
    "tile_fpr": "tile FPR",
    "mineral_macro_f1": "mineral macro F1",
    "mineral_macro_best_f1": "best macro F1",
}
PATCH_FIGURES = {
    "plume_f1": "methane F1",
    "plume_auprc": "AUPRC",
    "strong_plume_recall": "strong plumes with an event",
    "false_events_a_capture": "false events a capture",
    "mineral_macro_f1": "mineral macro F1",
}
PATCHES_OF = ("sensor", "mineral_label", "pool.swath", "pool.lines", "pool.samples", "pool.windows",
              "pool.validation", "pool.test", "pool.seed")  # fmt: skip
"""What decides which patches a training is judged on; how many it is trained on does not."""
CHOSEN = ("chosen_on", "lines", "samples")


@dataclass
class Collected:
    """Scores of one network, seed by seed.

    Attributes:
        trained: One of its trainings; None for methods without one, or with one that nobody named.
        method: The benchmark's name of it.
        digests: What was flown, seed by seed.
        seeds: Of the trainings, where they are known.
        figures: Of each seed.
    """

    trained: Trained | None
    method: str
    digests: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)


def require_comparable(results: Sequence[SetResults]) -> None:
    """Refuse results that cannot stand in one table.

    Raises:
        UsageError: Benchmark, captures, rules, labels, or where thresholds were chosen are not the same;
            naming file and field.
    """
    first: dict[str, SetResults] = {}
    for one in results:
        other = first.setdefault(one.part, one)
        _same(one, "benchmark", one.benchmark, next(iter(first.values())).benchmark)
        _same(one, "captures", one.captures, other.captures)
        _same(one, "rules", one.rules, next(iter(first.values())).rules)
        _same(one, "frozen", one.frozen, other.frozen)
        for name in one.captures:
            _same(one, f"recipe of {name}", one.recipes[name], other.recipes[name])
        # Frozen captures were held to their fingerprints, whatever made them.
        if not one.frozen:
            _same(one, "world", one.worlds, other.worlds)
        known = [scored.chosen for scored in other.methods.values()]
        for name, scored in one.methods.items():
            _same(one, f"thresholds of {name}", scored.chosen, known[0] if known else None)


def _same(one: SetResults, name: str, found: object, expected: object) -> None:
    if found != expected:
        raise UsageError(
            "results that cannot be compared",
            file=one.file,
            field=name,
            found=_short(found),
            expected=f"{_short(expected)}, as in the first results given",
            remedy="give results of one benchmark and one set, by thresholds of one validation set",
        )


def _short(value: object, most: int = 200) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[:most]} ..."


def simemit_rows(results: Sequence[SetResults], trainings: Sequence[Trained]) -> dict[str, list[Row]]:
    """Return the rows by set: networks first, cheapest first, then methods without weights.

    Args:
        results: Any number of sets.
        trainings: What may have been flown.

    Raises:
        UsageError: Results that cannot be compared, or the same weights scored twice on one set.
    """
    require_comparable(results)
    by_digest = {one.digest: one for one in trainings}
    tables: dict[str, dict[str, Collected]] = {}
    for one in results:
        for method, scored in one.methods.items():
            baseline = method in METHODS and method != FLIGHT
            trained = None if baseline else by_digest.get(scored.bundle)
            key = trained.kind if trained else method
            row = tables.setdefault(one.part, {}).setdefault(key, Collected(trained, method))
            figures = group_figures(scored.groups["all"])
            if baseline and row.figures:
                _same(one, f"figures of {method}", figures, row.figures[0])
                continue
            if scored.bundle in row.digests and not baseline:
                raise UsageError(
                    "the same weights are scored twice; their seed would count twice",
                    file=one.file,
                    field=method,
                    found=scored.bundle,
                )
            row.digests.append(scored.bundle)
            row.figures.append(figures)
            row.seeds += [trained.seed] if trained else []
    return {part: finished(list(table.values()), FIGURES) for part, table in tables.items()}


def patch_rows(trainings: Sequence[Trained]) -> dict[str, list[Row]]:
    """Return the rows by set of patches, of those trainings that scored some.

    Raises:
        UsageError: Trainings were judged on different patches.
    """
    tables: dict[str, dict[str, Collected]] = {}
    first: Trained | None = None
    for one in trainings:
        scored = {part: one.metrics[part] for part in ("validation", "test") if one.metrics.get(part)}
        if not scored:
            continue
        first = first or one
        for name in PATCHES_OF:
            if one.recipe.get(name) != first.recipe.get(name):
                raise UsageError(
                    "trainings that were judged on different patches",
                    file=one.file / "recipe.json",
                    field=name,
                    found=one.recipe.get(name),
                    expected=f"{first.recipe.get(name)}, as in {first.file}",
                )
        for part, figures in scored.items():
            row = tables.setdefault(part, {}).setdefault(one.kind, Collected(one, one.label))
            row.digests.append(one.digest)
            row.seeds.append(one.seed)
            row.figures.append(figures)
    return {part: finished(list(table.values()), PATCH_FIGURES) for part, table in tables.items()}


def finished(collected: Sequence[Collected], figures: Mapping[str, str]) -> list[Row]:
    """Return rows of plain values, cheapest network first."""
    names = _names(collected)
    rows = []
    for one, name in zip(collected, names, strict=True):
        network = one.trained.network if one.trained else None
        rows.append(
            {
                "network": name,
                "known": one.trained is not None or (one.method in METHODS and one.method != FLIGHT),
                "parameters": network and network.parameters,
                "methane_macs_a_pixel": network and network.methane_macs,
                "macs_a_pixel": network and network.all_macs,
                "samples_seen": one.trained and one.trained.samples_seen,
                "seeds": one.seeds,
                "weights": one.digests,
                "figures": {key: spread([seed.get(key) for seed in one.figures]) for key in figures},
            }
        )
    return sorted(rows, key=_cost)


def _cost(row: Row) -> tuple[bool, float, str]:
    return row["macs_a_pixel"] is None, row["macs_a_pixel"] or 0.0, row["network"]


def spread(values: Sequence[Any]) -> Row | None:
    """Return mean and sample deviation over seeds; of one seed no deviation, of nothing None."""
    known = [float(value) for value in values if isinstance(value, int | float) and value == value]
    if not known:
        return None
    deviation = statistics.stdev(known) if len(known) > 1 else None
    return {"mean": statistics.fmean(known), "deviation": deviation, "n": len(known), "values": known}


def _names(collected: Sequence[Collected]) -> list[str]:
    """Names of the rows; what tells networks of one name apart stands in brackets."""
    plain = [one.trained.label if one.trained else one.method for one in collected]
    names = []
    for one, name in zip(collected, plain, strict=True):
        twins = (other.trained for other, twin in zip(collected, plain, strict=True) if twin == name)
        same = [each for each in twins if each]
        apart = _differences(one.trained, same) if one.trained and len(same) > 1 else []
        names.append(f"{name} ({', '.join(apart)})" if apart else name)
    return names


def _differences(one: Trained, same: Sequence[Trained]) -> list[str]:
    """``key=value`` of those keys of recipe and settings in which networks of one name differ."""
    flat = [
        json.loads(each.network.settings)
        | {key: value for key, value in each.recipe.items() if key not in UNTOLD and key[:9] != "settings."}
        for each in same
    ]
    mine = flat[same.index(one)]
    keys = sorted({key for table in flat for key in table})
    differ = [key for key in keys if any(table.get(key) != mine.get(key) for table in flat)]
    return [f"{key}={mine.get(key)}" for key in differ]
