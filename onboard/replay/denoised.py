"""``denoised.nc``: denoised radiance at the matched filter's bands, netCDF-4 in the layout of EMIT's L1B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onboard.replay.guarded_hdf5 import GuardedHdf5
from onboard.replay.session import ProductBlock

FILL = -9999.0
UNITS = "uW/cm^2/SR/nm"
CHUNK_LINES = 8
METADATA_BYTES = 1 << 20
DIMENSIONS = {
    "downtrack": "line of the capture, from 0",
    "crosstrack": "sample of the line, from 0",
    "bands": "band of the matched filter, from 0",
}


@dataclass(frozen=True)
class DenoisedHeader:
    """What is known before the first line.

    Attributes:
        lines: Lines of the capture.
        samples: Samples a line.
        centres: (K,) nm.
        fwhm: (K,) nm.
        attributes: Further root attributes.
    """

    lines: int
    samples: int
    centres: NDArray[np.floating[Any]]
    fwhm: NDArray[np.floating[Any]]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_estimate(self) -> int:
        """Bytes of the file where every strip is denoised."""
        return 4 * self.lines * self.samples * len(self.centres) + METADATA_BYTES


class DenoisedWriter(GuardedHdf5):
    """Writes ``denoised.nc`` as the strips come; a context manager.

    Strips that carry no radiance stay fill, -9999, and take no room.

    Raises:
        OutputError: The file cannot be written (also from every method).
    """

    def __init__(self, path: Path, header: DenoisedHeader) -> None:
        self.header = header
        self.strips = 0
        super().__init__(path, header.size_estimate)

    def write(self, block: ProductBlock) -> None:
        """Write the radiance of ``block`` to its lines, if it carries any."""
        radiance = getattr(block, "swir_radiance", None)
        if radiance is None:
            return
        with self.guard():
            self._file["radiance"][block.first_line : block.first_line + len(radiance)] = radiance
        self.strips += 1

    def define(self) -> None:
        """Lay out the new file: attributes, dimensions, variables."""
        header, file = self.header, self._file
        file.attrs["Conventions"] = "CF-1.10"
        file.attrs["title"] = "Denoised at-sensor radiance at the matched filter's bands; sensor geometry"
        for name, text in header.attributes.items():
            file.attrs[name] = text
        shape = (header.lines, header.samples, len(header.centres))
        for number, ((name, meaning), size) in enumerate(zip(DIMENSIONS.items(), shape, strict=True)):
            scale = file.create_dataset(name, data=np.arange(size, dtype=np.int32))
            scale.make_scale(name)
            scale.attrs["_Netcdf4Dimid"] = np.int32(number)
            scale.attrs["long_name"] = meaning
        radiance = file.create_dataset(
            "radiance",
            shape,
            np.float32,
            fillvalue=FILL,
            chunks=(min(CHUNK_LINES, header.lines), *shape[1:]),
            track_times=False,
        )
        radiance.attrs["_FillValue"] = np.array([FILL], np.float32)
        radiance.attrs["units"] = UNITS
        radiance.attrs["long_name"] = "denoised at-sensor radiance; flags where a pixel is flagged"
        for axis, name in enumerate(DIMENSIONS):
            radiance.dims[axis].attach_scale(file[name])
        group = file.create_group("sensor_band_parameters")
        for name, values in (("wavelengths", header.centres), ("fwhm", header.fwhm)):
            item = group.create_dataset(name, data=np.asarray(values, np.float32))
            item.attrs["units"] = "nm"
            item.dims[0].attach_scale(file["bands"])
