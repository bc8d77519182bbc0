from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from onboard.scenes.arrays import (
    BLOCK,
    MANY,
    NumpyRandom,
    Random,
    TorchRandom,
    box_muller,
    host,
    like,
    namespace,
    seed_of,
)

KINDS: list[type[NumpyRandom] | type[TorchRandom]] = [NumpyRandom, TorchRandom]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_draws_the_same_whatever_was_drawn_before(
    kind: type[NumpyRandom] | type[TorchRandom],
) -> None:
    parent = kind(7, "ground")
    parent.normal((5,))
    one, other = host(parent.child(3).normal((4, 2))), host(kind(7, "ground", 3).normal((4, 2)))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, host(parent.child(4).normal((4, 2))))


@pytest.mark.parametrize("kind", KINDS)
def test_draws_keep_their_bounds_types_and_odds(kind: type[NumpyRandom] | type[TorchRandom]) -> None:
    random: Random = kind(1)
    values = host(random.uniform((20_000,), -2.0, 3.0))
    assert values.dtype == np.float32
    assert values.min() >= -2
    assert values.max() <= 3
    assert values.mean() == pytest.approx(0.5, abs=0.05)
    assert set(host(random.integers(2, 5, (200,)))) == {2, 3, 4}
    drawn = np.bincount(host(random.choice([1.0, 0.0, 3.0], (20_000,))), minlength=3) / 20_000
    np.testing.assert_allclose(drawn, [0.25, 0.0, 0.75], atol=0.02)
    assert host(random.normal((20_000,))).std() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [MANY, 2 * BLOCK + 4001])
def test_many_normal_values_are_normal_and_independent(
    count: int, kind: type[NumpyRandom] | type[TorchRandom]
) -> None:
    values = np.concatenate([host(kind(key).normal((count,))) for key in range(-(-2_000_000 // count))])
    values = values.astype(np.float64)
    size = values.size
    moments = [values.mean(), values.var() - 1, (values**3).mean(), (values**4).mean() - 3]
    # Four deviations of each moment's own error: 1, 2, 15 and 96 over the number of values.
    np.testing.assert_array_less(np.abs(moments), 4 * np.sqrt(np.asarray([1, 2, 15, 96]) / size))
    for lag in (1, count // 2, count // 2 + 1):
        assert abs((values[lag:] * values[:-lag]).mean()) < 4 / np.sqrt(size - lag)
    for level, share in ((1.0, 0.158655), (2.0, 0.0227501), (3.0, 0.00134990), (4.0, 3.16712e-5)):
        above = np.asarray([(values > level).mean(), (values < -level).mean()])
        np.testing.assert_allclose(above, share, atol=4 * np.sqrt(share / size))


def test_normal_values_reach_no_further_than_stated_and_are_all_numbers() -> None:
    class Extremes:
        def integers(self, low: int, high: int, size: int, dtype: type) -> NDArray[np.uint64]:
            return np.asarray([0, 2**64 - 1, 2**32 - 1, 2**63][:size], np.uint64)

    values = np.empty(7, np.float32)
    box_muller(Extremes(), values)  # type: ignore[arg-type]
    assert np.isfinite(values).all()
    assert np.abs(values).max() < 6.77


def test_a_seed_follows_from_its_key_alone() -> None:
    assert seed_of((1, "a")) == seed_of((1, "a")) != seed_of((1, "b"))
    assert 0 <= seed_of(("x",)) < 2**63


@pytest.mark.parametrize("kind", KINDS)
def test_values_follow_an_array_to_its_library(kind: type[NumpyRandom] | type[TorchRandom]) -> None:
    array = kind(1).uniform((3,))
    assert namespace(1.0, array) is namespace(array)
    assert type(like([1, 2], array)) is type(array)
