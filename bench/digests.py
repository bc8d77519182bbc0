"""What results follow from, as hashes: the simulator, what flies, and the bundle."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from onboard.flight import default_bundle_path
from onboard.flight.core import find_library

WORLD = ("scenes", "sensors")
"""Parts of the package that decide what a capture is."""
JUDGES = (
    "calibration",
    "components",
    "curves",
    "prediction",
    "protocol",
    "quality",
    "resampled_gas",
    "scoring",
    "tally",
)
CALLERS = ("captures", "flight", "models", *(f"replay/{name}.py" for name in JUDGES))
"""Parts that lead a capture through the core, or through a network beside it, and count what comes of it."""
KINDS = (".py", ".csv", ".toml", ".json")


def source_digest(package: Path, parts: Sequence[str]) -> str:
    """Return the SHA-256 of some folders' sources and tables, and of single files.

    Args:
        package: Folder that they lie in.
        parts: Their names.
    """
    digest = sha256()
    places = [package / part for part in parts]
    found = (path for place in places for path in ([place] if place.is_file() else place.rglob("*")))
    for path in sorted(path for path in found if path.suffix in KINDS):
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


@cache
def training_digest() -> str:
    """Return the hash of what makes samples of training patches, for studies that judge on such."""
    return source_digest(Path(str(files("onboard"))), ("training",))


def bundle_digest(bundle: Path | None) -> str:
    """Return the hash of a bundle, or of weights that stand in for one; the shipped bundle's if None."""
    return sha256((bundle or default_bundle_path()).read_bytes()).hexdigest()


def maker_digest(make: Callable[..., object]) -> str:
    """Return the hash of the module that a function stands in."""
    inner = make.func if isinstance(make, partial) else make
    return sha256(Path(inspect.getsourcefile(inner) or __file__).read_bytes()).hexdigest()
