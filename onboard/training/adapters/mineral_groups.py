"""From the constituents that EMIT's L2B product identifies to the ten EMIT minerals.

The product numbers its constituents differently from vintage to vintage and carries its own table of them,
``mineral_metadata``. Its rows are found in the published grouping by group and title, since records of the
research library were renumbered between builds, then by group and record of the standard library.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from onboard.minerals import MINERALS

Mask = npt.NDArray[np.bool_]

STABLE_LIBRARY = "splib06"
_BUILD_CODE = re.compile(r"w\dr\d|[ar]ref$|=|[sr]06|[sr]p[lr][il]b06", re.IGNORECASE)
_TELLING = re.compile(
    r"calcite|(?<!per)chlor|dolomit|goeth|gyps|hemat|illit|musc|kaol|montmor|smect|vermic", re.IGNORECASE
)
"""What a title has in it whose constituent may hold one of the ten."""


@dataclass(frozen=True)
class Constituent:
    """A row of the product's ``mineral_metadata``, or of the published grouping."""

    group: int
    library: str
    record: int
    name: str

    @property
    def title(self) -> str:
        """The name in lower case, without the codes of a library's build behind it."""
        words = self.name.lower().split()
        ends = [place for place, word in enumerate(words) if _BUILD_CODE.match(word)]
        return " ".join(words[: ends[0]] if ends else words)


@cache
def published_grouping() -> Mapping[Constituent, Mapping[str, float]]:
    """Return the minerals in each constituent that has any, with their share (-1: not stated)."""
    text = resources.files(__package__).joinpath("mineral_groups.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    table: dict[Constituent, Mapping[str, float]] = {}
    for row in rows:
        key = Constituent(int(row["group"]), row["library"], int(row["record"]), row["name"])
        pairs = (pair.split("=") for pair in row["minerals"].split(";"))
        table[key] = {name: float(share) for name, share in pairs}
    return table


@cache
def _indices() -> tuple[dict[tuple[int, str], Constituent], dict[tuple[int, int], Constituent]]:
    by_title = {(item.group, item.title): item for item in published_grouping()}
    by_record = {
        (item.group, item.record): item for item in published_grouping() if item.library == STABLE_LIBRARY
    }
    return by_title, by_record


def minerals_in(constituent: Constituent) -> Mapping[str, float] | None:
    """Return the minerals in a constituent: empty if none of the ten, None if it cannot be told.

    Args:
        constituent: As the product lists it.
    """
    by_title, by_record = _indices()
    found = by_title.get((constituent.group, constituent.title))
    if found is None and constituent.library == STABLE_LIBRARY:
        found = by_record.get((constituent.group, constituent.record))
    if found is not None:
        return published_grouping()[found]
    if constituent.group == 2 and _TELLING.search(constituent.name):
        return None
    return None if constituent.group == 1 and re.search("goeth|hemat", constituent.name, re.I) else {}


def group_minerals(group: int) -> Mask:
    """Return (10,) bool: minerals that a spectral group (1 or 2) decides on."""
    named = {name for item, found in published_grouping().items() if item.group == group for name in found}
    return np.array([name in named for name in MINERALS])
