from __future__ import annotations

import dataclasses

from onboard.flight import PlumeEvent
from onboard.replay.session import EVENT_FIELDS
from tests.replay.stand_in import Event


def test_the_stand_in_has_exactly_the_fields_of_an_event() -> None:
    assert tuple(field.name for field in dataclasses.fields(Event)) == EVENT_FIELDS


def test_the_flight_core_has_every_field_of_an_event() -> None:
    assert set(EVENT_FIELDS) <= {field.name for field in dataclasses.fields(PlumeEvent)}
