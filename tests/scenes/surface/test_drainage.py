from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface.drainage import blurred, drained_cells, draw_drainage
from tests.scenes.surface.support import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_drains_into_the_last_row(kind: Any) -> None:
    drained = np.exp(host(drained_cells(kind(1).normal((2, 40, 30)))))
    assert drained.shape == (2, 40, 30)
    np.testing.assert_allclose(drained[:, -1].sum(axis=1), 40 * 30, rtol=1e-4)
    np.testing.assert_allclose(drained[:, 0], np.maximum(1, drained[:, 0]))
    assert drained[:, -1].max() > 100


def test_water_follows_the_lowest_way_and_channels_are_whole() -> None:
    ground = np.ones((1, 6, 9), np.float32)
    path = [2, 3, 4, 4, 5, 6]
    ground[0, range(6), path] = 0
    drained = np.exp(drained_cells(ground))[0]
    assert [int(row.argmax()) for row in drained[2:]] == path[2:]
    # Where the channel steps from column 3 to 4, the cell beside it carries half.
    assert drained[1, 4] == pytest.approx(0.5 * drained[1, 3])


@pytest.mark.parametrize("kind", KINDS)
def test_valleys_lie_where_much_is_drained_and_low(kind: Any) -> None:
    random = kind(2)
    network = draw_drainage(random, 2, 80, 60, random.asarray([0.5, 1.5]))
    height, drained, valley = (host(network.surface)[..., i] for i in range(3))
    for i in range(2):
        assert np.corrcoef(drained[i].ravel(), valley[i].ravel())[0, 1] > 0.4
    channel = [height[i][drained[i] > 4].mean() - height[i].mean() for i in range(2)]
    assert channel[1] < channel[0] < 0


def test_places_between_cells_are_interpolated_and_columns_wrap() -> None:
    network = draw_drainage(NumpyRandom(3), 1, 20, 10, np.asarray([1.0], np.float32))
    row, column = np.full((1, 1, 3), 4.0, np.float32), np.asarray([[[2.0, 2.5, 12.0]]], np.float32)
    height = network.at(row, column)[0][0, 0]
    surface = network.surface[0, 4, :, 0]
    np.testing.assert_allclose(height, [surface[2], 0.5 * (surface[2] + surface[3]), surface[2]], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_blur_keeps_constants_and_spreads_alike_both_ways(kind: Any) -> None:
    random = kind(1)
    flat = host(blurred(random, random.asarray(np.ones((1, 300, 20)))))
    np.testing.assert_allclose(flat, 1, atol=1e-4)
    point = np.zeros((1, 601, 64))
    point[0, 256, 0] = 1
    spot = host(blurred(random, random.asarray(point)))[0]
    np.testing.assert_allclose(spot[256, 1:10], spot[257:266, 0], atol=1e-5)
    np.testing.assert_allclose(spot[:, 1:32], spot[:, :32:-1], atol=1e-6)
