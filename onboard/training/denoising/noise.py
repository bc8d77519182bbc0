"""Noise as denoisers of cubes are judged with, and noise as EMIT has it.

The cases are those of QRNN3D (Wei, Fu and Huang 2021, IEEE TNNLS 32, 363), which HSDT (Lai, Yan and Fu 2023)
took over: cubes scaled to 0-1, sigma on a scale of 0-255; nothing is clipped afterwards. All functions take
(bands, lines, samples) float32 and return a new array; the same generator gives the same noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.models.log_radiance import LOG_SCALE, log_radiance, quantize_log
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.instrument.detector import observe
from onboard.scenes.instrument.draw import draw_detector

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FULL = 255.0
SIGMAS = (10.0, 30.0, 50.0, 70.0)
IMPULSE_AMOUNTS = (0.1, 0.3, 0.5, 0.7)
COLUMN_SHARE = (0.05, 0.15)
STRIPE_RANGE = (-0.25, 0.25)
THIRD = 1.0 / 3.0
EMIT_DEAD_COLUMNS = 2
"""Columns of a scene that are dead in a run of bands and were not filled in, at most."""
EMIT_LOST_LINES = 2
DEAD_RUN = (1, 12)


def gaussian(cube: Array, rng: np.random.Generator, sigma: float) -> Array:
    """Add the same Gaussian noise to all bands; ``sigma`` on a scale of 0-255."""
    return np.asarray(cube + rng.standard_normal(cube.shape, dtype=np.float32) * np.float32(sigma / FULL))


def noniid(cube: Array, rng: np.random.Generator) -> Array:
    """Add Gaussian noise, each band with its own sigma out of 10, 30, 50 and 70."""
    sigma = rng.choice(SIGMAS, cube.shape[0]).astype(np.float32) / np.float32(FULL)
    return np.asarray(cube + rng.standard_normal(cube.shape, dtype=np.float32) * sigma[:, None, None])


def add_stripes(cube: Array, rng: np.random.Generator, bands: npt.NDArray[np.int64]) -> None:
    """Shift 5 to 15 % of the columns of each of ``bands``, each by its own offset, in place."""
    for band in bands:
        columns = _columns(rng, cube.shape[2])
        cube[band][:, columns] += rng.uniform(*STRIPE_RANGE, columns.size).astype(np.float32)


def add_deadlines(cube: Array, rng: np.random.Generator, bands: npt.NDArray[np.int64]) -> None:
    """Set 5 to 15 % of the columns of each of ``bands`` to zero, in place."""
    for band in bands:
        cube[band][:, _columns(rng, cube.shape[2])] = 0.0


def add_impulses(cube: Array, rng: np.random.Generator, bands: npt.NDArray[np.int64]) -> None:
    """Set a share of each band's pixels, 0.1, 0.3, 0.5 or 0.7, to 0 or 1, in place."""
    for band in bands:
        hit = rng.random(cube.shape[1:]) < rng.choice(IMPULSE_AMOUNTS)
        cube[band][hit] = (rng.random(int(hit.sum())) < 0.5).astype(np.float32)


def _columns(rng: np.random.Generator, samples: int) -> npt.NDArray[np.int64]:
    low, high = (int(share * samples) for share in COLUMN_SHARE)
    return rng.permutation(samples)[: int(rng.integers(low, high + 1))]


def _on_top(*adders: Callable[[Array, np.random.Generator, npt.NDArray[np.int64]], None]) -> NoiseCase:
    """Return a case: non-iid noise, then each adder on its own third of the bands."""

    def make(cube: Array, rng: np.random.Generator) -> Array:
        noisy = noniid(cube, rng)
        order, third = rng.permutation(cube.shape[0]), int(np.floor(cube.shape[0] * THIRD))
        for index, adder in enumerate(adders):
            adder(noisy, rng, order[index * third : (index + 1) * third])
        return noisy

    return make


def _plain(sigma: float) -> NoiseCase:
    return lambda cube, rng: gaussian(cube, rng, sigma)


NoiseCase = Callable[[Array, np.random.Generator], Array]
CASES: dict[str, NoiseCase] = {
    "gaussian 30": _plain(30.0),
    "gaussian 50": _plain(50.0),
    "gaussian 70": _plain(70.0),
    "non-iid": noniid,
    "stripe": _on_top(add_stripes),
    "deadline": _on_top(add_deadlines),
    "impulse": _on_top(add_impulses),
    "mixture": _on_top(add_stripes, add_deadlines, add_impulses),
}
"""The eight cases, by name; each takes a cube scaled to 0-1 and a generator."""


def scaled(cube: npt.ArrayLike) -> Array:
    """Return a cube scaled to 0-1 by its own least and greatest value.

    Raises:
        UsageError: A cube of one value, or with values that are not finite.
    """
    values = np.asarray(cube, np.float32)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all() or high <= low:
        raise UsageError(
            "cube cannot be scaled", field="cube", found=(low, high), expected="two finite values"
        )
    return np.asarray((values - np.float32(low)) / np.float32(high - low))


@dataclass(frozen=True, eq=False)
class EmitNoise:
    """EMIT's detector for some bands.

    Attributes:
        centres: (bands,) nm.
        coefficients: (3, bands), a, b, c of sigma = abs(a sqrt(b + L) + c).
        reference: (bands,) radiance that log radiance is relative to.
    """

    centres: Array64
    coefficients: Array64
    reference: Array64

    def usual(self) -> Array64:
        """Return the (bands,) noise of log radiance at the reference radiance."""
        a, b, c = self.coefficients
        return np.asarray(np.abs(a * np.sqrt(b + self.reference) + c) / self.reference)

    def see(self, log: Array, rng: np.random.Generator, times: float = 1.0) -> tuple[Array, Mask]:
        """Return log radiance as flight would hold it, and where it was measured.

        Noise, stripes that the flat field left, and bad elements filled in as level 1B does are those of
        simulated captures. On top come what no repair has seen: up to two columns that are dead (zero) over
        a run of bands, and up to two lines lost, which hold the line before them.

        Args:
            log: (bands, lines, samples) clean log radiance.
            rng: Source of chance.
            times: Factor on the detector's noise.
        """
        bands, lines, samples = log.shape
        table = self.coefficients * np.array([times, 1.0, times])[:, None]
        detector = draw_detector(
            NumpyRandom(int(rng.integers(1 << 62)), "denoising"), self.centres, table, samples
        )
        radiance = np.exp(np.moveaxis(log, 0, -1)) * self.reference.astype(np.float32)
        noise = rng.standard_normal(radiance.shape, dtype=np.float32)
        seen = np.stack([observe(detector, line, drawn) for line, drawn in zip(radiance, noise, strict=True)])
        for column in rng.permutation(samples)[: int(rng.integers(EMIT_DEAD_COLUMNS + 1))]:
            first = int(rng.integers(bands))
            seen[:, column, first : first + int(rng.integers(*DEAD_RUN))] = 0.0
        valid = np.ones((lines, samples), np.bool_)
        for line in rng.permutation(np.arange(1, lines))[: int(rng.integers(EMIT_LOST_LINES + 1))]:
            seen[line], valid[line] = seen[line - 1], False
        counts = quantize_log(log_radiance(np.ascontiguousarray(seen, np.float32), self.reference))
        return np.moveaxis(counts.astype(np.float32) / np.float32(LOG_SCALE), -1, 0), valid
