from __future__ import annotations

import numpy as np
import pytest

from onboard.minerals import MINERALS
from onboard.scenes.spectra.palette import COUNTS, Palette, layout
from onboard.scenes.spectra.recipes import RECIPES


@pytest.mark.parametrize("tile", [False, True])
def test_the_layout_numbers_every_endmember_once(tile: bool) -> None:
    groups = layout(tile)
    assert set(groups) == set(COUNTS) == {*RECIPES, *MINERALS}
    assert [n for numbers in groups.values() for n in numbers] == list(range(sum(map(len, groups.values()))))
    assert all(len(groups[name]) == 2 for name in MINERALS)
    assert max(groups["vermiculite"]) < 255


def test_tiles_have_fewer_of_the_same_groups() -> None:
    small, large = layout(True), layout(False)
    assert all(1 <= len(small[group]) <= len(large[group]) for group in large)
    assert 40 <= sum(map(len, small.values())) <= 60


def test_a_palette_counts_its_endmembers() -> None:
    assert len(Palette(np.zeros((3, 7, 5)), np.zeros((3, 7, 5)), {})) == 7
