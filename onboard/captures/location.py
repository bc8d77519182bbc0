"""Where the pixels of a capture lie: longitude, latitude, elevation and the ortho look-up table."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from onboard.captures.attributes import text_attribute
from onboard.captures.flags import FLAG_CEILING
from onboard.captures.hdf5 import HDF5_ERRORS, find_dataset, open_hdf5
from onboard.errors import CaptureError, UsageError

MAX_ORTHO_CELLS = 100_000_000


class Location:
    """The ``location`` group of an EMIT capture; each array is read when first used, then kept.

    The file is opened for each reading, so a location outlives its capture.
    """

    def __init__(self, path: Path, lines: int, samples: int) -> None:
        self.path = path
        self.lines = lines
        self.samples = samples

    @cached_property
    def lon(self) -> npt.NDArray[np.float64]:
        """Longitude, float64 (lines, samples), degrees east; NaN where the file has fill.

        Raises:
            CaptureError: If it is missing, damaged, of another shape, or no longitude.
        """
        return self._degrees("lon", 360.0)

    @cached_property
    def lat(self) -> npt.NDArray[np.float64]:
        """Latitude, float64 (lines, samples), degrees north; NaN where the file has fill.

        Raises:
            CaptureError: If it is missing, damaged, of another shape, or no latitude.
        """
        return self._degrees("lat", 90.0)

    @cached_property
    def elev(self) -> npt.NDArray[np.float32] | None:
        """Ground elevation, float32 (lines, samples), metres, or None if the file has none."""
        values = self._read("elev")
        return None if values is None else self._in_sensor_grid("elev", values.astype(np.float32))

    @cached_property
    def glt_x(self) -> npt.NDArray[np.int32] | None:
        """Sample (crosstrack) of each ortho cell, int32 (ortho_y, ortho_x): 1-based, 0 none."""
        return self._table("glt_x")

    @cached_property
    def glt_y(self) -> npt.NDArray[np.int32] | None:
        """Line (downtrack) of each ortho cell, int32 (ortho_y, ortho_x): 1-based, 0 none."""
        return self._table("glt_y")

    @cached_property
    def geotransform(self) -> tuple[float, ...] | None:
        """The ortho grid's six coefficients in GDAL's order, or None."""
        with open_hdf5(self.path) as file:
            try:
                values = np.asarray(file.attrs.get("geotransform"), dtype=np.float64).ravel()
            except HDF5_ERRORS:
                return None
        good = values.size == 6 and bool(np.isfinite(values).all())
        return tuple(float(value) for value in values) if good else None

    @cached_property
    def spatial_ref(self) -> str | None:
        """Coordinate system of the ortho grid as WKT, or None."""
        with open_hdf5(self.path) as file:
            return text_attribute(file, "spatial_ref")

    def at(self, line: float, sample: float) -> tuple[float, float]:
        """Longitude and latitude at a position between pixels: bilinear, clamped to the edges.

        Args:
            line: Line, from 0, may be fractional (a centroid).
            sample: Sample, from 0, may be fractional.

        Returns:
            (longitude, latitude) in degrees; NaN where a pixel around has none.

        Raises:
            UsageError: If a coordinate is not finite.
            CaptureError: If longitude or latitude cannot be read.
        """
        if not (np.isfinite(line) and np.isfinite(sample)):
            raise UsageError("no such pixel", field="line, sample", found=(line, sample), expected="finite")
        row = min(max(float(line), 0.0), self.lines - 1.0)
        column = min(max(float(sample), 0.0), self.samples - 1.0)
        r0, c0 = int(row), int(column)
        r1, c1 = min(r0 + 1, self.lines - 1), min(c0 + 1, self.samples - 1)
        lat = _blend(self.lat[[r0, r0, r1, r1], [c0, c1, c0, c1]], row - r0, column - c0)
        corners = self.lon[[r0, r0, r1, r1], [c0, c1, c0, c1]]
        # Across the date line, two neighbours are 360 degrees apart in figures only.
        corners = corners[0] + (corners - corners[0] + 180.0) % 360.0 - 180.0
        lon = _blend(corners, row - r0, column - c0)
        return (lon + 180.0) % 360.0 - 180.0 if abs(lon) > 180.0 else lon, lat

    def extent(self) -> tuple[float, float, float, float] | None:
        """(west, south, east, north) in degrees of all finite positions, or None if there are none."""
        finite = np.isfinite(self.lon) & np.isfinite(self.lat)
        if not finite.any():
            return None
        lon, lat = self.lon[finite], self.lat[finite]
        return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())

    def _degrees(self, name: str, limit: float) -> npt.NDArray[np.float64]:
        values = self._read(name)
        if values is None:
            raise CaptureError(
                "location lacks a variable",
                file=self.path,
                field=f"location/{name}",
                found="nothing",
                expected=f"({self.lines}, {self.samples}) degrees",
                remedy="get the capture again",
            )
        degrees = self._in_sensor_grid(name, values.astype(np.float64))
        degrees[~np.isfinite(degrees) | (degrees <= FLAG_CEILING)] = np.nan
        if np.any(np.abs(degrees) > limit):
            raise CaptureError(
                "location is out of range",
                file=self.path,
                field=f"location/{name}",
                found=f"{np.nanmin(degrees):g} to {np.nanmax(degrees):g}",
                expected=f"-{limit:g} to {limit:g} degrees, or fill -9999",
                remedy="get the capture again",
            )
        return degrees

    def _in_sensor_grid(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if values.shape != (self.lines, self.samples):
            raise CaptureError(
                "location does not fit the radiance",
                file=self.path,
                field=f"location/{name}",
                found=f"shape {values.shape}",
                expected=f"({self.lines}, {self.samples})",
                remedy="get the capture again",
            )
        return values

    def _table(self, name: str) -> npt.NDArray[np.int32] | None:
        values = self._read(name)
        if values is None:
            return None
        if values.ndim != 2:
            raise CaptureError(
                "ortho look-up table is not a grid",
                file=self.path,
                field=f"location/{name}",
                found=f"shape {values.shape}",
                expected="(ortho_y, ortho_x)",
            )
        return values.astype(np.int32)

    def _read(self, name: str) -> npt.NDArray[Any] | None:
        """One variable of the group as it lies in the file, or None if there is none."""
        field = f"location/{name}"
        with open_hdf5(self.path) as file:
            dataset = find_dataset(file, field, self.path)
            if dataset is None:
                return None
            try:
                if dataset.size is None or dataset.size > MAX_ORTHO_CELLS or dataset.dtype.kind not in "fiu":
                    raise ValueError(f"{dataset.dtype} {dataset.shape}")
                return np.asarray(dataset[()])
            except HDF5_ERRORS as error:
                raise CaptureError(
                    "location cannot be read",
                    file=self.path,
                    field=field,
                    found=str(error)[:200],
                    expected="a numeric array",
                    remedy="get the capture again",
                ) from error


def _blend(corners: npt.NDArray[np.float64], down: float, across: float) -> float:
    """Bilinear value between (0,0), (0,1), (1,0), (1,1); a weight of zero drops its corner, even a NaN."""
    weights = np.array([(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across])
    used = weights > 0
    return float(weights[used] @ corners[used])


def has_location(file: h5py.File, path: Path) -> bool:
    """Whether an open capture tells where its pixels lie.

    Args:
        file: The open file.
        path: Its path, for messages.
    """
    return any(find_dataset(file, f"location/{name}", path) is not None for name in ("lon", "lat"))
