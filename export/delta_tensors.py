"""Where the tensors of two ONNX graphs lie, and how one graph is made of the other tensor by tensor.

Only the few fields of ONNX's protobuf (onnx.proto3) that lead to an initializer's bytes are walked; what
cannot be walked is treated as bytes without structure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from export.delta_operations import (
    Operation,
    added_bytes,
    added_words,
    cheapest,
    copied,
    literal,
    low_rank,
)

GRAPH, INITIALIZER = 7, 5
DIMS, DATA_TYPE, NAME, RAW_DATA = 1, 2, 8, 9
FLOAT = 1
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
Field = tuple[int, int, int, int]
"""Number, wire type, first byte of the value and one past its last; of a varint the value and 0."""


@dataclass(frozen=True)
class Tensor:
    """An initializer: its name, ONNX data type, dimensions, and where its bytes lie in the part."""

    name: str
    data_type: int
    dims: tuple[int, ...]
    start: int
    end: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: outputs, and all else."""
        rows = self.dims[0] if self.dims else 1
        return rows, math.prod(self.dims[1:])


def find_tensors(part: bytes) -> list[Tensor]:
    """Return the initializers of a serialized graph whose bytes lie in one piece, in file order.

    A part that is no ONNX graph has none.
    """
    try:
        found = [
            _tensor(part, start, end)
            for start, end in _messages(part, 0, len(part), GRAPH)
            for start, end in _messages(part, start, end, INITIALIZER)
        ]
    except (IndexError, ValueError):
        return []
    names = [tensor.name for tensor in found if tensor]
    return [tensor for tensor in found if tensor and names.count(tensor.name) == 1]


def _messages(part: bytes, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    for number, wire, first, last in _fields(part, start, end):
        if number == wanted and wire == LENGTH:
            yield first, last


def _tensor(part: bytes, start: int, end: int) -> Tensor | None:
    dims: list[int] = []
    kind, name, raw = 0, "", None
    for number, wire, first, last in _fields(part, start, end):
        if number == DIMS and wire == VARINT:
            dims.append(first)
        elif number == DIMS:
            dims += _packed(part, first, last)
        elif number == DATA_TYPE:
            kind = first
        elif number == NAME:
            name = part[first:last].decode("utf-8")
        elif number == RAW_DATA:
            raw = first, last
    return Tensor(name, kind, tuple(dims), *raw) if raw and raw[0] < raw[1] else None


def _fields(part: bytes, at: int, end: int) -> Iterator[Field]:
    while at < end:
        key, at = _varint(part, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(part, at)
            yield key >> 3, wire, value, 0
            continue
        if wire == LENGTH:
            size, at = _varint(part, at)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(wire)
        if size > end - at:
            raise ValueError(size)
        yield key >> 3, wire, at, at + size
        at += size


def _packed(part: bytes, at: int, end: int) -> Iterator[int]:
    while at < end:
        value, at = _varint(part, at)
        yield value


def _varint(part: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while shift < 64:
        byte = part[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError(shift)


def onnx_operations(old: bytes, old_part: tuple[int, int], new_part: bytes) -> list[Operation]:
    """Return operations that make a graph of an older one: what both have is copied, changed tensors differ.

    Args:
        old: The old bundle.
        old_part: First byte of the old graph in it, and one past its last.
        new_part: The new graph.
    """
    base = old_part[0]
    before = find_tensors(old[base : old_part[1]])
    by_name = {tensor.name: (index, tensor) for index, tensor in enumerate(before)}
    operations: list[Operation] = []
    new_at, old_at = 0, base
    for tensor in find_tensors(new_part):
        index, twin = by_name.get(tensor.name, (0, None))
        if twin is None or twin.end - twin.start != tensor.end - tensor.start:
            continue
        old_at = base + (before[index - 1].end if index else 0)
        gap = (old_at, base + twin.start)
        operations.append(changed(old, gap, new_part[new_at : tensor.start]))
        operations.append(_tensor_operation(old, base, twin, tensor, new_part[tensor.start : tensor.end]))
        new_at, old_at = tensor.end, base + twin.end
    operations.append(changed(old, (old_at, old_part[1]), new_part[new_at:]))
    return operations


def _tensor_operation(old: bytes, base: int, twin: Tensor, tensor: Tensor, new: bytes) -> Operation:
    start, end = base + twin.start, base + twin.end
    fits = tensor.data_type == twin.data_type == FLOAT and 4 * math.prod(tensor.shape) == len(new)
    if old[start:end] == new or not fits:
        return changed(old, (start, end), new)
    rows, columns = tensor.shape
    factors = low_rank(old, start, new, tensor.shape) if min(rows, columns) > 1 else None
    return cheapest([literal(new), added_bytes(old, start, new), added_words(old, start, new), factors])


def changed(old: bytes, where: tuple[int, int], new: bytes, *, words: bool = False) -> Operation:
    """Return bytes of the old bundle as they are if they are the new ones, else the cheapest way to say them.

    Args:
        old: The old bundle.
        where: First byte of what the new bytes stand for in it, and one past the last.
        new: The new bytes.
        words: Whether they are numbers of 32 bits.
    """
    start, end = where
    if old[start:end] == new:
        return copied(start, len(new))
    if end - start != len(new):
        return literal(new)
    as_words = added_words(old, start, new) if words and len(new) % 4 == 0 else None
    return cheapest([literal(new), added_bytes(old, start, new), as_words])
