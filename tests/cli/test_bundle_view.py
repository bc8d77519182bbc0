"""What ``onboard bundle show`` prints."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from export.bundle import write_container
from onboard.cli.bundle_view import describe, lines
from onboard.flight.bundle import read_container
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan

UNSIGNED = {
    "signed": False,
    "key_id": None,
    "key": None,
    "development_key": False,
    "good": False,
    "problem": "p",
}


@pytest.fixture
def description() -> dict[str, Any]:
    container = read_container(write_container(sample_parts(), SEQUENCE), name="x.onb")
    return describe(container, sample_manifest(sample_plan()))


def test_every_part_is_described_by_size_and_hash(description: dict[str, Any]) -> None:
    expected = [
        {"name": name, "bytes": len(part), "sha256": hashlib.sha256(part).hexdigest()}
        for name, part in sample_parts().items()
    ]
    assert description["parts"] == expected
    assert description["sequence"] == SEQUENCE
    assert description["plan"]["bands"] == 12


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (UNSIGNED, "none; flight refuses it"),
        (UNSIGNED | {"signed": True, "good": True, "key": "m"}, "good; by m"),
        (UNSIGNED | {"signed": True, "key_id": "ab" * 32}, f"p; by unknown key {'ab' * 8}"),
        (
            UNSIGNED | {"signed": True, "good": True, "key": "d", "development_key": True},
            "good; by d (published: never for flight)",
        ),
    ],
)
def test_the_signature_is_put_in_words(description: dict[str, Any], state: dict[str, Any], text: str) -> None:
    printed = [line for line in lines(description | {"signature": state}) if "signature" in line]
    assert printed == [f"  {'signature':<12} {text}"]


def test_expiry_and_target_are_shown_where_there_are_any(description: dict[str, Any]) -> None:
    shown = {**description, "signature": UNSIGNED}
    assert "expires" not in "".join(lines(shown))
    limited = {**shown, "limits": {"expires_unix_s": 1_800_000_000, "target": "x86-64-v4"}}
    text = "\n".join(lines(limited))
    assert "expires      2027-01-15 08:00:00+00:00" in text
    assert "target       x86-64-v4" in text
    far = {**shown, "limits": {"expires_unix_s": 1 << 63, "target": ""}}
    assert "9223372036854775808 s after 1970" in "\n".join(lines(far))
