"""Cubes that denoisers are judged on: simulated scenes without noise, and real cubes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from onboard.captures.envi import EnviCapture
from onboard.models.subspace import BandTable
from onboard.scenes import atmosphere
from onboard.training.denoising.data import CleanScenes, band_table, emit_noise, unit_cube
from onboard.training.denoising.noise import CASES, scaled

Array = npt.NDArray[np.float32]

EMIT_CASE = "EMIT"
REAL = {
    "Indian Pines": "aviris_indian_pines_radiance.hdr",
    "AVIRIS-NG": "ang20170323t202244_rdn_7000-7010.hdr",
    "EMIT reflectance": "emit20250324t221005_jpl_unmix_ex.hdr",
}
DARKEST = 1e-3
"""A band whose values stay below this share of the cube's greatest is left out: no light, or a constant."""
MULTIPLE = 8


@dataclass(frozen=True, eq=False)
class Trial:
    """One noisy cube with its truth.

    Attributes:
        source: What it was cut from, such as "scenes".
        name: Which of them.
        case: Name of the noise.
        noisy: (bands, lines, samples), in the table's domain.
        valid: (lines, samples) bool.
        clean: As ``noisy``.
        table: Bands and domain.
    """

    source: str
    name: str
    case: str
    noisy: Array
    valid: npt.NDArray[np.bool_]
    clean: Array
    table: BandTable


def scene_trials(scenes: CleanScenes, sensor: str, cases: list[str]) -> Iterator[Trial]:
    """Yield every scene with every case, at the matched filter's bands."""
    bands = scenes.tables.mf_bands
    whole = (slice(None), slice(None))
    for case in cases:
        for index in range(len(scenes)):
            log, rng = scenes.log(index, bands, whole), _rng(case, index)
            name = scenes.files[index].stem
            if case == EMIT_CASE:
                noisy, valid = emit_noise(sensor, bands).see(log, rng)
                yield Trial("scenes", name, case, noisy, valid, log, band_table(sensor, bands, "log"))
            else:
                cube = unit_cube(log, scenes.tables.reference[bands])
                noisy, valid = CASES[case](cube, rng), np.ones(cube.shape[1:], np.bool_)
                yield Trial("scenes", name, case, noisy, valid, cube, band_table(sensor, bands, "unit"))


def real_trials(folder: Path, cases: list[str], size: int) -> Iterator[Trial]:
    """Yield every real cube with every case that needs no detector; the cube is taken for the truth.

    Cubes are cut to multiples of eight lines and samples, at most ``size``. A cube of reflectance is
    multiplied by the reference radiance.
    """
    for name, file in REAL.items():
        cube, table = read_real(folder / file, size)
        for case in (case for case in cases if case != EMIT_CASE):
            # By the case alone: no method sees other noise because other cases are judged with it.
            rng = _rng(case, 1000 + list(CASES).index(case))
            noisy, valid = CASES[case](cube, rng), np.ones(cube.shape[1:], np.bool_)
            yield Trial(name, name, case, noisy, valid, cube, table)


def read_real(path: Path, size: int) -> tuple[Array, BandTable]:
    """Return a real cube (bands, lines, samples), scaled to 0-1, and its table.

    Raises:
        CaptureError: It cannot be read.
    """
    with EnviCapture(path, assume_radiance=True) as capture:
        lines = min(capture.lines, size) // MULTIPLE * MULTIPLE
        samples = min(capture.samples, size) // MULTIPLE * MULTIPLE
        values = np.array(capture.read_lines(0, lines)[:, :samples], np.float32)
        centres, fwhm = np.asarray(capture.centres), np.asarray(capture.fwhm)
    cube = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    if "reflectance" in path.name or "unmix" in path.name:
        order = np.argsort(centres)
        light = np.empty(len(centres))
        light[order] = atmosphere.reference_radiance(centres[order], fwhm[order])
        cube *= light.astype(np.float32)[:, None, None]
    kept = cube.max(axis=(1, 2)) > DARKEST * cube.max()
    kept &= np.ptp(cube, axis=(1, 2)) > 0
    return scaled(np.ascontiguousarray(cube[kept])), BandTable(centres[kept], fwhm[kept], "unit")


def _rng(case: str, index: int) -> np.random.Generator:
    return np.random.default_rng((crc32(case.encode()), index))
