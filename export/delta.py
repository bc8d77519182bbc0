"""Writer of uplink deltas: what changed between two signed bundles, as small as it gets, signed itself."""

from __future__ import annotations

import difflib
import hashlib
import zlib
from collections.abc import Sequence

from export.delta_operations import Operation, copied, joined, literal
from export.delta_reference import rebuild
from export.delta_tensors import changed, onnx_operations
from export.keys import key_id_of, public_key_of, sign_message
from onboard.errors import BundleError
from onboard.flight.bundle import ENTRY, HEADER, TRAILER, Container, align, read_container
from onboard.flight.delta import (
    DELTA_DOMAIN,
    DELTA_HEADER,
    DELTA_MAGIC,
    DELTA_TRAILER_MAGIC,
    DELTA_VERSION,
    MAX_OPERATIONS,
    describe_delta,
)

SHORTEST_COPY = 48
"""A shorter piece of text costs more as a copy of its own than within its neighbours."""


def make_delta(old: bytes, new: bytes) -> bytes:
    """Return the unsigned delta that makes the new bundle of the old one.

    Args:
        old: A bundle as it lies on board.
        new: The signed bundle that shall lie there; its sequence is above the old one's.

    Raises:
        BundleError: If one of them is damaged, the new one is not signed, or is not newer.
    """
    before, after = read_container(old, name="OLD"), read_container(new, name="NEW")
    if not after.signed:
        raise BundleError(
            "the new bundle is not signed",
            field="trailer: signature",
            found="zeros",
            expected="a signature: it is part of what the delta makes",
            remedy="sign it first with `onboard bundle sign`",
        )
    if after.sequence <= before.sequence:
        raise BundleError(
            "the new bundle is not newer",
            field="header: sequence",
            found=after.sequence,
            expected=f"above {before.sequence}",
            remedy="build it with a higher --sequence",
        )
    operations = joined(bundle_operations(before, after))
    if len(operations) > MAX_OPERATIONS:
        operations = [literal(new)]
    delta = _encode(before, after, operations)
    if rebuild(old, delta) != new:
        raise AssertionError("the delta's own decoder does not repeat the bundle")
    return delta


def _encode(before: Container, after: Container, operations: Sequence[Operation]) -> bytes:
    stream = b"".join(operation.encode() for operation in operations)
    packed = zlib.compress(stream, 9)
    header = DELTA_HEADER.pack(
        DELTA_MAGIC,
        DELTA_VERSION,
        DELTA_HEADER.size,
        DELTA_HEADER.size + len(packed) + TRAILER.size,
        after.sequence,
        len(before.data),
        len(after.data),
        len(stream),
        len(packed),
        len(operations),
        max(4 * operation.rank * operation.columns for operation in operations),
        hashlib.sha256(before.data).digest(),
        hashlib.sha256(after.data).digest(),
        b"",
    )
    return header + packed + TRAILER.pack(DELTA_TRAILER_MAGIC, b"", b"", b"")


def bundle_operations(before: Container, after: Container) -> list[Operation]:
    """Return operations that make one bundle of another: table, parts in file order, trailer.

    Args:
        before: The old bundle, checked.
        after: The new one, checked.
    """
    old, new = before.data, after.data
    table, old_table = (HEADER.size + ENTRY.size * len(item.parts) for item in (after, before))
    operations = [changed(old, (0, old_table), new[:table])]
    places = _places(before)
    end = table
    for name, (start, stop) in _places(after).items():
        operations.append(literal(new[end:start]))
        operations += _part(old, places.get(name), name, new[start:stop])
        end = stop
    old_trailer = len(old) - TRAILER.size, len(old)
    operations.append(literal(new[end : -TRAILER.size]))
    operations.append(changed(old, old_trailer, new[-TRAILER.size :]))
    return operations


def _places(container: Container) -> dict[str, tuple[int, int]]:
    """Return where each part lies: first byte, and one past the last."""
    at, places = HEADER.size + ENTRY.size * len(container.parts), {}
    for name, part in container.parts.items():
        start = align(at)
        at = start + len(part)
        places[name] = (start, at)
    return places


def _part(old: bytes, place: tuple[int, int] | None, name: str, new: bytes) -> list[Operation]:
    if place is None:
        return [literal(new)]
    if old[slice(*place)] == new:
        return [copied(place[0], len(new))]
    if name.endswith(".onnx"):
        return onnx_operations(old, place, new)
    if name.endswith(".json"):
        return _text(old, place, new)
    if name.endswith(".f32"):
        return [changed(old, place, new, words=True)]
    return [changed(old, place, new)]


def _text(old: bytes, place: tuple[int, int], new: bytes) -> list[Operation]:
    """Return text as copies of lines that stayed, and the lines that did not."""
    one, other = (text.splitlines(keepends=True) for text in (old[slice(*place)], new))
    starts = [place[0]]
    for line in one:
        starts.append(starts[-1] + len(line))
    operations: list[Operation] = []
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for verb, i1, i2, j1, j2 in matcher.get_opcodes():
        size = starts[i2] - starts[i1]
        keep = verb == "equal" and size >= SHORTEST_COPY
        operations.append(copied(starts[i1], size) if keep else literal(b"".join(other[j1:j2])))
    return operations


def sign_delta(delta: bytes, private_key_seed: bytes) -> bytes:
    """Return the delta with a signature over the SHA-256 of every byte before its trailer.

    Args:
        delta: A delta, signed or not.
        private_key_seed: Ed25519 private key, 32 bytes (RFC 8032).

    Raises:
        BundleError: If it is no delta.
        MissingExtraError: If ``cryptography`` is not installed.
    """
    describe_delta(delta)
    message = delta[: -TRAILER.size]
    signature = sign_message(DELTA_DOMAIN + hashlib.sha256(message).digest(), private_key_seed)
    key_id = key_id_of(public_key_of(private_key_seed))
    return message + TRAILER.pack(DELTA_TRAILER_MAGIC, key_id, signature, b"")
