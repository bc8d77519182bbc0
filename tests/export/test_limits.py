"""Expiry and target go into a bundle, and out again."""

from __future__ import annotations

import json

from export.bundle import write_container
from export.limits import with_limits
from onboard.flight.bundle import read_container
from onboard.flight.contents import read_contents
from onboard.flight.limits import Limits
from tests.export.samples import SEQUENCE, sample_parts


def test_limits_are_given_changed_and_repeated_in_the_manifest() -> None:
    plain = read_container(write_container(sample_parts(), SEQUENCE))
    assert read_contents(plain).limits == Limits()
    once = read_container(with_limits(plain, Limits(5, "x86-64-v4")))
    contents = read_contents(once)
    assert contents.limits == Limits(5, "x86-64-v4")
    assert contents.manifest["limits"] == {"expires_unix_s": 5, "target": "x86-64-v4"}
    twice = read_container(with_limits(once, Limits(7)))
    assert read_contents(twice).limits == Limits(7)
    assert list(twice.parts) == list(once.parts)
    other = {name for name in plain.parts if plain.parts[name] != twice.parts[name]}
    assert other == {"manifest.json"}
    before, after = (json.loads(bytes(item.parts["manifest.json"])) for item in (plain, twice))
    assert {**before, "limits": after["limits"]} == after
    assert twice.sequence == SEQUENCE
