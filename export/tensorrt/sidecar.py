"""The sidecar of an engine: a JSON file beside it that says what it is, of what, for what, and how good."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onboard.errors import BundleError

FORMAT = 1
SUFFIX = ".json"


def sidecar_path(engine: Path) -> Path:
    """Return where an engine's sidecar lies."""
    return engine.with_name(engine.name + SUFFIX)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def encode_sidecar(fields: Mapping[str, Any]) -> bytes:
    """Return a sidecar's bytes: UTF-8 JSON, one field a line; what is no number becomes null."""
    plain = _plain({"format": FORMAT, **fields})
    return (json.dumps(plain, indent=1, allow_nan=False) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_sidecar(engine: Path) -> dict[str, Any]:
    """Read the sidecar of an engine and check that the engine's files are those that it speaks of.

    Args:
        engine: The engine, or the context model of ONNX Runtime.

    Raises:
        BundleError: If the sidecar is missing or malformed, or a file is missing or another one.
    """
    path = sidecar_path(engine)
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError("the engine's sidecar cannot be read", file=path, found=error) from None
    files = fields.get("files") if isinstance(fields, dict) else None
    whole = isinstance(files, dict) and all(
        isinstance(entry, dict)
        for entry in (*files.values(), *(fields.get(name, {}) for name in ("versions", "gpu")))
    )
    if not whole or not isinstance(files, dict) or fields.get("format") != FORMAT or engine.name not in files:
        raise BundleError("the engine's sidecar is malformed", file=path, expected=f"format {FORMAT}, files")
    for name, entry in files.items():
        file = engine.parent / name
        if not file.resolve().is_relative_to(engine.parent.resolve()):
            raise BundleError("a sidecar speaks of files elsewhere", file=path, found=name)
        try:
            found = sha256(file.read_bytes())
        except OSError as error:
            raise BundleError(
                "a file of the engine cannot be read", file=file, found=error.strerror
            ) from None
        if found != entry.get("sha256"):
            raise BundleError(
                "a file of the engine is another than its sidecar speaks of",
                file=file,
                field="sha256",
                found=found,
                expected=entry.get("sha256"),
                remedy="build the engine again from its bundle",
            )
    return fields


def require_match(fields: Mapping[str, Any], *, versions: Mapping[str, str], gpu: Mapping[str, Any]) -> None:
    """Refuse an engine that was built for another GPU or by another release.

    Args:
        fields: What ``read_sidecar`` returned.
        versions: Releases here, such as ``{"tensorrt": "10.3.0"}``.
        gpu: The GPU here: ``name`` and ``compute_capability``.

    Raises:
        BundleError: Naming what differs.
    """
    for group, here in (("versions", versions), ("gpu", gpu)):
        built = fields.get(group) or {}
        for name, value in here.items():
            if built.get(name) != value:
                raise BundleError(
                    "the engine was built for something else",
                    field=f"{group}.{name}",
                    found=built.get(name),
                    expected=value,
                    remedy="build the engine again on this machine",
                )
