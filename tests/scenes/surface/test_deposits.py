from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface.climates import Figures, get_climate
from onboard.scenes.surface.deposits import PRESENT, Deposits, draw_deposits, inverse_smooth_step
from onboard.scenes.surface.provinces import draw_provinces
from onboard.scenes.surface.terrain import draw_terrain
from tests.scenes.surface.support import KINDS


def deposits(
    kind: Any, shape: tuple[int, int, int], name: str, *, tile: bool, open_: float = 1.0
) -> Deposits:
    random = kind(11)
    figures = Figures(random.child("figures"), [get_climate(name)] * shape[0])
    terrain = draw_terrain(random.child("terrain"), shape, figures)
    provinces = draw_provinces(random.child("provinces"), shape, figures, terrain, tile=tile)
    ground = open_ * (0 * terrain.shade + 1)
    return draw_deposits(random.child("deposits"), figures, provinces, ground, tile=tile)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["arid-dark", "farmland"])
def test_tiles_hold_the_climates_cover_in_expectation(kind: Any, name: str) -> None:
    found = host(deposits(kind, (64, 64, 64), name, tile=True).abundance)
    expected = np.mean(get_climate(name).mineral_cover)
    shares = (found >= PRESENT).mean(axis=(2, 3))
    assert shares.mean() == pytest.approx(expected, rel=0.25)
    # A tile may hold none of a mineral, or much.
    assert (shares == 0).mean() > 0.1
    assert shares.max() > 3 * expected


def test_captures_hold_the_area_that_was_drawn_and_every_mineral() -> None:
    found = deposits(NumpyRandom, (1, 300, 320), "arid-bright", tile=False).abundance[0]
    shares = (found >= PRESENT).mean(axis=(1, 2))
    low, high = get_climate("arid-bright").mineral_cover
    assert (shares > 0.8 * low).all()
    assert (shares < 1.15 * high).all()


@pytest.mark.parametrize("kind", KINDS)
def test_minerals_occur_together_in_patches_and_never_fill_a_pixel(kind: Any) -> None:
    found = deposits(kind, (16, 96, 96), "arid-dark", tile=True)
    abundance, total = host(found.abundance), host(found.total)
    np.testing.assert_allclose(abundance.sum(axis=1), total, atol=1e-5)
    assert total.max() <= 0.95 + 1e-5
    present = abundance >= PRESENT
    assert (present.sum(axis=1) >= 2).mean() > 0.002
    # Neighbours agree: patches, not white noise.
    both = (present[..., 1:] & present[..., :-1]).mean() / present.mean()
    assert both > 0.6
    blend = host(found.blend)
    assert blend.min() >= 0
    assert blend.max() <= 1


def test_little_open_ground_is_denser() -> None:
    whole = deposits(NumpyRandom, (8, 64, 64), "arid-dark", tile=True).abundance
    half = deposits(NumpyRandom, (8, 64, 64), "arid-dark", tile=True, open_=0.5).abundance
    assert (half >= PRESENT).mean() > 1.5 * (whole >= PRESENT).mean()


@pytest.mark.parametrize("value", [0.0, 0.15, 0.5, 0.9, 1.0])
def test_the_step_is_inverted(value: float) -> None:
    t = float(inverse_smooth_step(np.asarray(value, np.float64)))
    assert 3 * t**2 - 2 * t**3 == pytest.approx(value, abs=1e-9)
