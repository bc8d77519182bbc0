"""netCDF-4 dimensions in HDF5, as netCDF's own library lays them out (dimension scales at the root)."""

from __future__ import annotations

from collections.abc import Mapping

import h5py
import numpy as np

# netCDF's own words for a dimension that no variable goes with, then its length in ten places.
WITHOUT_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:>10d}"


def put_text(item: h5py.File | h5py.Group | h5py.Dataset, name: str, text: str) -> None:
    """Set a text attribute of fixed length, as C programs read it most easily."""
    item.attrs.create(name, np.bytes_(text.encode("ascii")))


def add_dimensions(file: h5py.File, sizes: Mapping[str, int]) -> None:
    """Declare dimensions at the root of a file.

    Args:
        file: An open file.
        sizes: Lengths by name, in order.
    """
    for number, (name, size) in enumerate(sizes.items()):
        scale = file.create_dataset(name, shape=(size,), dtype=">f4")
        scale.make_scale(WITHOUT_VARIABLE.format(size))
        scale.attrs.create("_Netcdf4Dimid", np.int32(number))


def attach(file: h5py.File, dataset: h5py.Dataset, dimensions: tuple[str, ...]) -> None:
    """Tie a variable, in whatever group, to dimensions of the root."""
    for axis, name in enumerate(dimensions):
        dataset.dims[axis].attach_scale(file[name])
