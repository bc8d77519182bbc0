from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from onboard.errors import CaptureError
from onboard.minerals import MINERALS
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.plumes import SOURCE_DTYPE, place_plumes
from onboard.scenes.truth import Truth, read_truth, truth_path, write_truth

SHAPE = (40, 30)


def make(plumes: int = 3) -> Truth:
    rng = np.random.default_rng(0)
    placed = place_plumes(NumpyRandom(0), *SHAPE, plumes)
    return Truth(
        ch4_enhancement=placed.enhancement,
        plume_id=placed.plume_id,
        mineral_abundance=rng.random((10, *SHAPE), dtype=np.float32),
        mineral_names=MINERALS,
        valid=(rng.random(SHAPE) < 0.9).astype(np.uint8),
        sources=placed.sources,
    )


@pytest.mark.parametrize("plumes", [0, 3])
def test_what_is_written_is_read(tmp_path: Path, plumes: int) -> None:
    truth = make(plumes)
    write_truth(tmp_path / "a.truth.nc", truth)
    back = read_truth(tmp_path / "a.truth.nc")
    for field in fields(Truth):
        one, two = getattr(truth, field.name), getattr(back, field.name)
        if field.name == "mineral_names":
            assert one == two
        else:
            np.testing.assert_array_equal(one, two)
            assert one.dtype == two.dtype


def test_other_readers_understand_it(tmp_path: Path) -> None:
    write_truth(tmp_path / "a.truth.nc", make())
    with xarray.open_dataset(tmp_path / "a.truth.nc", engine="h5netcdf") as data:
        assert data["mineral_abundance"].dims == ("mineral", "downtrack", "crosstrack")
        assert data["ch4_enhancement"].attrs["units"] == "ppm m"
        assert data["mineral_names"].values.tolist() == list(MINERALS)
    with xarray.open_dataset(tmp_path / "a.truth.nc", engine="h5netcdf", group="sources") as sources:
        assert set(sources) == set(SOURCE_DTYPE.names or ())
        assert sources["emission_kg_h"].attrs["units"] == "kg h-1"


def test_the_truth_lies_beside_its_capture() -> None:
    assert truth_path("x/b.nc") == Path("x/b.truth.nc")
    assert truth_path("EMIT_L1B_RAD_001_20230401T182000_2309101_001.nc").name.endswith("_001.truth.nc")


@pytest.mark.parametrize(
    "name", ["plume_id", "valid", "mineral_abundance", "mineral_names", "sources/ime_kg"]
)
def test_a_variable_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.truth.nc"
    write_truth(path, make())
    with h5py.File(path, "r+") as file:
        del file[name]
    with pytest.raises(CaptureError, match=name.split("/")[0]) as caught:
        read_truth(path)
    assert caught.value.file == str(path)
    assert caught.value.remedy


def test_a_variable_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.truth.nc"
    write_truth(path, make())
    with h5py.File(path, "r+") as file:
        del file["valid"]
        file["valid"] = np.ones((3, 4), np.uint8)
    with pytest.raises(CaptureError, match=r"\(3, 4\).*\(40, 30\)"):
        read_truth(path)


@pytest.mark.parametrize("content", [None, b"not a file of HDF5", b""])
def test_what_is_no_truth_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.truth.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CaptureError, match="cannot be read"):
        read_truth(path)
