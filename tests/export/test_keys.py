"""Making and loading signing keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.keys import (
    DEVELOPMENT_KEY,
    generate_key_pair,
    is_development_key,
    key_id_of,
    load_private_key,
    public_key_of,
    sign_message,
)
from onboard.errors import BundleError, OutputError, UsageError
from onboard.flight.trust import load_trusted_keys, read_key_file

# RFC 8032, section 7.1, test 2.
RFC_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_signatures_are_those_of_rfc_8032() -> None:
    assert public_key_of(RFC_SEED) == RFC_PUBLIC
    assert sign_message(b"\x72", RFC_SEED) == RFC_SIGNATURE


def test_the_development_pair_belongs_together_and_is_named_so() -> None:
    seed = load_private_key(DEVELOPMENT_KEY)
    (trusted,) = load_trusted_keys()
    assert public_key_of(seed) == trusted.public
    assert key_id_of(public_key_of(seed)) == trusted.key_id
    assert is_development_key(seed)
    assert "DEVELOPMENT ONLY" in DEVELOPMENT_KEY.read_text()


def test_a_new_pair_is_private_and_fits(tmp_path: Path) -> None:
    private, public = generate_key_pair("mission-1", tmp_path)
    assert private.stat().st_mode & 0o777 == 0o600
    seed = load_private_key(private)
    assert public_key_of(seed) == read_key_file(public)
    assert not is_development_key(seed)
    assert {path.name for path in tmp_path.iterdir()} == {"mission-1.key", "mission-1.pub"}


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    private, public = generate_key_pair("mission", tmp_path)
    kept = private.read_text()
    with pytest.raises(OutputError, match="exists already"):
        generate_key_pair("mission", tmp_path)
    public.unlink()
    with pytest.raises(OutputError, match=r"mission\.key"):
        generate_key_pair("mission", tmp_path)
    assert private.read_text() == kept


@pytest.mark.parametrize("name", ["", "development-only", "a/b", "../a", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a name"):
        generate_key_pair(name, tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="none"):
        generate_key_pair("mission", tmp_path / "none")


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    private, _ = generate_key_pair("mission", tmp_path)
    private.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        load_private_key(private)


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.key"):
        load_private_key(tmp_path / "none.key")
    with pytest.raises(UsageError, match="31 bytes"):
        public_key_of(bytes(31))
