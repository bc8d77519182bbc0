"""Data sets by the names that ``data=NAME:PATH`` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from onboard.errors import CaptureError, UsageError
from onboard.training.adapters.common import TileSet

SCENES = "scenes"
"""The simulated pool, named so beside the public sets."""
TILES = "tiles"
"""Simulated tiles, made while a network learns."""
SIMULATED = (SCENES, TILES)
"""What needs no path."""


def _openers() -> dict[str, Callable[[Path], TileSet]]:
    from onboard.training.adapters import emit_l2b, oxhyper_ch4, oxhyper_minerals, starcop

    return {
        "emit-l2b": emit_l2b.open_emit_l2b,
        "oxhyper-minerals": oxhyper_minerals.open_minerals,
        "oxhyper-real-ch4": oxhyper_ch4.open_real,
        "oxhyper-synthetic-ch4": oxhyper_ch4.open_synthetic,
        "starcop": starcop.open_starcop,
    }


def names() -> list[str]:
    """Return the names that a recipe's data may have, simulated scenes and tiles among them."""
    return [*sorted(_openers()), *SIMULATED]


def check_name(name: str) -> None:
    """Refuse an unknown name, with the list of those that are known.

    Raises:
        UsageError: No data set has that name.
    """
    if name not in names():
        raise UsageError("unknown data set", field="data", found=name, expected=", ".join(names()))


def open_set(name: str, path: Path) -> TileSet:
    """Open a data set.

    Args:
        name: One of :func:`names`, but for what is simulated.
        path: Its folder, or the training CSV in it.

    Raises:
        UsageError: No data set on disk has that name.
        CaptureError: It is not there, or something of it is missing or malformed.
    """
    check_name(name)
    if name in SIMULATED:
        raise UsageError("simulated data are no data set on disk", field="data", found=name)
    if not path.exists():
        raise CaptureError(
            "data set is not there", file=path, field=name, found="no such folder", remedy="check the path"
        )
    return _openers()[name](path)
