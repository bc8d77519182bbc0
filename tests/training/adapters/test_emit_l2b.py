from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.minerals import MINERALS
from onboard.training.adapters.common import Window
from onboard.training.adapters.emit_l2b import cells, open_emit_l2b, read_minerals

WHOLE = Window(0, 0, 72, 80)


@pytest.fixture
def granule(home: Path, tmp_path: Path) -> Path:
    source = sorted((home / "emit-l2b").glob("EMIT_L2B_MIN*"))[0]
    return Path(shutil.copy(source, tmp_path))


def test_granules_go_whole_to_one_part(home: Path) -> None:
    tiles = open_emit_l2b(home / "emit-l2b")
    events = [{row.event for row in rows} for rows in tiles.rows.values()]
    assert [len(part) for part in events] == [1, 1, 1]
    assert len(set.union(*events)) == 3


def test_presence_follows_from_the_constituent_of_each_group(granule: Path) -> None:
    minerals = dict(zip(MINERALS, read_minerals(granule, WHOLE), strict=True))
    with h5py.File(granule) as file:
        first, second = file["group_1_mineral_id"][()], file["group_2_mineral_id"][()]
    for name, ids, number in (("goethite", first, 1), ("kaolinite", second, 2), ("calcite", second, 3)):
        assert (minerals[name] > 0.5).tolist() == (ids == number).tolist()
        assert np.isnan(minerals[name]).tolist() == (ids == -9999).tolist()
    # Topaz is none of the ten: looked at, and not there.
    assert (minerals["gypsum"][second == 4] == 0.0).all()


def test_what_the_published_grouping_does_not_tell_is_not_known(granule: Path) -> None:
    with h5py.File(granule, "r+") as file:
        names = file["mineral_metadata/name"]
        names[1] = "Kaolinite NEW-1 of a later library"
        second = file["group_2_mineral_id"][()]
    minerals = read_minerals(granule, WHOLE)
    assert np.isnan(minerals[MINERALS.index("kaolinite")][second == 2]).all()
    assert (minerals[MINERALS.index("calcite")][second == 3] == 1.0).all()


@pytest.mark.parametrize("name", ["group_2_mineral_id", "mineral_metadata/record"])
def test_a_missing_variable_is_named(granule: Path, name: str) -> None:
    with h5py.File(granule, "r+") as file:
        del file[name]
    with pytest.raises(CaptureError, match=name):
        read_minerals(granule, WHOLE)


def test_numbers_outside_the_products_table_are_refused(granule: Path) -> None:
    with h5py.File(granule, "r+") as file:
        file["group_1_mineral_id"][5, 5] = 77
    with pytest.raises(CaptureError, match="77"):
        read_minerals(granule, WHOLE)


def test_radiance_and_minerals_are_windows_of_the_same_pixels(home: Path) -> None:
    tiles = open_emit_l2b(home / "emit-l2b")
    row = tiles.rows["train"][0]
    whole, part = tiles.read(row, tiles.whole(row)), tiles.read(row, Window(10, 20, 40, 24))
    np.testing.assert_array_equal(part.radiance, whole.radiance[10:50, 20:44])
    np.testing.assert_array_equal(part.minerals, whole.minerals[:, 10:50, 20:44])  # type: ignore[index]
    assert not whole.valid[:2].any()
    assert whole.valid[2:].all()


def test_half_pairs_are_left_out_and_none_is_refused(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(home / "emit-l2b", tmp_path / "some")
    radiance = sorted(folder.glob("EMIT_L1B*"))
    radiance[0].unlink()
    tiles = open_emit_l2b(folder)
    assert "1 granules without their other product" in caplog.text
    assert sum(len(rows) for rows in tiles.rows.values()) == 2
    for file in radiance[1:]:
        file.unlink()
    with pytest.raises(CaptureError, match="no pair of EMIT products"):
        open_emit_l2b(folder)


@pytest.mark.parametrize(("lines", "samples"), [(1280, 1242), (72, 80), (257, 256)])
def test_cells_cover_a_granule_once(lines: int, samples: int) -> None:
    seen = np.zeros((lines, samples), int)
    for cell in cells(lines, samples):
        seen[cell.line : cell.line + cell.lines, cell.sample : cell.sample + cell.samples] += 1
    assert (seen == 1).all()
