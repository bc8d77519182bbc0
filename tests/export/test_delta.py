"""Deltas between whole bundles: sizes, round trips, and what the writer refuses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from export.bundle import sign_container, write_container
from export.delta import make_delta, sign_delta
from export.delta_reference import rebuild
from export.keys import DEVELOPMENT_KEY, load_private_key
from onboard.errors import BundleError
from onboard.flight.bundle import default_bundle_path, read_container
from onboard.flight.class_plan import CLASSES_PART, ClassPlan
from onboard.flight.delta import apply_delta, describe_delta
from onboard.flight.int8_body import INT8_PART, unpack_body
from onboard.flight.trust import trusted_keys
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan
from tests.support.bundles import TEST_SEED, build_test_bundle
from tests.support.revisions import Change, revised

HEADS = ("methane.head", "minerals.leave")
"""The last layers of either branch, as the graph names them."""
UPLINK_BYTES = 64 << 10


@pytest.fixture
def trained(float_bundle: Path) -> bytes:
    return float_bundle.read_bytes()


def new_head(name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[Any] | None:
    random = np.random.default_rng(len(name))
    return values + random.normal(0.0, 0.02, values.shape) if name.startswith(HEADS) else None


def new_everything(name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    return values + np.random.default_rng(len(name)).normal(0.0, 0.01, values.shape)


def low_rank_stem(rank: int) -> Change:
    def change(name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[Any] | None:
        if name != "weight":
            return None
        random = np.random.default_rng(rank)
        left, right = (
            random.normal(0, 0.03, (len(values), rank)),
            random.normal(0, 0.1, (rank, values.shape[1])),
        )
        return values.astype(np.float64) + left @ right

    return change


def round_trip(old: bytes, new: bytes, seed: bytes, keys: tuple[bytes, ...]) -> bytes:
    delta = sign_delta(make_delta(old, new), seed)
    assert rebuild(old, delta) == new
    assert apply_delta(old, delta, keys) == new
    return delta


def test_a_fine_tuned_head_fits_the_uplink(trained: bytes) -> None:
    seed = load_private_key(DEVELOPMENT_KEY)
    met: list[str] = []

    def change(name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[Any] | None:
        new = new_head(name, values)
        met.extend([name] if new is not None else [])
        return new

    delta = round_trip(trained, revised(trained, change, seed), seed, trusted_keys())
    assert all(any(name.startswith(head) for name in met) for head in HEADS)
    assert len(delta) < UPLINK_BYTES


def test_a_low_rank_change_costs_less_than_its_weights(trained: bytes) -> None:
    seed = load_private_key(DEVELOPMENT_KEY)
    same = len(make_delta(trained, revised(trained, lambda name, values: None, seed)))
    sizes = [
        len(round_trip(trained, revised(trained, low_rank_stem(rank), seed), seed, trusted_keys())) - same
        for rank in (1, 4)
    ]
    stem = 4 * 28 * 285
    assert sizes[0] < sizes[1] < stem / 2


def test_new_weights_everywhere_still_round_trip(trained: bytes) -> None:
    seed = load_private_key(DEVELOPMENT_KEY)
    delta = round_trip(trained, revised(trained, new_everything, seed), seed, trusted_keys())
    assert len(delta) < len(trained) / 4


def test_a_whole_quantized_body_fits_the_uplink() -> None:
    old, seed = default_bundle_path().read_bytes(), load_private_key(DEVELOPMENT_KEY)
    container = read_container(old)
    parts = {name: bytes(part) for name, part in container.parts.items()}
    body, random = unpack_body(parts[INT8_PART]), np.random.default_rng(3)
    layers = [
        replace(layer, weights=random.integers(-127, 128, layer.weights.shape).astype(np.int8))
        for layer in body.layers
    ]
    parts[INT8_PART] = replace(body, layers=tuple(layers)).pack()
    new = sign_container(write_container(parts, container.sequence + 1), seed)
    delta = sign_delta(make_delta(old, new), seed)
    assert rebuild(old, delta) == new
    assert len(delta) < UPLINK_BYTES


def test_wholly_different_bundles() -> None:
    old, new = build_test_bundle(), build_test_bundle(bands=40, seed=5, sequence=9)
    delta = round_trip(old.data, new.data, TEST_SEED, (old.public_key,))
    assert describe_delta(delta).sequence == 9
    parts = {**new.parts, "extra.bin": b"a part that the old bundle does not have"}
    more = sign_container(write_container(parts, 9), TEST_SEED)
    round_trip(old.data, more, TEST_SEED, (old.public_key,))
    round_trip(more, build_test_bundle(sequence=10).data, TEST_SEED, (old.public_key,))


def test_a_codebook_comes_changes_and_goes_as_any_part() -> None:
    centres = np.arange(32, dtype=np.int16).reshape(8, 4)
    books = [None, ClassPlan(np.arange(4), centres), ClassPlan(np.arange(4), centres - 5), None]
    parts = [{} if book is None else {CLASSES_PART: book.pack(24)} for book in books]
    bundles = [build_test_bundle(sequence=7 + i, parts=part) for i, part in enumerate(parts)]
    for old, new in itertools.pairwise(bundles):
        round_trip(old.data, new.data, TEST_SEED, (old.public_key,))


def test_the_same_bundles_give_the_same_delta() -> None:
    old, new = build_test_bundle(), build_test_bundle(seed=2, sequence=8)
    assert make_delta(old.data, new.data) == make_delta(old.data, new.data)


def test_what_makes_no_delta_is_refused() -> None:
    old = build_test_bundle()
    with pytest.raises(BundleError, match=r"not newer; field: header: sequence; found: 7; expected: above 7"):
        make_delta(old.data, build_test_bundle(seed=2).data)
    from export.manifest import encode_manifest

    manifest = encode_manifest(sample_manifest(sample_plan(), SEQUENCE + 1))
    unsigned = write_container(sample_parts(manifest__json=manifest), SEQUENCE + 1)
    with pytest.raises(BundleError, match="not signed"):
        make_delta(old.data, unsigned)
    with pytest.raises(BundleError, match=r"file: OLD"):
        make_delta(old.data[:-5], old.data)
    with pytest.raises(BundleError, match="malformed"):
        sign_delta(old.data, TEST_SEED)
    assert read_container(old.data).sequence == SEQUENCE
