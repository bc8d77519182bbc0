from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.geometry import (
    ORTHO_STEP_DEG,
    draw_geometry,
    look_up_table,
    ortho_grid,
    place_pixels,
)


@settings(max_examples=12, deadline=None)
@given(st.integers(9, 30), st.integers(9, 30), st.floats(-3.1, 3.1), st.floats(-40, 40), st.floats(-1, 1))
def test_the_look_up_table_names_the_nearest_pixel(
    lines: int, samples: int, heading: float, lat0: float, sway: float
) -> None:
    lon, lat = place_pixels((lines, samples), (20.0, lat0), heading, 60.0, sway)
    geotransform, size = ortho_grid(lon, lat)
    glt_x, glt_y = look_up_table(lon, lat, geotransform, size)
    x = geotransform[0] + (np.arange(size[1]) + 0.5) * geotransform[1]
    y = geotransform[3] + (np.arange(size[0]) + 0.5) * geotransform[5]
    stretch = np.cos(np.radians(lat0))
    rows, columns = np.nonzero(glt_x)
    assert rows.size > 0.8 * lines * samples * 60**2 / (ORTHO_STEP_DEG * 111_195) ** 2 / stretch
    for row, column in list(zip(rows, columns, strict=True))[:: max(1, rows.size // 25)]:
        distance = np.hypot((lon - x[column]) * stretch, lat - y[row])
        named = distance[glt_y[row, column] - 1, glt_x[row, column] - 1]
        assert named <= distance.min() * 1.1 + 1e-5
        assert named < 0.8 * 60 / 111_195


def test_the_table_counts_from_one_and_zero_is_none() -> None:
    geometry = draw_geometry(np.random.default_rng(1), (40, 50))
    for table, size in ((geometry.glt_x, 50), (geometry.glt_y, 40)):
        assert table.dtype == np.int32
        assert table.min() == 0
        assert table.max() == size
        assert set(range(1, size + 1)) <= set(np.unique(table).tolist())
    np.testing.assert_array_equal(geometry.glt_x == 0, geometry.glt_y == 0)


def test_pixels_are_sixty_metres_apart() -> None:
    lon, lat = place_pixels((30, 30), (-104.0, 32.0), 0.7, 60.0)
    for axis in (0, 1):
        east = np.diff(lon, axis=axis) * np.cos(np.radians(32.0)) * 111_195
        north = np.diff(lat, axis=axis) * 111_195
        assert np.hypot(east, north).mean() == pytest.approx(60, rel=0.02)


def test_the_grid_holds_every_pixel() -> None:
    geometry = draw_geometry(np.random.default_rng(2), (60, 40))
    west, step, _, north, _, down = geometry.geotransform
    rows, columns = geometry.glt_x.shape
    assert west < geometry.lon.min()
    assert geometry.lon.max() < west + columns * step
    assert north > geometry.lat.max()
    assert geometry.lat.min() > north + rows * down
    assert step == -down == ORTHO_STEP_DEG
