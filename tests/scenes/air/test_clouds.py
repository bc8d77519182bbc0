from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.air import clouds
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host, like

SHAPE = (3, 100, 120)


def zenith(random: Any, value: float = 40.0) -> Any:
    return random.asarray([value, value, value])


def test_clear_skies_have_no_clouds() -> None:
    random = NumpyRandom(1)
    assert clouds.build_clouds(random, SHAPE, (0.0, 0.0, 0.0), sun_zenith_deg=zenith(random)) is None


@pytest.mark.parametrize("kind", [NumpyRandom, TorchRandom])
def test_each_scene_has_its_share(kind: Any) -> None:
    random = kind(2)
    made = clouds.build_clouds(random, SHAPE, (0.0, 0.2, 0.6), sun_zenith_deg=zenith(random))
    assert made is not None
    opacity, light = host(made.opacity), host(made.light)
    for values in (opacity, light):
        assert values.shape == SHAPE
        assert values.dtype == np.float32
        assert values.min() >= 0
        assert values.max() <= 1
    share = (opacity > 0).mean(axis=(1, 2))
    np.testing.assert_allclose(share, [0.0, 0.2, 0.6], atol=0.03)
    assert light[0].min() == 1
    assert light[1].min() < 0.9


def test_shadows_fall_away_from_the_sun_by_height_and_zenith() -> None:
    random = NumpyRandom(3)
    tau = np.zeros((1, 128, 128), np.float32)
    tau[0, 60:68, 60:68] = 40.0
    top, depth, azimuth = (random.asarray([v]) for v in (2.0, 0.6, 0.0))
    reach = random.asarray([np.tan(np.radians(45.0)) * 1000 / 60])
    light = clouds._shadow(tau, top, depth, reach, azimuth)[0]
    dark = 1 - light
    lines, samples = np.indices(dark.shape)
    # The sun stands towards later samples; layers lie between 2.0 and 1.4 km.
    assert (dark * samples).sum() / dark.sum() == pytest.approx(63.5 - 1.7 * 1000 / 60, abs=1.0)
    assert (dark * lines).sum() / dark.sum() == pytest.approx(63.5, abs=0.2)
    assert dark.max() > 0.95
    # Smooth edges: some pixels are neither dark nor lit.
    assert ((dark > 0.05) & (dark < 0.95)).sum() > 8


def test_clouds_cut_light_under_a_high_sun_where_they_stand() -> None:
    random = NumpyRandom(5)
    made = clouds.build_clouds(random, SHAPE, (0.3, 0.3, 0.3), sun_zenith_deg=zenith(random, 0.0))
    assert made is not None
    thick = made.opacity > 0.5
    assert made.light[thick].mean() < 0.3
    np.testing.assert_allclose(made.light[made.opacity == 0], 1.0, atol=1e-6)


def test_opacity_grows_with_optical_depth() -> None:
    opacity = clouds.opacity_of(np.asarray([0.0, 0.1, 1.0, 10.0, 100.0], np.float32))
    assert opacity[0] == 0
    assert (np.diff(opacity) > 0).all()
    assert opacity[-1] < 1
    assert opacity[3] == pytest.approx(1.5 / 3.5)


def test_rolled_maps_move_by_whole_and_by_half_pixels() -> None:
    values = NumpyRandom(5).normal((2, 9, 7))
    down, across = np.asarray([2.0, -3.0], np.float32), np.asarray([-1.0, 8.0], np.float32)
    moved = clouds.rolled(values, down, across)
    np.testing.assert_allclose(moved[0], np.roll(values[0], (2, -1), axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(moved[1], np.roll(values[1], (-3, 8), axis=(0, 1)), atol=1e-6)
    half = clouds.rolled(values, down * 0 + 0.5, across * 0)
    np.testing.assert_allclose(half, 0.5 * (values + np.roll(values, 1, axis=1)), atol=1e-6)
    torch = pytest.importorskip("torch")
    there = torch.zeros(())
    other = clouds.rolled(like(values, there), like(down + 0.3, there), like(across, there))
    np.testing.assert_allclose(clouds.rolled(values, down + 0.3, across), host(other), atol=1e-4)


def test_the_same_key_gives_the_same_clouds() -> None:
    made = []
    for _ in range(2):
        random = NumpyRandom(6)
        made.append(clouds.build_clouds(random, SHAPE, (0.1, 0.0, 0.4), sun_zenith_deg=zenith(random)))
    assert made[0] is not None
    assert made[1] is not None
    np.testing.assert_array_equal(made[0].opacity, made[1].opacity)
    np.testing.assert_array_equal(made[0].light, made[1].light)


@pytest.mark.parametrize("fraction", [(0.1, 0.2), (0.1, 0.2, 0.99), (0.1, -0.2, 0.3), (float("nan"), 0, 0)])
def test_fractions_that_are_none_are_refused(fraction: tuple[float, ...]) -> None:
    random = NumpyRandom(1)
    with pytest.raises(UsageError):
        clouds.build_clouds(random, SHAPE, fraction, sun_zenith_deg=zenith(random))
