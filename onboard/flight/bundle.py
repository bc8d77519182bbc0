"""Reader of the bundle container ``*.onb``: nothing in it is used before it was checked.

The layout is that of ``docs/bundle.md``. Hashes show damage; only the signature shows who made a
bundle, and it is checked by the flight core (``verify_signature``), not here.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from onboard.errors import BundleError, OutputError
from onboard.flight.trust import trusted_keys

__all__ = [
    "Container",
    "align",
    "default_bundle_path",
    "read_container",
    "trusted_keys",
    "verify_signature",
    "write_whole",
]

MAGIC = b"ONBUNDLE"
FORMAT_VERSION = 1
HEADER = struct.Struct("<8sIIQQII24s")
ENTRY = struct.Struct("<64sQQ32s16s")
TRAILER_MAGIC = b"ONBSIGN1"
TRAILER = struct.Struct("<8s32s64s24s")
SIGNATURE_DOMAIN = b"onboard-bundle-v1\0"
ALIGNMENT = 64
MAX_PARTS = 32
MAX_BYTES = 1 << 30
PART_NAME = re.compile(r"[a-z0-9_.]{1,63}")
FLIGHT_FOLDER = Path(__file__).parent
REMEDY = "fetch or build the bundle again, then check it with `onboard bundle verify`"


@dataclass(frozen=True)
class Container:
    """A container whose structure and hashes were checked; its signature was not.

    ``parts`` maps names to read-only views in file order; ``key_id`` and ``signature`` are zeros in an
    unsigned container.
    """

    sequence: int
    parts: Mapping[str, memoryview]
    key_id: bytes
    signature: bytes
    data: bytes = field(repr=False)
    file: str | None = None

    @property
    def signed(self) -> bool:
        """Whether a signature is present; ``verify_signature`` says whether it is a good one."""
        return any(self.signature)


@dataclass(frozen=True)
class _Entry:
    name: str
    offset: int
    size: int
    sha256: bytes


class _Refusal:
    """Makes this file's errors, so that each check below stays one line."""

    def __init__(self, file: str | None) -> None:
        self.file = file

    def __call__(self, problem: str, where: str, found: object, expected: object) -> BundleError:
        return BundleError(
            problem, file=self.file, field=where, found=found, expected=expected, remedy=REMEDY
        )


def align(offset: int) -> int:
    """Return the first multiple of 64 at or after ``offset``."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def default_bundle_path() -> Path:
    """Return where the shipped bundle lies."""
    return FLIGHT_FOLDER / "bundles" / "onboard-emit.onb"


def read_container(source: Path | str | bytes, *, name: str | None = None) -> Container:
    """Read a container and check every length, offset, name and hash.

    Args:
        source: A file's path, or the container's bytes.
        name: What to call the bytes in messages.

    Raises:
        BundleError: Naming the file, the part and field, what was found and what was expected.
    """
    if isinstance(source, bytes):
        data, file = source, name
    else:
        data, file = _read_file(Path(source)), str(source)
    refuse = _Refusal(file)
    sequence, count = _check_header(data, refuse)
    entries = _read_table(data, count, refuse)
    _check_layout(data, entries, refuse)
    view = memoryview(data).toreadonly()
    parts: dict[str, memoryview] = {}
    for entry in entries:
        part = view[entry.offset : entry.offset + entry.size]
        found = hashlib.sha256(part).digest()
        if found != entry.sha256:
            raise refuse("a part is damaged", f"{entry.name}: sha256", found.hex(), entry.sha256.hex())
        parts[entry.name] = part
    key_id, signature = _read_trailer(data, refuse)
    return Container(sequence, MappingProxyType(parts), key_id, signature, data, file)


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BundleError(
                "the file is too large for a bundle",
                file=path,
                field="size",
                found=f"{size} bytes",
                expected=f"at most {MAX_BYTES} bytes",
            )
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            "the bundle cannot be read",
            file=path,
            found=error.strerror or str(error),
            expected="a readable file",
            remedy="`onboard bundle path` prints where the shipped bundle lies",
        ) from None


def _check_header(data: bytes, refuse: _Refusal) -> tuple[int, int]:
    if data[:8] != MAGIC:
        raise refuse("this is not a bundle", "header: magic", data[:8] or "an empty file", MAGIC)
    smallest = HEADER.size + ENTRY.size + ALIGNMENT + TRAILER.size
    if len(data) < smallest:
        raise refuse("the bundle is cut short", "length", f"{len(data)} bytes", f"at least {smallest} bytes")
    _, version, header, total, sequence, count, entry, rest = HEADER.unpack_from(data)
    if version != FORMAT_VERSION:
        raise refuse("unknown bundle version", "header: format_version", version, FORMAT_VERSION)
    if header != HEADER.size:
        raise refuse("malformed header", "header: header_size", header, HEADER.size)
    if total != len(data):
        problem = "the bundle is cut short" if total > len(data) else "bytes follow the bundle's end"
        raise refuse(problem, "header: total_size", f"{len(data)} bytes in the file", f"{total} bytes")
    if not 1 <= count <= MAX_PARTS:
        raise refuse("malformed header", "header: part_count", count, f"1 to {MAX_PARTS}")
    if entry != ENTRY.size:
        raise refuse("malformed header", "header: part_entry_size", entry, ENTRY.size)
    if any(rest):
        raise refuse("malformed header", "header: reserved", rest.hex(), "zeros")
    if HEADER.size + count * ENTRY.size + TRAILER.size > len(data):
        raise refuse("the bundle is cut short", "header: part_count", count, "a table that fits the file")
    return sequence, count


def _read_table(data: bytes, count: int, refuse: _Refusal) -> list[_Entry]:
    entries: list[_Entry] = []
    seen: set[str] = set()
    for index in range(count):
        raw, offset, size, digest, rest = ENTRY.unpack_from(data, HEADER.size + index * ENTRY.size)
        where = f"part {index}"
        text, _, padding = raw.partition(b"\0")
        name = text.decode("ascii", "replace")
        if any(padding) or len(text) == len(raw) or not PART_NAME.fullmatch(name):
            raise refuse("illegal part name", f"{where}: name", raw, "1 to 63 of [a-z0-9_.], zero padded")
        if name in seen:
            raise refuse("two parts share a name", f"{where}: name", name, "unique names")
        if any(rest):
            raise refuse("malformed table", f"{name}: reserved", rest.hex(), "zeros")
        seen.add(name)
        entries.append(_Entry(name, offset, size, digest))
    return entries


def _check_layout(data: bytes, entries: Sequence[_Entry], refuse: _Refusal) -> None:
    """Parts follow the table in order, each at the next multiple of 64, and end before the trailer."""
    limit = len(data) - TRAILER.size
    end = HEADER.size + len(entries) * ENTRY.size
    for entry in entries:
        if entry.offset != align(end):
            raise refuse("a part lies in the wrong place", f"{entry.name}: offset", entry.offset, align(end))
        room = limit - entry.offset
        if not 1 <= entry.size <= room:
            raise refuse("a part does not fit", f"{entry.name}: size", entry.size, f"1 to {max(room, 0)}")
        _check_padding(data, end, entry.offset, entry.name, refuse)
        end = entry.offset + entry.size
    if align(end) != limit:
        raise refuse("bytes that belong to no part", "trailer: offset", limit, align(end))
    _check_padding(data, end, limit, "trailer", refuse)


def _check_padding(data: bytes, start: int, stop: int, name: str, refuse: _Refusal) -> None:
    if any(data[start:stop]):
        raise refuse("padding is not empty", f"before {name}", data[start:stop].hex(), "zeros")


def _read_trailer(data: bytes, refuse: _Refusal) -> tuple[bytes, bytes]:
    magic, key_id, signature, rest = TRAILER.unpack_from(data, len(data) - TRAILER.size)
    if magic != TRAILER_MAGIC:
        raise refuse("malformed trailer", "trailer: magic", magic, TRAILER_MAGIC)
    if any(rest):
        raise refuse("malformed trailer", "trailer: reserved", rest.hex(), "zeros")
    if any(key_id) != any(signature):
        raise refuse("malformed trailer", "trailer: key_id", key_id.hex(), "set exactly when signed")
    return key_id, signature


def verify_signature(
    container: Container, trusted_keys: Sequence[bytes], *, now_unix_s: int = 0, target: str | None = None
) -> None:
    """Check the signature with the flight core: the same code that refuses a bundle in flight.

    Args:
        container: What ``read_container`` returned.
        trusted_keys: Ed25519 public keys, 32 bytes each.
        now_unix_s: Time for its expiry, in seconds since 1970, UTC; 0 when not known.
        target: What the computer is called that shall fly it; None takes bundles of all targets.

    Raises:
        BundleError: If the container is unsigned, signed by another key, was changed, has expired or is made
            for another target.
    """
    if not container.signed:
        raise BundleError(
            "the bundle is not signed",
            file=container.file,
            field="trailer: signature",
            found="zeros",
            expected="an Ed25519 signature by a trusted key",
            remedy="sign it with `onboard bundle sign X.onb --key K`",
        )
    if container.key_id not in {hashlib.sha256(key).digest() for key in trusted_keys}:
        raise BundleError(
            "the bundle is signed by a key that is not trusted",
            file=container.file,
            field="trailer: key_id",
            found=container.key_id.hex(),
            expected=f"one of {len(trusted_keys)} trusted keys",
            remedy="name the signer's public key with --trust, or sign the bundle with a trusted key",
        )
    from onboard.flight.core import verify_bundle

    verify_bundle(
        container.data, list(trusted_keys), now_unix_s=now_unix_s, target=target, file=container.file
    )


def write_whole(path: Path, data: bytes) -> None:
    """Write a bundle or delta to a file, whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(
            "the bundle cannot be written",
            file=path,
            found=error.strerror or str(error),
            remedy="give a folder that exists, can be written and has room",
        ) from None
