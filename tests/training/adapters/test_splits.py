from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import CaptureError
from onboard.training.adapters.common import TileRow, Window
from onboard.training.adapters.splits import capture_of, hold_out, read_csv, read_parts

NAMES = {"train": ("train.csv",), "validation": ("val.csv",), "test": ("test.csv",)}


def make_set(folder: Path, **parts: list[str]) -> Path:
    for part, events in parts.items():
        (folder / f"{part}.csv").write_text("id,event_id\n" + "".join(f"{e},{e}\n" for e in events))
        for event in events:
            (folder / event).mkdir(exist_ok=True)
    return folder


def test_published_parts_are_kept(tmp_path: Path) -> None:
    parts = read_parts(make_set(tmp_path, train=["a", "b"], val=["c"], test=["d"]), NAMES)
    assert {part: [row.event for row in rows] for part, rows in parts.items()} == {
        "train": ["a", "b"],
        "validation": ["c"],
        "test": ["d"],
    }


def test_validation_comes_out_of_training_never_out_of_test(tmp_path: Path) -> None:
    events = [f"flight{index}" for index in range(40)]
    folder = make_set(tmp_path, train=events[:30], test=events[30:])
    parts = read_parts(folder, NAMES)
    held = {row.event for row in parts["validation"]}
    assert held
    assert held < set(events[:30])
    assert not held & {row.event for row in parts["train"]}
    assert parts == read_parts(folder, NAMES)


def test_events_of_another_part_leave_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        parts = read_parts(make_set(tmp_path, train=["a", "b", "c"], test=["b"]), NAMES)
    assert "b" not in {row.event for row in (*parts["train"], *parts["validation"])}
    assert "in another part" in caplog.text


@given(st.lists(st.integers(0, 60), min_size=1, max_size=60), st.floats(0.0, 1.0))
def test_tiles_of_a_capture_stay_together(tiles: list[int], share: float) -> None:
    rows = [TileRow(f"cap{n % 7}_r{n}_c0_w512_h512", Path()) for n in tiles]
    kept, out = hold_out(rows, share)
    assert len(kept) + len(out) == len(rows)
    assert not {capture_of(row.event) for row in kept} & {capture_of(row.event) for row in out}
    assert bool(out) == (len({n % 7 for n in tiles}) > 1)
    assert kept


@pytest.mark.parametrize(
    ("event", "capture"),
    [
        ("ang20191018t141549_r8600_c403_w151_h151", "ang20191018t141549"),
        ("ang20191018t141549_r86_c40_w512_h512_r0_c64_w128_h128", "ang20191018t141549"),
        ("EMIT_20230101_012", "EMIT_20230101"),
        ("plain", "plain"),
    ],
)
def test_captures_are_told_from_events(event: str, capture: str) -> None:
    assert capture_of(event) == capture


def test_rows_carry_windows_emission_and_folders_one_level_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "Eval" / "a").mkdir(parents=True)
    file = tmp_path / "train.csv"
    file.write_text(
        "id,folder,qplume,has_plume,window_col_off,window_row_off,window_width,window_height\n"
        "1,gs://bucket/a,120.5,TRUE,32,64,16,8\n2,x/a,,False,,,,\n3,x/gone,1,,,,,\n"
    )
    with caplog.at_level(logging.WARNING):
        first, second = read_csv(file, tmp_path)
    assert first == TileRow("a", tmp_path / "Eval" / "a", Window(64, 32, 8, 16), 120.5, True)
    assert second == TileRow("a", tmp_path / "Eval" / "a", None, None, False)
    assert "1 of 2 events are not on disk" in caplog.text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name,qplume\na,1\n", "does not name its events"),
        ("id,qplume\na,much\n", "qplume, line 2"),
        (
            "id,window_row_off,window_col_off,window_width,window_height\na,0,0,0,8\n",
            "window of no size",
        ),
    ],
)
def test_malformed_csv_is_named(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(CaptureError, match=word):
        read_csv(tmp_path / "train.csv", tmp_path)


def test_missing_and_empty_sets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no training CSV"):
        read_parts(tmp_path, NAMES)
    (tmp_path / "train.csv").write_text("id\ngone\n")
    with pytest.raises(CaptureError, match="nothing to train on"):
        read_parts(tmp_path, NAMES)


def test_a_training_csv_may_be_named(tmp_path: Path) -> None:
    make_set(tmp_path, train=["a", "b"], test=["c"])
    (tmp_path / "train_small.csv").write_text("id\nb\n")
    parts = read_parts(tmp_path / "train_small.csv", NAMES)
    assert [row.event for row in parts["train"]] == ["b"]
    assert [row.event for row in parts["test"]] == ["c"]
