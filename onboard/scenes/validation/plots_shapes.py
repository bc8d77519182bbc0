"""Pictures of check 5: distributions of plumes' sizes and shapes."""

from __future__ import annotations

import numpy as np

from onboard.scenes.gas.outlines import FIGURES
from onboard.scenes.validation.drawing import EMIT_COLOUR, OURS_COLOUR, as_uri, plain_ticks, sheet, styled
from onboard.scenes.validation.shapes import NAMES, Shapes

TICKS = (1, 2, 4, 10, 30, 100, 300, 1000, 10_000, 100_000)
UNITS = {"area_px": "pixels", "length_px": "pixels", "elongation": "ratio"}


@styled
def draw_shapes(found: Shapes) -> str:
    """Cumulative distributions of area, length and elongation."""
    figure, axes = sheet(1, 3, 3.0, sharey=True)
    for axis, name in zip(axes[0], FIGURES, strict=True):
        at = np.asarray(sorted(found.real[name]))
        values = np.sort(getattr(found.simulated, name))
        real = [found.real[name][p] for p in at]
        axis.plot(real, at / 100, color=EMIT_COLOUR, lw=1.8, label="real outlines")
        axis.plot(
            values, (np.arange(values.size) + 0.5) / values.size, color=OURS_COLOUR, lw=1.4, label="simulated"
        )
        low, high = found.real[name][1.0], found.real[name][99.0]
        axis.set(xscale="log", xlim=(0.6 * low, 1.7 * high), ylim=(0, 1))
        axis.set(title=NAMES[name], xlabel=UNITS[name])
        plain_ticks(axis, [k for k in TICKS if 0.6 * low <= k <= 1.7 * high])
    axes[0, 0].set_ylabel("share of plumes")
    axes[0, 0].legend()
    return as_uri(figure)
