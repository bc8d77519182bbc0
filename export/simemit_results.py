"""What ``bench.simemit`` left of one set, read back and held against the counts beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onboard.errors import CaptureError
from onboard.replay.protocol import results
from onboard.replay.tally import Tally, pooled

Row = dict[str, Any]

RESULTS, THRESHOLDS = "results.json", "thresholds.json"
FIELDS = {"benchmark": str, "set": str, "captures": list, "frozen": bool, "rules": dict, "methods": dict}
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError)
SAME = 1e-9
REMEDY = "score again with `python -m bench.simemit`, or give a folder it wrote"


@dataclass(frozen=True)
class Scored:
    """What a set says of one method.

    Attributes:
        groups: Figures by group of captures, "all" first.
        bundle: SHA-256 of the file that was flown: a bundle, or a network's weights.
        limits: Thresholds that it was judged by; None on the validation set.
        chosen: Where they were chosen: ``chosen_on``, ``lines``, ``samples``; None on the validation set.
        date: Day of the last capture's counts, UTC, ISO 8601.
        tallies: Counts by capture.
    """

    groups: Mapping[str, Row]
    bundle: str
    limits: Row | None
    chosen: Row | None
    date: str
    tallies: Mapping[str, Tally]


@dataclass(frozen=True)
class SetResults:
    """One set of captures, scored.

    Attributes:
        file: Its results.json.
        benchmark: Name and revision.
        part: "validation" or "test".
        captures: Names, in order.
        frozen: Whether the captures were held to the benchmark's fingerprints.
        rules: What counts as what.
        worlds: Digests of the simulators that made the captures.
        recipes: What each capture was made of.
        methods: By name.
    """

    file: Path
    benchmark: str
    part: str
    captures: tuple[str, ...]
    frozen: bool
    rules: Row
    worlds: frozenset[str]
    recipes: Mapping[str, Row]
    methods: Mapping[str, Scored]


def find_sets(folder: Path) -> list[Path]:
    """Return the folders of sets that a path names: itself, or those in it.

    Raises:
        CaptureError: There is none.
    """
    if (folder / RESULTS).is_file():
        return [folder]
    found = sorted(file.parent for file in folder.glob(f"*/{RESULTS}"))
    if not found:
        raise CaptureError(
            "there are no results of SimEMIT-1", file=folder, expected=f"{RESULTS} in it", remedy=REMEDY
        )
    # The validation set first, as thresholds come from it.
    return sorted(found, key=lambda place: place.name != "validation")


def read_set(folder: Path) -> SetResults:
    """Read the scores of one set.

    Args:
        folder: It holds results.json, and a JSON of counts for each capture.

    Raises:
        CaptureError: A file is missing or damaged, a method was not the same on all captures, or results
            and counts contradict each other.
    """
    file = folder / RESULTS
    found = read_object(file)
    for name, kind in FIELDS.items():
        if not isinstance(found.get(name), kind):
            raise damaged(file, name, found.get(name))
    captures = tuple(str(name) for name in found["captures"])
    files = [folder / f"{name}.json" for name in captures]
    rows = [read_object(each) for each in files]
    if not captures:
        raise damaged(file, "captures", "none")
    known = read_object(folder.parent / THRESHOLDS) if found["set"] == "test" else None
    try:
        bases = {name: row["basis"] for name, row in zip(captures, rows, strict=True)}
        return SetResults(
            file,
            found["benchmark"],
            found["set"],
            captures,
            found["frozen"],
            found["rules"],
            frozenset(str(basis["world"]) for basis in bases.values()),
            {name: dict(basis["recipe"]) for name, basis in bases.items()},
            {
                name: _scored(name, groups, files, rows, known and known[name])
                for name, groups in found["methods"].items()
            },
        )
    except UNREADABLE as error:
        raise damaged(file, "methods", f"{type(error).__name__}: {error}") from None


def _scored(
    method: str, groups: Mapping[str, Row], files: Sequence[Path], rows: Sequence[Row], known: Row | None
) -> Scored:
    counted = [row["methods"][method] for row in rows]
    tallies = {
        row["capture"]: Tally.from_json(part["tally"]) for row, part in zip(rows, counted, strict=True)
    }
    first = counted[0]
    for file, part in zip(files, counted, strict=True):
        for name in ("bundle", "thresholds"):
            if part[name] != first[name]:
                raise CaptureError(
                    "captures of one set were not scored alike",
                    file=file,
                    field=f"{method}: {name}",
                    found=part[name],
                    expected=first[name],
                    remedy=REMEDY,
                )
    _check_counts(method, files[0].parent / RESULTS, groups["all"], list(tallies.values()))
    # Methods without a bundle have thresholds of none.
    if known is not None and known["bundle"] not in (None, first["bundle"]):
        raise CaptureError(
            "the test set was scored with thresholds of another bundle",
            file=files[0].parent.parent / THRESHOLDS,
            field=f"{method}: bundle",
            found=known["bundle"],
            expected=first["bundle"],
            remedy=REMEDY,
        )
    if known is not None and known["limits"] != first["thresholds"]:
        raise CaptureError(
            "the test set was scored with other thresholds than the validation set gave",
            file=files[0].parent.parent / THRESHOLDS,
            field=method,
            remedy=REMEDY,
        )
    chosen = known and {name: known[name] for name in ("chosen_on", "lines", "samples")}
    date = max(_date(part, file) for part, file in zip(counted, files, strict=True))
    return Scored(groups, str(first["bundle"]), first["thresholds"], chosen, date, tallies)


def _check_counts(method: str, file: Path, said: Row, tallies: Sequence[Tally]) -> None:
    """Results that were written before the counts beside them are of something else."""
    counted = results(pooled(tallies))
    for part, names in (("pixels", ("f1", "auprc", "best_f1")), ("minerals", ("macro_f1", "macro_best_f1"))):
        for name in names:
            one, other = ((values.get(part) or {}).get(name) for values in (said, counted))
            same = one == other if one is None or other is None else math.isclose(one, other, rel_tol=SAME)
            if not same:
                raise CaptureError(
                    "results contradict the counts beside them",
                    file=file,
                    field=f"{method}: {part}.{name}",
                    found=one,
                    expected=other,
                    remedy=REMEDY,
                )


def _date(part: Row, file: Path) -> str:
    """The day a capture was scored; counts that do not say are as old as their file."""
    said = part.get("scored")
    return str(said) if said else datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%d")


def read_object(file: Path) -> Row:
    """Read a JSON object.

    Raises:
        CaptureError: The file is missing, or holds something else.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaptureError("scores cannot be read", file=file, found=str(error), remedy=REMEDY) from None
    if not isinstance(value, dict):
        raise damaged(file, "text", type(value).__name__)
    return value


def damaged(file: Path, field: str, found: object) -> CaptureError:
    """Return the error of a file that does not hold what ``bench.simemit`` writes."""
    return CaptureError("the scores are damaged", file=file, field=field, found=found, remedy=REMEDY)
