"""Key files, and the keys that this installation trusts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from onboard.errors import BundleError
from onboard.flight.trust import key_name, load_trusted_keys, read_key_file, trusted_keys


def test_the_shipped_key_is_the_development_key_and_says_so() -> None:
    (key,) = load_trusted_keys()
    assert key.development
    assert trusted_keys() == (key.public,)
    assert key.key_id == hashlib.sha256(key.public).digest()
    assert key_name(key.key_id) == "development-only"
    assert key_name(bytes(32)) is None


def test_every_key_of_a_folder_is_trusted_and_none_else(tmp_path: Path) -> None:
    assert trusted_keys(tmp_path) == ()
    for name, byte in (("b", 2), ("a", 1)):
        (tmp_path / f"{name}.pub").write_text(f"# a key\n\n{bytes([byte] * 32).hex()}\n")
    (tmp_path / "c.key").write_text("not read")
    assert trusted_keys(tmp_path) == (bytes([1] * 32), bytes([2] * 32))
    assert not load_trusted_keys(tmp_path)[0].development


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "zz" * 32, "ab" * 31, f"{'ab' * 32}\n{'cd' * 32}\n", "é" * 64]
)
def test_a_malformed_key_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.pub"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=r"bad\.pub"):
        read_key_file(path)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file"):
        read_key_file(tmp_path / "none.pub")
