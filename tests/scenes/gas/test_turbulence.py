from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.gas.turbulence import (
    FASTEST_S,
    draw_wind_history,
    ornstein_uhlenbeck,
    taylor_spread,
)

KINDS = [NumpyRandom, TorchRandom]


@pytest.mark.parametrize("kind", KINDS)
def test_the_wind_turns_slowly_and_by_as_much_everywhere(kind: Any) -> None:
    random = kind(1)
    history = draw_wind_history(random, (3000,))
    age = random.asarray(np.asarray([0.0, 60.0, 3600.0, 7200.0]))
    values = host(history.at(age))
    assert values.shape == (3000, 4)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=0.05)
    likeness = [np.corrcoef(values[:, 0], values[:, i])[0, 1] for i in (1, 2)]
    assert likeness[0] > 0.95
    assert abs(likeness[1]) < 0.6
    fastest = 2 * np.pi / host(history.frequency).max()
    assert fastest >= FASTEST_S * 0.999


def test_one_history_serves_plumes_of_any_age() -> None:
    random = NumpyRandom(3)
    history = draw_wind_history(random, (2, 1))
    age = np.stack([np.linspace(0, 1000, 11), np.linspace(0, 2000, 11)])[None].repeat(2, 0).astype(np.float32)
    values = history.at(age)
    assert values.shape == (2, 2, 11)
    # At 1000 s both plumes of a scene have known the same wind.
    np.testing.assert_allclose(values[:, 0, 10], values[:, 1, 5], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_eddies_are_a_stationary_chain_with_their_memory(kind: Any) -> None:
    random = kind(5)
    age = random.asarray(np.broadcast_to(np.asarray([0, 10, 30, 100, 400.0]), (8000, 5)))
    memory = random.asarray(np.full(8000, 50.0))
    values = host(ornstein_uhlenbeck(random, age, memory, 2))
    assert values.shape == (8000, 5, 2)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=0.04)
    for j, lag in ((1, 10), (2, 30), (3, 100), (4, 400)):
        product = (values[:, 0, 0] * values[:, j, 0]).mean()
        assert product == pytest.approx(np.exp(-lag / 50), abs=0.05)
    assert abs((values[..., 0] * values[..., 1]).mean()) < 0.03


def test_spread_grows_as_taylor_has_it() -> None:
    age = np.asarray([[0.0, 0.4, 4.0, 40.0, 4e5]], np.float32)
    spread = taylor_spread(age, np.asarray([1.5], np.float32), np.asarray([400.0], np.float32))[0]
    assert spread[0] == 0
    np.testing.assert_allclose(spread[1:3], 1.5 * age[0, 1:3], rtol=2e-3)
    t = 40 / 400
    assert spread[3] == pytest.approx(1.5 * 400 * np.sqrt(2 * (t - 1 + np.exp(-t))), rel=1e-4)
    assert spread[4] == pytest.approx(1.5 * np.sqrt(2 * 400 * 4e5), rel=1e-3)
