"""Pictures of the page: figures of Matplotlib's object interface, turned into data URIs.

Nothing of pyplot: no windows, no state shared with the caller's own plots.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from onboard.errors import MissingExtraError

P = ParamSpec("P")

EMIT_COLOUR = "#1b1b1b"
OURS_COLOUR = "#0072b2"
DRAWN_COLOUR = "#8fb8d8"
BAND_COLOUR = "#009e73"
# Okabe and Ito's colours, told apart by the colour-blind too; more climates start over.
COLOURS = ("#e69f00", "#8c510a", "#cc79a7", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#7f7f7f")
WIDTH_IN = 9.2
STYLE: dict[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.facecolor": "white",
    "svg.hashsalt": "onboard",
}


def _matplotlib() -> Any:
    try:
        import matplotlib
        import matplotlib.figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("matplotlib", "report", "drawing the validation page") from error
    return matplotlib


def sheet(rows: int = 1, columns: int = 1, height_in: float = 3.2, **options: Any) -> tuple[Any, Any]:
    """Return a figure and its axes, an object array (rows, columns).

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    figure = _matplotlib().figure.Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def styled(draw: Callable[P, str]) -> Callable[P, str]:
    """Make a drawing function use the page's style, and nothing else that is drawn in the process."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> str:
        with _matplotlib().rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def colour_of(names: Sequence[str], name: str) -> str:
    """Colour of one of several climates, the same in every plot."""
    return COLOURS[list(names).index(name) % len(COLOURS)]


def as_uri(figure: Any, kind: str = "svg") -> str:
    """Return a figure as a data URI; the same figure gives the same bytes.

    Args:
        figure: A Matplotlib figure.
        kind: "svg" for lines, "png" for images and clouds of points.
    """
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    mime = "image/svg+xml" if kind == "svg" else "image/png"
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def stretched(rgb: NDArray[np.float32], low: float = 1.0, high: float = 99.0) -> NDArray[np.float32]:
    """Radiance (lines, samples, 3) stretched to 0-1 between percentiles of each channel, gamma 1/1.4."""
    valid = np.where(rgb > -1000, rgb, np.nan)
    floor, top = np.nanpercentile(valid, [low, high], axis=(0, 1))
    scaled = np.clip((valid - floor) / np.maximum(top - floor, 1e-9), 0, 1)
    return np.asarray(np.nan_to_num(scaled ** (1 / 1.4)), np.float32)


def shade_absorption(axes: Any, ranges: Sequence[tuple[float, float]]) -> None:
    """Grey out wavelengths in nm that are not compared."""
    for low, high in ranges:
        axes.axvspan(low, min(high, 2500.0), color="#eef0f2", zorder=0, linewidth=0)


def as_picture(axis: Any, title: str) -> None:
    """Title an image and take away ticks, grid and frame."""
    axis.set_title(title, fontsize=8.5, fontweight="normal")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(False)
    for side in axis.spines.values():
        side.set_visible(False)


def plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Label a logarithmic x axis at round values, written plainly."""
    axis.set_xticks(list(values), [f"{value:g}" for value in values])
    axis.minorticks_off()
