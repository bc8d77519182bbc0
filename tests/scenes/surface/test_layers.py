from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface.layers import NOTHING, USES, Cover, bare, draw_palette
from tests.scenes.surface.support import GROUPS, KINDS


def test_what_covers_most_names_the_pixel_and_shares_add_up() -> None:
    cover = bare(NumpyRandom(1), (1, 1, 3))
    cover = cover.under(1, np.array([[[0.6, 0.2, 0.0]]], np.float32))
    cover = cover.under(2, np.array([[[0.3, 0.5, 0.0]]], np.float32))
    assert cover.material.dtype == np.uint8
    assert cover.material.tolist() == [[[1, 2, NOTHING]]]
    np.testing.assert_allclose(cover.share, [[[0.3 + 0.6 * 0.7, 0.5 + 0.2 * 0.5, 0]]], rtol=1e-6)


@given(st.lists(st.floats(0, 1, width=16), min_size=1, max_size=6))
def test_cover_never_exceeds_a_pixel(shares: list[float]) -> None:
    cover = bare(NumpyRandom(1), (1, 1, 1))
    for number, share in enumerate(shares):
        cover = cover.under(number, np.full((1, 1, 1), share, np.float32))
    assert 0 <= float(cover.share[0, 0, 0]) <= 1
    assert (cover.material[0, 0, 0] == NOTHING) == (max(shares) == 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tile", [True, False])
def test_palettes_hold_materials_of_their_uses(kind: Any, tile: bool) -> None:
    palette = draw_palette(kind(2), 3, GROUPS, tile=tile)
    members = host(palette.members)
    assert members.shape == (3, palette.size)
    assert palette.size == sum(few if tile else many for _, few, many, _ in USES.values()) < NOTHING
    for use, (odds, *_) in USES.items():
        first, count = palette.places[use]
        assert np.isin(members[:, first : first + count], [m for name in odds for m in GROUPS[name]]).all()
        picked = host(palette.pick(use, kind(3).uniform((1000,))))
        assert set(np.unique(picked)) == set(range(first, first + count))


@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_materials_are_spread_over_pixels(kind: Any) -> None:
    random = kind(2)
    cover = Cover(random.asarray([[[0, 2, NOTHING]]], "uint8"), random.asarray([[[1, 0.5, 0]]]))
    assert host(cover.of(random.asarray([7.0, 8.0, 9.0]))).tolist() == [[[7, 9, 0]]]


def test_a_use_without_endmembers_is_refused() -> None:
    with pytest.raises(UsageError, match="water"):
        draw_palette(NumpyRandom(1), 1, {**GROUPS, "water": ()}, tile=True)
