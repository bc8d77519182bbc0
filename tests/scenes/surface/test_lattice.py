from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface import lattice
from tests.scenes.surface.support import KINDS


def test_hashes_spread_over_their_range_and_agree_between_libraries() -> None:
    column, row = np.meshgrid(np.arange(-60, 60, dtype=np.float32), np.arange(-5, 55, dtype=np.float32))
    one, two = (host(lattice.cell_hash(k(0).asarray(column), k(0).asarray(row))) for k in KINDS)
    np.testing.assert_array_equal(one, two)
    assert one.min() >= 0
    assert one.max() < lattice.HASH_SIZE
    assert np.unique(one).size > 0.9 * lattice.HASH_SIZE
    assert (one[:, 1:] == one[:, :-1]).mean() < 0.01


@given(st.floats(1, 30), st.floats(-500, 500))
def test_places_in_cells_are_measured_from_their_centres(width: float, u: float) -> None:
    place = np.asarray([[[u]]], np.float32)
    column, _, du, _ = lattice.cells(place, place, np.float32(width), np.float32(width))
    assert abs(float(du[0, 0, 0])) <= 0.5 * width * (1 + 1e-3)
    assert float((column[0, 0, 0] + 0.5) * width + du[0, 0, 0]) == pytest.approx(u, abs=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_of_a_cell_share_its_properties(kind: Any) -> None:
    random = kind(1)
    table = lattice.properties(random, 2, 3)
    column = random.asarray(np.broadcast_to([1.0, 1.0, 2.0], (2, 1, 3)))
    one, two, three = (host(p) for p in lattice.of_cell(table, column, column))
    assert one.shape == two.shape == three.shape == (2, 1, 3)
    np.testing.assert_array_equal(one[..., 0], one[..., 1])
    assert (one[..., 0] != one[..., 2]).all()
    assert one[0, 0, 0] != one[1, 0, 0]


@given(st.floats(0.2, 6), st.floats(0.2, 6))
def test_a_box_covers_its_own_area(half_u: float, half_v: float) -> None:
    line, sample = np.meshgrid(np.arange(-9, 10.0), np.arange(-9, 10.0), indexing="ij")
    share = lattice.soft_box(line, sample, np.float64(half_u), np.float64(half_v))
    assert share.max() <= 1
    assert share.sum() == pytest.approx(4 * half_u * half_v, rel=0.5)


def test_turned_coordinates_keep_distances() -> None:
    u, v = lattice.turned_coordinates(NumpyRandom(1), (1, 20, 30), np.asarray([0.7], np.float32))
    assert float(np.hypot(u[0, -1, -1], v[0, -1, -1])) == pytest.approx(np.hypot(19, 29), rel=1e-5)
