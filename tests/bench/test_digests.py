from __future__ import annotations

from pathlib import Path

import pytest

from bench.digests import bundle_digest, flight_digest, source_digest, world_digest
from onboard.flight import default_bundle_path


@pytest.mark.parametrize("name", ["scenes/deep/light.py", "sensors/emit.toml", "scenes/table.csv"])
def test_a_changed_file_changes_the_digest(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text("one")
    first = source_digest(tmp_path, ("scenes", "sensors"))
    assert source_digest(tmp_path, ("scenes", "sensors")) == first
    file.write_text("two")
    assert source_digest(tmp_path, ("scenes", "sensors")) != first
    file.rename(file.with_stem("renamed")).write_text("one")
    assert source_digest(tmp_path, ("scenes", "sensors")) != first


def test_what_is_no_source_and_other_folders_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "other").mkdir()
    first = source_digest(tmp_path, ("scenes",))
    (tmp_path / "scenes" / "picture.png").write_bytes(b"x")
    (tmp_path / "other" / "code.py").write_text("x")
    assert source_digest(tmp_path, ("scenes",)) == first


def test_world_and_flight_are_told_apart() -> None:
    assert len({world_digest(), flight_digest(), source_digest(Path(), ())}) == 3


def test_bundles_are_told_apart(tmp_path: Path) -> None:
    other = tmp_path / "other.onb"
    other.write_bytes(default_bundle_path().read_bytes() + b"x")
    assert bundle_digest(None) == bundle_digest(default_bundle_path())
    assert bundle_digest(other) != bundle_digest(None)
