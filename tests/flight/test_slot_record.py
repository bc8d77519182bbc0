"""The record: it comes back as it went, and damage is seen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import BundleError
from onboard.flight.slot_record import Record, Slot, decode_record, encode_record

FILE = Path("active")
RECORD = Record(Slot("b", 4, "ab" * 32), Slot("a", 3, "cd" * 32), 9)


@settings(deadline=None)
@given(st.integers(0, (1 << 64) - 1), st.integers(0, 5), st.booleans())
def test_a_record_comes_back(sequence: int, above: int, alone: bool) -> None:
    high = min(sequence + above, (1 << 64) - 1)
    previous = None if alone else Slot("b", 0, "0" * 64)
    record = Record(Slot("a", sequence, "f" * 64), previous, high)
    assert decode_record(encode_record(record), FILE) == record


def test_every_damaged_byte_and_every_cut_is_seen() -> None:
    data = encode_record(RECORD)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(BundleError):
            decode_record(bytes(damaged), FILE)
        with pytest.raises(BundleError):
            decode_record(data[:at], FILE)
    with pytest.raises(BundleError, match="damaged"):
        decode_record(data + b"\n", FILE)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("format", 2, "unknown format"),
        ("high_water", 3, "contradicts"),
        ("high_water", "9", "malformed"),
        ("active", {"name": "c", "sequence": 1, "sha256": "0" * 64}, "malformed"),
        ("active", {"name": "a", "sequence": 1, "sha256": "0" * 64}, "contradicts"),
        ("active", None, "malformed"),
        ("previous", {"name": "a", "sequence": True, "sha256": "0" * 64}, "malformed"),
        ("previous", [], "malformed"),
    ],
)
def test_what_makes_no_sense_is_refused(field: str, value: object, words: str) -> None:
    content = {**json.loads(encode_record(RECORD).partition(b"\n")[0]), field: value}
    line = json.dumps(content).encode() + b"\n"
    with pytest.raises(BundleError, match=words):
        decode_record(line + hashlib.sha256(line).hexdigest().encode() + b"\n", FILE)
