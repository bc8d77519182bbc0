"""A sensor's figures, and the loader of the tables that travel with the package."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError

COLUMNS = ("centre_nm", "fwhm_nm", "noise_a", "noise_b", "noise_c")
SUFFIX = ".toml"

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sensor:
    """An imaging spectrometer. All arrays are float64, shape (bands,), and read-only.

    Attributes:
        name: Short name, the one that ``load_sensor`` takes.
        centres: Band centres in nm, rising.
        fwhm: Full width at half maximum of each band in nm.
        noise_a: Noise coefficient a (see ``noise_sigma``).
        noise_b: Noise coefficient b, in uW cm-2 sr-1 nm-1.
        noise_c: Noise coefficient c, in uW cm-2 sr-1 nm-1.
        samples: Crosstrack pixels of a line.
        lines_per_capture: Lines of a full capture.
        line_period_s: Time between two lines in seconds.
        pixel_size_m: Nominal ground sampling distance in metres.
        source: Where the figures were published.
    """

    name: str
    centres: Table
    fwhm: Table
    noise_a: Table
    noise_b: Table
    noise_c: Table
    samples: int
    lines_per_capture: int
    line_period_s: float
    pixel_size_m: float
    source: str

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.centres.size)

    def noise_sigma(self, radiance: npt.ArrayLike) -> npt.NDArray[Any]:
        """Standard deviation of the detector noise at a radiance.

        sigma = |a * sqrt(b + L) + c|, the noise model of emit-sds/emit-ghg. Below L = -b, which
        only noise itself can reach, the square root is taken as 0.

        Args:
            radiance: L in uW cm-2 sr-1 nm-1, bands in the last axis, any leading shape.

        Returns:
            Sigma in uW cm-2 sr-1 nm-1, same shape; float32 for float32 input, else float64.

        Raises:
            UsageError: If the last axis does not hold this sensor's bands.
        """
        level: npt.NDArray[Any] = np.asarray(radiance)
        kind = np.dtype(np.float32 if level.dtype == np.float32 else np.float64)
        if level.ndim == 0 or level.shape[-1] != self.bands:
            raise UsageError(
                "radiance does not have the sensor's bands in its last axis",
                field="radiance",
                found=f"shape {level.shape}",
                expected=f"(..., {self.bands})",
            )
        a, b, c = (table.astype(kind) for table in (self.noise_a, self.noise_b, self.noise_c))
        sigma: npt.NDArray[Any] = np.add(level, b, dtype=kind)
        np.maximum(sigma, 0, out=sigma)
        np.sqrt(sigma, out=sigma)
        sigma *= a
        sigma += c
        np.abs(sigma, out=sigma)
        return sigma


def sensor_names() -> list[str]:
    """Names that ``load_sensor`` knows, in alphabetical order."""
    here = files(__package__)
    return sorted(item.name.removesuffix(SUFFIX) for item in here.iterdir() if item.name.endswith(SUFFIX))


@cache
def load_sensor(name: str) -> Sensor:
    """Load a sensor's table from the package's own data.

    Args:
        name: A sensor's name, such as "emit"; case does not matter.

    Returns:
        The sensor. The same object is returned every time; it cannot be changed.

    Raises:
        UsageError: If no sensor has that name (the known names are listed), or if its table is damaged.
    """
    known = sensor_names()
    key = name.lower()
    if key not in known:
        raise UsageError("unknown sensor", field="sensor", found=repr(name), expected=" or ".join(known))
    text = files(__package__).joinpath(key + SUFFIX).read_text(encoding="utf-8")
    return parse_sensor(text, key + SUFFIX)


def parse_sensor(text: str, file: str) -> Sensor:
    """Build a sensor from the text of its TOML table.

    Args:
        text: The TOML text.
        file: Name of the file, for messages.

    Returns:
        The sensor.

    Raises:
        UsageError: If a field is missing or a table cannot belong to an instrument.
    """
    try:
        data = tomllib.loads(text)
        if tuple(data["columns"]) != COLUMNS:
            raise ValueError(f"columns {data['columns']}, expected {list(COLUMNS)}")
        table = np.array(data["bands"], dtype=np.float64)
        scalars: dict[str, Any] = {
            "name": str(data["name"]),
            "samples": int(data["samples"]),
            "lines_per_capture": int(data["lines_per_capture"]),
            "line_period_s": float(data["line_period_s"]),
            "pixel_size_m": float(data["pixel_size_m"]),
            "source": str(data["source"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError("sensor table cannot be read", file=file, found=repr(error)) from error
    _check_table(table, file)
    columns = [_read_only(table[:, i]) for i in range(len(COLUMNS))]
    centres, fwhm, a, b, c = columns
    return Sensor(centres=centres, fwhm=fwhm, noise_a=a, noise_b=b, noise_c=c, **scalars)


def _check_table(table: Table, file: str) -> None:
    """Refuse a band table that no instrument can have."""
    if table.ndim != 2 or table.shape[1] != len(COLUMNS) or not np.isfinite(table).all():
        found: object = f"shape {table.shape}"
        expected = f"(bands, {len(COLUMNS)}), all finite"
    elif not (np.diff(table[:, 0]) > 0).all() or not (table[:, 1] > 0).all():
        found, expected = "another order or width", "rising centres and positive FWHM"
    else:
        return
    raise UsageError("sensor table is malformed", file=file, field="bands", found=found, expected=expected)


def _read_only(values: Table) -> Table:
    """A contiguous copy that nobody can write to."""
    copy = np.ascontiguousarray(values)
    copy.flags.writeable = False
    return copy
