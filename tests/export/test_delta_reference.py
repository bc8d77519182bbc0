"""The Python decoder: it takes what the writer makes, and nothing that names other bytes."""

from __future__ import annotations

import pytest

from export.delta import make_delta
from export.delta_reference import rebuild
from onboard.errors import BundleError
from tests.support.bundles import build_test_bundle


def test_it_repeats_the_bundle_and_sees_another_base() -> None:
    old, new = build_test_bundle(), build_test_bundle(seed=2, sequence=8)
    delta = make_delta(old.data, new.data)
    assert rebuild(old.data, delta) == new.data
    other = bytearray(old.data)
    other[len(other) // 2] ^= 1
    with pytest.raises(BundleError, match="made for another bundle"):
        rebuild(bytes(other), delta)
    renamed = bytearray(delta)
    renamed[104] ^= 1
    with pytest.raises(BundleError, match="does not make what it names"):
        rebuild(old.data, bytes(renamed))
