"""What fewer bits do to the stem and the matched filter, which live on small differences of log radiance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.models.log_radiance import LOG_CEILING, LOG_FLOOR
from quantize.affine import quantize_weight, weight_scales
from quantize.runtime import sqnr_db

Array = npt.NDArray[np.float32]
Rounding = Callable[[Array], Array]
GAS_PPMM = 1000.0
COLUMNS = (
    "stem", "static SQNR, dB", "dynamic SQNR, dB", "SQNR of 1000 ppm m's change, dB",
    "filter background", "filter contrast", "bytes a pixel",
)  # fmt: skip


@dataclass(frozen=True)
class StemPrecision:
    """What one way of storing log radiance, and weights, does.

    Attributes:
        name: Such as ``int8``.
        static_sqnr_db: SQNR of static features over all pixels.
        dynamic_sqnr_db: SQNR of dynamic features about their mean.
        gas_sqnr_db: SQNR of what 1000 ppm m change dynamic features by, the reason for their being.
        background_ratio: The matched filter's background deviation over that in float32.
        contrast_ratio: The matched filter's answer to 1000 ppm m over its background, over that in float32.
        bytes_a_pixel: What a line ring takes.
    """

    name: str
    static_sqnr_db: float
    dynamic_sqnr_db: float
    gas_sqnr_db: float
    background_ratio: float
    contrast_ratio: float
    bytes_a_pixel: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def even_steps(bits: int, low: float = LOG_FLOOR, high: float = LOG_CEILING) -> Rounding:
    """Return rounding to 2^bits numbers, evenly over a range of log radiance."""
    step = np.float32((high - low) / (2**bits - 1))

    def rounded(values: Array) -> Array:
        return np.asarray(np.rint((np.clip(values, low, high) - low) / step) * step + low, np.float32)

    return rounded


def half(values: Array) -> Array:
    """Round to FP16."""
    return values.astype(np.float16).astype(np.float32)


def int8_weights(weight: Array) -> Array:
    """Round (features, bands) weights to int8, one scale a feature."""
    scales = weight_scales(weight)
    return np.asarray(quantize_weight(weight, scales) * scales[:, None], np.float32)


def same(values: Array) -> Array:
    """Leave float32 as it is."""
    return values


WAYS: dict[str, tuple[Rounding, Rounding, int]] = {
    "float32": (same, same, 4),
    "int16 input": (even_steps(16), same, 2),
    "float16 input and weights": (half, half, 2),
    "float32 input, int8 weights": (same, int8_weights, 4),
    "int16 input, int8 weights": (even_steps(16), int8_weights, 2),
    "int8 input": (even_steps(8), same, 1),
    "int8 input and weights": (even_steps(8), int8_weights, 1),
}


def study_stem(
    pixels: Array,
    gas: Array,
    weight: Array,
    bias: Array,
    *,
    static_features: int,
    filter_bands: npt.NDArray[np.integer[Any]],
) -> list[StemPrecision]:
    """Measure every way of :data:`WAYS` on real inputs.

    The matched filter here is the plain one, alpha = t' C^-1 (x - mean) / t' C^-1 t, with mean and covariance
    of the float32 pixels: what changes is what it is given.

    Args:
        pixels: (n, bands) float32 log radiance.
        gas: (bands,) what 1000 ppm m add to it.
        weight: (features, bands) of the stem as it flies.
        bias: (features,).
        static_features: How many come first; the others are dynamic.
        filter_bands: (K,) bands of the matched filter.
    """
    with_gas = np.clip(pixels + gas, LOG_FLOOR, LOG_CEILING).astype(np.float32)
    exact = _features(pixels, weight, bias)
    change = _features(with_gas, weight, bias) - exact
    detect = _matched_filter(pixels[:, filter_bands], gas[filter_bands])
    quiet, answer = detect(pixels[:, filter_bands]), detect(with_gas[:, filter_bands])
    contrast = float(np.mean(answer - quiet) / np.std(quiet))
    found = []
    for name, (of_input, of_weight, size) in WAYS.items():
        before, after = of_input(pixels), of_input(with_gas)
        features = _features(before, of_weight(weight), bias)
        changed = _features(after, of_weight(weight), bias) - features
        seen, told = detect(before[:, filter_bands]), detect(after[:, filter_bands])
        dynamic = slice(static_features, None)
        found.append(
            StemPrecision(
                name,
                sqnr_db(exact[:, :static_features], features[:, :static_features]),
                _mean_sqnr(exact[:, dynamic], features[:, dynamic]),
                _power_ratio_db(change[:, dynamic], changed[:, dynamic]),
                float(np.std(seen) / np.std(quiet)),
                float(np.mean(told - seen) / np.std(seen)) / contrast,
                size * pixels.shape[1],
            )
        )
    return found


def _features(pixels: Array, weight: Array, bias: Array) -> Array:
    return np.asarray(pixels @ weight.T + bias, np.float32)


def _matched_filter(background: Array, target: Array) -> Callable[[Array], npt.NDArray[np.float64]]:
    mean = background.mean(axis=0, dtype=np.float64)
    off = background - mean
    covariance = off.T @ off / len(off)
    weight = np.linalg.solve(covariance + 1e-9 * np.eye(len(covariance)), target.astype(np.float64))
    weight *= GAS_PPMM / float(target @ weight)

    def detect(pixels: Array) -> npt.NDArray[np.float64]:
        return np.asarray((pixels - mean) @ weight)

    return detect


def _mean_sqnr(exact: Array, found: Array) -> float:
    """Return the mean SQNR of features whose constant error is taken out, as their column's mean is."""
    off = found - (found - exact).mean(axis=0, dtype=np.float64)
    return float(np.mean([sqnr_db(exact[:, index], off[:, index]) for index in range(exact.shape[1])]))


def _power_ratio_db(exact: Array, found: Array) -> float:
    """Return signal over noise in dB, of a signal whose mean is what counts."""
    noise = float(np.mean(np.square(found - exact, dtype=np.float64)))
    signal = float(np.mean(np.square(exact, dtype=np.float64)))
    return 200.0 if noise < 1e-20 * signal else 10.0 * float(np.log10(signal / noise))


def markdown(found: list[StemPrecision]) -> str:
    """Return the study as a table in Markdown."""
    rows = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for item in found:
        decibels = (item.static_sqnr_db, item.dynamic_sqnr_db, item.gas_sqnr_db)
        cells = [item.name, *map(_db, decibels), f"{item.background_ratio:.3f}", f"{item.contrast_ratio:.3f}"]
        rows.append("| " + " | ".join([*cells, f"{item.bytes_a_pixel}"]) + " |")
    return "\n".join(rows) + "\n"


def _db(value: float) -> str:
    return "exact" if value >= 199.0 else f"{value:.1f}"
