"""The public keys that this installation trusts to sign bundles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from onboard.errors import BundleError

KEY_FOLDER = Path(__file__).parent / "keys"
KEY_BYTES = 32
DEVELOPMENT_NAME = "development-only"


@dataclass(frozen=True)
class TrustedKey:
    """An Ed25519 public key (32 bytes) and the name of the file it came from, without suffix."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256 of the public key, as a bundle's trailer carries it."""
        return hashlib.sha256(self.public).digest()

    @property
    def development(self) -> bool:
        """Whether this is the published development key, whose signature proves nothing."""
        return self.name == DEVELOPMENT_NAME


def read_key_file(path: Path) -> bytes:
    """Read a key file: 64 hexadecimal digits, beside comment lines that start with ``#``.

    Returns:
        The key, 32 bytes.

    Raises:
        BundleError: If the file cannot be read or holds anything else.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        digits = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        key = bytes.fromhex(digits[0]) if len(digits) == 1 else b""
        found = f"{len(digits)} lines that are no comments"
    except OSError as error:
        key, found = b"", error.strerror or str(error)
    except ValueError:
        key, found = b"", "other characters"
    if len(key) != KEY_BYTES:
        raise BundleError(
            "the key file cannot be used",
            file=path,
            found=found if not key else f"{len(key)} bytes",
            expected=f"one line of {2 * KEY_BYTES} hexadecimal digits beside '#' comments",
            remedy="make a key pair with `onboard bundle keygen`",
        )
    return key


def load_trusted_keys(folder: Path = KEY_FOLDER) -> tuple[TrustedKey, ...]:
    """Load every ``*.pub`` of a folder, sorted by name."""
    return tuple(TrustedKey(path.stem, read_key_file(path)) for path in sorted(folder.glob("*.pub")))


def trusted_keys(folder: Path = KEY_FOLDER) -> tuple[bytes, ...]:
    """Return the public keys that sign what this installation flies, 32 bytes each.

    The shipped folder holds the development key alone; a mission replaces it with its own.
    """
    return tuple(key.public for key in load_trusted_keys(folder))


def key_name(key_id: bytes, keys: tuple[TrustedKey, ...] | None = None) -> str | None:
    """Return the name of the trusted key with this id, or None."""
    known = load_trusted_keys() if keys is None else keys
    return next((key.name for key in known if key.key_id == key_id), None)
