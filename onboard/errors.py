"""Typed errors of Onboard: one root, one child for each way the world can fail us."""

from __future__ import annotations

from os import PathLike, fspath


class OnboardError(Exception):
    """Root of every error that Onboard raises on purpose.

    A message names the file, the field, what was found, what was expected and the remedy,
    as far as each is known. ``exit_code`` is what the command line returns for it.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        file: str | PathLike[str] | None = None,
        field: str | None = None,
        found: object = None,
        expected: object = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else fspath(file)
        self.field = field
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [self.problem]
        for name in ("file", "field", "found", "expected", "remedy"):
            value = getattr(self, name)
            if value is not None:
                parts.append(f"{name}: {value}")
        return "; ".join(parts)


class UsageError(OnboardError):
    """The command or call asks for something that makes no sense."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A library of an optional extra is not installed."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {library}, which is not installed",
            remedy=f"in a checkout: .venv/bin/pip install -e '.[{extra}]'",
        )


class CaptureError(OnboardError):
    """A capture, truth file or run folder cannot be used as given."""

    exit_code = 3


class OutputError(OnboardError):
    """An output cannot be written whole."""

    exit_code = 3


class BundleError(OnboardError):
    """A bundle is malformed, damaged, untrusted or made for something else."""

    exit_code = 4


class DeadlineError(OnboardError):
    """A deadline was missed and the caller asked to be strict about it."""

    exit_code = 5
