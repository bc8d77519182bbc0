"""EMIT's in-flight radiance statistics: the file, and a summary of it that travels with the package.

The file `EMIT_Normalized_Radiances_20240110.mat` of emit-sds/emit-sds-l1b (Apache-2.0) holds the mean and the
covariance of radiance spectra that were each divided by their own Euclidean norm over all 285 bands: the
calibration code predicts the bands of the order-sorting seam from the others with them (`utils/fixosf.py`,
`fix_osf_gaussian`). The numbers say so too: |mean|^2 + trace(covariance) is 1 to five digits. They also say
that the set is practically free of noise (a band given all others deviates several times less than one
measurement's noise) and that its composition is not that of arid land alone.
"""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError, MissingExtraError
from onboard.sensors import Sensor

Float64 = NDArray[np.float64]

PATTERN = "EMIT_Normalized_Radiances_*.mat"
SUMMARY = "emit_normalised_radiance.csv"
COLUMNS = ("band", "mean", "deviation", "eigenvalue")
DAMAGED = (OSError, EOFError, KeyError, ValueError, TypeError, NotImplementedError, IndexError, zlib.error)
NOTICE = """\
# Mean, standard deviation and eigenvalues of the covariance of EMIT in-flight radiance spectra, each divided
# by its own Euclidean norm over the 285 bands. Eigenvalues are in falling order and belong to no band.
# Derived from data/emit/EMIT_Normalized_Radiances_20240110.mat of https://github.com/emit-sds/emit-sds-l1b
# Copyright California Institute of Technology. Licensed under the Apache License, Version 2.0:
# https://www.apache.org/licenses/LICENSE-2.0
"""


@dataclass(frozen=True, eq=False)
class RadianceStatistics:
    """Statistics of unit-norm radiance spectra.

    Attributes:
        mean: (bands,) float64.
        deviation: Standard deviation of each band, (bands,) float64.
        eigenvalues: Of the covariance, falling, (bands,) float64.
        covariance: (bands, bands) float64, or None where only the summary is at hand.
        source: Where they come from.
    """

    mean: Float64
    deviation: Float64
    eigenvalues: Float64
    covariance: Float64 | None
    source: str

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.mean.size)


def statistics_of(mean: Float64, covariance: Float64, source: str) -> RadianceStatistics:
    """Wrap a mean (bands,) and covariance (bands, bands)."""
    values = np.linalg.eigvalsh(covariance)[::-1]
    return RadianceStatistics(
        mean, np.sqrt(np.maximum(np.diag(covariance), 0.0)), np.maximum(values, 0.0), covariance, source
    )


def emit_statistics(place: Path | None) -> RadianceStatistics:
    """Return EMIT's statistics: from the user's file if a place is given, else the built-in summary.

    Args:
        place: The .mat file, or a folder that holds one named like ``PATTERN`` (the last by name is taken).

    Raises:
        CaptureError: There is no such file, or it does not hold a mean and a covariance that fit together.
        MissingExtraError: SciPy, which reads the file, is not installed.
    """
    return built_in_statistics() if place is None else read_statistics(find_file(place))


def find_file(place: Path) -> Path:
    """Return the .mat file at a place.

    Raises:
        CaptureError: There is none.
    """
    if place.is_file():
        return place
    found = sorted(place.glob(PATTERN)) if place.is_dir() else []
    if not found:
        raise CaptureError(
            "no EMIT radiance statistics here",
            file=place,
            expected=PATTERN,
            remedy="take it from github.com/emit-sds/emit-sds-l1b (data/emit), or leave the option out",
        )
    return found[-1]


def read_statistics(file: Path) -> RadianceStatistics:
    """Read ``radiance_mean`` and ``radiance_covariance`` of a MATLAB file; see ``emit_statistics``."""
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ModuleNotFoundError as error:
        raise MissingExtraError("scipy", "report", "reading EMIT's radiance statistics") from error
    try:
        data: dict[str, Any] = loadmat(file)
        mean = np.asarray(data["radiance_mean"], np.float64).ravel()
        covariance = np.asarray(data["radiance_covariance"], np.float64)
    except (*DAMAGED, MatReadError) as error:
        raise CaptureError(
            "EMIT radiance statistics cannot be read",
            file=file,
            found=f"{type(error).__name__}: {error}",
            expected="a MATLAB file with radiance_mean and radiance_covariance",
        ) from error
    if covariance.shape != (mean.size, mean.size) or not np.isfinite(covariance).all():
        raise CaptureError(
            "EMIT radiance statistics do not fit together",
            file=file,
            found=f"mean {mean.shape}, covariance {covariance.shape}",
            expected="(bands,) and (bands, bands), all finite",
        )
    return statistics_of(mean, (covariance + covariance.T) / 2, file.name)


def built_in_statistics() -> RadianceStatistics:
    """Return the summary that travels with the package: no covariance."""
    text = files(__package__).joinpath("data", SUMMARY).read_text(encoding="utf-8")
    rows = list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))
    table = np.array(rows[1:], np.float64)
    source = "built-in summary of EMIT_Normalized_Radiances_20240110"
    return RadianceStatistics(table[:, 1], table[:, 2], table[:, 3], None, source)


def check_bands(statistics: RadianceStatistics, sensor: Sensor) -> None:
    """Refuse statistics of another instrument.

    Raises:
        CaptureError: The numbers of bands differ.
    """
    if statistics.bands != sensor.bands:
        raise CaptureError(
            "radiance statistics of another instrument",
            file=statistics.source,
            found=f"{statistics.bands} bands",
            expected=f"{sensor.bands} bands",
        )


def summary_text(statistics: RadianceStatistics) -> str:
    """Return the CSV that ``built_in_statistics`` reads, notice and all."""
    rows = zip(statistics.mean, statistics.deviation, statistics.eigenvalues, strict=True)
    body = "".join(f"{i},{m:.5e},{s:.5e},{e:.4e}\n" for i, (m, s, e) in enumerate(rows))
    return NOTICE + ",".join(COLUMNS) + "\n" + body
