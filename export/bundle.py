"""Writer of the bundle container: parts in, deterministic bytes out, signed in a step of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from export.keys import key_id_of, public_key_of, sign_message
from onboard.errors import BundleError
from onboard.flight.bundle import (
    ENTRY,
    FORMAT_VERSION,
    HEADER,
    MAGIC,
    MAX_PARTS,
    PART_NAME,
    SIGNATURE_DOMAIN,
    TRAILER,
    TRAILER_MAGIC,
    align,
    read_container,
    write_whole,
)

MAX_SEQUENCE = (1 << 64) - 1


def write_container(parts: Mapping[str, bytes], sequence: int) -> bytes:
    """Assemble an unsigned container; the same parts in the same order give the same bytes.

    Args:
        parts: Bytes by part name, in the order they shall lie in the file; none may be empty.
        sequence: Rises with every bundle of a mission; flight can refuse to go back.

    Raises:
        BundleError: If a name, the number of parts or the sequence is not allowed.
    """
    _check_parts(parts, sequence)
    offset = HEADER.size + len(parts) * ENTRY.size
    table, body = bytearray(), bytearray()
    for name, part in parts.items():
        digest = hashlib.sha256(part).digest()
        table += ENTRY.pack(name.encode("ascii"), offset + len(body), len(part), digest, b"")
        body += part
        body += bytes(align(len(body)) - len(body))
    total = offset + len(body) + TRAILER.size
    header = HEADER.pack(MAGIC, FORMAT_VERSION, HEADER.size, total, sequence, len(parts), ENTRY.size, b"")
    return bytes(header + table + body) + TRAILER.pack(TRAILER_MAGIC, b"", b"", b"")


def _check_parts(parts: Mapping[str, bytes], sequence: int) -> None:
    def refuse(field: str, found: object, expected: str) -> BundleError:
        return BundleError("these parts make no bundle", field=field, found=found, expected=expected)

    if not 1 <= len(parts) <= MAX_PARTS:
        raise refuse("part count", len(parts), f"1 to {MAX_PARTS}")
    if not 0 <= sequence <= MAX_SEQUENCE:
        raise refuse("sequence", sequence, f"0 to {MAX_SEQUENCE}")
    for name, part in parts.items():
        if not PART_NAME.fullmatch(name):
            raise refuse("part name", repr(name), "1 to 63 of [a-z0-9_.]")
        if len(part) == 0:
            raise refuse(f"{name}: size", 0, "at least 1 byte")


def sign_container(data: bytes, private_key_seed: bytes) -> bytes:
    """Return the container with a signature over every byte before its trailer.

    Args:
        data: A container, signed or not; it is checked first, so that no damage is ever signed.
        private_key_seed: Ed25519 private key, 32 bytes (RFC 8032).

    Raises:
        BundleError: If the container is damaged.
        MissingExtraError: If ``cryptography`` is not installed.
    """
    read_container(data)
    message = data[: -TRAILER.size]
    signature = sign_message(SIGNATURE_DOMAIN + message, private_key_seed)
    key_id = key_id_of(public_key_of(private_key_seed))
    return message + TRAILER.pack(TRAILER_MAGIC, key_id, signature, b"")


def write_bundle_file(path: Path, data: bytes) -> None:
    """Write a container to a file, whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_whole(path, data)
