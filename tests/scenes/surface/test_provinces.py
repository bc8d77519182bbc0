from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface.climates import Figures, get_climate
from onboard.scenes.surface.provinces import Provinces, draw_provinces, spread
from onboard.scenes.surface.terrain import draw_terrain
from tests.scenes.surface.support import KINDS


def provinces(kind: Any, shape: tuple[int, int, int], *, tile: bool, name: str = "semi-arid") -> Provinces:
    random = kind(7)
    figures = Figures(random.child("figures"), [get_climate(name)] * shape[0])
    terrain = draw_terrain(random.child("terrain"), shape, figures)
    return draw_provinces(random.child("provinces"), shape, figures, terrain, tile=tile)


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_show_several_provinces_with_gradual_borders(kind: Any) -> None:
    found = provinces(kind, (12, 128, 128), tile=True)
    first, second, mix = host(found.first), host(found.second), host(found.mix)
    numbers = [np.unique(f[f >= 0]).size for f in first]
    assert np.mean(numbers) > 2
    assert max(numbers) <= 4
    assert (first != second).all()
    assert mix.min() >= 0
    assert mix.max() <= 0.5
    # Borders are gradual: nearly even mixtures lie beside them, and pure ground away from them.
    assert ((mix > 0.05) & (mix < 0.45)).mean() > 0.02
    assert (mix < 0.01).mean() > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_shares_of_provinces_are_whole_and_continuous(kind: Any) -> None:
    found = provinces(kind, (2, 96, 96), tile=True)
    there = host(found.presence(slice(None)))
    np.testing.assert_allclose(there.sum(axis=1), 1, atol=1e-6)
    steps = np.abs(np.diff(there, axis=3)).max(axis=1)
    assert (steps > 0.95).mean() < 0.01
    table = found.random.normal((2, found.count, 3))
    spread_ = host(spread(table, found.presence(slice(10, 20))))
    np.testing.assert_allclose(
        spread_, np.einsum("npk,npls->nkls", host(table), there[:, :, 10:20]), atol=1e-4
    )


def test_captures_have_provinces_of_a_hundred_to_five_hundred_pixels_in_any_size() -> None:
    found = provinces(NumpyRandom, (1, 700, 600), tile=False)
    areas = np.bincount(found.first.ravel(), minlength=found.count)
    assert 50**2 < np.median(areas[areas > 0]) < 500**2
    whole = found.presence(slice(None))
    for rows, numbers, there in found.blocks():
        np.testing.assert_array_equal(there, whole[:, numbers, rows])
        np.testing.assert_allclose(there.sum(axis=1), 1, atol=1e-6)
    assert rows.stop == 700
    assert numbers.size < found.count
