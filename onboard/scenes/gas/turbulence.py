"""Turbulent motion as random functions of time, batched: slow winds as waves, eddies as a Markov chain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from onboard.scenes.arrays import Array, Random, Shape, namespace

MODES = 10
SLOWEST_S = 14_400.0
FASTEST_S = 480.0


@dataclass(frozen=True)
class WindHistory:
    """A stationary random function of time with variance 1, the sum of waves of random frequency and phase.

    After Kraichnan 1970, Physics of Fluids 13, 22. Being a function, it is the same for every plume of a
    scene, however old, so that neighbouring plumes bend together.

    Attributes:
        frequency: (..., modes), rad/s.
        phase: (..., modes), rad.
        amplitude: (..., modes).
    """

    frequency: Array
    phase: Array
    amplitude: Array

    def at(self, age: Array) -> Array:
        """Return values (..., ages) at ages (..., ages) in s before now."""
        xp = namespace(age)
        waves = xp.cos(age[..., :, None] * self.frequency[..., None, :] + self.phase[..., None, :])
        return xp.sum(waves * self.amplitude[..., None, :], axis=-1)


def draw_wind_history(random: Random, shape: Shape) -> WindHistory:
    """Draw functions of shape (...) whose periods run from ``FASTEST_S`` to ``SLOWEST_S``.

    Frequencies are even over the logarithm; the spectrum falls as frequency^(-5/3), so the power in each
    octave as frequency^(-2/3).
    """
    xp = random.xp
    low, high = math.log(2 * math.pi / SLOWEST_S), math.log(2 * math.pi / FASTEST_S)
    # One wave to each part of the range, so that few waves cover it.
    place = random.asarray(np.arange(MODES)) + random.uniform((*shape, MODES))
    frequency = xp.exp(low + place * ((high - low) / MODES))
    weight = frequency ** (-1 / 3) * xp.exp(0.3 * random.normal((*shape, MODES)))
    amplitude = weight * xp.sqrt(2 / xp.sum(weight * weight, axis=-1, keepdims=True))
    return WindHistory(frequency, random.uniform((*shape, MODES), 0.0, 2 * math.pi), amplitude)


def ornstein_uhlenbeck(random: Random, age: Array, memory: Array, series: int) -> Array:
    """Draw Ornstein-Uhlenbeck series (mean 0, variance 1) at rising times.

    They are the exact Markov chain: value_i = k_i value_(i-1) + sqrt(1 - k_i^2) noise_i with k_i =
    exp(-(t_i - t_(i-1)) / memory), written out as a triangular matrix upon the noise so that no step waits
    for another.

    Args:
        random: Source of chance.
        age: Times (..., points), rising.
        memory: Correlation times (...), in the unit of ``age``.
        series: Independent series that share the memory.

    Returns:
        Values, float32 (..., points, series).
    """
    xp = random.xp
    scaled = age / memory[..., None]
    step = scaled[..., 1:] - scaled[..., :-1]
    fresh = xp.concat([xp.ones_like(scaled[..., :1]), xp.sqrt(-xp.expm1(-2 * step))], axis=-1)
    gap = xp.abs(scaled[..., :, None] - scaled[..., None, :])
    keep = xp.tril(xp.exp(-gap)) * fresh[..., None, :]
    return xp.matmul(keep, random.normal((*age.shape, series)))


def taylor_spread(age: Array, speed: Array, memory: Array) -> Array:
    """Return the deviation in m of gas that eddies have carried (Taylor 1922, Proc. London Math. Soc.).

    With velocities whose correlation falls exponentially it is s T sqrt(2 (t/T - 1 + exp(-t/T))): growing as
    t at first, as sqrt(t) later.

    Args:
        age: Time t of travel (..., points) in s.
        speed: Deviation s of the wind (...) in m/s.
        memory: Lagrangian time scale T (...) in s.
    """
    xp = namespace(age)
    t = age / memory[..., None]
    # The closed form loses all digits in float32 for young gas, where t^2 / 2 - t^3 / 6 is exact enough.
    growth = xp.where(t < 0.05, t * t * (0.5 - t * (1 / 6)), t + xp.expm1(-t))
    return (speed * memory)[..., None] * xp.sqrt(2 * xp.clip(growth, min=0.0))
