"""Sidecars speak of the files they were written for, and of no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from export.tensorrt.sidecar import encode_sidecar, read_sidecar, require_match, sha256, sidecar_path
from onboard.errors import BundleError

FIELDS = {"versions": {"tensorrt": "10.3.0"}, "gpu": {"name": "Orin", "compute_capability": "8.7"}}


def write(folder: Path, name: str = "x.engine") -> Path:
    engine = folder / "x.engine"
    engine.write_bytes(b"engine")
    files = {"x.engine": {"sha256": sha256(b"engine")}, name: {"sha256": sha256(b"engine")}}
    sidecar_path(engine).write_bytes(encode_sidecar({"files": files, **FIELDS, "odd": float("nan")}))
    return engine


def test_round_trip(tmp_path: Path) -> None:
    engine = write(tmp_path)
    fields = read_sidecar(engine)
    assert fields["format"] == 1
    assert fields["odd"] is None
    require_match(fields, versions={"tensorrt": "10.3.0"}, gpu={"name": "Orin"})


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    engine = write(tmp_path)
    for place in range(6):
        data = bytearray(b"engine")
        data[place] ^= 1
        engine.write_bytes(bytes(data))
        with pytest.raises(BundleError, match="another than its sidecar"):
            read_sidecar(engine)


@pytest.mark.parametrize(("group", "name"), [("versions", "tensorrt"), ("gpu", "compute_capability")])
def test_another_gpu_or_release_is_refused(tmp_path: Path, group: str, name: str) -> None:
    fields = read_sidecar(write(tmp_path))
    here = {"versions": dict(FIELDS["versions"]), "gpu": dict(FIELDS["gpu"])}
    here[group][name] = "other"
    with pytest.raises(BundleError, match=f"{group}.{name}"):
        require_match(fields, versions=here["versions"], gpu=here["gpu"])


NO_ENTRIES: tuple[Any, ...] = (None, "text", [])
HALF = [json.dumps({"format": 1, "files": {"x.engine": entry}}) for entry in NO_ENTRIES]
HALF += [json.dumps({"format": 1, "files": {"x.engine": {}}, group: ["a"]}) for group in ("versions", "gpu")]


def test_missing_and_malformed_sidecars_are_refused(tmp_path: Path) -> None:
    engine = write(tmp_path)
    for text in ("", "[]", "{}", json.dumps({"format": 2, "files": {"x.engine": {}}}), "{", *HALF):
        sidecar_path(engine).write_text(text)
        with pytest.raises(BundleError, match="sidecar"):
            read_sidecar(engine)
    sidecar_path(engine).unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        read_sidecar(engine)


def test_files_elsewhere_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.engine").write_bytes(b"engine")
    with pytest.raises(BundleError, match="elsewhere"):
        read_sidecar(write(tmp_path / "in", "../out.engine"))
    with pytest.raises(BundleError, match="cannot be read"):
        read_sidecar(write(tmp_path / "in", "gone.engine"))
