from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from onboard.errors import OutputError
from onboard.replay.products import ProductsHeader, ProductsWriter, mineral_names, products_in
from tests.replay.stand_in import MINERALS, block

LINES, SAMPLES, STRIP = 20, 12, 8


def header(products: tuple[str, ...] = ("methane", "minerals"), lines: int = LINES) -> ProductsHeader:
    return ProductsHeader(
        lines, SAMPLES, products, MINERALS, STRIP, 0.4, (0.5, 0.25, 0.75), {"source": "granule"}
    )


def write(path: Path, head: ProductsHeader, *, located: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    probability = rng.random((head.lines, SAMPLES)).astype(np.float32)
    enhancement = rng.normal(0, 300, (head.lines, SAMPLES)).astype(np.float32)
    with ProductsWriter(path, head) as writer:
        for first in range(0, head.lines, STRIP):
            rows = slice(first, first + STRIP)
            writer.write(block(first, probability[rows], enhancement[rows]))
        if located:
            lon, lat = np.meshgrid(np.linspace(10, 11, SAMPLES), np.linspace(50, 49, head.lines))
            writer.write_location(lon, lat)
    return probability, enhancement


def test_xarray_reads_all_layers_and_names(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    probability, enhancement = write(tmp_path / "p.nc", header())
    with xarray.open_dataset(tmp_path / "p.nc", engine="h5netcdf") as data:
        assert dict(data.sizes) == {"downtrack": LINES, "crosstrack": SAMPLES, "mineral": 3}
        np.testing.assert_array_equal(data.plume_probability, probability)
        np.testing.assert_array_equal(data.ch4_enhancement, enhancement)
        assert data.ch4_enhancement.attrs["units"] == "ppm m"
        assert data.mineral_probability.dims == ("mineral", "downtrack", "crosstrack")
        assert data.mineral_names.values.tolist() == list(MINERALS)
        assert data.mineral_probability.attrs["thresholds"].tolist() == [0.5, 0.25, 0.75]
        assert data.plume_mask.dtype == np.uint8
        assert data.plume_mask.attrs["threshold"] == np.float32(0.4)
        assert set(data.ch4_sigma.coords) >= {"lon", "lat"}
        assert data.lat.values[0, 0] == 50.0
        assert data.attrs["source"] == "granule"
        assert len(data.quality.attrs["flag_masks"]) == len(data.quality.attrs["flag_meanings"].split()) == 8


def test_a_dropped_product_has_no_layers(tmp_path: Path) -> None:
    write(tmp_path / "m.nc", header(("methane",)))
    write(tmp_path / "k.nc", header(("minerals",)), located=False)
    with h5py.File(tmp_path / "m.nc") as methane, h5py.File(tmp_path / "k.nc") as minerals:
        assert products_in(methane) == ("methane",)
        assert "mineral" not in methane
        assert products_in(minerals) == ("minerals",)
        assert "plume_mask" not in minerals
        assert "lon" not in minerals
        assert mineral_names(minerals["mineral_names"]) == MINERALS


def test_chunks_are_strips_and_short_captures_fit(tmp_path: Path) -> None:
    write(tmp_path / "long.nc", header())
    write(tmp_path / "short.nc", header(lines=3))
    with h5py.File(tmp_path / "long.nc") as data:
        assert data["mineral_probability"].chunks == (1, STRIP, SAMPLES)
    with h5py.File(tmp_path / "short.nc") as data:
        assert data["quality"].shape == (3, SAMPLES)
        assert np.isfinite(data["ch4_enhancement"][...]).all()


def test_the_size_estimate_is_not_exceeded_by_much(tmp_path: Path) -> None:
    head = ProductsHeader(256, 500, ("methane", "minerals"), MINERALS, 64, 0.5, (0.5,) * 3)
    zeros = np.zeros((256, 500), np.float32)
    with ProductsWriter(tmp_path / "p.nc", head) as writer:
        writer.write(block(0, zeros, zeros))
        writer.write_location(zeros, zeros)
    assert (tmp_path / "p.nc").stat().st_size <= head.size_estimate + 100_000


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        ProductsWriter(tmp_path / "missing" / "p.nc", header())


def test_a_disk_without_the_room_is_named_before_the_first_line(tmp_path: Path) -> None:
    run_limited(tmp_path / "p.nc", "reserve", 400_000)


def test_a_write_that_fails_all_the_same_is_named_and_nothing_crashes(tmp_path: Path) -> None:
    run_limited(tmp_path / "p.nc", "fill_up", 1_500_000)


def reserve(path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        ProductsWriter(path, BIG)


def fill_up(path: Path) -> None:
    """The system says EFBIG above the limit, where a disk would say ENOSPC."""
    with (
        patch("os.posix_fallocate", side_effect=OSError(errno.EOPNOTSUPP, "")),
        pytest.raises(OutputError, match="cannot be written"),
    ):
        write_big(path)


BIG = ProductsHeader(512, 512, ("methane",), (), 64, 0.5, ())


def write_big(path: Path) -> None:
    lines = np.zeros((64, 512), np.float32)
    with ProductsWriter(path, BIG) as writer:
        for first in range(0, 512, 64):
            writer.write(block(first, lines, lines))


def run_limited(path: Path, work: str, limit: int) -> None:
    """Run a function of this file in a process that may write files of ``limit`` bytes only."""
    code = (
        "import pathlib, resource, signal, tests.replay.test_products as t;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        f"t.{work}(pathlib.Path({str(path)!r}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (result.returncode, result.stderr) == (0, "")
