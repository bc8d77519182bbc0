"""The Python types against the structs that fill them."""

from __future__ import annotations

from dataclasses import fields

from onboard.flight import structs
from onboard.flight.types import Health, PlumeEvent


def names(kind: type[structs.SizedStruct]) -> set[str]:
    return {field[0] for field in kind._fields_} - {"struct_size"}


def test_nothing_that_the_core_tells_is_lost() -> None:
    assert {field.name for field in fields(PlumeEvent)} == names(structs.Event)
    assert {field.name for field in fields(Health)} == names(structs.HealthReport)
