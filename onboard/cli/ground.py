"""The way from a light verb to the ground's tools, which an installed wheel does not have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from onboard.errors import MissingExtraError, UsageError

GROUND_PACKAGES = ("export", "quantize")


@contextmanager
def ground_tools(purpose: str, extra: str = "export") -> Iterator[None]:
    """Turn a failed import of ground tools into words.

    Args:
        purpose: What the tools are wanted for, such as ``signing a bundle``.
        extra: The extra that carries the libraries they need.

    Raises:
        UsageError: If there is no checkout to import ``export`` or ``quantize`` from.
        MissingExtraError: If a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = str(error.name)
        if name.partition(".")[0] in GROUND_PACKAGES:
            raise UsageError(
                f"{purpose} is ground work, and the installed package holds the flight side alone",
                found=f"no package {name!r}",
                expected="a checkout of the source",
                remedy=f"in a checkout: .venv/bin/pip install -e '.[{extra}]', then call .venv/bin/onboard",
            ) from None
        raise MissingExtraError(name, extra, purpose) from None
