"""Bundles that the core refuses: tampered, truncated, untrusted, hostile; each with what was found."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.bundle import sign_container, write_container
from export.keys import public_key_of
from onboard.errors import BundleError
from onboard.flight.core import verify_bundle
from tests.support.bundles import TEST_SEED, TestBundle, build_test_bundle

OTHER_SEED = bytes(32)
TRAILER = 128


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return build_test_bundle()


def refusal(data: bytes, bundle: TestBundle, minimum_sequence: int = 0) -> str:
    """Return the words with which a bundle is refused."""
    with pytest.raises(BundleError) as caught:
        verify_bundle(data, [bundle.public_key], minimum_sequence=minimum_sequence, file="x.onb")
    assert "x.onb" in str(caught.value)
    assert caught.value.remedy
    return str(caught.value)


def changed(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def signed(parts: dict[str, bytes], sequence: int = 7) -> bytes:
    return sign_container(write_container(parts, sequence), TEST_SEED)


def test_a_good_bundle_is_accepted(bundle: TestBundle) -> None:
    verify_bundle(bundle.data, [bundle.public_key])
    verify_bundle(bundle.data, [bytes(32), bundle.public_key], minimum_sequence=7)


def test_a_tampered_part_is_refused(bundle: TestBundle) -> None:
    offset = bundle.data.index(bundle.parts["body.onnx"])
    data = changed(bundle.data, offset + 10, b"\xaa\xbb")
    words = refusal(data, bundle)
    assert "damaged" in words
    assert "body.onnx" in words
    part = bundle.parts["body.onnx"]
    assert hashlib.sha256(part).hexdigest() in words


def test_a_tampered_header_is_refused_by_its_signature(bundle: TestBundle) -> None:
    assert "signature does not fit" in refusal(changed(bundle.data, 24, b"\x08"), bundle)


def test_unsigned_untrusted_and_old_bundles_are_refused(bundle: TestBundle) -> None:
    assert "not signed" in refusal(write_container(bundle.parts, 7), bundle)
    words = refusal(sign_container(bundle.data, OTHER_SEED), bundle)
    assert "not trusted" in words
    assert hashlib.sha256(public_key_of(OTHER_SEED)).hexdigest() in words
    words = refusal(bundle.data, bundle, minimum_sequence=8)
    assert "found: 7" in words
    assert "at least 8" in words


def test_a_wrong_version_is_refused(bundle: TestBundle) -> None:
    words = refusal(changed(bundle.data, 8, struct.pack("<I", 2)), bundle)
    assert "version" in words
    assert "found: 2" in words
    plan = changed(bundle.parts["plan.bin"], 4, struct.pack("<I", 9))
    assert "plan version" in refusal(signed({**bundle.parts, "plan.bin": plan}), bundle)


@pytest.mark.parametrize("length", [0, 7, 8, 63, 64, 300, -TRAILER, -1])
def test_a_truncated_bundle_is_refused(bundle: TestBundle, length: int) -> None:
    words = refusal(bundle.data[:length], bundle)
    assert "cut short" in words or "not a bundle" in words


def test_appended_bytes_are_refused(bundle: TestBundle) -> None:
    assert "follow" in refusal(bundle.data + b"\0", bundle)


@pytest.mark.parametrize(
    ("offset", "value", "word"),
    [
        (12, struct.pack("<I", 65), "header_size"),
        (32, struct.pack("<I", 0), "part_count"),
        (32, struct.pack("<I", 33), "part_count"),
        (36, struct.pack("<I", 64), "part_entry_size"),
        (40, b"\1", "reserved"),
        (64, b"A", "name"),
        (64, bytes(64), "name"),
        (64 + 64, struct.pack("<Q", 1 << 63), "offset"),
        (64 + 64, struct.pack("<Q", 64), "offset"),
        (64 + 72, struct.pack("<Q", 0), "size"),
        (64 + 72, struct.pack("<Q", (1 << 64) - 1), "size"),
        (64 + 112, b"\1", "reserved"),
        (192, b"manifest.json\0", "share a name"),
    ],
)
def test_hostile_headers_are_refused(bundle: TestBundle, offset: int, value: bytes, word: str) -> None:
    assert word in refusal(changed(bundle.data, offset, value), bundle)


def test_hostile_trailers_are_refused(bundle: TestBundle) -> None:
    start = len(bundle.data) - TRAILER
    assert "magic" in refusal(changed(bundle.data, start, b"X"), bundle)
    assert "reserved" in refusal(changed(bundle.data, start + 120, b"X"), bundle)
    assert "key_id" in refusal(changed(bundle.data, start + 8, bytes(32)), bundle)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 1 << 20), byte=st.integers(1, 255), more=st.integers(0, 1 << 20))
def test_no_changed_bit_is_accepted(place: int, byte: int, more: int) -> None:
    bundle = build_small()
    data = bytearray(bundle.data)
    # Half of the changes go into header, table and trailer, where the decisions are made.
    head = 64 + 128 * 9
    index = place % head if more % 2 else place % len(data)
    data[index] ^= byte
    with pytest.raises(BundleError):
        verify_bundle(bytes(data), [bundle.public_key])


_SMALL: list[TestBundle] = []


def build_small() -> TestBundle:
    if not _SMALL:
        _SMALL.append(build_test_bundle(bands=4, samples_hint=4))
    return _SMALL[0]


# Offsets in plan.bin, with a value that must be refused and the field that is blamed.
BAD_PLANS = [
    (8, 0, "bands"),
    (8, 25, "bands.f32"),
    (12, 0, "mf_bands"),
    (12, 9, "mf_bands.u16"),
    (16, 1, "curve_points"),
    (20, 0, "stem_pixels"),
    (24, 257, "static_features"),
    (32, 33, "body_lines"),
    (36, 0, "body_samples"),
    (40, 0, "strip_lines"),
    (48, 17, "minerals"),
    (52, 0, "memory_lines"),
    (56, 0, "covariance_stride"),
    (60, 0, "event_min_pixels"),
    (64, 0x7FC00000, "kappa"),
    (68, 0, "exclude_sigma"),
    (72, 0x80000000, "alpha_scale"),
    (88, 0x40000000, "plume_threshold"),
    (92, 0xBF800000, "event_peak_probability"),
    (96, 0x7F800000, "mineral_thresholds"),
    (160, 5, "known_lines"),
    (172, 0xFFFFFFFF, "inference_bytes"),
    (176, 0, "products"),
    (176, 4, "products"),
    (180, 1025, "exclude_near"),
]


@pytest.mark.parametrize(("offset", "value", "field"), BAD_PLANS)
def test_plans_that_cannot_be_flown_are_refused(
    bundle: TestBundle, offset: int, value: int, field: str
) -> None:
    plan = changed(bundle.parts["plan.bin"], offset, struct.pack("<I", value))
    words = refusal(signed({**bundle.parts, "plan.bin": plan}), bundle)
    assert field in words
    assert "expected" in words


@pytest.mark.parametrize(
    ("name", "offset", "value"),
    [
        ("reference.f32", 8, b"\0\0\0\0"),
        ("reference.f32", 8, struct.pack("<f", float("nan"))),
        ("bands.f32", 0, struct.pack("<f", float("inf"))),
        ("mf_bands.u16", 2, struct.pack("<H", 60000)),
        ("mf_bands.u16", 2, struct.pack("<H", 0)),
        ("mf_curve.f32", 0, struct.pack("<f", 1.0)),
        ("mf_curve.f32", 8, struct.pack("<f", 1.0)),
        ("mf_curve.f32", 20, struct.pack("<f", 1.0)),
        ("mf_noise.f32", 0, struct.pack("<f", -1.0)),
    ],
)
def test_tables_that_make_no_sense_are_refused(
    bundle: TestBundle, name: str, offset: int, value: bytes
) -> None:
    part = changed(bundle.parts[name], offset, value)
    assert name in refusal(signed({**bundle.parts, name: part}), bundle)


def test_missing_parts_are_named(bundle: TestBundle) -> None:
    for name in bundle.parts:
        parts = {key: part for key, part in bundle.parts.items() if key != name}
        assert name in refusal(signed(parts), bundle)
