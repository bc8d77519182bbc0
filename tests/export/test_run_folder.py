"""Run folders are read whole, or refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from export.run_folder import load_run
from onboard.errors import CaptureError
from tests.export.samples import write_run_folder


def test_a_run_folder_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    run = load_run(write_run_folder(tmp_path / "run"))
    assert run.architecture == "linescan"
    assert run.network.settings.widths == (8, 8, 8, 8)
    assert not run.network.training
    assert run.point["event_min_pixels"] == 9
    assert run.created == "2023-11-14T22:13:20Z"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert load_run(tmp_path / "run").created != run.created


@pytest.mark.parametrize(
    "name", ["model.pt", "tables.npz", "operating_point.json", "metrics.json", "recipe.json"]
)
@pytest.mark.parametrize("damage", ["missing", "noise"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    folder = write_run_folder(tmp_path / "run")
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(b"\x80noise")
    with pytest.raises(CaptureError, match=name.replace(".", r"\.")):
        load_run(folder)


def test_a_model_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, ("raise SystemExit('ran')",))

    folder = write_run_folder(tmp_path / "run")
    torch.save({"model": Evil(), "settings": {}, "state": {}}, folder / "model.pt")
    with pytest.raises(CaptureError, match=r"model\.pt"):
        load_run(folder)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "run")
    saved = torch.load(folder / "model.pt", weights_only=True)
    saved["settings"]["mineral_widths"] = [16, 16]
    torch.save(saved, folder / "model.pt")
    with pytest.raises(CaptureError, match=r"model\.pt"):
        load_run(folder)


def test_json_that_is_no_object_is_refused(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "run")
    (folder / "metrics.json").write_text("[1]")
    with pytest.raises(CaptureError, match=r"metrics\.json"):
        load_run(folder)
