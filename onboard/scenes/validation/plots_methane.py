"""Pictures of checks 3, 4 and 5: the matched filter's background, mag1c's slope, plume shapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onboard.scenes.validation.drawing import (
    BAND_COLOUR,
    EMIT_COLOUR,
    OURS_COLOUR,
    as_picture,
    as_uri,
    colour_of,
    sheet,
    styled,
)
from onboard.scenes.validation.methane import ANY_CLIMATE_PPM_M, BANDS_PPM_M, MethaneOfStudy, thinned

PLUME_TOP_PPM_M = 3000.0


@styled
def draw_background(found: Sequence[MethaneOfStudy]) -> str:
    """Deviation of every climate with its band, and the distribution in units of the deviation."""
    figure, axes = sheet(1, 2, 3.3)
    left, right = axes[0]
    names = [one.climate for one in found]
    for k, one in enumerate(found):
        low, high = BANDS_PPM_M.get(one.climate, ANY_CLIMATE_PPM_M)
        left.barh(k, high - low, left=low, color=BAND_COLOUR, alpha=0.18, height=0.72)
        left.plot(one.sigma, k, "o", ms=7, color=colour_of(names, one.climate))
        left.annotate(f"{one.sigma:.0f}", (one.sigma, k), (7, 0), textcoords="offset points", va="center")
        values = one.background[np.isfinite(one.background)] / one.sigma
        count, edges = np.histogram(values, np.linspace(-6, 8, 85), density=True)
        right.plot(
            0.5 * (edges[1:] + edges[:-1]),
            np.where(count > 0, count, np.nan),
            color=colour_of(names, one.climate),
            lw=1.1,
            label=one.climate,
        )
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set(xlim=(0, 1100), xlabel="ppm m", title="Background deviation (shaded: the band)")
    left.grid(False, axis="y")
    grid = np.linspace(-6, 8, 200)
    right.plot(
        grid, np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi), color=EMIT_COLOUR, lw=1, ls="--", label="Gaussian"
    )
    right.set(yscale="log", ylim=(1e-5, 6), xlabel="methane / deviation", title="Without plumes")
    right.legend(fontsize=7, loc="upper left", ncols=2)
    return as_uri(figure)


@styled
def draw_slope(found: Sequence[MethaneOfStudy]) -> str:
    """Scatter of mag1c's retrieval against truth."""
    figure, axes = sheet(2, -(-len(found) // 2), 5.6, sharex=True, sharey=True)
    names = [one.climate for one in found]
    top = max([float(np.quantile(one.truth, 0.995)) for one in found if one.truth.size] or [1000.0]) * 1.05
    for axis, one in zip(axes.ravel(), found, strict=False):
        pick = thinned(one.truth.size)
        axis.plot(
            one.truth[pick], one.retrieved[pick], ".", ms=2.2, alpha=0.35, color=colour_of(names, one.climate)
        )
        axis.plot([0, top], [0, top], color=EMIT_COLOUR, lw=1, ls="--")
        if np.isfinite(one.slope):
            offset = float(one.retrieved.mean()) - one.slope * float(one.truth.mean())
            ends = np.array([one.truth.min(), min(float(one.truth.max()), top)])
            axis.plot(ends, offset + one.slope * ends, color=OURS_COLOUR, lw=1.8)
        axis.set_title(f"{one.climate}: {one.slope:.2f}", fontsize=8)
        axis.locator_params(nbins=4)
        axis.set(xlim=(0, top), ylim=(-0.05 * top, 1.25 * top))
    for axis in axes.ravel()[len(found) :]:
        axis.set_visible(False)
    figure.supxlabel("put in, ppm m (titles: slope)", fontsize=9)
    figure.supylabel("retrieved by mag1c, ppm m", fontsize=9)
    return as_uri(figure, "png")


@styled
def draw_enhancements(found: Sequence[MethaneOfStudy]) -> str:
    """Pictures of the column filter's output with plumes."""
    figure, axes = sheet(1, len(found), 5.0)
    for axis, one in zip(axes[0], found, strict=True):
        image = axis.imshow(
            one.filtered, vmin=0, vmax=PLUME_TOP_PPM_M, cmap="magma", interpolation="nearest", aspect="equal"
        )
        as_picture(axis, one.climate)
    figure.colorbar(
        image, ax=list(axes[0]), shrink=0.6, location="bottom", label="matched filter, ppm m", aspect=50
    )
    return as_uri(figure, "png")
