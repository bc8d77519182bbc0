"""Small data sets in the exact layout of the public ones, their plumes and minerals put in by physics."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import from_origin

from onboard.minerals import MINERALS
from onboard.scenes import methane
from onboard.scenes.atmosphere import Atmosphere
from onboard.sensors import load_sensor
from onboard.training.adapters.bands import aviris_ng_fwhm, oxhyper_bands
from onboard.training.adapters.starcop import TO_RADIANCE

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]

SIZE = 64
PEAK_PPMM = 9000.0
FEATURES_NM = {"goethite": (910.0, 90.0), "hematite": (860.0, 60.0), "kaolinite": (2205.0, 35.0)}
STARCOP_NM = (460, 550, 640, *range(2122, 2489, 6))
CALCITE, GOETHITE, KAOLINITE, TOPAZ = 3, 1, 2, 4
CONSTITUENTS = (
    (GOETHITE, 1, "sprlb06", 882, "Goethite WS222 <250um MedGrn W1R1H_ AREF"),
    (KAOLINITE, 2, "sprlb06", 606, "Kaolinite CM9 (wxl) W1R1Hb"),
    (CALCITE, 2, "sprlb06", 666, "Calcite WS272 W1R1Ha"),
    (TOPAZ, 2, "splib06", 5040, "Topaz Mt._Antero_#5 W1R1Bb"),
)


@dataclass(frozen=True)
class Ground:
    """A tile's truth: radiance (lines, samples, bands), enhancement ppm m, plume, presence by mineral."""

    radiance: Array
    enhancement: Array
    plume: npt.NDArray[np.bool_]
    present: dict[str, npt.NDArray[np.bool_]]


def make_ground(
    rng: np.random.Generator, centres: Array64, fwhm: Array64, *, plume: bool, size: int = SIZE
) -> Ground:
    """Make a tile of smooth ground under a standard atmosphere, with one plume or none."""
    rows, columns = np.mgrid[:size, :size] / size
    bright = 0.22 + 0.08 * np.sin(5 * rows + rng.uniform(0, 6)) + 0.05 * np.cos(7 * columns)
    slope = 0.8 + 0.4 * centres / 2500.0
    reflectance = bright[..., None] * slope
    present = {}
    for index, (name, (centre, width)) in enumerate(FEATURES_NM.items()):
        present[name] = (np.sin(3 * rows + 4 * columns + 2 * index + rng.uniform(0, 6))) > 0.3
        dip = 0.35 * np.exp(-0.5 * ((centres - centre) / width) ** 2)
        reflectance = reflectance * (1.0 - present[name][..., None] * dip)
    radiance = Atmosphere().terms(centres, fwhm).radiance(reflectance)
    enhancement = np.zeros((size, size), np.float32)
    if plume:
        line, sample = rng.uniform(0.3, 0.7, 2)
        along, across = columns - sample, rows - line
        enhancement = (PEAK_PPMM * np.exp(-((along / 0.25) ** 2) - (across / 0.1) ** 2)).astype(np.float32)
        radiance = radiance * np.exp(methane.apply(enhancement, methane.methane_curve(centres, fwhm)))
    radiance = radiance * (1.0 + rng.normal(0, 0.002, radiance.shape))
    return Ground(radiance.astype(np.float32), enhancement, enhancement > 1000.0, present)


def write_raster(
    file: Path, planes: npt.NDArray[np.generic], names: Sequence[str] = (), driver: str = "GTiff"
) -> None:
    """Write (bands, lines, samples) as a raster with positions, its bands described."""
    count, height, width = planes.shape
    place = {"crs": "EPSG:32613", "transform": from_origin(6e5, 3.5e6, 60, 60)}
    with rasterio.open(
        file, "w", driver=driver, count=count, height=height, width=width, dtype=planes.dtype.name, **place
    ) as raster:
        raster.write(planes)
        if names:
            raster.descriptions = tuple(names)


def write_csv(file: Path, rows: Sequence[dict[str, object]]) -> None:
    """Write rows as a CSV, columns in the order of the first."""
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def described(centres: Array64) -> list[str]:
    """Band descriptions as the OxHyper rasters have them."""
    return [f"{centre:.5f} ({centre:.5f})" for centre in centres]


def oxhyper_ch4(folder: Path, *, real: bool = False, windows: bool = False) -> Path:
    """OxHyperSyntheticCH4 or OxHyperRealCH4: three training events, one validation, one test."""
    sensor = load_sensor("emit")
    bands = oxhyper_bands(sensor.centres)
    centres, fwhm = sensor.centres[bands], sensor.fwhm[bands]
    rng = np.random.default_rng(1)
    parts: dict[str, list[dict[str, object]]] = {"train": [], "val": [], "test": []}
    for number, part in enumerate(("train", "train", "train", "val", "test")):
        event = f"EMIT_L1B_RAD_001_2023010{number}T000000_2300{number}_001_{number:03d}"
        ground = make_ground(rng, centres, fwhm, plume=number != 1)
        home = folder / event
        home.mkdir(parents=True)
        radiance = ground.radiance.copy()
        radiance[:3] = np.nan  # beyond the swath's edge
        write_raster(home / "B", np.moveaxis(radiance, 2, 0), described(centres), "ENVI")
        for index, name in enumerate(("462", "551", "641")):
            write_raster(home / f"B_EMIT_{name}nm.tif", radiance[None, :, :, index])
        write_raster(home / "labelbinary.tif", ground.plume[None].astype(np.uint8))
        noisy = ground.enhancement + rng.normal(0, 300, ground.enhancement.shape)
        write_raster(home / "B_magic30_tile.tif", noisy[None].astype(np.float32))
        if number == 0:
            marked = np.ones((1, SIZE, SIZE), np.uint8)
            marked[:, :, :2] = 0
            write_raster(home / "valid_mask.tif", marked)
        row: dict[str, object] = {"id": event, "event_id": event, "qplume": 1500.0 * (number != 1)}
        if windows and part == "train":
            for line, sample in ((0, 0), (32, 16)):
                size = {"window_width": 32, "window_height": 32}
                parts[part].append(
                    {
                        **row,
                        "window_col_off": sample,
                        "window_row_off": line,
                        **size,
                        "has_plume": number != 1,
                    }
                )
        else:
            parts[part].append(row)
    pattern = "real_{}_v3.csv" if real else "{}_filtered_v2.csv"
    for part, rows in parts.items():
        write_csv(folder / pattern.format(part), rows)
    return folder


def oxhyper_minerals(folder: Path, *, bare: bool = False) -> Path:
    """OxHyperMinerals: three training tiles and one test tile; no validation is published here."""
    sensor = load_sensor("emit")
    rng = np.random.default_rng(2)
    parts: dict[str, list[dict[str, object]]] = {"train": [], "test": []}
    for number, part in enumerate(("train", "train", "train", "test")):
        event = f"EMIT_2024010{number}T000000_{number:02d}"
        ground = make_ground(rng, sensor.centres, sensor.fwhm, plume=False, size=48)
        home = folder / event
        home.mkdir(parents=True)
        names = [f"Band {band + 1}" for band in range(285)] if number == 0 else described(sensor.centres)
        write_raster(home / "C", np.moveaxis(ground.radiance, 2, 0), names, "ENVI")
        planes = np.stack([ground.present[name] for name in ("goethite", "hematite", "kaolinite")])
        if bare:
            planes.astype("<u2").tofile(home / "minerals3ghk.tif")
        else:
            write_raster(home / "minerals3ghk.tif", planes.astype(np.uint16))
        parts[part].append({"id": event, "event_id": event, "qplume": 0})
    for part, rows in parts.items():
        write_csv(folder / f"{part}_minerals.csv", rows)
    return folder


def starcop(folder: Path, *, bands: Sequence[int] = STARCOP_NM) -> Path:
    """STARCOP with all bands: three training tiles and one test tile, the latter one folder down."""
    centres = np.array(sorted(bands), float)
    rng = np.random.default_rng(3)
    parts: dict[str, list[dict[str, object]]] = {"train": [], "test": []}
    for number, part in enumerate(("train", "train", "train", "test")):
        event = f"ang2019100{number}t172904_r{8192 + 512 * number}_c0_w512_h512"
        home = folder / ("STARCOP_allbands_Eval" if part == "test" else "") / event
        home.mkdir(parents=True)
        ground = make_ground(rng, centres, aviris_ng_fwhm(centres), plume=number != 1)
        stored = ground.radiance / np.float32(TO_RADIANCE)
        stored[:, -4:] = 0  # padding
        for index, centre in enumerate(centres):
            name = f"TOA_AVIRIS_{centre:.0f}nm"
            write_raster(home / f"{name}.tif", stored[None, :, :, index], [name])
        mag1c = np.maximum(ground.enhancement + rng.normal(0, 200, ground.enhancement.shape), 0)
        write_raster(home / "labelbinary.tif", ground.plume[None].astype(np.uint8))
        write_raster(home / "mag1c.tif", mag1c[None].astype(np.float32))
        write_raster(home / "weight_mag1c.tif", np.clip(mag1c[None] / 400, 0.1, 1).astype(np.float32))
        parts[part].append(
            {
                "id": event,
                "name": event.split("_")[0],
                "qplume": 900.0 * (number != 1),
                "has_plume": number != 1,
                "folder": f"gs://starcop/{part}/{event}",
                "window_row_off": 0,
                "window_col_off": 0,
                "window_width": SIZE,
                "window_height": SIZE,
            }
        )
    for part, rows in parts.items():
        write_csv(folder / f"{part}.csv", rows)
    return folder


def emit_l2b(folder: Path, granules: int = 3) -> Path:
    """EMIT granules of 72 x 80 pixels: L1B radiance and L2B minerals."""
    sensor = load_sensor("emit")
    rng = np.random.default_rng(4)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(granules):
        name = f"2023050{number}T101010_23120{number:02d}_0{number:02d}"
        ground = make_ground(rng, sensor.centres, sensor.fwhm, plume=False, size=80)
        radiance = ground.radiance[:72]
        radiance[:2] = -9999.0
        with h5py.File(folder / f"EMIT_L1B_RAD_001_{name}.nc", "w") as file:
            file.attrs["granule_id"] = f"EMIT_L1B_RAD_001_{name}"
            data = file.create_dataset("radiance", data=radiance, chunks=(24, 80, 57))
            data.attrs["units"] = "uW/cm^2/SR/nm"
            file["sensor_band_parameters/wavelengths"] = sensor.centres.astype(np.float32)
            file["sensor_band_parameters/fwhm"] = sensor.fwhm.astype(np.float32)
        _write_minerals(folder / f"EMIT_L2B_MIN_001_{name}.nc", ground)
    return folder


def _write_minerals(file: Path, ground: Ground) -> None:
    present = {name: mask[:72] for name, mask in ground.present.items()}
    first = np.where(present["goethite"], GOETHITE, 0)
    second = np.where(present["kaolinite"], KAOLINITE, np.where(present["hematite"], TOPAZ, 0))
    second[40:44] = CALCITE
    for ids in (first, second):
        ids[:2] = -9999
    with h5py.File(file, "w") as handle:
        for group, ids in ((1, first), (2, second)):
            handle[f"group_{group}_mineral_id"] = ids.astype(np.int16)
            handle[f"group_{group}_band_depth"] = np.where(ids > 0, 0.1, 0.0).astype(np.float32)
        columns = list(zip(*CONSTITUENTS, strict=True))
        for name, column in zip(("index", "group", "library", "record", "name"), columns, strict=True):
            kind = h5py.string_dtype() if isinstance(column[0], str) else np.int32
            handle.create_dataset(f"mineral_metadata/{name}", data=list(column), dtype=kind)


def known_minerals() -> list[int]:
    """Numbers of the three minerals that the miniatures' ground has."""
    return [MINERALS.index(name) for name in FEATURES_NM]
