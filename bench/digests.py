"""What results follow from, as hashes: the simulator, what flies, and the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from onboard.flight import default_bundle_path
from onboard.flight.core import find_library

WORLD = ("scenes", "sensors")
"""Parts of the package that decide what a capture is."""
CALLERS = ("captures", "flight", "models")
"""Parts that lead a capture through the core, or through a network beside it."""


def source_digest(package: Path, parts: Sequence[str]) -> str:
    """Return the SHA-256 of some folders' sources and tables.

    Args:
        package: Folder that they lie in.
        parts: Their names.
    """
    digest = sha256()
    found = (path for part in parts for path in (package / part).rglob("*"))
    for path in sorted(path for path in found if path.suffix in (".py", ".csv", ".toml")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def world_digest() -> str:
    """Return the hash of the simulator: scores of another world are not gone on with."""
    return source_digest(Path(str(files("onboard"))), WORLD)


@cache
def flight_digest() -> str:
    """Return the hash of all that flies a capture beside the bundle: the core as built, and its callers."""
    callers = source_digest(Path(str(files("onboard"))), CALLERS)
    return sha256(find_library().read_bytes() + callers.encode()).hexdigest()


def bundle_digest(bundle: Path | None) -> str:
    """Return the hash of a bundle, or of weights that stand in for one; the shipped bundle's if None."""
    return sha256((bundle or default_bundle_path()).read_bytes()).hexdigest()
