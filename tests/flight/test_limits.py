"""``limits.bin`` in both readers: Python's and, through a signed bundle, the core's."""

from __future__ import annotations

import ctypes as c

import pytest

from export.bundle import sign_container, write_container
from export.limits import with_limits
from onboard.errors import BundleError, UsageError
from onboard.flight.bundle import read_container, verify_signature
from onboard.flight.contents import read_contents
from onboard.flight.core import Status, default_config, load_library, set_limits, set_trust
from onboard.flight.limits import LIMITS_PART, Limits, unpack_limits
from onboard.flight.structs import BundleDescription, Config, Detail
from tests.support.bundles import TEST_SEED, TestBundle, build_test_bundle


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return build_test_bundle()


@pytest.fixture(scope="module")
def limited(bundle: TestBundle) -> bytes:
    data = with_limits(read_container(bundle.data), Limits(1000, "jetson-orin-nano"))
    return sign_container(data, TEST_SEED)


def test_limits_pack_and_unpack() -> None:
    for limits in (Limits(), Limits(1), Limits((1 << 64) - 1, "a" * 31), Limits(0, "x86-64-v4")):
        assert unpack_limits(limits.pack()) == limits
    for bad in ({"expires_unix_s": -1}, {"target": "Upper"}, {"target": "a" * 32}):
        with pytest.raises(BundleError, match="cannot be written"):
            Limits(**bad)


@pytest.mark.parametrize("at", [0, 4, 20, 47, 48, 63])
def test_malformed_limits_are_refused_by_both_readers(bundle: TestBundle, at: int) -> None:
    part = bytearray(Limits(9, "abc").pack())
    part[at] ^= 0x42
    with pytest.raises(BundleError, match=r"limits\.bin"):
        unpack_limits(bytes(part), "x.onb")
    data = sign_container(write_container({**bundle.parts, LIMITS_PART: bytes(part)}, 7), TEST_SEED)
    with pytest.raises(BundleError, match="limits"):
        verify_signature(read_container(data), [bundle.public_key])
    with pytest.raises(BundleError, match="length"):
        unpack_limits(bytes(part[:-1]))


def test_time_and_target_decide(bundle: TestBundle, limited: bytes) -> None:
    container, keys = read_container(limited), [bundle.public_key]
    assert read_contents(container).limits == Limits(1000, "jetson-orin-nano")
    verify_signature(container, keys)
    verify_signature(container, keys, now_unix_s=999, target="jetson-orin-nano")
    with pytest.raises(BundleError, match=r"expired.*found: now 1000; expected: before 1000"):
        verify_signature(container, keys, now_unix_s=1000)
    with pytest.raises(BundleError, match=r"another target.*found: jetson-orin-nano; expected: ion-scv-004"):
        verify_signature(container, keys, target="ion-scv-004")
    verify_signature(read_container(bundle.data), keys, now_unix_s=1 << 40, target="any")


def test_a_time_or_target_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="now_unix_s"):
        set_limits(default_config(), -1, None)
    with pytest.raises(UsageError, match="target"):
        set_limits(default_config(), 0, "a" * 32)


def test_the_manifest_must_repeat_the_limits(bundle: TestBundle) -> None:
    data = write_container({**bundle.parts, LIMITS_PART: Limits(5).pack()}, 7)
    with pytest.raises(BundleError, match=r"manifest\.json: limits"):
        read_contents(read_container(data))


def test_callers_with_an_older_header_are_served(bundle: TestBundle, limited: bytes) -> None:
    library, detail = load_library(), Detail()
    config = Config()
    older = Config.now_unix_s.offset
    assert library.onb_config_default(c.byref(config), older) == Status.OK
    assert config.struct_size == older
    set_trust(config, [bundle.public_key], 0)
    config.now_unix_s = 5000  # beyond what the caller says its struct has
    assert library.onb_bundle_verify(limited, len(limited), c.byref(config), c.byref(detail)) == Status.OK
    config.struct_size = c.sizeof(Config)
    status = library.onb_bundle_verify(limited, len(limited), c.byref(config), c.byref(detail))
    assert status == Status.BUNDLE_EXPIRED
    info = BundleDescription()
    assert library.onb_bundle_info(limited, len(limited), c.byref(info), None) == Status.OK
    assert (info.expires_unix_s, info.target) == (1000, b"jetson-orin-nano")
    info = BundleDescription(expires_unix_s=77)
    info.struct_size = BundleDescription.expires_unix_s.offset
    assert library.onb_bundle_info(limited, len(limited), c.byref(info), None) == Status.OK
    assert (info.sequence, info.expires_unix_s) == (7, 77)
