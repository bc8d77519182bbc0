"""Checks 3 and 4: what the column-wise matched filter and mag1c make of the simulated radiance.

Over ground without plumes, the filter's output is the world's clutter and noise in units of methane; over
plumes, what mag1c retrieves must grow one to one with what was put in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.models.column_filter import column_filter
from onboard.models.mag1c_filter import mag1c_filter
from onboard.scenes.components import label_components
from onboard.scenes.validation.figures import Figure
from onboard.scenes.validation.material import Study, sun_zenith

Float32 = NDArray[np.float32]

SLOPE_FROM_PPM_M = 1000.0
"""What counts as plume in the truth; mag1c's prior sets fainter pixels to zero, whatever their scale."""
SLOPE_TO_PPM_M = 16_000.0
"""Above this the line that mag1c's target was fitted over ends (Foote et al. 2020, section II-B)."""
LEAST_POINTS = 30
CLUTTER_SIGMAS = 3.0
CLUTTER_PIXELS = 5
POINTS_KEPT = 4000
BANDS_PPM_M: dict[str, tuple[float, float]] = {
    "arid-bright": (200.0, 500.0),
    "dark-vegetated": (400.0, 1000.0),
}
"""About 300 and 850 ppm m on independently made EMIT-like granules; other climates lie between."""
ANY_CLIMATE_PPM_M = (200.0, 1000.0)


@dataclass(frozen=True, eq=False)
class MethaneOfStudy:
    """What the two filters found in one climate's scene.

    Attributes:
        climate: Name of the landscape.
        sun_zenith_deg: Sun's zenith angle.
        sigma: Robust standard deviation of the column filter's output without plumes, ppm m.
        sigma_implied: The deviation that the columns' covariances imply, median, ppm m.
        beyond: Share of pixels beyond ``CLUTTER_SIGMAS`` sigma.
        clutter: Connected patches of at least ``CLUTTER_PIXELS`` such pixels, per million pixels.
        background: The filter's output without plumes, float32 (lines, samples), ppm m.
        filtered: The filter's output with plumes, float32 (lines, samples), ppm m.
        truth: True methane at plume pixels, float32 (n,), ppm m.
        retrieved: mag1c's at the same pixels, float32 (n,), ppm m.
    """

    climate: str
    sun_zenith_deg: float
    sigma: float
    sigma_implied: float
    beyond: float
    clutter: float
    background: Float32
    filtered: Float32
    truth: Float32
    retrieved: Float32

    @property
    def slope(self) -> float:
        """Slope of retrieved against true methane; not a number with too few pixels."""
        return slope(self.truth, self.retrieved)


def methane_of_study(study: Study) -> MethaneOfStudy:
    """Run both filters over a study.

    Raises:
        MissingExtraError: mag1c or torch is not installed.
    """
    centres, fwhm = study.scene.centres, study.scene.fwhm
    quiet = column_filter(study.background, centres, fwhm, valid=study.valid)
    loud = column_filter(study.with_plumes, centres, fwhm, valid=study.valid)
    columns = (study.enhancement >= SLOPE_FROM_PPM_M).any(axis=0)
    found = mag1c_filter(
        np.ascontiguousarray(study.with_plumes[:, columns]), centres, fwhm, valid=study.valid[:, columns]
    )
    truth = study.enhancement[:, columns]
    inside = (truth >= SLOPE_FROM_PPM_M) & (truth <= SLOPE_TO_PPM_M) & np.isfinite(found.enhancement)
    values = quiet.enhancement[np.isfinite(quiet.enhancement)]
    sigma = float(1.4826 * np.median(np.abs(values - np.median(values))))
    above = np.nan_to_num(quiet.enhancement, nan=-np.inf) > CLUTTER_SIGMAS * sigma
    return MethaneOfStudy(
        climate=study.climate,
        sun_zenith_deg=sun_zenith(study.scene),
        sigma=sigma,
        sigma_implied=float(np.nanmedian(quiet.sigma)),
        beyond=float(above.sum() / max(values.size, 1)),
        clutter=1e6 * count_patches(above) / max(values.size, 1),
        background=quiet.enhancement,
        filtered=loud.enhancement,
        truth=truth[inside],
        retrieved=found.enhancement[inside],
    )


def count_patches(mask: NDArray[np.bool_]) -> int:
    """Number of connected patches of at least ``CLUTTER_PIXELS`` pixels in a mask (lines, samples)."""
    sizes = np.bincount(label_components(mask)[0].ravel())[1:]
    return int(np.count_nonzero(sizes >= CLUTTER_PIXELS))


def slope(truth: Float32, retrieved: Float32) -> float:
    """Slope of the least-squares line through (truth, retrieved), (n,) each; NaN for fewer than 30 points."""
    if truth.size < LEAST_POINTS:
        return float("nan")
    x = truth.astype(np.float64) - truth.mean(dtype=np.float64)
    return float(x @ retrieved.astype(np.float64) / (x @ x))


def thinned(count: int, keep: int = POINTS_KEPT) -> NDArray[np.int64]:
    """Indices of at most ``keep`` points of ``count``, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, keep)).astype(np.int64)) if count else np.arange(0)


def background_figures(found: Sequence[MethaneOfStudy]) -> list[Figure]:
    """Return the filter's deviation over each climate, and its clutter."""
    figures = []
    for one in found:
        low, high = BANDS_PPM_M.get(one.climate, ANY_CLIMATE_PPM_M)
        note = f"sun {one.sun_zenith_deg:.0f} degrees from the zenith; {100 * one.beyond:.2f} % of pixels"
        figures.append(
            Figure(
                f"sigma_{one.climate}", f"Background deviation, {one.climate}", one.sigma, low, high, "ppm m",
                f"{note} beyond {CLUTTER_SIGMAS:.0f} sigma",
            )
        )  # fmt: skip
    figures.append(
        Figure(
            "clutter",
            f"Patches of {CLUTTER_PIXELS} pixels or more beyond {CLUTTER_SIGMAS:.0f} sigma, no plumes",
            float(np.median([one.clutter for one in found])), unit="per million pixels",
            note="median of the climates; a full capture has 1.6 million pixels",
        )
    )  # fmt: skip
    return figures


def slope_figures(found: Sequence[MethaneOfStudy]) -> list[Figure]:
    """Return the slope of mag1c against truth, all climates together and each alone."""
    truth = np.concatenate([one.truth for one in found])
    retrieved = np.concatenate([one.retrieved for one in found])
    whole = slope(truth, retrieved)
    note = f"{truth.size} pixels of {SLOPE_FROM_PPM_M:.0f} to {SLOPE_TO_PPM_M:.0f} ppm m"
    return [
        Figure("mag1c_slope", "mag1c against truth: slope, all climates", whole, 0.9, 1.1, note=note),
        Figure(
            "mag1c_recovered", "Methane that mag1c recovers in the same pixels, share of the truth",
            float(retrieved.sum() / truth.sum()) if truth.size else None,
        ),
        *(
            Figure(
                f"mag1c_slope_{one.climate}", f"mag1c against truth: slope, {one.climate}", one.slope,
                note=f"{one.truth.size} pixels",
            )
            for one in found
        ),
    ]  # fmt: skip
