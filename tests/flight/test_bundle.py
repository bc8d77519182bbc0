"""The container reader refuses everything that is not exactly a container."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.bundle import sign_container, write_container
from onboard.errors import BundleError
from onboard.flight.bundle import (
    ENTRY,
    HEADER,
    TRAILER,
    default_bundle_path,
    read_container,
    trusted_keys,
    verify_signature,
)
from onboard.flight.contents import read_contents
from onboard.minerals import MINERALS
from tests.export.samples import SEQUENCE, sample_parts

SEED = bytes(range(32))
PARTS = {"manifest.json": b"{}", "plan.bin": bytes(range(100)), "stem.onnx": b"x" * 64}
UNSIGNED = write_container(PARTS, 7)
SIGNED = sign_container(UNSIGNED, SEED)
WHOLE = sign_container(write_container(sample_parts(), SEQUENCE), SEED)
# All that the reader alone cannot judge: it needs the key for it.
SIGNATURE = range(len(WHOLE) - TRAILER.size + 8, len(WHOLE) - 24)


def patched(offset: int, form: str, *values: object) -> bytes:
    data = bytearray(UNSIGNED)
    struct.pack_into(form, data, offset, *values)
    return bytes(data)


def entry_field(part: int, byte: int) -> int:
    return HEADER.size + part * ENTRY.size + byte


def test_parts_come_back_as_written() -> None:
    container = read_container(SIGNED)
    assert {name: bytes(part) for name, part in container.parts.items()} == PARTS
    assert list(container.parts) == list(PARTS)
    assert container.sequence == 7
    assert container.signed
    assert not read_container(UNSIGNED).signed
    assert all(part.readonly for part in container.parts.values())


@given(st.integers(0, len(WHOLE) - 1).filter(lambda at: at not in SIGNATURE), st.integers(1, 255))
def test_any_changed_byte_is_refused(at: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[at] ^= change
    with pytest.raises(BundleError):
        read_contents(read_container(bytes(data)))


def test_any_changed_byte_outside_the_parts_is_refused() -> None:
    start = next(at for at in range(0, len(WHOLE), 64) if WHOLE[at : at + 1] == b"{")
    for at in (*range(start), *range(len(WHOLE) - TRAILER.size, len(WHOLE))):
        if at not in SIGNATURE:
            data = bytearray(WHOLE)
            data[at] ^= 1
            with pytest.raises(BundleError):
                read_contents(read_container(bytes(data)))


@given(st.integers(0, len(WHOLE) - 1))
def test_any_truncation_is_refused(length: int) -> None:
    with pytest.raises(BundleError):
        read_container(WHOLE[:length])


@given(st.binary(max_size=600), st.booleans())
def test_noise_is_refused(noise: bytes, with_magic: bool) -> None:
    with pytest.raises(BundleError):
        read_container(b"ONBUNDLE" + noise if with_magic else noise)


@given(
    st.dictionaries(
        st.text("abc_.0", min_size=1, max_size=63),
        st.binary(min_size=1, max_size=300),
        min_size=1,
        max_size=32,
    ),
    st.integers(0, (1 << 64) - 1),
)
def test_any_parts_make_a_round_trip(parts: dict[str, bytes], sequence: int) -> None:
    container = read_container(write_container(parts, sequence))
    assert {name: bytes(part) for name, part in container.parts.items()} == parts
    assert container.sequence == sequence


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "magic"),
        (patched(0, "8s", b"NETCDF\0\0"), "this is not a bundle"),
        (patched(8, "<I", 2), "format_version; found: 2; expected: 1"),
        (patched(12, "<I", 128), "header_size"),
        (patched(16, "<Q", len(UNSIGNED) + 64), "cut short"),
        (UNSIGNED + bytes(64), "bytes follow"),
        (patched(32, "<I", 0), "part_count"),
        (patched(32, "<I", 33), "part_count"),
        (patched(32, "<I", 32), "part_count"),
        (patched(36, "<I", 64), "part_entry_size"),
        (patched(40, "B", 1), "header: reserved"),
        (patched(entry_field(1, 0), "64s", b"manifest.json"), "share a name"),
        (patched(entry_field(0, 0), "64s", b"Manifest.json"), "illegal part name"),
        (patched(entry_field(0, 0), "64s", b"../manifest"), "illegal part name"),
        (patched(entry_field(0, 0), "64s", b"a\0b"), "illegal part name"),
        (patched(entry_field(0, 0), "64s", b"a" * 64), "illegal part name"),
        (patched(entry_field(0, 0), "64s", b""), "illegal part name"),
        (patched(entry_field(1, 64), "<Q", 448), "plan.bin: offset; found: 448; expected: 512"),
        (patched(entry_field(1, 64), "<Q", (1 << 64) - 64), "plan.bin: offset"),
        (patched(entry_field(2, 72), "<Q", 1 << 63), "stem.onnx: size"),
        (patched(entry_field(2, 72), "<Q", 0), "stem.onnx: size"),
        (patched(entry_field(0, 72), "<Q", 66), "plan.bin: offset"),
        (patched(entry_field(2, 112), "B", 1), "stem.onnx: reserved"),
        (patched(entry_field(0, 80), "32s", b"no hash"), "manifest.json: sha256"),
        (patched(len(UNSIGNED) - 128, "8s", b"ONBSIGN2"), "trailer: magic"),
        (patched(len(UNSIGNED) - 120, "B", 1), "trailer: key_id"),
        (patched(len(UNSIGNED) - 1, "B", 1), "trailer: reserved"),
    ],
)
def test_each_malformed_field_is_named(data: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        read_container(data, name="x.onb")
    assert caught.value.file == "x.onb"
    assert caught.value.remedy


def test_hidden_bytes_between_parts_are_refused() -> None:
    with pytest.raises(BundleError, match="padding"):
        read_container(patched(450, "B", 1))


def test_bytes_that_belong_to_no_part_are_refused() -> None:
    longer = bytearray(UNSIGNED[:-128] + bytes(64) + UNSIGNED[-128:])
    struct.pack_into("<Q", longer, 16, len(longer))
    with pytest.raises(BundleError, match="belong to no part"):
        read_container(bytes(longer))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onb"):
        read_container(tmp_path / "none.onb")
    with pytest.raises(BundleError, match="directory"):
        read_container(tmp_path)


def test_an_unsigned_bundle_is_not_verified() -> None:
    with pytest.raises(BundleError, match="not signed"):
        verify_signature(read_container(UNSIGNED), [])


def test_a_stranger_s_signature_is_refused() -> None:
    with pytest.raises(BundleError, match="not trusted"):
        verify_signature(read_container(SIGNED), [hashlib.sha256(b"another").digest()])


def test_the_shipped_bundle_has_its_place() -> None:
    assert default_bundle_path().parts[-3:] == ("flight", "bundles", "onboard-emit.onb")


def test_the_shipped_bundle_is_small_signed_and_whole() -> None:
    container = read_container(default_bundle_path())
    contents = read_contents(container)
    verify_signature(container, trusted_keys())
    assert len(container.data) <= 10 << 20
    assert contents.plan.bands == 285
    assert contents.manifest["minerals"] == list(MINERALS)
    assert contents.known_input is not None
