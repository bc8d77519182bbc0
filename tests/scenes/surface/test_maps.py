from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface import CLIMATES, Climate, SurfaceMaps, build_surface, get_climate
from tests.scenes.surface.support import ENDMEMBERS, GROUPS, KINDS


def tiles(kind: Any, key: int, climates: list[Climate], side: int = 64, **sun: Any) -> SurfaceMaps:
    return build_surface(kind(key), (len(climates), side, side), climates, GROUPS, tile=True, **sun)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_is_whole_and_the_truth_is_what_was_mixed(kind: Any) -> None:
    maps = tiles(kind, 1, list(CLIMATES))
    weights = host(maps.weights())
    assert weights.shape == (len(CLIMATES), 64, 64, ENDMEMBERS)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-4)
    assert weights.min() >= 0
    minerals = host(maps.minerals)
    for index, name in enumerate(MINERALS):
        first, *_, last = GROUPS[name]
        np.testing.assert_allclose(weights[..., [first, last]].sum(axis=-1), minerals[:, index], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_the_same_alone_and_together(kind: Any) -> None:
    maps = tiles(kind, 2, [get_climate("urban")] * 2)
    whole, some, one = (host(maps.weights(line)) for line in (None, slice(10, 14), 12))
    np.testing.assert_allclose(some, whole[:, 10:14], atol=1e-6)
    np.testing.assert_allclose(one, whole[:, 12], atol=1e-6)
    shares, members = host(maps.shares(12)), host(maps.members)
    assert shares.shape == (2, members.shape[1], 64)
    summed = np.zeros_like(one)
    for scene in range(2):
        for component, member in enumerate(members[scene]):
            summed[scene, :, member] += shares[scene, component]
    np.testing.assert_allclose(summed, one, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_maps_of_tiles_are_float32(kind: Any) -> None:
    maps = tiles(kind, 2, [get_climate("semi-arid")])
    found = (
        maps.slots,
        maps.minerals,
        maps.blend,
        maps.cover.share,
        maps.intimacy,
        maps.shade,
        maps.modulation,
    )
    assert {host(m).dtype.name for m in (*found, maps.elevation_m, maps.provinces.mix)} == {"float32"}


def test_a_capture_is_compact_and_its_pixels_are_whole() -> None:
    maps = build_surface(NumpyRandom(3), (1, 150, 170), [get_climate("farmland")], GROUPS)
    for line in (0, 77, 149):
        weights = maps.weights(line)
        assert weights.shape == (1, 170, ENDMEMBERS)
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1.5e-3)
    kept = (
        maps.slots,
        maps.minerals,
        maps.blend,
        maps.cover.share,
        maps.intimacy,
        maps.shade,
        maps.modulation,
    )
    assert all(array.dtype == np.float16 for array in (*kept, maps.provinces.mix))
    stored = (*kept, maps.elevation_m, maps.cover.material, maps.provinces.first, maps.provinces.second)
    assert sum(array.nbytes for array in stored) / (150 * 170) < 80


def test_a_scene_does_not_depend_on_its_neighbours_climates() -> None:
    mixed = tiles(NumpyRandom, 4, [get_climate("urban"), get_climate("arid-dark"), get_climate("coast")])
    alike = tiles(NumpyRandom, 4, [get_climate("arid-dark")] * 3)
    np.testing.assert_allclose(mixed.weights()[1], alike.weights()[1], atol=1e-6)
    np.testing.assert_allclose(mixed.shade[1], alike.shade[1], atol=1e-6)
    assert not np.allclose(mixed.shade[0], mixed.shade[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_gives_the_same_maps(kind: Any) -> None:
    one, two, three = (tiles(kind, key, [get_climate("semi-arid")]) for key in (5, 5, 6))
    for name in ("slots", "minerals", "shade", "modulation", "intimacy", "elevation_m"):
        np.testing.assert_array_equal(host(getattr(one, name)), host(getattr(two, name)))
        assert not np.array_equal(host(getattr(one, name)), host(getattr(three, name)))


@pytest.mark.parametrize("kind", KINDS)
def test_modulation_runs_from_pixels_to_regions(kind: Any) -> None:
    fields = host(tiles(kind, 6, [get_climate("semi-arid")] * 12, side=96).modulation)
    assert fields.shape == (12, 8, 96, 96)
    fields = fields[:, 2:]
    np.testing.assert_allclose(fields.std(axis=(0, 2, 3))[:4], 1, atol=0.15)
    rough = np.abs(np.diff(fields, axis=3)).mean(axis=(0, 2, 3))
    assert rough[0] > rough[1] > rough[2] > rough[5]


def test_water_lies_level_whatever_the_terrain() -> None:
    maps = tiles(NumpyRandom, 7, [get_climate("coast")] * 8)
    water = maps.cover.material == maps.palette.places["water"][0]
    deep = water & (maps.cover.share > 0.999)
    assert deep.any()
    np.testing.assert_allclose(maps.shade[deep], 1, atol=2e-3)


def test_the_sun_may_be_given() -> None:
    zenith, azimuth = np.asarray([50.0], np.float32), np.asarray([200.0], np.float32)
    maps = tiles(NumpyRandom, 8, [get_climate("arid-dark")], sun_zenith_deg=zenith, sun_azimuth_deg=azimuth)
    assert (maps.sun_zenith_deg, maps.sun_azimuth_deg) == (50, 200)


@pytest.mark.parametrize(
    ("shape", "climates", "groups", "word"),
    [
        ((2, 64, 64), 1, GROUPS, "climates"),
        ((1, 4, 64), 1, GROUPS, "shape"),
        ((1, 64, 64), 1, {**GROUPS, "calcite": ()}, "calcite"),
        ((1, 64, 64), 1, {k: v for k, v in GROUPS.items() if k not in ("oil",)}, "oil"),
    ],
)
def test_what_no_maps_can_be_made_of_is_refused(shape: Any, climates: int, groups: Any, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        build_surface(NumpyRandom(1), shape, [CLIMATES[0]] * climates, groups, tile=True)
