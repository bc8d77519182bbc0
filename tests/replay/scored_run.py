"""A small run folder and the truth that it is scored against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from onboard.replay.events import feature_collection
from onboard.replay.products import ProductsHeader, ProductsWriter
from onboard.replay.run_folder import RUN_FORMAT, write_json
from tests.replay.stand_in import MINERALS, Event, block

LINES, SAMPLES = 70, 40
PLUME = np.s_[10:20, 5:15]


def make_run(folder: Path, products: tuple[str, ...] = ("methane", "minerals")) -> Path:
    """A run that finds the plume with half of its pixels, 10 % too weak, and two false pixels."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    probability = np.full((LINES, SAMPLES), 0.1, np.float32)
    probability[10:15, 5:15] = 0.9
    probability[50, 30:32] = 0.8
    enhancement = rng.normal(0, 200, (LINES, SAMPLES)).astype(np.float32)
    enhancement[PLUME] = 0.9 * true_enhancement()[PLUME]
    enhancement[0] = np.nan
    head = ProductsHeader(LINES, SAMPLES, products, MINERALS, 64, 0.5, (0.3, 0.3, 0.3))
    with ProductsWriter(folder / "products.nc", head) as writer:
        for first in (0, 64):
            rows = slice(first, first + 64)
            writer.write(block(first, probability[rows], enhancement[rows]))
    events = [
        Event(1, 10, 14, 5, 14, 50, peak_line=12, peak_sample=7),
        Event(2, 50, 50, 30, 31, 2, peak_line=50, peak_sample=30),
    ]
    write_json(folder / "events.geojson", feature_collection(events, None, 60.0))
    write_json(folder / "summary.json", {"format": RUN_FORMAT})
    return folder


def true_enhancement() -> np.ndarray:
    values = np.zeros((LINES, SAMPLES), np.float32)
    values[PLUME] = np.linspace(600, 4000, 100).reshape(10, 10)
    return values


def make_truth(path: Path, change: Callable[[h5py.File], Any] | None = None) -> Path:
    with h5py.File(path, "w") as file:
        file["ch4_enhancement"] = true_enhancement()
        plume_id = np.zeros((LINES, SAMPLES), np.int32)
        plume_id[PLUME] = 1
        file["plume_id"] = plume_id
        valid = np.ones((LINES, SAMPLES), np.uint8)
        valid[-1] = 0
        file["valid"] = valid
        abundance = np.zeros((3, LINES, SAMPLES), np.float32)
        abundance[0, :, :20] = 0.16  # kaolinite: found nowhere but everywhere
        abundance[1, :35] = 0.1  # calcite: too little to count
        file["mineral_abundance"] = abundance
        file.create_dataset("mineral_names", data=["kaolinite", "calcite", "hematite"])
        if change is not None:
            change(file)
    return path
