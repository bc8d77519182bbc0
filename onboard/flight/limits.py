"""Until when, and on what computer, a bundle may fly: its optional part ``limits.bin``.

``docs/bundle.md`` gives it byte by byte. The flight core holds it against the time and the target that its
caller gives; a bundle without the part has no limits.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from os import PathLike
from typing import Any

from onboard.errors import BundleError

LIMITS_PART = "limits.bin"
LIMITS_STRUCT = struct.Struct("<IIQ32s16s")
LIMITS_VERSION = 1
TARGET = re.compile(r"[a-z0-9_.-]{0,31}")


@dataclass(frozen=True)
class Limits:
    """``expires_unix_s`` in seconds since 1970, UTC, 0 for never; ``target`` a board's name, "" for any."""

    expires_unix_s: int = 0
    target: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.expires_unix_s < 1 << 64 or not TARGET.fullmatch(self.target):
            raise BundleError(
                "these limits cannot be written",
                field=LIMITS_PART,
                found=f"{self.expires_unix_s} s, target {self.target!r}",
                expected="0 to 2^64-1 s, and at most 31 of [a-z0-9_.-]",
            )

    def pack(self) -> bytes:
        """Return the part's 64 bytes."""
        target = self.target.encode("ascii")
        return LIMITS_STRUCT.pack(LIMITS_STRUCT.size, LIMITS_VERSION, self.expires_unix_s, target, b"")

    def to_json(self) -> dict[str, Any]:
        """Return what the manifest repeats under ``limits``."""
        return {"expires_unix_s": self.expires_unix_s, "target": self.target}


def unpack_limits(part: bytes | memoryview, file: str | PathLike[str] | None = None) -> Limits:
    """Decode ``limits.bin``.

    Raises:
        BundleError: If it has another length or version, or holds other characters.
    """

    def refuse(field: str, found: object, expected: object) -> BundleError:
        problem = "the bundle's limits are malformed"
        return BundleError(
            problem, file=file, field=f"{LIMITS_PART}: {field}", found=found, expected=expected
        )

    if len(part) != LIMITS_STRUCT.size:
        raise refuse("length", len(part), LIMITS_STRUCT.size)
    size, version, expires, raw, rest = LIMITS_STRUCT.unpack(part)
    if (size, version) != (LIMITS_STRUCT.size, LIMITS_VERSION):
        raise refuse("version", (size, version), (LIMITS_STRUCT.size, LIMITS_VERSION))
    text, _, padding = raw.partition(b"\0")
    target = text.decode("latin-1")
    if len(text) == len(raw) or any(padding) or any(rest) or not TARGET.fullmatch(target):
        raise refuse("target", raw, "at most 31 of [a-z0-9_.-], then zeros")
    return Limits(expires, target)
