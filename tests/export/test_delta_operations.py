"""How bytes are said by other bytes: each way must give them back exactly."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.delta_operations import (
    Operation,
    added_bytes,
    added_words,
    cheapest,
    copied,
    joined,
    literal,
    low_rank,
    predicted,
)
from export.delta_reference import rebuild
from onboard.flight.bundle import TRAILER
from onboard.flight.delta import COPY, DELTA_HEADER, RAW


def replayed(old: bytes, operations: list[Operation], new: bytes) -> bytes:
    stream = zlib.compress(b"".join(operation.encode() for operation in operations))
    base, made = hashlib.sha256(old).digest(), hashlib.sha256(new).digest()
    header = DELTA_HEADER.pack(b"", 1, 0, 0, 1, 0, 0, 0, 0, len(operations), 0, base, made, b"")
    return rebuild(old, header + stream + bytes(TRAILER.size))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=8, max_size=200), st.data())
def test_bytes_and_words_come_back(old: bytes, data: st.DataObject) -> None:
    size = 4 * data.draw(st.integers(1, len(old) // 4))
    offset = data.draw(st.integers(0, len(old) - size))
    new = data.draw(st.binary(min_size=size, max_size=size))
    for operation in (added_bytes(old, offset, new), added_words(old, offset, new), literal(new)):
        assert operation.size == size
        assert replayed(old, [operation], new) == new


def floats(seed: int, shape: tuple[int, int], scale: float = 1.0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0.0, scale, shape).astype("<f4")


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_the_rank_of_a_change_is_found_and_comes_back(rank: int) -> None:
    shape = (40, 120)
    before = floats(1, shape)
    change = floats(2, (40, rank)).astype(float) @ floats(3, (rank, 120), 0.02)
    after = (before + change).astype("<f4")
    operation = low_rank(before.tobytes(), 0, after.tobytes(), shape)
    assert operation is not None
    assert operation.rank == rank
    assert replayed(before.tobytes(), [operation], after.tobytes()) == after.tobytes()
    words = added_words(before.tobytes(), 0, after.tobytes())
    assert cheapest([words, operation, None]) is operation


def test_full_rank_no_change_and_odd_values_need_no_factors() -> None:
    shape = (30, 30)
    before, after = floats(1, shape), floats(2, shape)
    words = added_words(before.tobytes(), 0, after.tobytes())
    assert cheapest([words, low_rank(before.tobytes(), 0, after.tobytes(), shape)]) is words
    assert low_rank(before.tobytes(), 0, before.tobytes(), shape) is None
    after[3, 4] = np.nan
    assert low_rank(before.tobytes(), 0, after.tobytes(), shape) is None


def test_what_overflows_is_predicted_as_zero() -> None:
    before = np.array([[1.0, np.inf, np.nan, -2.0]], "<f4")
    left, right = np.array([[3e38]], "<f4"), np.array([[3e38, 1, 1, 0]], "<f4")
    assert predicted(before, left, right).view("<f4").tolist() == [0.0, 0.0, 0.0, -2.0]


def test_neighbours_are_joined() -> None:
    result = joined([copied(0, 4), copied(4, 6), literal(b""), literal(b"ab"), literal(b"c"), copied(20, 1)])
    assert [(item.kind, item.old_offset, item.rows) for item in result] == [
        (COPY, 0, 10),
        (RAW, 0, 3),
        (COPY, 20, 1),
    ]
    assert result[1].data == b"abc"
