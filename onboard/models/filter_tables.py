"""What the matched filter must know of sensor and gas, and its constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FilterTables:
    """What the filter must know of sensor and gas.

    Attributes:
        alphas: (A,) float64, enhancements in ppm m, first 0, rising.
        log_transmittance: (A, K) float64, ln of the transmittance at each enhancement and band.
        reference: (K,) float64, radiance in uW cm-2 sr-1 nm-1 that log radiance is relative to.
        noise_a: (K,) float64, noise model sigma = a * sqrt(b + L).
        noise_b: (K,) float64.
        classes: Classes of ground with statistics of their own; 0 for one filter for all ground.
        exclude_near: So many lines and samples around what surely is a plume stay out of the means; 0 for
            the plume's own pixels alone.
    """

    alphas: Array64
    log_transmittance: Array64
    reference: Array64
    noise_a: Array64
    noise_b: Array64
    classes: int = 0
    exclude_near: int = 0

    @property
    def target(self) -> Array64:
        """(K,) change of log radiance per ppm m, taken at the first point of the curve."""
        return np.asarray(self.log_transmittance[1] / self.alphas[1])


@dataclass(frozen=True)
class FilterSettings:
    """Constants of the running statistics; the flight core takes the same from its plan."""

    memory_lines: int = 512
    covariance_stride: int = 4
    kappa: float = 16.0
    exclude_sigma: float = 3.0


def linear_to_enhancement(linear: Array64, weights: Array64, tables: FilterTables) -> Array64:
    """Undo saturation: map the linear filter output to ppm m along the filter's own response.

    Args:
        linear: Any shape, filter output in ppm m as if absorption were linear.
        weights: (K,) the filter.
        tables: Gas curve.
    """
    response = tables.log_transmittance @ weights
    last = 1
    while last + 1 < len(response) and response[last + 1] > response[last]:
        last += 1
    x, y = response[: last + 1], tables.alphas[: last + 1]
    slope_last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    slope_first = y[1] / x[1]
    inside = np.interp(linear, x, y)
    return np.where(
        linear > x[-1],
        y[-1] + (linear - x[-1]) * slope_last,
        np.where(linear < 0.0, linear * slope_first, inside),
    )
