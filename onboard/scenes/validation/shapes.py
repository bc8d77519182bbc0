"""Check 5: sizes and shapes of simulated plumes against outlines that analysts drew of real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.comparison import ks_distance
from onboard.scenes.gas.outlines import (
    FIGURES,
    OutlineStatistics,
    outline_statistics,
    read_outlines,
    real_statistics,
)
from onboard.scenes.gas.outlining import simulated_outlines
from onboard.scenes.validation.figures import Figure

Float64 = NDArray[np.float64]

OUTLINES = 300
LARGEST_KS = 0.15
RATIO_BANDS = {"area_px": (0.67, 1.5), "length_px": (0.75, 1.33), "elongation": (0.85, 1.18)}
"""An area goes as the square of a length; elongation is 1 at least and varies little."""
NAMES = {"area_px": "Area", "length_px": "Length", "elongation": "Elongation"}


@dataclass(frozen=True, eq=False)
class Shapes:
    """Real and simulated outlines.

    Attributes:
        simulated: Figures of simulated outlines.
        real: For each figure, value by percentile.
        real_count: Number of real outlines with an area; None where only percentiles are at hand.
        source: Where the real ones come from.
    """

    simulated: OutlineStatistics
    real: Mapping[str, Mapping[float, float]]
    real_count: int | None
    source: str


def check_shapes(seed: int, outlines: Path | None, count: int = OUTLINES) -> Shapes:
    """Simulate outlines and set them beside the real ones.

    Args:
        seed: Seed of the simulated plumes.
        outlines: A file of real outlines; the built-in percentiles if None.
        count: Number of simulated outlines.

    Raises:
        CaptureError: The file of outlines cannot be read.
    """
    real: Mapping[str, Mapping[float, float]] = real_statistics()
    number, source = None, "built-in percentiles of emit-sds/plume-vetting"
    if outlines is not None:
        found = outline_statistics(read_outlines(outlines))
        at = sorted(real["area_px"])
        values = found.percentiles(at)
        real = {name: dict(zip(at, (float(v) for v in values[name]), strict=True)) for name in FIGURES}
        number, source = found.area_px.size, outlines.name
    simulated = outline_statistics(simulated_outlines(NumpyRandom("validation outlines", seed), count))
    return Shapes(simulated, real, number, source)


def shape_figures(found: Shapes) -> list[Figure]:
    """Return the ratio of medians and the distance of distributions, for each figure of an outline."""
    figures = []
    for name in FIGURES:
        values = getattr(found.simulated, name)
        low, high = RATIO_BANDS[name]
        middle, real = float(np.median(values)), found.real[name][50.0]
        figures += [
            Figure(
                f"{name}_median", f"{NAMES[name]}: median, ours over real", middle / real, low, high,
                note=f"{middle:.3g} against {real:.3g}",
            ),
            Figure(
                f"{name}_ks", f"{NAMES[name]}: largest gap between cumulative distributions",
                ks_distance(values, found.real[name]), high=LARGEST_KS, note=f"{values.size} simulated",
            ),
        ]  # fmt: skip
    return figures
