"""Pictures of check 6: quicklooks, texture, variety of spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onboard.scenes.validation.drawing import (
    EMIT_COLOUR,
    OURS_COLOUR,
    as_picture,
    as_uri,
    colour_of,
    plain_ticks,
    sheet,
    stretched,
    styled,
)
from onboard.scenes.validation.spectra import ABSORBED_NM
from onboard.scenes.validation.texture import TEXTURE_NM, TextureOfStudy
from onboard.scenes.validation.variety import LEAST_ANGLE_RAD, Variety

SHOWN_NM = 1650.0


@styled
def draw_quicklooks(found: Sequence[TextureOfStudy]) -> str:
    """True colour of every climate, each stretched by itself."""
    figure, axes = sheet(1, len(found), 4.9)
    for axis, one in zip(axes[0], found, strict=True):
        axis.imshow(stretched(one.rgb), interpolation="nearest", aspect="equal")
        as_picture(axis, one.climate)
    return as_uri(figure, "png")


@styled
def draw_texture(found: Sequence[TextureOfStudy]) -> str:
    """Power spectra and autocorrelation at 1650 nm, one line a climate."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    names = [one.climate for one in found]
    k = TEXTURE_NM.index(SHOWN_NM)
    for one in found:
        colour = colour_of(names, one.climate)
        label = f"{one.climate}, {one.exponent[k]:.2f}"
        left.loglog(one.frequency, one.power[k], color=colour, lw=1.2, label=label)
        right.plot(one.autocorrelation[k], color=colour, lw=1.2)
    x = found[0].frequency
    for power, style in ((1.6, ":"), (3.0, "--")):
        line = 0.6 * (x / x[0]) ** -power
        left.loglog(x, line, color=EMIT_COLOUR, lw=0.9, ls=style, label=f"exponent {power:g}")
    left.set(xlabel="cycles a pixel", title=f"Power spectrum at {SHOWN_NM:.0f} nm, and its exponent")
    plain_ticks(left, [k for k in (0.02, 0.05, 0.1, 0.2, 0.4) if x[0] <= k])
    left.legend(fontsize=7)
    right.set(ylim=(-0.2, 1.02), xlabel="lag, pixels", title=f"Autocorrelation at {SHOWN_NM:.0f} nm")
    return as_uri(figure)


@styled
def draw_endmembers(found: Variety, centres: Any) -> str:
    """Reflectance of a few spectra of every climate."""
    names = list(found.examples)
    figure, axes = sheet(2, -(-len(names) // 2), 4.8, sharex=True, sharey=True)
    clear = np.ones(centres.size, np.bool_)
    for low, high in ABSORBED_NM[:2]:
        clear &= (centres < low) | (centres > high)
    for axis, name in zip(axes.ravel(), names, strict=False):
        shown = np.where(clear, found.examples[name], np.nan)
        axis.plot(centres, shown.T, color=colour_of(names, name), lw=0.9, alpha=0.8)
        axis.set_title(name)
        axis.set(xlim=(centres[0], centres[-1]), ylim=(0, 1))
    for axis in axes.ravel()[len(names) :]:
        axis.set_visible(False)
    figure.supxlabel("wavelength, nm", fontsize=9)
    figure.supylabel("reflectance", fontsize=9)
    return as_uri(figure)


@styled
def draw_angles(found: Variety) -> str:
    """How far each spectrum is from the one most like it."""
    figure, axes = sheet(1, 1, 2.5)
    axis = axes[0, 0]
    top = float(np.quantile(found.nearest_rad, 0.995))
    axis.hist(found.nearest_rad, np.linspace(0, max(top, 0.05), 60), color=OURS_COLOUR)
    axis.axvline(LEAST_ANGLE_RAD, color=EMIT_COLOUR, lw=1, ls="--", label=f"{LEAST_ANGLE_RAD} rad")
    axis.set(
        xlabel="angle to the spectrum most like it, rad", ylabel="spectra", title="Variety of the ground"
    )
    axis.legend()
    return as_uri(figure)
