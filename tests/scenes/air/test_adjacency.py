from __future__ import annotations

import numpy as np
import pytest

from onboard.scenes.air import adjacency
from onboard.scenes.arrays import NumpyRandom, host, like

NEAR = np.asarray([0.0, 0.5, 1.0], np.float32)


def test_uniform_ground_has_itself_as_environment() -> None:
    reflectance = np.full((2, 50, 61, 3), 0.3, np.float32)
    np.testing.assert_allclose(adjacency.environment(reflectance, NEAR), 0.3, atol=1e-6)


def test_the_near_kernel_has_the_width_of_the_source() -> None:
    spot = np.zeros((1, 256, 256, 3), np.float32)
    spot[0, 120:128, 120:128] = 1.0
    around = adjacency.environment(spot, NEAR)[0]
    place = (np.arange(256) - 123.5) * 0.06
    weights = around[..., 2]
    square = float((weights * place[:, None] ** 2).sum() / weights.sum())
    # The pooled cell and the interpolation add their own width.
    cell = (8 * 0.06) ** 2
    assert square == pytest.approx(adjacency.NEAR_KM**2 + cell / 12 + cell / 6, rel=0.1)
    # Far light is spread thin.
    assert around[124, 124, 0] < 0.1 * around[124, 124, 2]
    np.testing.assert_allclose(around[..., 1], 0.5 * (around[..., 0] + around[..., 2]), atol=1e-6)


def test_environment_stays_within_the_scene_and_keeps_its_mean() -> None:
    reflectance = NumpyRandom(1).uniform((1, 128, 128, 3))
    around = adjacency.environment(reflectance, NEAR)
    assert around.min() >= reflectance.min()
    assert around.max() <= reflectance.max()
    assert around.mean() == pytest.approx(float(reflectance.mean()), abs=0.01)
    assert around.std() < 0.2 * reflectance.std()


@pytest.mark.parametrize("shape", [(40, 56), (37, 61), (8, 8)])
def test_any_line_is_that_of_the_whole(shape: tuple[int, int]) -> None:
    coarse = NumpyRandom(2).uniform((2, adjacency.coarse_size(shape[0]), adjacency.coarse_size(shape[1]), 3))
    environment = adjacency.Environment.from_coarse(coarse, NEAR, shape)
    whole = environment.all()
    assert whole.shape == (2, *shape, 3)
    for line in (0, 3, shape[0] // 2, shape[0] - 1):
        np.testing.assert_allclose(environment.line(line), whole[:, line], atol=1e-5)


def test_pooling_averages_squares_and_what_is_left_at_the_edge() -> None:
    values = NumpyRandom(3).uniform((1, 20, 11, 2))
    coarse = adjacency.pooled(values)
    assert coarse.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(coarse[0, 0, 0], values[0, :8, :8].mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(coarse[0, 2, 1], values[0, 16:, 8:].mean(axis=(0, 1)), atol=1e-6)


def test_numpy_and_torch_agree() -> None:
    torch = pytest.importorskip("torch")
    reflectance = NumpyRandom(4).uniform((2, 24, 32, 3))
    other = like(reflectance, torch.zeros(()))
    near = like(NEAR, other)
    np.testing.assert_allclose(
        adjacency.environment(reflectance, NEAR), host(adjacency.environment(other, near)), atol=1e-4
    )
    coarse = adjacency.pooled(other)
    line = adjacency.Environment.from_coarse(coarse, near, (24, 32)).line(5)
    np.testing.assert_allclose(adjacency.environment(reflectance, NEAR)[:, 5], host(line), atol=1e-4)
