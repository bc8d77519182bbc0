"""Writing, signing and storing containers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from export.bundle import sign_container, write_bundle_file, write_container
from export.keys import public_key_of
from onboard.errors import BundleError, OutputError
from onboard.flight.bundle import SIGNATURE_DOMAIN, TRAILER, read_container, verify_signature
from tests.export.samples import SEQUENCE, sample_parts

SEED = bytes(range(32))
PUBLIC = public_key_of(SEED)
UNSIGNED = write_container(sample_parts(), SEQUENCE)
SIGNED = sign_container(UNSIGNED, SEED)


def check_by_the_book(data: bytes) -> None:
    """Check the signature without any code of the reader or the flight core."""
    signature = data[-128 + 40 : -128 + 104]
    assert data[-128 + 8 : -128 + 40] == hashlib.sha256(PUBLIC).digest()
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature, b"onboard-bundle-v1\0" + data[:-128])


def test_the_same_parts_give_the_same_bytes() -> None:
    assert write_container(sample_parts(), SEQUENCE) == UNSIGNED
    assert sign_container(UNSIGNED, SEED) == SIGNED
    assert write_container(sample_parts(), SEQUENCE + 1) != UNSIGNED


def test_everything_lies_at_multiples_of_64() -> None:
    assert len(UNSIGNED) % 64 == 0
    for name, part in read_container(UNSIGNED).parts.items():
        assert any(UNSIGNED[at : at + len(part)] == part for at in range(0, len(UNSIGNED), 64)), name


def test_a_signature_covers_all_but_the_trailer() -> None:
    check_by_the_book(SIGNED)
    assert SIGNED[: -TRAILER.size] == UNSIGNED[: -TRAILER.size]
    assert SIGNATURE_DOMAIN.endswith(b"\0")
    container = read_container(SIGNED)
    assert container.signed
    assert container.key_id == hashlib.sha256(PUBLIC).digest()


@given(st.integers(0, len(SIGNED) - 25), st.integers(1, 255))
def test_any_changed_byte_breaks_the_signature(at: int, change: int) -> None:
    data = bytearray(SIGNED)
    data[at] ^= change
    in_magic = len(SIGNED) - 128 <= at < len(SIGNED) - 120
    if in_magic:
        with pytest.raises(BundleError, match="trailer: magic"):
            read_container(bytes(data))
        return
    with pytest.raises((InvalidSignature, AssertionError)):
        check_by_the_book(bytes(data))


def test_the_flight_core_takes_a_good_signature() -> None:
    verify_signature(read_container(SIGNED), [bytes(32), PUBLIC])


@settings(max_examples=50)
@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_the_flight_core_refuses_any_changed_byte(at: int, change: int) -> None:
    from onboard.flight.core import verify_bundle

    data = bytearray(SIGNED)
    data[at] ^= change
    with pytest.raises(BundleError):
        verify_bundle(bytes(data), [PUBLIC])


@settings(max_examples=50)
@given(st.integers(0, len(SIGNED) - 1))
def test_the_flight_core_refuses_any_truncation(length: int) -> None:
    from onboard.flight.core import verify_bundle

    with pytest.raises(BundleError):
        verify_bundle(SIGNED[:length], [PUBLIC])


def test_the_flight_core_refuses_the_unsigned_and_the_stranger() -> None:
    from onboard.flight.core import verify_bundle

    with pytest.raises(BundleError, match="sign"):
        verify_bundle(UNSIGNED, [PUBLIC])
    with pytest.raises(BundleError, match="trust"):
        verify_bundle(SIGNED, [public_key_of(bytes(32))])
    with pytest.raises(BundleError):
        verify_bundle(SIGNED, [])


def test_signing_again_replaces_the_signature() -> None:
    other = sign_container(SIGNED, bytes(32))
    assert other != SIGNED
    assert sign_container(other, SEED) == SIGNED


def test_damage_is_never_signed() -> None:
    damaged = bytearray(UNSIGNED)
    damaged[len(UNSIGNED) // 2] ^= 1
    with pytest.raises(BundleError):
        sign_container(bytes(damaged), SEED)


@pytest.mark.parametrize(
    ("parts", "sequence", "field"),
    [
        ({}, 1, "part count"),
        ({f"p{i}": b"x" for i in range(33)}, 1, "part count"),
        ({"a": b""}, 1, "a: size"),
        ({"A": b"x"}, 1, "part name"),
        ({"": b"x"}, 1, "part name"),
        ({"a/b": b"x"}, 1, "part name"),
        ({"a" * 64: b"x"}, 1, "part name"),
        ({"a": b"x"}, -1, "sequence"),
        ({"a": b"x"}, 1 << 64, "sequence"),
    ],
)
def test_parts_that_make_no_bundle_are_named(parts: dict[str, bytes], sequence: int, field: str) -> None:
    with pytest.raises(BundleError, match=field):
        write_container(parts, sequence)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.onb"
    write_bundle_file(path, SIGNED)
    write_bundle_file(path, UNSIGNED)
    assert path.read_bytes() == UNSIGNED
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match=r"none/x\.onb"):
        write_bundle_file(tmp_path / "none" / "x.onb", SIGNED)
    blocked = tmp_path / "folder.onb"
    blocked.mkdir()
    with pytest.raises(OutputError, match=r"folder\.onb"):
        write_bundle_file(blocked, SIGNED)
    assert {item.name for item in tmp_path.iterdir()} == {"x.onb", "folder.onb"}
