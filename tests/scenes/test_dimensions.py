from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from onboard.scenes.dimensions import add_dimensions, attach, put_text


def test_netcdf_readers_see_shared_dimensions_without_variables(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        add_dimensions(file, {"downtrack": 3, "bands": 4})
        attach(file, file.create_dataset("group/a", data=np.zeros((3, 4))), ("downtrack", "bands"))
        attach(file, file.create_dataset("b", data=np.zeros(4)), ("bands",))
        put_text(file, "units", "nm")
    with xarray.open_dataset(path, engine="h5netcdf") as root:
        assert set(root.variables) == {"b"}
        assert dict(root.sizes)["bands"] == 4
        assert root.attrs["units"] == "nm"
    with xarray.open_dataset(path, engine="h5netcdf", group="group") as group:
        assert group["a"].dims == ("downtrack", "bands")


def test_a_dimension_that_was_not_declared_is_a_bug(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nc", "w") as file, pytest.raises(KeyError):
        attach(file, file.create_dataset("b", data=np.zeros(4)), ("bands",))
