from __future__ import annotations

import numpy as np
import pytest

from onboard.scenes.arrays import NumpyRandom, Random, TorchRandom, host, like, namespace, seed_of

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


def test_a_seed_follows_from_its_key_alone() -> None:
    assert seed_of((1, "a")) == seed_of((1, "a")) != seed_of((1, "b"))
    assert 0 <= seed_of(("x",)) < 2**63


@pytest.mark.parametrize("kind", KINDS)
def test_values_follow_an_array_to_its_library(kind: type[NumpyRandom] | type[TorchRandom]) -> None:
    array = kind(1).uniform((3,))
    assert namespace(1.0, array) is namespace(array)
    assert type(like([1, 2], array)) is type(array)
