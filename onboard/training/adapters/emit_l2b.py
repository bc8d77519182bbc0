"""EMIT L2B mineral products over their L1B radiance: the ten minerals as Tetracorder identified them.

A folder holds ``EMIT_L1B_RAD_001_<time>_<orbit>_<scene>.nc`` and ``EMIT_L2B_MIN_001_<the same>.nc``. The
latter (EMITL2BMIN.001, doi:10.5067/EMIT/EMITL2BMIN.001) has ``group_1_mineral_id`` and ``group_2_mineral_id``
(downtrack, crosstrack), -9999 where nothing was looked at and 0 where nothing was found, their
``band_depth``, and ``mineral_metadata`` with the constituents behind the numbers. A mineral is present
where its group's constituent has it, absent where that group was looked at, else not known.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from onboard.captures import open_capture
from onboard.captures.hdf5 import HDF5_ERRORS, find_dataset, open_hdf5
from onboard.errors import CaptureError
from onboard.minerals import MINERALS
from onboard.training.adapters.common import (
    Array,
    Array64,
    LabelledTile,
    TileRow,
    TileSet,
    Window,
    usable,
)
from onboard.training.adapters.mineral_groups import Constituent, group_minerals, minerals_in
from onboard.training.adapters.splits import hold_out

log = logging.getLogger(__name__)

GRANULE = re.compile(r"EMIT_L(?:1B_RAD|2B_MIN)_\d{3}_(\d{8}T\d{6}_\d{7}_\d{3})\.nc")
METADATA = ("index", "group", "library", "record", "name")
NOT_LOOKED_AT, NOTHING_FOUND = -9999, 0
CELL = 256
"""Lines and samples of the cells that a granule is cut into."""
READ_LINES = 32
TEST_SHARE = VALIDATION_SHARE = 0.15
REMEDY = "get the granule again (EMITL2BMIN.001)"


class EmitMinerals(TileSet):
    """Granules with both products, in cells; whole granules go to one part each, by their names' hash."""

    name = "emit-l2b"
    labels = "minerals"

    def band_table(self, row: TileRow) -> tuple[Array64, Array64]:
        """Return centres and FWHM (bands,) in nm of the radiance file."""
        with open_capture(_radiance_file(row)) as capture:
            return capture.centres, capture.fwhm

    def size(self, row: TileRow) -> tuple[int, int]:
        """Return (lines, samples) of a cell."""
        assert row.window is not None
        return row.window.lines, row.window.samples

    def plume_label(self, row: TileRow) -> None:
        """Return None: plumes are not labelled."""
        return

    def read(self, row: TileRow, window: Window) -> LabelledTile:
        """Read part of a granule: radiance and presence of the ten minerals, NaN where not known."""
        file = _radiance_file(row)
        samples = slice(window.sample, window.sample + window.samples)
        with open_capture(file) as capture:
            self.check_bands(file, capture.centres)
            blocks = [
                capture.read_lines(line, min(READ_LINES, window.line + window.lines - line))[:, samples]
                for line in range(window.line, window.line + window.lines, READ_LINES)
            ]
        radiance = np.concatenate(blocks)
        minerals = read_minerals(_mineral_file(row), window)
        return LabelledTile(file, radiance, self.centres, self.fwhm, usable(radiance), minerals=minerals)


def read_minerals(file: Path, window: Window) -> Array:
    """Return (10, lines, samples) float32 presence of the ten minerals, NaN where not known.

    Args:
        file: An ``EMIT_L2B_MIN`` product.
        window: The part wanted.

    Raises:
        CaptureError: It is damaged, or lacks a variable.
    """
    presence = np.full((len(MINERALS), window.lines, window.samples), np.nan, np.float32)
    table = constituents(file)
    for group in (1, 2):
        found = _ids(file, f"group_{group}_mineral_id", window)
        decided = np.flatnonzero(group_minerals(group))
        for number in np.unique(found):
            here = found == number
            if number == NOT_LOOKED_AT:
                continue
            inside = {} if number == NOTHING_FOUND else _lookup(table, int(number), group, file)
            if inside is None:
                continue
            for index in decided:
                presence[index][here] = float(MINERALS[index] in inside)
    return presence


def _lookup(table: dict[int, Constituent], number: int, group: int, file: Path) -> Any:
    constituent = table.get(number)
    if constituent is None or constituent.group != group:
        raise CaptureError(
            "mineral number is not in the product's own table",
            file=file,
            field=f"group_{group}_mineral_id",
            found=number,
            expected=f"an index of group {group} in mineral_metadata",
            remedy=REMEDY,
        )
    return minerals_in(constituent)


@lru_cache(maxsize=64)
def constituents(file: Path) -> dict[int, Constituent]:
    """Return a product's own table of constituents, by number.

    Raises:
        CaptureError: It has none, or a malformed one.
    """
    columns: dict[str, list[Any]] = {}
    with open_hdf5(file) as handle:
        for name in METADATA:
            values = _dataset(handle, f"mineral_metadata/{name}", file)[()]
            columns[name] = [item.decode() if isinstance(item, bytes) else item for item in values]
    if len({len(values) for values in columns.values()}) != 1:
        raise CaptureError("table of minerals is ragged", file=file, field="mineral_metadata", remedy=REMEDY)
    table = {
        int(number): Constituent(int(group), str(library), int(record), str(name))
        for number, group, library, record, name in zip(*(columns[name] for name in METADATA), strict=True)
    }
    unclear = sorted(item.name for item in table.values() if minerals_in(item) is None)
    if unclear:
        log.info("%s: %d constituents the published grouping does not have count as unknown: %s",
                 file, len(unclear), ", ".join(unclear[:8]))  # fmt: skip
    return table


def _ids(file: Path, name: str, window: Window) -> npt.NDArray[np.int64]:
    """A window of a variable of numbers."""
    with open_hdf5(file) as handle:
        dataset = _dataset(handle, name, file)
        if dataset.ndim != 2 or not (
            dataset.shape[0] >= window.line + window.lines
            and dataset.shape[1] >= window.sample + window.samples
        ):
            raise CaptureError(
                "mineral map does not fit its radiance",
                file=file,
                field=name,
                found=dataset.shape,
                expected=f"at least {window.line + window.lines} x {window.sample + window.samples}",
                remedy=REMEDY,
            )
        try:
            values = dataset[
                window.line : window.line + window.lines, window.sample : window.sample + window.samples
            ]
        except HDF5_ERRORS as error:
            raise CaptureError(
                "mineral map cannot be read", file=file, field=name, found=str(error)[:200], remedy=REMEDY
            ) from error
    return np.asarray(np.nan_to_num(values, nan=NOT_LOOKED_AT), np.int64)


def _dataset(handle: h5py.File, name: str, file: Path) -> h5py.Dataset:
    dataset = find_dataset(handle, name, file)
    if dataset is None:
        raise CaptureError(
            "mineral product lacks a variable",
            file=file,
            field=name,
            found=", ".join(sorted(handle)[:12]) or "an empty file",
            expected="group_1_mineral_id, group_2_mineral_id, mineral_metadata/{" + ",".join(METADATA) + "}",
            remedy=REMEDY,
        )
    return dataset


def _radiance_file(row: TileRow) -> Path:
    return next(row.folder.glob(f"EMIT_L1B_RAD_*_{row.event}.nc"))


def _mineral_file(row: TileRow) -> Path:
    return next(row.folder.glob(f"EMIT_L2B_MIN_*_{row.event}.nc"))


def cells(lines: int, samples: int) -> list[Window]:
    """Cut a granule into cells of 256 x 256; the last of each row and column may be smaller.

    Args:
        lines: Of the granule.
        samples: Of the granule.
    """
    return [
        Window(line, sample, min(CELL, lines - line), min(CELL, samples - sample))
        for line in range(0, lines, CELL)
        for sample in range(0, samples, CELL)
    ]


def open_emit_l2b(path: Path) -> EmitMinerals:
    """Open a folder of EMIT granules, L1B radiance and L2B minerals in pairs.

    Args:
        path: The folder; files may lie in folders below it.

    Raises:
        CaptureError: There is no pair.
    """
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(path.rglob("EMIT_L*.nc")):
        match = GRANULE.fullmatch(file.name)
        if match:
            found.setdefault(match[1], {})[file.name[5:12]] = file
    pairs = {name: files for name, files in found.items() if len(files) == 2}
    if len(pairs) < len(found):
        log.warning("%s: %d granules without their other product left out", path, len(found) - len(pairs))
    if not pairs:
        raise CaptureError(
            "folder holds no pair of EMIT products",
            file=path,
            found=f"{len(found)} granules with one of the two",
            expected="EMIT_L1B_RAD_001_<id>.nc and EMIT_L2B_MIN_001_<id>.nc of the same id",
            remedy="download both products of the same granules",
        )
    rows = []
    for name, files in sorted(pairs.items()):
        if files["L1B_RAD"].parent != files["L2B_MIN"].parent:
            raise CaptureError(
                "products of a granule lie in different folders",
                file=files["L2B_MIN"],
                found=files["L1B_RAD"].parent,
                expected=files["L2B_MIN"].parent,
                remedy="move them together",
            )
        with open_capture(files["L1B_RAD"]) as capture:
            windows = cells(capture.lines, capture.samples)
        rows += [TileRow(name, files["L1B_RAD"].parent, window) for window in windows]
    rest, test = hold_out(rows, TEST_SHARE, "test")
    train, validation = hold_out(rest, VALIDATION_SHARE)
    return EmitMinerals(path, {"train": train, "validation": validation, "test": test})
