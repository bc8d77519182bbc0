"""The model card as a part of a bundle: whole, of this bundle, of these networks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from export.bundle import write_container
from onboard.errors import BundleError
from onboard.flight.bundle import read_container
from onboard.flight.card import (
    CARD_FORMAT,
    CARD_MAX_BYTES,
    CARD_PART,
    CARD_SECTIONS,
    digests,
    label_of,
    read_card,
)
from onboard.flight.contents import read_contents
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan


def card(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {name: {} for name in CARD_SECTIONS} | {
        "format": CARD_FORMAT,
        "bundle": label_of(sample_manifest(sample_plan())),
        "parts": digests(sample_parts()),
    }
    return values | changes


def read(text: bytes, **changes: bytes) -> dict[str, Any] | None:
    """Read a card beside the sample parts; ``changes`` replace these by name, with ``__`` for a dot."""
    changed = {name.replace("__", "."): part for name, part in changes.items()}
    parts = sample_parts() | changed | {CARD_PART: text}
    return read_card(read_container(write_container(parts, SEQUENCE), name="x.onb"))


def test_a_card_comes_back() -> None:
    assert read(json.dumps(card()).encode()) == card()


def test_a_bundle_without_a_card_has_none() -> None:
    assert read_card(read_container(write_container(sample_parts(), SEQUENCE))) is None


def test_other_readers_pass_over_it() -> None:
    parts = sample_parts() | {CARD_PART: b"no card at all"}
    assert read_contents(read_container(write_container(parts, SEQUENCE))).plan == sample_plan()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"{", "text"),
        (b"\xff", "text"),
        (b"[1]", "text"),
        (b"[" * 100_000, "text"),
        (b" " * (CARD_MAX_BYTES + 1), "size"),
        (json.dumps(card(format=2)).encode(), "format"),
        (json.dumps(card(format=True)).encode(), "format"),
        (json.dumps({"format": CARD_FORMAT}).encode(), "bundle"),
        (json.dumps(card(parts={})).encode(), "parts"),
        (json.dumps(card(bundle={})).encode(), "bundle"),
    ],
)
def test_what_is_no_card_of_this_bundle_is_refused(text: bytes, field: str) -> None:
    with pytest.raises(BundleError) as caught:
        read(text)
    assert caught.value.field == f"{CARD_PART}: {field}"
    assert caught.value.file == "x.onb"


def test_other_networks_beside_the_card_are_refused() -> None:
    with pytest.raises(BundleError, match="other networks"):
        read(json.dumps(card()).encode(), stem__onnx=b"other")


def test_a_manifest_without_a_label_contradicts_the_card() -> None:
    with pytest.raises(BundleError, match="another bundle"):
        read(json.dumps(card()).encode(), manifest__json=b"[]")
