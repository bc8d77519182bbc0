"""The flight core's shared library: finding it, loading it, and turning its statuses into exceptions."""

from __future__ import annotations

import ctypes as c
import functools
import importlib.metadata
import os
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from onboard.errors import BundleError, OnboardError, UsageError
from onboard.flight.structs import (
    BundleDescription,
    Config,
    DeltaDescription,
    Detail,
    Event,
    HealthReport,
    Lines,
    Products,
    Radiance,
)

ABI_VERSION = 1
LIBRARY_NAME = "libonboard.so.0"
LIBRARY_VARIABLE = "ONBOARD_LIBRARY"
ENGINE_VARIABLE = "ONNXRUNTIME_LIBRARY"


class Status(IntEnum):
    """``onb_status``."""

    OK = 0
    AGAIN = 1
    EMPTY = 2
    INVALID_ARGUMENT = 3
    STRUCT_SIZE = 4
    STATE = 5
    MEMORY_TOO_SMALL = 6
    MEMORY_UNALIGNED = 7
    BUNDLE_MALFORMED = 8
    BUNDLE_DAMAGED = 9
    BUNDLE_VERSION = 10
    BUNDLE_UNSIGNED = 11
    BUNDLE_UNTRUSTED = 12
    BUNDLE_SIGNATURE = 13
    BUNDLE_SEQUENCE = 14
    BUNDLE_PLAN = 15
    BUNDLE_MODEL = 16
    ENGINE_MISSING = 17
    ENGINE_FAILED = 18
    KNOWN_ANSWER = 19
    CORRUPTED = 20
    BUNDLE_EXPIRED = 21
    BUNDLE_TARGET = 22
    DELTA_MALFORMED = 23
    DELTA_BASE = 24


BUILD_AGAIN = "build the bundle again with `onboard bundle build`"
FETCH_AGAIN = "fetch the bundle again, then check it with `onboard bundle verify`"
SEND_AGAIN = "send the delta again, or make it again with `onboard bundle diff`"

# Every status that is a failure, with the exception it becomes and the remedy it names.
FAILURES: dict[Status, tuple[type[OnboardError], str | None]] = {
    Status.INVALID_ARGUMENT: (UsageError, None),
    Status.STRUCT_SIZE: (OnboardError, f"build the flight core again, or unset {LIBRARY_VARIABLE}"),
    Status.STATE: (UsageError, "reset the session before new lines"),
    Status.MEMORY_TOO_SMALL: (OnboardError, None),
    Status.MEMORY_UNALIGNED: (OnboardError, None),
    Status.BUNDLE_MALFORMED: (BundleError, FETCH_AGAIN),
    Status.BUNDLE_DAMAGED: (BundleError, FETCH_AGAIN),
    Status.BUNDLE_VERSION: (BundleError, "use a bundle made for this version of Onboard"),
    Status.BUNDLE_UNSIGNED: (BundleError, "sign it with `onboard bundle sign`"),
    Status.BUNDLE_UNTRUSTED: (BundleError, "sign it with a trusted key, or trust the signer's public key"),
    Status.BUNDLE_SIGNATURE: (BundleError, FETCH_AGAIN),
    Status.BUNDLE_SEQUENCE: (BundleError, "use the newest bundle, or lower the minimum sequence"),
    Status.BUNDLE_PLAN: (BundleError, BUILD_AGAIN),
    Status.BUNDLE_MODEL: (BundleError, BUILD_AGAIN),
    Status.ENGINE_MISSING: (UsageError, f"pip install onnxruntime, or set {ENGINE_VARIABLE}"),
    Status.ENGINE_FAILED: (OnboardError, None),
    Status.KNOWN_ANSWER: (BundleError, "this computer or the bundle is broken: check with another of each"),
    Status.CORRUPTED: (OnboardError, "close the session and open it again"),
    Status.BUNDLE_EXPIRED: (BundleError, "use a newer bundle, or check the clock"),
    Status.BUNDLE_TARGET: (BundleError, "use the bundle that was made for this target"),
    Status.DELTA_MALFORMED: (BundleError, SEND_AGAIN),
    Status.DELTA_BASE: (BundleError, "apply it to the bundle it was made for, or send the whole new bundle"),
}


def check(status: int, detail: Detail, *, file: str | os.PathLike[str] | None = None) -> None:
    """Raise the exception of a failed call; do nothing for OK, AGAIN and EMPTY.

    Args:
        status: What the call returned.
        detail: What it said.
        file: The bundle's path, for the message.
    """
    if status in (Status.OK, Status.AGAIN, Status.EMPTY):
        return
    kind, remedy = FAILURES[Status(status)]
    problem = _text(detail.problem) or load_library().onb_status_text(status).decode()
    raise kind(
        problem,
        file=file,
        field=_text(detail.field) or None,
        found=_text(detail.found) or None,
        expected=_text(detail.expected) or None,
        remedy=remedy,
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def find_library() -> Path:
    """Return the flight core's shared library: named by the environment, installed, or built in the checkout.

    Raises:
        UsageError: If it is in none of these places.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return Path(named)
    package = Path(__file__).parent
    places = [package / "lib" / LIBRARY_NAME, package.parents[1] / "build" / "flight" / LIBRARY_NAME]
    try:
        distribution = importlib.metadata.distribution("onboard")
        places.insert(0, Path(str(distribution.locate_file(f"onboard/flight/lib/{LIBRARY_NAME}"))))
    except importlib.metadata.PackageNotFoundError:
        pass
    for place in places:
        if place.is_file():
            return place
    raise UsageError(
        "the flight core's library is not built",
        file=LIBRARY_NAME,
        expected=", or ".join(str(place) for place in places),
        remedy=f"in a checkout: pip install -e . ; or build it with cmake and set {LIBRARY_VARIABLE}",
    )


def find_engine() -> Path | None:
    """Return ONNX Runtime's shared library out of its wheel, or None: then the core asks the system.

    The package is not imported; only its list of files is read.
    """
    named = os.environ.get(ENGINE_VARIABLE)
    if named:
        return Path(named)
    try:
        files = importlib.metadata.files("onnxruntime") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name.startswith("libonnxruntime.so"):
            return Path(str(file.locate()))
    return None


@functools.cache
def load_library() -> c.CDLL:
    """Load the flight core once, and declare its functions.

    Raises:
        UsageError: If it cannot be found or loaded, or speaks another version of the interface.
    """
    path = find_library()
    try:
        library = c.CDLL(str(path))
    except OSError as error:
        raise UsageError("the flight core's library cannot be loaded", file=path, found=error) from None
    library.onb_abi_version.restype = c.c_uint32
    version = library.onb_abi_version()
    if version != ABI_VERSION:
        raise UsageError(
            "the flight core's library has another interface", file=path, found=version, expected=ABI_VERSION
        )
    _declare(library)
    return library


def _declare(library: c.CDLL) -> None:
    session, detail, size = c.c_void_p, c.POINTER(Detail), c.c_size_t
    config = c.POINTER(Config)
    arguments: dict[str, list[object]] = {
        "onb_config_default": [config, size],
        "onb_bundle_verify": [c.c_char_p, size, config, detail],
        "onb_bundle_info": [c.c_char_p, size, c.POINTER(BundleDescription), detail],
        "onb_memory_required": [c.c_char_p, size, config, c.POINTER(size), detail],
        "onb_delta_info": [c.c_char_p, size, c.POINTER(DeltaDescription), detail],
        "onb_delta_apply": [
            *(c.c_char_p, size, c.c_char_p, size, config, c.c_void_p, size, c.POINTER(size), detail)
        ],
        "onb_open": [c.c_char_p, size, config, c.c_void_p, size, c.POINTER(session), detail],
        "onb_push_lines": [session, c.POINTER(Lines), c.POINTER(c.c_uint32)],
        "onb_flush": [session],
        "onb_read_lines": [session, c.c_uint32, c.POINTER(Products)],
        "onb_denoise_strip": [session, c.POINTER(Radiance)],
        "onb_poll_event": [session, c.POINTER(Event)],
        "onb_health": [session, c.POINTER(HealthReport)],
        "onb_last_detail": [session, detail],
        "onb_scrub": [session, c.c_char_p, size],
        "onb_reset": [session],
        "onb_close": [session],
    }
    for name, types in arguments.items():
        function = getattr(library, name, None)
        if function is None:
            raise UsageError(
                "the flight core's library is older than this package",
                file=library._name,
                found=f"no {name}",
                remedy=f"build the flight core again, or unset {LIBRARY_VARIABLE}",
            )
        function.argtypes, function.restype = types, c.c_int
    library.onb_status_text.argtypes, library.onb_status_text.restype = [c.c_int], c.c_char_p
    library.onb_version.restype = c.c_char_p


def core_version() -> str:
    """Return the flight core's version."""
    version: bytes = load_library().onb_version()
    return version.decode()


def default_config() -> Config:
    """Return the core's default configuration."""
    config = Config()
    check(load_library().onb_config_default(c.byref(config), c.sizeof(config)), Detail())
    return config


def set_trust(config: Config, trusted_keys: Sequence[bytes], minimum_sequence: int) -> None:
    """Put keys (32 bytes each) and the oldest allowed sequence into a configuration.

    Raises:
        UsageError: If a key has another length, or the sequence does not fit 64 bits.
    """
    for key in trusted_keys:
        if len(key) != 32:
            raise UsageError("a trusted key has the wrong length", found=len(key), expected="32 bytes")
    if not 0 <= minimum_sequence < 1 << 64:
        raise UsageError("minimum_sequence is out of range", found=minimum_sequence, expected="0 to 2^64-1")
    config.trusted_keys = b"".join(trusted_keys)
    config.trusted_key_count = len(trusted_keys)
    config.minimum_sequence = minimum_sequence


def set_limits(config: Config, now_unix_s: int, target: str | None) -> None:
    """Put the time (seconds since 1970, UTC; 0: not known) and this computer's target into a configuration.

    Raises:
        UsageError: If the time does not fit 64 bits, or the target is no ASCII text of at most 31 characters.
    """
    if not 0 <= now_unix_s < 1 << 64:
        raise UsageError("now_unix_s is out of range", found=now_unix_s, expected="0 to 2^64-1")
    if target is not None and not (target.isascii() and len(target) < 32):
        raise UsageError("not a target's name", found=repr(target), expected="at most 31 ASCII characters")
    config.now_unix_s = now_unix_s
    config.target = None if target is None else target.encode("ascii")


def verify_bundle(
    data: bytes,
    trusted_keys: Sequence[bytes],
    *,
    minimum_sequence: int = 0,
    now_unix_s: int = 0,
    target: str | None = None,
    file: str | os.PathLike[str] | None = None,
) -> None:
    """Check a bundle as flight does: structure, hashes, signature, sequence, limits, plan and tables.

    Args:
        data: The whole file.
        trusted_keys: Ed25519 public keys, 32 bytes each.
        minimum_sequence: Older bundles are refused.
        now_unix_s: Time for its expiry, in seconds since 1970, UTC; 0 when not known.
        target: What this computer is called; None takes bundles of all targets.
        file: Its path, for messages.

    Raises:
        BundleError: If it is refused.
    """
    config, detail = default_config(), Detail()
    set_trust(config, trusted_keys, minimum_sequence)
    set_limits(config, now_unix_s, target)
    status = load_library().onb_bundle_verify(data, len(data), c.byref(config), c.byref(detail))
    check(status, detail, file=file)
