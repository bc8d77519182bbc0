"""Pictures of checks 1 and 2: radiance statistics and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onboard.scenes.validation.drawing import (
    BAND_COLOUR,
    DRAWN_COLOUR,
    EMIT_COLOUR,
    OURS_COLOUR,
    as_uri,
    colour_of,
    shade_absorption,
    sheet,
    styled,
)
from onboard.scenes.validation.noise import WAVELENGTHS_NM, NoiseOfStudy
from onboard.scenes.validation.spectra import ABSORBED_NM, SpectraCheck, correlation

SHOWN_AXES = 60


@styled
def draw_mean(check: SpectraCheck) -> str:
    """Mean spectra and their ratio."""
    figure, axes = sheet(2, 1, 5.0, sharex=True, height_ratios=(2, 1))
    top, bottom = axes[:, 0]
    x, clear = check.centres, check.clear
    for mean, colour, label, width in (
        (check.emit.mean, EMIT_COLOUR, "EMIT in flight", 1.8),
        (check.matched.mean, OURS_COLOUR, "simulated, composition matched", 1.4),
        (check.drawn.mean, DRAWN_COLOUR, "simulated, all climates alike", 1.2),
    ):
        top.plot(x, mean, color=colour, lw=width, label=label)
    for moments, colour in ((check.matched, OURS_COLOUR), (check.drawn, DRAWN_COLOUR)):
        bottom.plot(x, np.where(clear, moments.mean / check.emit.mean, np.nan), color=colour, lw=1.2)
    bottom.axhspan(0.9, 1.1, color=BAND_COLOUR, alpha=0.18, lw=0)
    bottom.axhline(1, color=EMIT_COLOUR, lw=0.8)
    bottom.set(yscale="log", ylim=(0.4, 5), xlabel="wavelength, nm", ylabel="ours / EMIT")
    bottom.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    bottom.minorticks_off()
    top.set(ylabel="mean, unit-norm radiance", title="Mean of normalised radiance", xlim=(x[0], x[-1]))
    top.legend()
    for one in (top, bottom):
        shade_absorption(one, ABSORBED_NM)
    return as_uri(figure)


@styled
def draw_deviation(check: SpectraCheck) -> str:
    """Standard deviation of each band, and eigenvalues."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    for moments, colour, label in (
        (check.matched, OURS_COLOUR, "simulated, matched"),
        (check.drawn, DRAWN_COLOUR, "simulated, as drawn"),
    ):
        left.plot(check.centres, np.sqrt(np.diag(moments.covariance)), color=colour, lw=1.3, label=label)
        values = np.linalg.eigvalsh(moments.covariance)[::-1][:SHOWN_AXES]
        right.plot(np.arange(1, values.size + 1), np.maximum(values, 1e-16), color=colour, lw=1.4)
    left.plot(check.centres, check.emit.deviation, color=EMIT_COLOUR, lw=1.6, label="EMIT in flight")
    own = check.emit.eigenvalues[:SHOWN_AXES]
    right.plot(np.arange(1, own.size + 1), np.maximum(own, 1e-16), color=EMIT_COLOUR, lw=1.6)
    shade_absorption(left, ABSORBED_NM)
    left.set(yscale="log", ylim=(1e-4, 0.2), xlabel="wavelength, nm", title="Standard deviation of a band")
    left.set_xlim(check.centres[0], check.centres[-1])
    right.legend(*left.get_legend_handles_labels())
    right.axvspan(1, 20, color=BAND_COLOUR, alpha=0.1, lw=0)
    right.set(yscale="log", xlabel="rank", title="Eigenvalues of the covariance (shaded: judged)")
    return as_uri(figure)


@styled
def draw_correlation(check: SpectraCheck) -> str:
    """Correlation matrices side by side; EMIT's only where its covariance is at hand."""
    pictures: list[tuple[str, Any]] = []
    if check.emit.covariance is not None:
        pictures.append(("EMIT in flight", correlation(check.emit.covariance)))
    pictures.append(("simulated, matched", correlation(check.matched.covariance)))
    pictures.append(("simulated, as drawn", correlation(check.drawn.covariance)))
    figure, axes = sheet(1, len(pictures), 3.3)
    # Pixels of a matrix are bands, which are 7.4 nm wide all along; the axes say nanometres.
    span = (check.centres[0], check.centres[-1])
    for one, (title, matrix) in zip(axes[0], pictures, strict=True):
        image = one.imshow(
            matrix, vmin=-1, vmax=1, cmap="RdBu_r", extent=(*span, span[1], span[0]), interpolation="nearest"
        )
        one.grid(False)
        one.set(title=title, xlabel="wavelength, nm")
        one.set_xticks([500, 1000, 1500, 2000])
        one.set_yticks([500, 1000, 1500, 2000])
    figure.colorbar(image, ax=list(axes[0]), shrink=0.8, label="correlation of bands")
    return as_uri(figure, "png")


@styled
def draw_prediction(check: SpectraCheck) -> str:
    """Error of bands predicted from the others; nothing without EMIT's covariance."""
    if not check.predicted:
        return ""
    figure, axes = sheet(1, 1, 2.9)
    one = axes[0, 0]
    place = np.arange(len(check.predicted))
    one.bar(
        place - 0.2, [100 * row[3] for row in check.predicted], 0.38, color=EMIT_COLOUR, label="EMIT's own"
    )
    one.bar(
        place + 0.2, [100 * row[2] for row in check.predicted], 0.38, color=OURS_COLOUR, label="simulated"
    )
    one.set_xticks(place, [f"{low:.0f}-{high:.0f}" for low, high, _, _ in check.predicted], rotation=30)
    one.set(ylabel="error, % of radiance", xlabel="bands hidden, nm")
    one.set_title("Bands predicted from all others by EMIT's statistics")
    one.legend()
    one.grid(False, axis="x")
    return as_uri(figure)


@styled
def draw_composition(check: SpectraCheck) -> str:
    """Shares of the kinds of ground in the fitted composition."""
    shown = {name: share for name, share in check.composition.items() if share >= 0.005}
    names = sorted(shown, key=lambda name: shown[name])
    figure, axes = sheet(1, 1, 0.75 + 0.3 * len(names))
    one = axes[0, 0]
    one.barh(names, [100 * shown[name] for name in names], color=OURS_COLOUR, height=0.6)
    one.set(xlabel="share of the fit, %", title="Composition that comes closest to EMIT's mean")
    one.grid(False, axis="y")
    return as_uri(figure)


@styled
def draw_noise(found: Sequence[NoiseOfStudy], centres: Any) -> str:
    """Noise over the model's by wavelength, and SNR of every climate."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    names = [one.climate for one in found]
    for one in found:
        right.plot(
            centres, one.radiance / one.pair, color=colour_of(names, one.climate), lw=1, label=one.climate
        )
    pair = np.stack([one.pair / one.model for one in found])
    image = np.stack([one.image / one.image_model for one in found])
    left.plot(centres, np.median(image, axis=0), color=DRAWN_COLOUR, lw=1.1, label="from the image alone")
    left.plot(centres, np.median(pair, axis=0), color=OURS_COLOUR, lw=1.3, label="with less without noise")
    left.axhspan(0.95, 1.05, color=BAND_COLOUR, alpha=0.18, lw=0)
    left.set(ylim=(0.5, 2), xlabel="wavelength, nm", title="Noise over the model's, median of climates")
    left.legend()
    for nm in WAVELENGTHS_NM:
        for axis in (left, right):
            axis.axvline(nm, color="#b0b6bd", lw=0.8, ls=":")
    right.set(xlabel="wavelength, nm", title="Signal-to-noise ratio of the mean radiance")
    right.set_ylim(0, 1.25 * right.get_ylim()[1])
    right.legend(ncols=3, fontsize=7, loc="upper center")
    return as_uri(figure)
