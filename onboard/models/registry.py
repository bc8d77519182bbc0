"""The registry of networks: an architecture is one file and one decorator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from onboard.errors import UsageError

Kind = Literal["line", "bands", "filter_rgb"]


@dataclass(frozen=True)
class NetworkInput:
    """What an architecture takes and what it can say.

    Attributes:
        kind: "line" for stem features and the streaming filter's channels, "bands" for log radiance of a
            window of bands, "filter_rgb" for a matched filter's enhancement and three visible bands.
        tasks: What it can be trained for, methane first.
        multiple: Lines and samples must be multiples of it.
    """

    kind: Kind = "line"
    tasks: tuple[str, ...] = ("methane", "minerals")
    multiple: int = 8


Builder = Callable[..., Any]


@dataclass(frozen=True)
class Architecture:
    """A registered architecture.

    Attributes:
        name: Its name.
        build: Called with ``centres`` and ``fwhm`` in nm and the architecture's own settings.
        input: What it takes.
    """

    name: str
    build: Builder
    input: NetworkInput


_KNOWN: dict[str, Architecture] = {}


def register(name: str, takes: NetworkInput | None = None) -> Callable[[Builder], Builder]:
    """Return a decorator that makes an architecture known under ``name``.

    Args:
        name: Its name.
        takes: What it takes; features of a line stem if None.
    """

    def remember(builder: Builder) -> Builder:
        if name in _KNOWN:
            raise ValueError(f"architecture {name!r} is registered twice")
        _KNOWN[name] = Architecture(name, builder, takes or NetworkInput())
        return builder

    return remember


def names() -> list[str]:
    """Return the names of all registered architectures."""
    _load_all()
    return sorted(_KNOWN)


def architecture(name: str) -> Architecture:
    """Return the architecture ``name``.

    Raises:
        UsageError: No architecture has that name.
    """
    _load_all()
    if name not in _KNOWN:
        raise UsageError(
            "unknown architecture", field="model", found=name, expected=", ".join(sorted(_KNOWN))
        )
    return _KNOWN[name]


def build(name: str, **settings: Any) -> Any:
    """Build the architecture ``name``: a torch module with ``settings``.

    Args:
        name: A registered name.
        **settings: ``centres`` and ``fwhm``, (bands,) nm, and the architecture's own settings.

    Raises:
        UsageError: No architecture has that name, or it knows no such setting.
    """
    return architecture(name).build(**settings)


def _load_all() -> None:
    """Import the files that register something; late, since they need torch."""
    import onboard.models.hyper_efficientvit
    import onboard.models.hyper_segformer
    import onboard.models.hyper_starcop
    import onboard.models.linescan  # noqa: F401
