"""Sources of methane: how much they emit, in what wind, and how long their gas is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random, Shape, namespace

# Mass of a column of 1 ppm m over one square metre: 16.04 g/mol / 22.4 l/mol x 1e-6 (Thompson et al. 2016).
KG_PER_PPM_M_M2 = 7.16e-7
SECONDS_PER_HOUR = 3600.0
EMISSION_RANGE_KG_H = (20.0, 20_000.0)
WIND_RANGE_M_S = (1.0, 10.0)
MEDIAN_WIND_M_S = 2.6
WIND_SPREAD = 0.55
# Crosswind dispersion of the gas, in m/s of growth: about a convective boundary layer's (see puffs.py).
NOMINAL_GROWTH_M_S = 0.8
FOLLOW_TO_PPM_M = 80.0
REACH_RANGE_M = (600.0, 24_000.0)
LONGEST_LIFE_S = 10_800.0
# Share of a plume's life over which its oldest gas fades.
FADE = 0.35

Kind = Literal["point", "line", "area"]
KINDS: tuple[Kind, ...] = ("point", "line", "area")
KIND_ODDS = (0.75, 0.1, 0.15)
POINT, LINE, AREA = range(3)


@dataclass(frozen=True)
class Emissions:
    """A distribution of emission rates in kg/h.

    With a spread it is log-normal, as surveys find point sources to be (Frankenberg et al. 2016, PNAS 113,
    9734); without, it is even over the logarithm of the range. What a log-normal draw puts outside of
    the range is drawn evenly over the range's logarithm instead, so that no rate piles up at its ends.

    Attributes:
        low: Least rate.
        high: Largest rate.
        median: Median of the log-normal distribution.
        spread: Standard deviation of the rate's logarithm, or None.
    """

    low: float = EMISSION_RANGE_KG_H[0]
    high: float = EMISSION_RANGE_KG_H[1]
    median: float = 1000.0
    spread: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        if not 0 < self.low <= self.high or self.median <= 0 or (self.spread is not None and self.spread < 0):
            raise UsageError(
                "emission rates need a positive, rising range",
                found=(self.low, self.high, self.median, self.spread),
                expected="0 < low <= high in kg/h, a positive median, a spread of at least 0",
            )

    def draw(self, random: Random, shape: Shape) -> Array:
        """Draw rates in kg/h, float32 of that shape."""
        xp = random.xp
        low, high = math.log(self.low), math.log(self.high)
        even = random.uniform(shape, low, high)
        if self.spread is None:
            return xp.clip(xp.exp(even), min=self.low, max=self.high)
        value = math.log(self.median) + self.spread * random.normal(shape)
        inside = (value >= low) & (value <= high)
        return xp.clip(xp.exp(xp.where(inside, value, even)), min=self.low, max=self.high)


ALL_EMISSIONS = Emissions()
"""Every rate from 20 to 20,000 kg/h, evenly over the logarithm: what a network should learn from."""
DETECTED_EMISSIONS = Emissions(median=1450.0, spread=1.1)
"""Rates of the plumes that a survey from orbit outlines; tuned so that outlines match EMIT's in size."""


@dataclass(frozen=True)
class Sources:
    """Sources of gas; every array has the same shape (...).

    Attributes:
        emission: Emission rate Q in kg/h.
        wind: Mean wind U in m/s.
        direction: Mean direction the wind blows to, in radians from the sample axis towards rising lines.
        kind: 0 point, 1 line (pipeline), 2 area (landfill); int64.
    """

    emission: Array
    wind: Array
    direction: Array
    kind: Array

    @property
    def reach(self) -> Array:
        """Distance over which the gas is followed, in metres (see `visible_reach`)."""
        return visible_reach(self.emission, self.wind)


def draw_winds(random: Random, scenes: Shape, plumes: int) -> tuple[Array, Array]:
    """Draw mean winds that differ between scenes and less within one.

    Args:
        random: Source of chance.
        scenes: Shape (...) of the scenes.
        plumes: Plumes of each.

    Returns:
        Speeds in m/s and directions in radians, both float32 (..., plumes).
    """
    xp = random.xp
    usual = WIND_SPREAD * random.normal((*scenes, 1)) + math.log(MEDIAN_WIND_M_S)
    speed = xp.exp(usual + 0.15 * random.normal((*scenes, plumes)))
    heading = random.uniform((*scenes, 1), 0.0, 2 * math.pi)
    scatter = random.uniform((*scenes, 1), 0.05, 0.3)
    direction = xp.remainder(heading + scatter * random.normal((*scenes, plumes)), 2 * math.pi)
    return xp.clip(speed, min=WIND_RANGE_M_S[0], max=WIND_RANGE_M_S[1]), direction


def visible_reach(emission: Array, wind: Array) -> Array:
    """Return how far a plume is followed, in metres.

    That is where the centreline of a Gaussian plume whose deviation grows by g = ``NOMINAL_GROWTH_M_S``,
    Q / (sqrt(2 pi) g x), falls below ``FOLLOW_TO_PPM_M``, but no longer than ``LONGEST_LIFE_S``.

    Args:
        emission: Rates (...) in kg/h.
        wind: Mean winds (...) in m/s.
    """
    xp = namespace(emission)
    per_second = emission * (1 / SECONDS_PER_HOUR)
    reach = per_second * (
        1 / (math.sqrt(2 * math.pi) * NOMINAL_GROWTH_M_S * FOLLOW_TO_PPM_M * KG_PER_PPM_M_M2)
    )
    reach = xp.clip(reach, min=REACH_RANGE_M[0], max=REACH_RANGE_M[1])
    return xp.minimum(reach, wind * LONGEST_LIFE_S)


def plume_mass(emission: Array, wind: Array) -> Array:
    """Return the integrated mass enhancement (IME) of a whole plume in kg: Q L / U.

    L is the distance over which the gas is followed; its oldest part fades by a smooth step, which counts
    half (Varon et al. 2018, Atmos. Meas. Tech. 11, 5673, equation 8, with the length that was simulated).

    Args:
        emission: Rates (...) in kg/h.
        wind: Mean winds (...) in m/s.
    """
    length = visible_reach(emission, wind) * (1 - FADE / 2)
    return emission * (1 / SECONDS_PER_HOUR) * length / wind
