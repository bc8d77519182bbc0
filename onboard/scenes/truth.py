"""Truth of a simulated capture: what is really there, and the file that holds it beside the capture."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError
from onboard.scenes.dimensions import add_dimensions, attach, put_text
from onboard.scenes.gas.plumes import SOURCE_DTYPE

SUFFIX = ".truth.nc"
UNITS = {
    "source_line": "1",
    "source_sample": "1",
    "emission_kg_h": "kg h-1",
    "wind_m_s": "m s-1",
    "wind_direction_rad": "rad",
    "peak_ppm_m": "ppm m",
    "ime_kg": "kg",
    "pixels": "1",
    "plume_id": "1",
}
COMPRESSION_LEVEL = 1
CHUNK = 256


@dataclass(frozen=True)
class Truth:
    """What is really there in a simulated capture.

    Attributes:
        ch4_enhancement: float32 (lines, samples), ppm m.
        plume_id: int32 (lines, samples); 0 is no plume.
        mineral_abundance: Areal share, float32 (minerals, lines, samples), 0-1.
        mineral_names: Names of the minerals, in order.
        valid: uint8 (lines, samples); 0 where a flag stands in place of radiance.
        sources: One row a plume, ``SOURCE_DTYPE``.
    """

    ch4_enhancement: NDArray[np.float32]
    plume_id: NDArray[np.int32]
    mineral_abundance: NDArray[np.float32]
    mineral_names: tuple[str, ...]
    valid: NDArray[np.uint8]
    sources: NDArray[np.void]


def truth_path(capture: str | PathLike[str]) -> Path:
    """Return where the truth of a capture lies: ``X.truth.nc`` beside ``X.nc``."""
    return Path(capture).with_suffix(SUFFIX)


def write_truth(path: str | PathLike[str], truth: Truth, attributes: dict[str, object] | None = None) -> None:
    """Write a truth file (netCDF-4). The caller sees to it that it appears whole.

    Args:
        path: Where to; what lies there is overwritten.
        truth: What to write.
        attributes: Global attributes besides the title.

    Raises:
        OSError: As the disk has it.
    """
    lines, samples = truth.plume_id.shape
    with h5py.File(path, "w") as file:
        put_text(file, "title", "Truth of a simulated capture")
        for name, value in sorted((attributes or {}).items()):
            if isinstance(value, str):
                put_text(file, name, value)
            else:
                file.attrs[name] = value
        sizes = {"downtrack": lines, "crosstrack": samples, "mineral": len(truth.mineral_names)}
        # netCDF needs no empty dimension: without plumes there is no table of sources.
        if truth.sources.size:
            sizes["plume"] = truth.sources.size
        add_dimensions(file, sizes)
        image = ("downtrack", "crosstrack")
        _put_map(file, "ch4_enhancement", truth.ch4_enhancement, image, "ppm m")
        _put_map(file, "plume_id", truth.plume_id, image, "1")
        _put_map(file, "mineral_abundance", truth.mineral_abundance, ("mineral", *image), "1")
        _put_map(file, "valid", truth.valid, image, "1")
        names = file.create_dataset(
            "mineral_names", data=list(truth.mineral_names), dtype=h5py.string_dtype("utf-8")
        )
        attach(file, names, ("mineral",))
        for field in SOURCE_DTYPE.names or ():
            if truth.sources.size:
                column = file.create_dataset(f"sources/{field}", data=truth.sources[field])
                put_text(column, "units", UNITS[field])
                attach(file, column, ("plume",))


def _put_map(
    file: h5py.File, name: str, values: NDArray[np.generic], dimensions: tuple[str, ...], units: str
) -> None:
    """Write one compressed map."""
    chunks = tuple(
        1 if d == "mineral" else min(CHUNK, n) for d, n in zip(dimensions, values.shape, strict=True)
    )
    dataset = file.create_dataset(
        name, data=values, chunks=chunks, compression="gzip", compression_opts=COMPRESSION_LEVEL, shuffle=True
    )
    put_text(dataset, "units", units)
    attach(file, dataset, dimensions)


def read_truth(path: str | PathLike[str]) -> Truth:
    """Read a truth file.

    Args:
        path: The file.

    Returns:
        What it holds.

    Raises:
        CaptureError: If it is missing, damaged, or no truth file.
    """
    try:
        with h5py.File(path, "r") as file:
            shape = _shape(file, path)
            names = tuple(
                n.decode() if isinstance(n, bytes) else str(n)
                for n in _values(file, path, "mineral_names", None, None)
            )
            return Truth(
                ch4_enhancement=_values(file, path, "ch4_enhancement", np.float32, shape),
                plume_id=_values(file, path, "plume_id", np.int32, shape),
                mineral_abundance=_values(file, path, "mineral_abundance", np.float32, (len(names), *shape)),
                mineral_names=names,
                valid=_values(file, path, "valid", np.uint8, shape),
                sources=_sources(file, path),
            )
    except (OSError, RuntimeError) as error:
        raise CaptureError(
            "a truth file cannot be read",
            file=path,
            found=str(error),
            expected="a netCDF-4 file that `onboard simulate` wrote",
            remedy="name the .truth.nc beside the capture, or simulate it again",
        ) from error


def _shape(file: h5py.File, path: str | PathLike[str]) -> tuple[int, int]:
    values = file.get("plume_id")
    if not isinstance(values, h5py.Dataset) or values.ndim != 2:
        raise CaptureError(
            "not a truth file",
            file=path,
            field="plume_id",
            found="nothing" if values is None else f"shape {getattr(values, 'shape', None)}",
            expected="plume numbers (downtrack, crosstrack)",
            remedy="name the .truth.nc beside the capture",
        )
    return int(values.shape[0]), int(values.shape[1])


def _values(
    file: h5py.File,
    path: str | PathLike[str],
    name: str,
    dtype: type[np.generic] | None,
    shape: tuple[int, ...] | None,
) -> NDArray[Any]:
    """Read one variable and check its shape."""
    values = file.get(name)
    if not isinstance(values, h5py.Dataset) or (shape is not None and values.shape != shape):
        raise CaptureError(
            "a truth file lacks a variable, or it has another shape",
            file=path,
            field=name,
            found="nothing" if values is None else f"shape {getattr(values, 'shape', None)}",
            expected="present" if shape is None else f"shape {shape}",
            remedy="simulate the capture again",
        )
    return np.asarray(values[()] if dtype is None else values[()].astype(dtype))


def _sources(file: h5py.File, path: str | PathLike[str]) -> NDArray[np.void]:
    """Read the table of sources; a file without plumes has none."""
    if "sources" not in file:
        return np.zeros(0, SOURCE_DTYPE)
    count = file["sources/plume_id"].shape[0] if "sources/plume_id" in file else 0
    table = np.zeros(count, SOURCE_DTYPE)
    for field in SOURCE_DTYPE.names or ():
        table[field] = _values(file, path, f"sources/{field}", None, (count,))
    return table
