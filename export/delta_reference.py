"""The delta's decoder once more, in Python: what the writer checks itself with, and the core is held to.

It checks what a writer can get wrong, not what an enemy can send; deltas from outside go through
``onboard.flight.delta``.
"""

from __future__ import annotations

import hashlib
import zlib

import numpy as np

from export.delta_operations import PLANES, predicted
from onboard.errors import BundleError
from onboard.flight.bundle import TRAILER
from onboard.flight.delta import BYTES, COPY, DELTA_HEADER, OPERATION, RAW


class _Stream:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def floats(self, rows: int, columns: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.frombuffer(self.take(4 * rows * columns), "<f4").reshape(rows, columns)


def rebuild(old: bytes, delta: bytes) -> bytes:
    """Return the new bundle of an old one and a delta; no signature is checked.

    Raises:
        BundleError: If the old bundle, or what comes out, is not the one that the delta names.
    """
    fields = DELTA_HEADER.unpack_from(delta)
    count, base, expected = fields[9], fields[11], fields[12]
    if hashlib.sha256(old).digest() != base:
        raise BundleError("the delta is made for another bundle", field="header: old_sha256")
    stream = _Stream(zlib.decompress(delta[DELTA_HEADER.size : -TRAILER.size]))
    new = b"".join(_run(old, stream) for _ in range(count))
    if hashlib.sha256(new).digest() != expected or stream.at != len(stream.data):
        raise BundleError("the delta does not make what it names", field="header: new_sha256")
    return new


def _run(old: bytes, stream: _Stream) -> bytes:
    kind, rank, at, rows, columns = OPERATION.unpack(stream.take(OPERATION.size))
    if kind == COPY:
        return old[at : at + rows]
    if kind == RAW:
        return stream.take(rows)
    if kind == BYTES:
        before = np.frombuffer(old, np.uint8, rows, at)
        return (np.frombuffer(stream.take(rows), np.uint8) + before).tobytes()
    words = np.frombuffer(old, "<u4", rows * columns, at)
    if rank:
        right, left = stream.floats(rank, columns), stream.floats(rows, rank)
        words = predicted(words.view("<f4").reshape(rows, columns), left, right)
    words = words.astype(np.uint32)
    for plane in range(PLANES):
        digits = np.frombuffer(stream.take(len(words)), np.int8).astype(np.int64)
        words = words + (digits << (8 * plane) & 0xFFFFFFFF).astype(np.uint32)
    return words.astype("<u4").tobytes()
