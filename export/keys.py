"""Signing keys of the ground: making, loading and using Ed25519 private keys (RFC 8032)."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from onboard.errors import MissingExtraError, OutputError, UsageError
from onboard.flight.trust import DEVELOPMENT_NAME, KEY_BYTES, load_trusted_keys, read_key_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DEVELOPMENT_KEY = Path(__file__).parent / "keys" / "DEVELOPMENT-ONLY.key"
PRIVATE_NOTE = (
    "# Onboard signing key (Ed25519 private seed). Keep it secret: who holds it commands the network."
)
PUBLIC_NOTE = "# Onboard signing key (Ed25519 public)."


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise MissingExtraError("cryptography", "export", "signing a bundle") from None
    if len(seed) != KEY_BYTES:
        raise UsageError(
            "not an Ed25519 private key", found=f"{len(seed)} bytes", expected=f"{KEY_BYTES} bytes"
        )
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key_of(seed: bytes) -> bytes:
    """Return the public key (32 bytes) of a private seed (32 bytes)."""
    return _private_key(seed).public_key().public_bytes_raw()


def key_id_of(public: bytes) -> bytes:
    """Return the id of a public key: its SHA-256."""
    return hashlib.sha256(public).digest()


def sign_message(message: bytes, seed: bytes) -> bytes:
    """Return the signature (64 bytes) of a message by a private seed (32 bytes)."""
    return _private_key(seed).sign(message)


def load_private_key(path: Path) -> bytes:
    """Read a private key file.

    Returns:
        The seed, 32 bytes.

    Raises:
        BundleError: If it is no key file.
        UsageError: If others can read it, unless it is the published development key.
    """
    seed = read_key_file(path)
    if path.stat().st_mode & 0o077 and not is_development_key(seed):
        raise UsageError(
            "the private key can be read by others",
            file=path,
            found=f"mode {path.stat().st_mode & 0o777:04o}",
            expected="mode 0600",
            remedy=f"chmod 600 {path}; if the machine is shared, make a new key",
        )
    return seed


def is_development_key(seed: bytes) -> bool:
    """Whether a seed is that of the published development key."""
    public = public_key_of(seed)
    return any(key.development and key.public == public for key in load_trusted_keys())


def generate_key_pair(name: str, folder: Path) -> tuple[Path, Path]:
    """Make a key pair: ``name.key`` (private, mode 0600) and ``name.pub``.

    Raises:
        UsageError: If the name is that of the development key or is no plain file name.
        OutputError: If a file exists already or cannot be written.
    """
    if name in ("", DEVELOPMENT_NAME) or Path(name).name != name or name.startswith("."):
        raise UsageError(
            "not a name for a key", found=repr(name), expected="a plain file name without folder"
        )
    seed = secrets.token_bytes(KEY_BYTES)
    public = public_key_of(seed)
    private_path, public_path = folder / f"{name}.key", folder / f"{name}.pub"
    if public_path.exists():
        raise OutputError("the key exists already", file=public_path, remedy="give another name")
    _write_new(private_path, f"{PRIVATE_NOTE}\n{seed.hex()}\n", 0o600)
    try:
        _write_new(public_path, f"{PUBLIC_NOTE} Name: {name}.\n{public.hex()}\n", 0o644)
    except OutputError:
        private_path.unlink()
        raise
    return private_path, public_path


def _write_new(path: Path, text: str, mode: int) -> None:
    """Create a file with its mode from the first byte on; never replace one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
    except OSError as error:
        raise OutputError(
            "the key cannot be written",
            file=path,
            found=error.strerror or str(error),
            remedy="give a folder that exists and can be written, and a name not used in it",
        ) from None
