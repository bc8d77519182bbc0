"""Where a bundle was built: the source's version and commit, its licence, and the libraries beside it."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from onboard.errors import CaptureError

ROOT = Path(__file__).parents[1]
LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime")
GIT_SECONDS = 20.0


def provenance(root: Path = ROOT) -> dict[str, Any]:
    """Return package, version, commit and libraries of a checkout.

    Args:
        root: The checkout.

    Returns:
        ``package``, ``version``, ``commit`` (None outside a repository), ``changed`` (whether tracked files
        differ from it; None likewise), ``python``, ``libraries``: versions by name, None where not installed.

    Raises:
        CaptureError: pyproject.toml cannot be read.
    """
    project = _project(root)
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no") if commit else None
    return {
        "package": project["name"],
        "version": project["version"],
        "commit": commit,
        "changed": None if changes is None else bool(changes),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def licence(root: Path = ROOT) -> str:
    """Return the project's licence, as pyproject.toml names it (SPDX).

    Raises:
        CaptureError: pyproject.toml cannot be read.
    """
    return str(_project(root)["license"])


def _project(root: Path) -> dict[str, Any]:
    file = root / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        return {name: project[name] for name in ("name", "version", "license")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaptureError(
            "the project's own description cannot be read",
            file=file,
            found=f"{type(error).__name__}: {error}",
            expected="[project] with name, version and license",
            remedy="build bundles in a checkout of the source",
        ) from None


def _git(root: Path, *arguments: str) -> str | None:
    """Return what git says of the repository whose top is here; None without git, or outside of one."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
