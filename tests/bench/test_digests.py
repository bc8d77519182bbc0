from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bench.digests import (
    bundle_digest,
    flight_digest,
    maker_digest,
    source_digest,
    training_digest,
    world_digest,
)
from onboard.flight import default_bundle_path

PARTS = ("scenes", "sensors", "one.py")


@pytest.mark.parametrize(
    "name", ["scenes/deep/light.py", "sensors/emit.toml", "scenes/table.csv", "scenes/table.json", "one.py"]
)
def test_a_changed_file_changes_the_digest(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("one")
    first = source_digest(tmp_path, PARTS)
    assert source_digest(tmp_path, PARTS) == first
    file.write_text("two")
    assert source_digest(tmp_path, PARTS) != first
    file.rename(file.with_stem("renamed")).write_text("one")
    assert source_digest(tmp_path, PARTS) != first


def test_a_study_is_told_apart_by_the_module_it_stands_in() -> None:
    own = maker_digest(test_bundles_are_told_apart)
    assert maker_digest(partial(test_bundles_are_told_apart, Path())) == own
    assert maker_digest(lambda: None) == own
    assert maker_digest(source_digest) != own


def test_what_is_no_source_and_other_folders_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "other").mkdir()
    first = source_digest(tmp_path, ("scenes",))
    (tmp_path / "scenes" / "picture.png").write_bytes(b"x")
    (tmp_path / "other" / "code.py").write_text("x")
    assert source_digest(tmp_path, ("scenes",)) == first


def test_world_and_flight_are_told_apart() -> None:
    assert len({world_digest(), flight_digest(), training_digest(), source_digest(Path(), ())}) == 4


def test_bundles_are_told_apart(tmp_path: Path) -> None:
    other = tmp_path / "other.onb"
    other.write_bytes(default_bundle_path().read_bytes() + b"x")
    assert bundle_digest(None) == bundle_digest(default_bundle_path())
    assert bundle_digest(other) != bundle_digest(None)
