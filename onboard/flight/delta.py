"""Uplink deltas ``*.ond``: a new bundle out of an old one and what changed, through the flight core.

The layout is that of ``docs/bundle.md``. The core checks signature, sequence, the old bundle's hash, the
new one's hash and then the new bundle itself; nothing comes back before all of that holds.
"""

from __future__ import annotations

import ctypes as c
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from onboard.errors import OnboardError
from onboard.flight.core import check, default_config, load_library, set_limits, set_trust
from onboard.flight.structs import DeltaDescription, Detail

DELTA_MAGIC = b"ONBDELTA"
DELTA_VERSION = 1
DELTA_HEADER = struct.Struct("<8sIIQQQQQQII32s32s56s")
DELTA_TRAILER_MAGIC = b"ONDSIGN1"
DELTA_DOMAIN = b"onboard-delta-v1\0"
OPERATION = struct.Struct("<IIQQQ")
COPY, RAW, BYTES, WORDS = range(4)
MAX_OPERATIONS = 1 << 16
MAX_RANK = 64
MAX_FACTOR_BYTES = 1 << 24


@dataclass(frozen=True)
class DeltaInfo:
    """What a delta says of itself; only its signature says that it is true.

    ``sequence`` is that of the bundle it makes; sizes are in bytes; ``key_id`` is the SHA-256 of the signer's
    public key, zeros if unsigned; ``memory_bytes`` is what the core wants to apply it.
    """

    sequence: int
    old_size: int
    new_size: int
    old_sha256: bytes
    new_sha256: bytes
    key_id: bytes
    signed: bool
    operations: int
    memory_bytes: int


def describe_delta(delta: bytes, *, file: str | PathLike[str] | None = None) -> DeltaInfo:
    """Return what a delta says of itself, after a check of its lengths.

    Args:
        delta: The whole file.
        file: Its path, for messages.

    Raises:
        BundleError: If it is no delta, or malformed.
    """
    info, detail = DeltaDescription(), Detail()
    status = load_library().onb_delta_info(delta, len(delta), c.byref(info), c.byref(detail))
    check(status, detail, file=file)
    return DeltaInfo(
        info.sequence,
        info.old_size,
        info.new_size,
        bytes(info.old_sha256),
        bytes(info.new_sha256),
        bytes(info.key_id),
        bool(info.is_signed),
        info.operation_count,
        info.memory_bytes,
    )


def apply_delta(
    old: bytes,
    delta: bytes,
    trusted_keys: Sequence[bytes],
    *,
    minimum_sequence: int = 0,
    now_unix_s: int = 0,
    target: str | None = None,
    file: str | PathLike[str] | None = None,
) -> bytes:
    """Return the new bundle, byte for byte the one that was signed on the ground.

    Args:
        old: The bundle that the delta was made for, whole.
        delta: The delta, whole.
        trusted_keys: Ed25519 public keys (32 bytes each) for the delta and for the bundle that it makes.
        minimum_sequence: Deltas that make older bundles are refused.
        now_unix_s: Time for the new bundle's expiry, in seconds since 1970, UTC; 0 when not known.
        target: What this computer is called; None takes bundles of all targets.
        file: The delta's path, for messages.

    Raises:
        BundleError: If the delta or what it makes is refused.
        OnboardError: If there is no memory for it.
    """
    needed = describe_delta(delta, file=file).memory_bytes
    config, detail, size = default_config(), Detail(), c.c_size_t()
    set_trust(config, trusted_keys, minimum_sequence)
    set_limits(config, now_unix_s, target)
    try:
        memory = mmap.mmap(-1, needed)
    except (OSError, OverflowError, ValueError) as error:
        raise OnboardError(
            "no memory to apply the delta", file=file, found=error, expected=f"{needed} bytes"
        ) from None
    with memory:
        block = (c.c_char * needed).from_buffer(memory)
        address = c.addressof(block)
        del block  # it would keep the mapping from being closed
        status = load_library().onb_delta_apply(
            *(old, len(old), delta, len(delta), c.byref(config)),
            *(address, needed, c.byref(size), c.byref(detail)),
        )
        check(status, detail, file=file)
        return memory[: size.value]
