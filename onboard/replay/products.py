"""``products.nc``: the product layers of a run as netCDF-4, written strip by strip with h5py alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from onboard.replay.guarded_hdf5 import GuardedHdf5
from onboard.replay.quality import FLAGS
from onboard.replay.session import ProductBlock

METHANE = "methane"
MINERALS = "minerals"
PLANE = ("downtrack", "crosstrack")
# Bytes a pixel: probability, enhancement, sigma, mask; each mineral; quality, lon, lat.
METHANE_BYTES, MINERAL_BYTES, COMMON_BYTES = 13, 4, 17
METADATA_BYTES = 1 << 20


@dataclass(frozen=True)
class ProductsHeader:
    """What is known of the products before the first line.

    Attributes:
        lines: Lines of the capture.
        samples: Samples a line.
        products: Names of the products flown: methane, minerals.
        minerals: Mineral names, in the order of the layers.
        strip_lines: Lines that the flight core delivers at once; the chunk length.
        plume_threshold: Probability from which a pixel is in the mask.
        mineral_thresholds: Probability from which each mineral counts as present.
        attributes: Further root attributes.
    """

    lines: int
    samples: int
    products: tuple[str, ...]
    minerals: tuple[str, ...]
    strip_lines: int
    plume_threshold: float
    mineral_thresholds: tuple[float, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_estimate(self) -> int:
        """Bytes of the file before compression."""
        pixel = COMMON_BYTES
        pixel += METHANE_BYTES if METHANE in self.products else 0
        pixel += MINERAL_BYTES * len(self.minerals) if MINERALS in self.products else 0
        return self.lines * self.samples * pixel


class ProductsWriter(GuardedHdf5):
    """Writes ``products.nc`` as the strips come; a context manager.

    The file follows the netCDF-4 layout: HDF5 dimension scales ``downtrack``, ``crosstrack`` and
    ``mineral``, CF names of units, flags and fill values.

    Raises:
        OutputError: The file cannot be written (also from every method).
    """

    def __init__(self, path: Path, header: ProductsHeader) -> None:
        self.header = header
        self.lines_written = 0
        super().__init__(path, header.size_estimate + METADATA_BYTES)

    def write(self, block: ProductBlock) -> None:
        """Write the products of ``block`` to its lines."""
        first, count = block.first_line, block.quality.shape[0]
        lines = slice(first, first + count)
        with self.guard():
            self._file["quality"][lines] = block.quality
            if METHANE in self.header.products:
                for name in ("plume_probability", "plume_mask", "ch4_enhancement", "ch4_sigma"):
                    self._file[name][lines] = getattr(block, name)
            if MINERALS in self.header.products:
                self._file["mineral_probability"][:, lines] = block.mineral_probability
        self.lines_written += count

    def write_location(self, lon: Any, lat: Any) -> None:
        """Copy the capture's own positions, chunk by chunk.

        Args:
            lon: Longitude, (lines, samples), degrees east, array or HDF5 dataset.
            lat: Latitude, likewise, degrees north.
        """
        step = self.header.strip_lines
        for name, unit, source in (("lon", "degrees_east", lon), ("lat", "degrees_north", lat)):
            with self.guard():
                target = self._layer(name, np.float64, units=unit, long_name=_LONG_NAMES[name])
                target.attrs["standard_name"] = _LONG_NAMES[name]
                for first in range(0, self.header.lines, step):
                    target[first : first + step] = source[first : first + step]
        with self.guard():
            for name in self._file:
                if self._file[name].ndim >= 2 and name not in ("lon", "lat"):
                    self._file[name].attrs["coordinates"] = "lon lat"

    def define(self) -> None:
        """Lay out the new file: attributes, dimensions, variables."""
        header = self.header
        self._file.attrs["Conventions"] = "CF-1.10"
        self._file.attrs["title"] = "Methane plumes and minerals, as found in flight; sensor geometry"
        self._file.attrs["products"] = " ".join(header.products)
        for name, text in header.attributes.items():
            self._file.attrs[name] = text
        self._dimension("downtrack", header.lines, 0)
        self._dimension("crosstrack", header.samples, 1)
        if METHANE in header.products:
            self._define_methane()
        if MINERALS in header.products:
            self._define_minerals()
        quality = self._layer("quality", np.uint8, long_name=_LONG_NAMES["quality"], fill=False)
        quality.attrs["flag_masks"] = np.array(list(FLAGS.values()), np.uint8)
        quality.attrs["flag_meanings"] = " ".join(FLAGS)

    def _define_methane(self) -> None:
        threshold = np.float32(self.header.plume_threshold)
        probability = self._layer("plume_probability", np.float32, units="1")
        probability.attrs["threshold"] = threshold
        mask = self._layer("plume_mask", np.uint8, fill=False)
        mask.attrs["flag_values"] = np.array([0, 1], np.uint8)
        mask.attrs["flag_meanings"] = "no_plume plume"
        mask.attrs["threshold"] = threshold
        self._layer("ch4_enhancement", np.float32, units="ppm m")
        self._layer("ch4_sigma", np.float32, units="ppm m")

    def _define_minerals(self) -> None:
        names = self.header.minerals
        self._dimension("mineral", len(names), 2)
        text = self._file.create_dataset("mineral_names", data=list(names), dtype=h5py.string_dtype())
        self._attach(text, ("mineral",))
        text.attrs["long_name"] = "name of the mineral of each layer"
        layers = self._layer("mineral_probability", np.float32, ("mineral", *PLANE), units="1")
        layers.attrs["thresholds"] = np.array(self.header.mineral_thresholds, np.float32)

    def _dimension(self, name: str, size: int, number: int) -> None:
        scale = self._file.create_dataset(name, data=np.arange(size, dtype=np.int32))
        scale.make_scale(name)
        scale.attrs["_Netcdf4Dimid"] = np.int32(number)
        scale.attrs["long_name"] = _LONG_NAMES[name]

    def _layer(
        self,
        name: str,
        dtype: type[np.generic],
        dimensions: tuple[str, ...] = PLANE,
        *,
        units: str | None = None,
        long_name: str | None = None,
        fill: bool = True,
    ) -> Any:
        sizes = tuple(self._file[dimension].shape[0] for dimension in dimensions)
        chunk = (min(self.header.strip_lines, self.header.lines), self.header.samples)
        options: dict[str, Any] = {"chunks": (1,) * (len(sizes) - 2) + chunk}
        if np.issubdtype(dtype, np.integer):
            # Flags shrink a hundredfold; the noise in the float layers would not, and costs time.
            options |= {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        layer = self._file.create_dataset(
            name, sizes, dtype, fillvalue=np.nan if fill else None, track_times=False, **options
        )
        if fill:
            layer.attrs["_FillValue"] = np.array([np.nan], dtype)
        if units is not None:
            layer.attrs["units"] = units
        layer.attrs["long_name"] = long_name or _LONG_NAMES[name]
        self._attach(layer, dimensions)
        return layer

    def _attach(self, variable: Any, dimensions: Sequence[str]) -> None:
        for axis, dimension in enumerate(dimensions):
            variable.dims[axis].attach_scale(self._file[dimension])


_LONG_NAMES = {
    "downtrack": "line of the capture, from 0",
    "crosstrack": "sample of the line, from 0",
    "mineral": "index of the mineral, from 0",
    "plume_probability": "probability that the pixel lies in a methane plume",
    "plume_mask": "pixel lies in a methane plume",
    "ch4_enhancement": "methane column enhancement above the background",
    "ch4_sigma": "standard deviation of ch4_enhancement",
    "mineral_probability": "probability that the mineral is present",
    "quality": "quality flags",
    "lon": "longitude",
    "lat": "latitude",
}


def products_in(file: Any) -> tuple[str, ...]:
    """Products that an open ``products.nc`` holds, by name."""
    found: list[str] = []
    if "plume_probability" in file:
        found.append(METHANE)
    if "mineral_probability" in file:
        found.append(MINERALS)
    return tuple(found)


def mineral_names(variable: Any) -> tuple[str, ...]:
    """Read a string variable of mineral names, fixed or variable length."""
    raw: NDArray[np.object_] = np.asarray(variable[...]).ravel()
    return tuple(item.decode() if isinstance(item, bytes) else str(item) for item in raw)
