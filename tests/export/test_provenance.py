from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from export.provenance import licence, provenance
from onboard.errors import CaptureError

PROJECT = '[project]\nname = "x"\nversion = "1.2"\nlicense = "MIT"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(root), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_outside_a_repository_there_is_no_commit(root: Path) -> None:
    found = provenance(root)
    assert (found["package"], found["version"]) == ("x", "1.2")
    assert found["commit"] is found["changed"] is None
    assert found["libraries"]["numpy"] is not None
    assert licence(root) == "MIT"


def test_the_commit_and_changes_since_are_told(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", "pyproject.toml")
    git(root, "commit", "-q", "-m", "x")
    found = provenance(root)
    assert found["commit"] == git(root, "rev-parse", "HEAD")
    assert found["changed"] is False
    (root / "pyproject.toml").write_text(PROJECT + "\n")
    assert provenance(root)["changed"] is True


@pytest.mark.parametrize("text", [None, "[", "[project]\nname = 'x'\n", "project = 3\n"])
def test_a_project_that_does_not_describe_itself_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(CaptureError, match=r"pyproject\.toml"):
        provenance(tmp_path)
    with pytest.raises(CaptureError):
        licence(tmp_path)


def test_this_checkout_describes_itself() -> None:
    assert provenance()["package"] == "onboard"
    assert licence()
