"""The registry of networks: an architecture is one file and one decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from onboard.errors import UsageError

if TYPE_CHECKING:
    from onboard.models.linescan import Linescan

Builder = Callable[..., "Linescan"]
_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Return a decorator that makes an architecture known under ``name``."""

    def remember(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"architecture {name!r} is registered twice")
        _BUILDERS[name] = builder
        return builder

    return remember


def names() -> list[str]:
    """Return the names of all registered architectures."""
    _load_all()
    return sorted(_BUILDERS)


def build(name: str, **settings: Any) -> Linescan:
    """Build the architecture ``name``.

    Args:
        name: A registered name.
        **settings: The architecture's own settings.

    Raises:
        UsageError: No architecture has that name.
    """
    _load_all()
    if name not in _BUILDERS:
        raise UsageError(
            "unknown architecture", field="model", found=name, expected=", ".join(sorted(_BUILDERS))
        )
    return _BUILDERS[name](**settings)


def _load_all() -> None:
    """Import the files that register something; late, since they need torch."""
    import onboard.models.linescan  # noqa: F401
