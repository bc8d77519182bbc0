"""Which pixels belong to a plume: the rule that truth, training and scores share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, namespace
from onboard.scenes.components import Mask, drop_small

# About three deviations of a matched filter over bright arid ground: what a careful eye would outline.
LABEL_THRESHOLD_PPM_M = 1000.0
LABEL_MIN_PIXELS = 5
# Half the side of the square in which the batched form counts.
NEAR = 2


@dataclass(frozen=True)
class LabelRule:
    """A pixel belongs to a plume where all gas together reaches ``threshold_ppm_m``, in a patch.

    The patch is 8-connected and has at least ``least_pixels``; a pixel of it is the plume's that has most of
    the gas there. What counts is the gas that an instrument sees: where two plumes overlap, light tells
    nobody how much of it is whose.

    Batched tiles (`label_tiles`) know no connected patches. There a pixel stands when at least
    ``least_pixels`` pixels, itself included, reach the threshold in the 5 x 5 square about it. The two rules
    differ only for patches that are thin or torn: a single file of pixels keeps its inner ones and loses its
    ends, and single pixels close together stand though they do not touch. Outside the tile there is nothing.

    Attributes:
        threshold_ppm_m: Least enhancement of a labelled pixel.
        least_pixels: Least size of a labelled patch, 1 to 25.
    """

    threshold_ppm_m: float = LABEL_THRESHOLD_PPM_M
    least_pixels: int = LABEL_MIN_PIXELS

    def __post_init__(self) -> None:
        """Refuse a rule that labels everything, or that tiles cannot follow."""
        most = (2 * NEAR + 1) ** 2
        if self.threshold_ppm_m <= 0 or not 1 <= self.least_pixels <= most:
            raise UsageError(
                "a label rule needs a positive threshold and a least patch",
                found=(self.threshold_ppm_m, self.least_pixels),
                expected=f"ppm m above 0, and 1 to {most} pixels",
            )


def label_gas(enhancement: np.ndarray, rule: LabelRule) -> Mask:
    """Return where all gas together (lines, samples), in ppm m, makes a pixel belong to a plume."""
    return drop_small(np.asarray(enhancement >= rule.threshold_ppm_m), rule.least_pixels)


def label_tiles(own: Array, rule: LabelRule) -> Array:
    """Label the plumes of batched tiles.

    Args:
        own: Each plume's own enhancement, float32 (..., plumes, lines, samples) in ppm m.
        rule: The rule; see `LabelRule` for how tiles follow it.

    Returns:
        The number of the plume that has each pixel, int32 (..., lines, samples): 1 for the first, 0 for none.
    """
    xp = namespace(own)
    above = xp.sum(own, axis=-3) >= rule.threshold_ppm_m
    # Bytes hold the count, at most 25, and are quick to add.
    count = _box_sums(_box_sums(xp.astype(above, xp.uint8), -1), -2)
    standing = above & (count >= rule.least_pixels)
    return xp.astype(standing, xp.int32) * xp.astype(xp.argmax(own, axis=-3) + 1, xp.int32)


def _box_sums(values: Array, axis: int) -> Array:
    """Return sums over the neighbours within ``NEAR`` along an axis; beyond the ends there is nothing."""
    xp = namespace(values)
    moved = xp.moveaxis(values, axis, 0)
    nothing = xp.zeros_like(moved[:NEAR, ...])
    padded = xp.concat([nothing, moved, nothing], axis=0)
    size = moved.shape[0]
    total = padded[:size, ...]
    for step in range(1, 2 * NEAR + 1):
        total = total + padded[step : step + size, ...]
    return xp.moveaxis(total, 0, axis)
