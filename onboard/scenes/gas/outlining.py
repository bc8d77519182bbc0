"""What an analyst would outline of simulated plumes, to hold against the outlines that analysts drew."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.scenes.arrays import Random
from onboard.scenes.components import Mask, label_components
from onboard.scenes.gas.plumes import draw_windows
from onboard.scenes.gas.sources import DETECTED_EMISSIONS, KIND_ODDS, Emissions, Sources, draw_winds
from onboard.scenes.gas.turbulence import draw_wind_history
from onboard.scenes.random_fields import Field

# Odds that an outline holds one more source, as EMIT's plume complexes do.
MORE_SOURCES = 0.25
MOST_SOURCES = 5
APART_PX = 8.0


@dataclass(frozen=True)
class OutlineRule:
    """How a plume is outlined: a hand drawn line about what stands out of a matched filter's picture.

    The enhancement is smoothed by a Gaussian of ``smoothing_px``, as the eye does; what is above
    ``sigmas`` deviations of the filter's noise is kept, the patch with most gas and whatever lies within
    ``join_px`` of it are joined and holes are filled, and the line runs ``margin_px`` outside. The filter's
    deviation differs from ground to ground: it is log-normal, with a median and a spread.

    Attributes:
        smoothing_px: Deviation of the smoothing in pixels.
        sigmas: Threshold in deviations of the filter.
        sigma_ppm_m: Median deviation of the filter over ground on which plumes are outlined, in ppm m.
        sigma_spread: Standard deviation of its logarithm.
        join_px: Distance over which patches are joined, in pixels.
        margin_px: Distance from the patch to the line, in pixels.
        least_pixels: Smallest patch above the threshold that is outlined at all.
    """

    smoothing_px: float = 1.5
    sigmas: float = 1.0
    sigma_ppm_m: float = 300.0
    sigma_spread: float = 0.4
    join_px: int = 4
    margin_px: int = 2
    least_pixels: int = 4

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be followed."""
        if (
            min(self.smoothing_px, self.sigmas, self.sigma_ppm_m) <= 0
            or not 0 <= self.margin_px <= self.join_px
        ):
            raise UsageError(
                "an outlining rule needs positive figures, and a margin no wider than the joins",
                found=self,
                expected="0 <= margin_px <= join_px",
            )


def outline_mask(enhancement: Field, threshold: float, rule: OutlineRule) -> Mask:
    """Outline a plume.

    Args:
        enhancement: (lines, samples) in ppm m.
        threshold: Enhancement after smoothing that the eye tells from the ground, in ppm m.
        rule: The rule.

    Returns:
        Where the outline runs or encloses, of the same shape plus the rule's joins on every side; empty where
        nothing is outlined.
    """
    room = rule.join_px + 1
    smooth = np.pad(smoothed(enhancement, rule.smoothing_px), room)
    above = smooth >= threshold
    joined = grow(above, rule.join_px)
    labels, count = label_components(joined)
    if not count:
        return above
    mass = np.bincount(labels[above], weights=smooth[above], minlength=count + 1)
    body = labels == int(np.argmax(mass))
    if np.count_nonzero(body & above) < rule.least_pixels:
        return np.zeros_like(above)
    return largest_patch(~grow(~filled(body), rule.join_px - rule.margin_px))


def smoothed(field: Field, sigma_px: float) -> Field:
    """Smooth a map (lines, samples) by a Gaussian of that deviation; outside of it there is nothing."""
    reach = math.ceil(3.5 * sigma_px)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(field, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)])
        size = field.shape[axis]
        parts = (np.take(padded, np.arange(k, k + size), axis=axis) * w for k, w in enumerate(kernel))
        field = np.asarray(sum(parts), np.float32)
    return field


def grow(mask: Mask, distance: int) -> Mask:
    """Grow a mask by a disc of that radius in pixels; outside of the map there is nothing."""
    runs = [mask]
    for across in range(1, distance + 1):
        runs.append(runs[-1] | _shifted(mask, 0, across) | _shifted(mask, 0, -across))
    result = np.zeros_like(mask)
    for down in range(-distance, distance + 1):
        result |= _shifted(runs[math.isqrt(distance * distance + distance - down * down)], down, 0)
    return result


def _shifted(mask: Mask, down: int, across: int) -> Mask:
    lines, samples = mask.shape
    moved = np.zeros_like(mask)
    moved[max(0, down) : lines + min(0, down), max(0, across) : samples + min(0, across)] = mask[
        max(0, -down) : lines + min(0, -down), max(0, -across) : samples + min(0, -across)
    ]
    return moved


def largest_patch(mask: Mask) -> Mask:
    """Return the largest 8-connected patch of a mask: one line encloses one patch."""
    labels, count = label_components(mask)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    return np.asarray((labels == int(np.argmax(sizes))) & mask, np.bool_)


def filled(mask: Mask) -> Mask:
    """Fill the holes of a mask: what no path over 8 neighbours outside of it joins to the map's edge."""
    labels, _ = label_components(np.pad(~mask, 1, constant_values=True))
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0], np.bool_)


def simulated_outlines(
    random: Random,
    count: int,
    *,
    emissions: Emissions = DETECTED_EMISSIONS,
    rule: OutlineRule | None = None,
) -> list[Mask]:
    """Draw plume complexes and outline them; what cannot be seen is drawn again, as no survey holds it.

    Args:
        random: Source of chance, on NumPy.
        count: Number of outlines.
        emissions: Rates of their sources.
        rule: The outlining rule; `OutlineRule()` by default.

    Returns:
        A mask (lines, samples) for each outline.

    Raises:
        UsageError: If the emissions are so small that hardly any plume can be outlined.
    """
    rule = rule or OutlineRule()
    masks: list[Mask] = []
    for attempt in range(20 * count):
        if len(masks) == count:
            break
        chance = random.child("complex", attempt)
        sigma = rule.sigma_ppm_m * math.exp(rule.sigma_spread * float(chance.normal(())))
        mask = outline_mask(draw_complex(chance, emissions), rule.sigmas * sigma, rule)
        if mask.any():
            masks.append(mask)
    if len(masks) < count:
        raise UsageError(
            "hardly any plume of these emissions can be outlined",
            found=f"{len(masks)} of {20 * count}",
            expected="at least one in twenty",
            remedy="draw larger emissions, or lower the outlining rule's threshold",
        )
    return masks


def draw_complex(random: Random, emissions: Emissions) -> Field:
    """Draw the gas of one source or a few neighbouring ones, float32 (lines, samples) in ppm m."""
    more = random.uniform((MOST_SOURCES - 1,)) < MORE_SOURCES
    count = 1 + int(np.argmin(np.append(more, False)))
    wind, direction = draw_winds(random, (), count)
    sources = Sources(emissions.draw(random, (count,)), wind, direction, random.choice(KIND_ODDS, (count,)))
    histories = (draw_wind_history(random, (1,)), draw_wind_history(random, (1,)))
    places = np.rint(random.normal((count, 2)) * APART_PX).astype(np.int64)
    windows = list(draw_windows(random, sources, histories))
    corners: NDArray[np.int64] = np.asarray(
        [at - np.asarray(w.origin) for at, w in zip(places, windows, strict=True)]
    )
    ends = np.asarray([c + w.field.shape for c, w in zip(corners, windows, strict=True)])
    first = corners.min(axis=0)
    field = np.zeros(tuple(ends.max(axis=0) - first), np.float32)
    for (line, sample), window in zip(corners - first, windows, strict=True):
        field[line : line + window.field.shape[0], sample : sample + window.field.shape[1]] += window.field
    return field
