from __future__ import annotations

import json
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.replay.events import feature_collection, position
from tests.replay.stand_in import Event


def grid(lines: int = 20, samples: int = 15, lon_0: float = 10.0) -> Any:
    line, sample = np.meshgrid(np.arange(lines), np.arange(samples), indexing="ij")
    return SimpleNamespace(lon=lon_0 + 0.01 * sample + 0.001 * line, lat=50 - 0.02 * line)


@given(st.floats(-0.5, 19.5), st.floats(-0.5, 14.5))
def test_positions_follow_a_straight_grid_exactly_even_half_a_pixel_out(line: float, sample: float) -> None:
    found = position(grid(), line, sample)
    assert found == pytest.approx((10 + 0.01 * sample + 0.001 * line, 50 - 0.02 * line))


def test_one_pixel_captures_have_positions() -> None:
    assert position(grid(1, 1), 0.5, -0.5) == pytest.approx((10.0, 50.0))


def test_an_event_is_a_closed_counterclockwise_ring_around_its_pixels() -> None:
    collection = feature_collection([Event()], grid(), 60.0)
    feature = collection["features"][0]
    ring = feature["geometry"]["coordinates"][0]
    assert feature["geometry"]["type"] == "Polygon"
    assert ring[0] == ring[-1]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2
    assert area == pytest.approx(4 * 0.02 * 5 * 0.01, rel=1e-3)
    assert feature["properties"]["area_km2"] == pytest.approx(12 * 0.0036)
    assert feature["properties"]["peak_lon"] == pytest.approx(10.043)
    assert feature["properties"]["touches_edge"] is False
    json.dumps(collection, allow_nan=False)


def test_without_positions_the_pixels_remain() -> None:
    feature = feature_collection([Event()], None, 60.0)["features"][0]
    assert feature["geometry"] is None
    assert feature["properties"]["peak_line"] == 3


def test_unlocated_pixels_leave_the_peak_or_nothing() -> None:
    location = grid()
    location.lon[:3] = -9999.0
    assert feature_collection([Event()], location, 60.0)["features"][0]["geometry"]["type"] == "Point"
    location.lat[:] = np.nan
    assert feature_collection([Event()], location, 60.0)["features"][0]["geometry"] is None


def test_an_outline_over_the_antimeridian_becomes_a_point() -> None:
    location = grid(lon_0=179.94)
    location.lon[location.lon > 180] -= 360
    geometry = feature_collection([Event(first_sample=1, last_sample=9)], location, 60.0)["features"][0][
        "geometry"
    ]
    assert geometry["type"] == "Point"


def test_nan_becomes_null() -> None:
    feature = feature_collection([Event(ime_kg=float("nan"))], None, 60.0)["features"][0]
    assert feature["properties"]["ime_kg"] is None
