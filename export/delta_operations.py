"""Operations of an uplink delta: the ways to say bytes of a new bundle by bytes of an old one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from onboard.flight.delta import BYTES, COPY, MAX_FACTOR_BYTES, MAX_RANK, OPERATION, RAW, WORDS

Words = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]
PLANES = 4
TRIED_RANKS = 12
NOISE_MARGIN = 1.5
"""Of the largest singular value that rounding alone makes."""


@dataclass(frozen=True)
class Operation:
    """One operation: its fields as in ``docs/bundle.md``, and the stream's bytes that follow it."""

    kind: int
    rank: int
    old_offset: int
    rows: int
    columns: int
    data: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of the new bundle that it makes."""
        return self.rows * self.columns * (4 if self.kind == WORDS else 1)

    def encode(self) -> bytes:
        """Return the operation and its data as they lie in the stream."""
        fields = (self.kind, self.rank, self.old_offset, self.rows, self.columns)
        return OPERATION.pack(*fields) + self.data


def copied(old_offset: int, size: int) -> Operation:
    """Return the operation that takes ``size`` bytes of the old bundle as they are."""
    return Operation(COPY, 0, old_offset, size, 1)


def literal(data: bytes) -> Operation:
    """Return the operation that brings its bytes along."""
    return Operation(RAW, 0, 0, len(data), 1, data)


def added_bytes(old: bytes, old_offset: int, new: bytes) -> Operation:
    """Return new bytes as differences, modulo 256, to as many old ones at an offset."""
    before = np.frombuffer(old, np.uint8, len(new), old_offset)
    digits = (np.frombuffer(new, np.uint8) - before).tobytes()
    return Operation(BYTES, 0, old_offset, len(new), 1, digits)


def added_words(old: bytes, old_offset: int, new: bytes) -> Operation:
    """Return new 32-bit words as differences, modulo 2^32, to as many old ones at an offset."""
    count = len(new) // 4
    before = np.frombuffer(old, "<u4", count, old_offset)
    return Operation(WORDS, 0, old_offset, count, 1, planes(np.frombuffer(new, "<u4") - before))


def low_rank(old: bytes, old_offset: int, new: bytes, shape: tuple[int, int]) -> Operation | None:
    """Return new floats as old ones plus a product of two factors, and what that misses.

    At most as many ranks are tried as singular values of the change stand out of float rounding, and the
    cheapest is taken. None where nothing stands out, where factors would not be smaller than the tensor, or
    where a value is not finite.

    Args:
        old: The old bundle.
        old_offset: Where the old tensor lies in it.
        new: The new tensor's bytes, little-endian float32.
        shape: Its rows and columns.
    """
    before = np.frombuffer(old, "<f4", shape[0] * shape[1], old_offset).reshape(shape)
    after = np.frombuffer(new, "<f4").reshape(shape)
    change = after.astype(np.float64) - before
    if not np.isfinite(change).all():
        return None
    left, values, right = np.linalg.svd(change, full_matrices=False)
    rounding = float(np.sqrt(np.mean(np.spacing(np.abs(after)).astype(np.float64) ** 2) / 12.0))
    floor = NOISE_MARGIN * rounding * (shape[0] ** 0.5 + shape[1] ** 0.5)
    most = min(MAX_RANK, MAX_FACTOR_BYTES // (4 * shape[1]), (shape[0] * shape[1] - 1) // sum(shape))
    found = int((values > floor).sum())
    if not found or not most:
        return None

    def factored(rank: int) -> Operation:
        scale = np.sqrt(values[:rank])
        tall = (left[:, :rank] * scale).astype("<f4")
        wide = (right[:rank] * scale[:, None]).astype("<f4")
        missed = np.frombuffer(new, "<u4") - predicted(before, tall, wide)
        return Operation(WORDS, rank, old_offset, *shape, wide.tobytes() + tall.tobytes() + planes(missed))

    tried = {*range(1, min(found, most, TRIED_RANKS) + 1), min(found, most)}
    return cheapest(factored(rank) for rank in sorted(tried))


def predicted(before: Floats, left: Floats, right: Floats) -> Words:
    """Return the bits of ``before + left @ right``, the same on every machine.

    Each value is summed in double, term after term in the order of rank, and rounded once to float32. A
    product of two float32 is exact in double, so fused operations change nothing. What is not finite
    becomes zero.

    Args:
        before: (rows, columns) float32.
        left: (rows, rank) float32.
        right: (rank, columns) float32.
    """
    total = before.astype(np.float64)
    for k in range(left.shape[1]):
        total += left[:, k : k + 1].astype(np.float64) * right[k].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        values = total.astype("<f4")
    values[~np.isfinite(values)] = 0.0
    return np.ascontiguousarray(values).view("<u4").ravel()


def planes(differences: Words) -> bytes:
    """Return differences modulo 2^32 as four planes of signed digits to the base 256, lowest plane first.

    Small differences of either sign then fill the first plane alone, and the others deflate to nothing.
    """
    rest = differences.astype(np.int64)
    rest = np.where(rest >= 1 << 31, rest - (1 << 32), rest)
    result = bytearray()
    for _ in range(PLANES):
        digit = ((rest + 128) & 255) - 128
        result += (digit & 255).astype(np.uint8).tobytes()
        rest = (rest - digit) >> 8
    return bytes(result)


def cheapest(candidates: Iterable[Operation | None]) -> Operation:
    """Return the candidate that deflates to the fewest bytes; the first of equals."""
    there = [candidate for candidate in candidates if candidate is not None]
    return min(there, key=lambda candidate: len(zlib.compress(candidate.encode(), 9)))


def joined(operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations with neighbours that say the same put together."""
    result: list[Operation] = []
    for operation in operations:
        last = result[-1] if result else None
        if last and last.kind == operation.kind == RAW:
            result[-1] = literal(last.data + operation.data)
        elif (
            last
            and last.kind == operation.kind == COPY
            and operation.old_offset == last.old_offset + last.rows
        ):
            result[-1] = replace(last, rows=last.rows + operation.rows)
        elif operation.size:
            result.append(operation)
    return result
