"""Deltas through the core: what it takes, what it refuses, and that Python and C++ agree to the last bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from export.bundle import sign_container, write_container
from export.delta import bundle_operations, make_delta, sign_delta
from export.delta_reference import rebuild
from export.keys import public_key_of
from onboard.errors import BundleError
from onboard.flight.bundle import read_container
from onboard.flight.delta import apply_delta, describe_delta
from tests.support.bundles import TEST_SEED, TestBundle, build_test_bundle
from tests.support.revisions import revised

Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def old() -> TestBundle:
    return build_test_bundle()


@pytest.fixture(scope="module")
def new(old: TestBundle) -> bytes:
    random = np.random.default_rng(4)
    return revised(old.data, lambda name, v: v + random.normal(0, 0.1, v.shape), TEST_SEED)


@pytest.fixture(scope="module")
def delta(old: TestBundle, new: bytes) -> bytes:
    return sign_delta(make_delta(old.data, new), TEST_SEED)


def test_a_delta_describes_itself(old: TestBundle, new: bytes, delta: bytes) -> None:
    info = describe_delta(delta)
    assert (info.sequence, info.old_size, info.new_size) == (8, len(old.data), len(new))
    assert info.signed
    assert not describe_delta(make_delta(old.data, new)).signed
    assert info.memory_bytes < 2 * len(new) + (256 << 10)


def test_it_gives_the_very_bundle(old: TestBundle, new: bytes, delta: bytes) -> None:
    assert apply_delta(old.data, delta, [old.public_key]) == new
    assert apply_delta(old.data, delta, [old.public_key], minimum_sequence=8, now_unix_s=5, target="x") == new


def with_tensor(values: Floats, sequence: int) -> bytes:
    """Return a signed bundle with a graph more; the core takes the header's sequence, not the manifest's."""
    model = onnx.ModelProto()
    model.graph.initializer.append(numpy_helper.from_array(values, "w"))
    parts = {**build_test_bundle().parts, "more.onnx": model.SerializeToString()}
    return sign_container(write_container(parts, sequence), TEST_SEED)


def changed_by_rank(seed: int, rank: int, scale: float, decades: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    before = random.normal(0, 1, (40, 64)) * 10.0 ** random.integers(-decades, decades + 1, (40, 64))
    before = before.astype(np.float32)
    change = scale * random.normal(0, 1, (40, rank)) @ random.normal(0, 1, (rank, 64))
    return before, (before + change).astype(np.float32)


def agree(before: Floats, after: Floats) -> None:
    one, other = with_tensor(before, 7), with_tensor(after, 8)
    made = sign_delta(make_delta(one, other), TEST_SEED)
    assert rebuild(one, made) == apply_delta(one, made, [public_key_of(TEST_SEED)]) == other


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(1, 3), st.floats(1e-6, 1e3), st.integers(0, 20), st.booleans())
def test_python_and_core_agree_on_any_change(
    seed: int, rank: int, scale: float, decades: int, odd: bool
) -> None:
    before, after = changed_by_rank(seed, rank, scale, decades)
    if odd:
        before[0, :4] = [1e-42, -0.0, 3e38, np.nan]
    agree(before, after)


@pytest.mark.parametrize("rank", [1, 5])
def test_python_and_core_agree_on_factors(rank: int) -> None:
    before, after = changed_by_rank(rank, rank, 0.01, 0)
    containers = [read_container(with_tensor(values, 7)) for values in (before, after)]
    assert max(operation.rank for operation in bundle_operations(*containers)) == rank
    agree(before, after)


def test_who_signed_and_when_it_counts(old: TestBundle, new: bytes, delta: bytes) -> None:
    keys = [old.public_key]
    with pytest.raises(BundleError, match="delta is not signed"):
        apply_delta(old.data, make_delta(old.data, new), keys)
    stranger = bytes(reversed(TEST_SEED))
    with pytest.raises(BundleError, match="not trusted"):
        apply_delta(old.data, sign_delta(delta, stranger), keys)
    with pytest.raises(BundleError, match=r"older than allowed.*found: 8; expected: at least 9"):
        apply_delta(old.data, delta, keys, minimum_sequence=9)
    with pytest.raises(BundleError, match="made for another bundle"):
        apply_delta(new, delta, keys)
    with pytest.raises(BundleError, match="malformed"):
        apply_delta(old.data, new, keys)


def test_the_new_bundle_must_be_trusted_itself(old: TestBundle, new: bytes) -> None:
    stranger = bytes(reversed(TEST_SEED))
    foreign = sign_delta(make_delta(old.data, sign_container(new, stranger)), TEST_SEED)
    with pytest.raises(BundleError, match="the bundle is signed by a key that is not trusted"):
        apply_delta(old.data, foreign, [old.public_key])


def test_damage_is_refused(old: TestBundle, delta: bytes) -> None:
    random = np.random.default_rng(8)
    for at in random.choice(len(delta), 300, replace=False):
        damaged = bytearray(delta)
        damaged[at] ^= 1 << int(random.integers(8))
        with pytest.raises(BundleError):
            apply_delta(old.data, bytes(damaged), [old.public_key])
    for size in random.integers(0, len(delta), 100):
        with pytest.raises(BundleError):
            apply_delta(old.data, delta[:size], [old.public_key])
    with pytest.raises(BundleError):
        apply_delta(old.data, delta + b"\0", [old.public_key])
