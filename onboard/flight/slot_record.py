"""The record of a folder of slots: which bundle flies, which flew before, the highest sequence ever."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onboard.errors import BundleError

RECORD_FORMAT = 1
RECORD_MAX_BYTES = 4096
MAX_SEQUENCE = (1 << 64) - 1
HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Slot:
    """A bundle in a slot: the slot (``a`` or ``b``), the bundle's sequence, its file's SHA-256 in hex."""

    name: str
    sequence: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """``previous`` is what a rollback goes back to, if anything; ``high_water`` never falls."""

    active: Slot
    previous: Slot | None
    high_water: int


def encode_record(record: Record) -> bytes:
    """Return the record as one line of JSON and the line's SHA-256 in hex."""
    line = json.dumps({"format": RECORD_FORMAT, **asdict(record)}).encode("ascii") + b"\n"
    return line + hashlib.sha256(line).hexdigest().encode("ascii") + b"\n"


def decode_record(data: bytes, file: Path) -> Record:
    """Decode and check a record.

    Raises:
        BundleError: If it is damaged, contradicts itself, or is of another format.
    """
    line, _, digest = data[:RECORD_MAX_BYTES].partition(b"\n")
    line += b"\n"
    if len(data) > RECORD_MAX_BYTES or digest != hashlib.sha256(line).hexdigest().encode("ascii") + b"\n":
        raise _refusal("the record is damaged", file, f"{len(data)} bytes", "JSON and its SHA-256")
    content = json.loads(line)
    if not isinstance(content, dict) or content.get("format") != RECORD_FORMAT:
        raise _refusal("unknown format of the record", file, content, f"format {RECORD_FORMAT}")
    active, previous = _slot(content.get("active"), file), content.get("previous")
    record = Record(
        active,
        None if previous is None else _slot(previous, file),
        _sequence(content.get("high_water"), file),
    )
    slots = [record.active, *([record.previous] if record.previous else [])]
    if len({slot.name for slot in slots}) != len(slots) or max(s.sequence for s in slots) > record.high_water:
        raise _refusal("the record contradicts itself", file, content, "two slots, neither above high_water")
    return record


def _slot(value: Any, file: Path) -> Slot:
    if not isinstance(value, dict) or set(value) != {"name", "sequence", "sha256"}:
        raise _refusal("the record is malformed", file, value, "a slot's name, sequence and sha256")
    name, digest = value["name"], value["sha256"]
    if name not in ("a", "b") or not isinstance(digest, str) or not HEX_DIGEST.fullmatch(digest):
        raise _refusal("the record is malformed", file, value, "slot a or b, and 64 hexadecimal digits")
    return Slot(name, _sequence(value["sequence"], file), digest)


def _sequence(value: Any, file: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SEQUENCE:
        raise _refusal("the record is malformed", file, value, "a sequence of 0 to 2^64-1")
    return value


def _refusal(problem: str, file: Path, found: object, expected: object) -> BundleError:
    return BundleError(
        problem,
        file=file,
        found=found,
        expected=expected,
        remedy=f"check the slots with `onboard bundle verify`; then remove {file.name} and its copy, and set "
        "the folder up again with `onboard bundle slots FOLDER --first BUNDLE`: the highest sequence is "
        "forgotten",
    )
