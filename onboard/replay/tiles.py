"""The tile false-positive rate: how often a window without any plume would be called one with a plume."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError

WINDOW = 64
STRIDE = 32
MOST_PIXELS = 10

Bools = npt.NDArray[np.bool_]


def window_sums(mask: Bools, window: int = WINDOW, stride: int = STRIDE) -> npt.NDArray[np.int64]:
    """Number of set pixels in every whole window, (windows down, windows across).

    Args:
        mask: (lines, samples).
        window: Lines and samples of a window.
        stride: Pixels from one window to the next.

    Raises:
        UsageError: A window or stride of no pixels.
    """
    if window < 1 or stride < 1:
        raise UsageError(
            "no such window", field="window", found=(window, stride), expected="at least 1 pixel"
        )
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    total[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    top = np.arange(0, mask.shape[0] - window + 1, stride)[:, None]
    left = np.arange(0, mask.shape[1] - window + 1, stride)[None, :]
    bottom, right = top + window, left + window
    return np.asarray(total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left])


def false_tiles(
    found: Bools,
    true: Bools,
    valid: Bools,
    *,
    window: int = WINDOW,
    stride: int = STRIDE,
    most_pixels: int = MOST_PIXELS,
) -> tuple[int, int]:
    """Count windows without a true plume pixel, and those of them with too many predicted ones.

    The rule is that of Ruzicka et al. 2023 (Sci. Rep. 13, 19999) and HyperspectralViTs (JSTARS 2025): a
    tile counts as a detection when more than 10 of its pixels are predicted.

    Args:
        found: Predicted pixels (lines, samples).
        true: True plume pixels.
        valid: Pixels that count; windows without any are left out.
        window: Lines and samples of a window.
        stride: Pixels from one window to the next; windows that stick out are left out.
        most_pixels: Predicted pixels that are still no detection.

    Returns:
        False windows, and windows without plume.
    """
    empty = (window_sums(true, window, stride) == 0) & (window_sums(valid, window, stride) > 0)
    alarmed = window_sums(found & valid, window, stride) > most_pixels
    return int(np.count_nonzero(empty & alarmed)), int(np.count_nonzero(empty))
