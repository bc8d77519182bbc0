from __future__ import annotations

import numpy as np
import pytest

from onboard.minerals import MINERALS
from onboard.scenes.climates import CLIMATES, Climate, get_climate
from onboard.scenes.ground import COVER_LEVEL, GroundMaps, build_ground, inverse_smooth_step
from onboard.scenes.palette import RECIPES

NAMES = (*RECIPES, *MINERALS)
GROUPS = {name: (2 * i, 2 * i + 1) for i, name in enumerate(NAMES)}
ENDMEMBERS = 2 * len(NAMES)
SHAPE = (160, 200)


def ground(seed: int, climate: Climate) -> GroundMaps:
    return build_ground(np.random.default_rng(seed), SHAPE, climate, GROUPS)


@pytest.mark.parametrize("climate", CLIMATES, ids=lambda c: c.name)
def test_every_pixel_is_whole_and_the_truth_is_what_was_mixed(climate: Climate) -> None:
    maps = ground(1, climate)
    for line in (0, 77, SHAPE[0] - 1):
        weights = maps.line_weights(line, ENDMEMBERS)
        assert weights.shape == (SHAPE[1], ENDMEMBERS)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=3e-3)
        assert weights.min() >= 0
        for index, name in enumerate(MINERALS):
            mixed = weights[:, list(GROUPS[name])].sum(axis=1)
            np.testing.assert_allclose(mixed, maps.minerals[index, line].astype(np.float32), atol=1e-6)


def test_each_mineral_covers_its_share_of_arid_ground() -> None:
    covers = np.stack(
        [(ground(s, get_climate("arid-bright")).minerals >= COVER_LEVEL).mean(axis=(1, 2)) for s in range(4)]
    )
    assert (covers.mean(axis=0) > 0.008).all()
    assert (covers < 0.08).all()
    assert (covers > 0).all()


def test_minerals_also_occur_together_and_never_fill_more_than_a_pixel() -> None:
    minerals = ground(3, get_climate("arid-dark")).minerals.astype(np.float32)
    assert ((minerals >= COVER_LEVEL).sum(axis=0) >= 2).mean() > 0.002
    assert minerals.sum(axis=0).max() <= 1.0


def test_ground_is_structured_and_not_white() -> None:
    maps = ground(4, get_climate("semi-arid"))
    same = (maps.province[:, 1:] == maps.province[:, :-1]).mean()
    assert same > 0.8
    assert np.unique(maps.province).size >= 4
    slot = maps.slot_weights[0].astype(np.float32)
    rough, spread = np.abs(np.diff(slot, axis=1)).mean(), slot.std()
    assert rough < 0.6 * spread


def test_the_same_seed_gives_the_same_maps() -> None:
    one, two, three = (ground(s, get_climate("urban")) for s in (5, 5, 6))
    np.testing.assert_array_equal(one.minerals, two.minerals)
    np.testing.assert_array_equal(one.cover.member, two.cover.member)
    assert not np.array_equal(one.minerals, three.minerals)


def test_relief_shades_around_flat_ground() -> None:
    rough, flat = ground(7, get_climate("arid-dark")), ground(7, get_climate("farmland"))
    assert rough.shade.mean() == pytest.approx(1, abs=0.02)
    assert rough.shade.std() > 2 * flat.shade.std()
    assert rough.elevation_m.min() >= 0


@pytest.mark.parametrize("value", [0.0, 0.15, 0.5, 0.9, 1.0])
def test_the_step_is_inverted(value: float) -> None:
    t = inverse_smooth_step(value)
    assert 3 * t**2 - 2 * t**3 == pytest.approx(value, abs=1e-9)
