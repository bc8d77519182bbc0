"""The tables a network is trained with and later flown with: one file, `tables.npz`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from onboard.errors import CaptureError
from onboard.models.filter_tables import FilterTables
from onboard.models.ground_classes import GroundClasses, ground_classes
from onboard.scenes import atmosphere, methane
from onboard.sensors import Sensor

Array64 = npt.NDArray[np.float64]

FILTER_WINDOWS_NM = ((1590.0, 1720.0), (2110.0, 2455.0))
"""Where CH4 absorbs enough to be worth a band of the matched filter."""
OPTIONAL = ("class_bands", "class_centres", "exclude_near")
EXCLUDE_NEAR = 16


@dataclass(frozen=True)
class FlightTables:
    """Sensor, normalisation and gas figures that travel with a network.

    Attributes:
        centres: (bands,) nm.
        fwhm: (bands,) nm.
        reference: (bands,) radiance in uW cm-2 sr-1 nm-1 that log radiance is relative to.
        mf_bands: (K,) indices of the matched filter's bands.
        alphas: (A,) ppm m.
        log_transmittance: (A, K).
        mf_noise: (2, K) noise coefficients a and b.
        class_bands: (B,) indices of the bands that tell classes of ground; none if there are no classes.
        class_centres: (C, B) int16 log radiance of each class, 1024 counts a unit.
        exclude_near: Lines and samples around plumes that stay out of the matched filter's means.
    """

    centres: Array64
    fwhm: Array64
    reference: Array64
    mf_bands: npt.NDArray[np.int64]
    alphas: Array64
    log_transmittance: Array64
    mf_noise: Array64
    class_bands: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    class_centres: npt.NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 0), np.int16))
    exclude_near: int = 0

    def save(self, path: Path) -> None:
        """Write the tables to ``path`` (.npz), whole or not at all."""
        aside = path.with_name(path.name + ".partial")
        with aside.open("wb") as file:
            np.savez(file, **{item.name: getattr(self, item.name) for item in fields(self)})
        aside.replace(path)

    @classmethod
    def load(cls, path: Path) -> FlightTables:
        """Read tables written by :meth:`save`.

        Raises:
            CaptureError: A table is missing or the file cannot be read.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                # Tables of before there were classes of ground have none, nor do plumes have surroundings.
                known = [
                    item.name for item in fields(cls) if item.name in archive or item.name not in OPTIONAL
                ]
                found: dict[str, Any] = {name: archive[name] for name in known}
                return cls(**found | {"exclude_near": int(found.get("exclude_near", 0))})
        except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile) as error:
            raise CaptureError(
                "training tables cannot be read", file=path, found=str(error), remedy="train again"
            ) from error

    @property
    def filter_tables(self) -> FilterTables:
        """The part that the matched filter takes."""
        return FilterTables(
            alphas=self.alphas,
            log_transmittance=self.log_transmittance,
            reference=self.reference[self.mf_bands],
            noise_a=self.mf_noise[0],
            noise_b=self.mf_noise[1],
            classes=len(self.class_centres),
            exclude_near=self.exclude_near,
        )

    @property
    def ground(self) -> GroundClasses | None:
        """The codebook of ground classes, if there are classes."""
        return GroundClasses(self.class_bands, self.class_centres) if len(self.class_centres) else None


def make_tables(sensor: Sensor, ground: bool = True, exclude_near: int = EXCLUDE_NEAR) -> FlightTables:
    """Return the tables of a sensor's nominal band table.

    Args:
        sensor: The sensor.
        ground: With the shipped classes of ground.
        exclude_near: Lines and samples around plumes that stay out of the matched filter's means.
    """
    inside = np.zeros(len(sensor.centres), bool)
    for low, high in FILTER_WINDOWS_NM:
        inside |= (sensor.centres >= low) & (sensor.centres <= high)
    chosen = np.flatnonzero(inside)
    classes = ground_classes(np.asarray(sensor.centres, np.float64)) if ground else None
    alphas, log_transmittance = methane.log_transmittance(sensor.centres[chosen], sensor.fwhm[chosen])
    return FlightTables(
        centres=np.asarray(sensor.centres, np.float64),
        fwhm=np.asarray(sensor.fwhm, np.float64),
        reference=np.asarray(atmosphere.reference_radiance(sensor.centres, sensor.fwhm), np.float64),
        mf_bands=chosen.astype(np.int64),
        alphas=alphas,
        log_transmittance=log_transmittance,
        mf_noise=np.stack([sensor.noise_a[chosen], sensor.noise_b[chosen]]),
        class_bands=np.zeros(0, np.int64) if classes is None else classes.bands,
        class_centres=np.zeros((0, 0), np.int16) if classes is None else classes.centres,
        exclude_near=exclude_near,
    )
