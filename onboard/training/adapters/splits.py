"""The published parts of a data set: CSV files as they come, validation held out where none is published."""

from __future__ import annotations

import csv
import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from onboard.errors import CaptureError
from onboard.training.adapters.common import PARTS, TileRow, Window

log = logging.getLogger(__name__)

HELD_OUT = 0.1
"""Share of training captures that become validation where none is published."""
EVENT_COLUMNS = ("event_id", "id_original", "folder", "id")
WINDOW_COLUMNS = ("window_row_off", "window_col_off", "window_height", "window_width")
TILE_SUFFIX = re.compile(r"(_r\d+_c\d+_w\d+_h\d+)+$|_\d{1,3}$")
FALLBACKS = {"train": "*train*.csv", "validation": "*val*.csv", "test": "*test*.csv"}


def capture_of(event: str) -> str:
    """Return the capture that an event was cut from, as far as its name tells.

    Tiles of one flight line or granule share their ground, so they stay on one side of a split:
    ``ang20191018t141549_r8600_c403_w151_h151`` and ``..._012`` lose their endings.

    Args:
        event: An event's name.
    """
    return TILE_SUFFIX.sub("", event) or event


def draw(capture: str, part: str) -> float:
    """Return a number in [0, 1) that follows from a capture's name and a part's alone (SHA-256)."""
    return int.from_bytes(hashlib.sha256(f"{part} {capture}".encode()).digest()[:8], "big") / 2**64


def hold_out(
    rows: Sequence[TileRow], share: float, part: str = "validation"
) -> tuple[tuple[TileRow, ...], tuple[TileRow, ...]]:
    """Split rows into (kept, held out) by the hash of their capture's name.

    Where chance takes none or all, the capture with the smallest number alone is held out.

    Args:
        rows: Rows of one part.
        share: Of captures, about.
        part: What they are held out for; each part draws numbers of its own.
    """
    drawn = {capture: draw(capture, part) for capture in {capture_of(row.event) for row in rows}}
    out = {capture for capture, number in drawn.items() if number < share}
    if len(drawn) > 1 and not 0 < len(out) < len(drawn):
        out = {min(drawn, key=lambda capture: drawn[capture])}
    if len(drawn) < 2:
        out = set()
    kept = tuple(row for row in rows if capture_of(row.event) not in out)
    return kept, tuple(row for row in rows if capture_of(row.event) in out)


def read_parts(path: Path, names: Mapping[str, Sequence[str]]) -> dict[str, tuple[TileRow, ...]]:
    """Read a data set's parts.

    Args:
        path: Its folder, or the training CSV in it that is to be used.
        names: File names by part, the preferred first.

    Returns:
        Rows by part. Training shares no event with the others; what it shares is left out of it.

    Raises:
        CaptureError: No training CSV, or one that cannot be read, or no event of it on disk.
    """
    folder = path.parent if path.is_file() else path
    files = {part: _find(folder, part, names[part]) for part in PARTS}
    if path.is_file():
        files["train"] = path
    if files["train"] is None:
        raise CaptureError(
            "data set has no training CSV",
            file=path,
            found=", ".join(sorted(item.name for item in folder.glob("*.csv"))) or "no CSV at all",
            expected=" or ".join(names["train"]),
            remedy="name the data set's folder, or its training CSV",
        )
    parts = {part: () if file is None else read_csv(file, folder) for part, file in files.items()}
    if not parts["test"]:
        log.warning("%s: no test CSV (%s); nothing will be tested on it", folder, " or ".join(names["test"]))
    parts["train"] = _without(parts["train"], [*parts["test"], *parts["validation"]], files["train"])
    if not parts["validation"]:
        parts["train"], parts["validation"] = hold_out(parts["train"], HELD_OUT)
    if not parts["train"]:
        raise CaptureError(
            "data set has nothing to train on",
            file=files["train"],
            found="no row of an event that is on disk and in no other part",
            expected="at least one",
            remedy="download the events that the CSV names",
        )
    return parts


def _find(folder: Path, part: str, names: Sequence[str]) -> Path | None:
    """The part's CSV: by a published name, or the only one whose name has the part in it."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    found = sorted(folder.glob(FALLBACKS[part]))
    return found[0] if len(found) == 1 else None


def _without(rows: Iterable[TileRow], others: Iterable[TileRow], file: Path | None) -> tuple[TileRow, ...]:
    taken = {row.event for row in others}
    rows = tuple(rows)
    kept = tuple(row for row in rows if row.event not in taken)
    if len(kept) < len(rows):
        log.warning("%s: %d rows left out: their events are in another part", file, len(rows) - len(kept))
    return kept


def read_csv(file: Path, folder: Path) -> tuple[TileRow, ...]:
    """Read the rows of a part whose events are on disk.

    Args:
        file: The CSV.
        folder: The data set's.

    Raises:
        CaptureError: It cannot be read, has no column that names the event, or a value is malformed.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            columns = list(reader.fieldnames or ())
            table = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CaptureError("CSV cannot be read", file=file, found=str(error)[:200]) from error
    column = next((name for name in EVENT_COLUMNS if name in columns), None)
    if column is None:
        raise CaptureError(
            "CSV does not name its events",
            file=file,
            field="header",
            found=", ".join(columns[:12]) or "nothing",
            expected="one of " + ", ".join(EVENT_COLUMNS),
        )
    homes = _event_folders(folder)
    rows, missing = [], set()
    for number, record in enumerate(table, start=2):
        event = Path((record.get(column) or "").strip()).name
        if event not in homes:
            missing.add(event)
            continue
        rows.append(_row(record, event, homes[event], file, number))
    if missing:
        log.warning(
            "%s: %d of %d events are not on disk and left out, %s first",
            file,
            len(missing),
            len({row.event for row in rows} | missing),
            sorted(missing)[0] or "one without a name",
        )
    return tuple(rows)


def _event_folders(folder: Path) -> dict[str, Path]:
    """Folders by name, in the data set's own and one level below, where some archives unpack them."""
    direct = {item.name: item for item in folder.iterdir() if item.is_dir()}
    below = {item.name: item for home in direct.values() for item in home.iterdir() if item.is_dir()}
    return {**below, **direct}


def _row(record: Mapping[str, str], event: str, home: Path, file: Path, number: int) -> TileRow:
    numbers = [_number(record, name, file, number) for name in WINDOW_COLUMNS]
    window = None
    if all(value is not None for value in numbers):
        line, sample, lines, samples = (int(value or 0) for value in numbers)
        if line < 0 or sample < 0 or lines < 1 or samples < 1:
            raise CaptureError(
                "CSV has a window of no size",
                file=file,
                field=f"window_*, line {number}",
                found=(line, sample, lines, samples),
                expected="offsets from 0, sizes from 1",
            )
        window = Window(line, sample, lines, samples)
    word = (record.get("has_plume") or "").strip().lower()
    has_plume = {"true": True, "1": True, "false": False, "0": False}.get(word)
    return TileRow(event, home, window, _number(record, "qplume", file, number), has_plume)


def _number(record: Mapping[str, str], column: str, file: Path, number: int) -> float | None:
    text = (record.get(column) or "").strip()
    if not text or text.lower() in ("nan", "none"):
        return None
    try:
        return float(text)
    except ValueError as error:
        raise CaptureError(
            "CSV value is no number", file=file, field=f"{column}, line {number}", found=repr(text[:40])
        ) from error
