"""Variants of a mineral: samples mixed, grains finer and coarser, diluted, composition shifted."""

from __future__ import annotations

import numpy as np

from onboard.scenes.library import GRID
from onboard.scenes.response import Float64
from onboard.scenes.spectra.absorbers import wetted
from onboard.scenes.spectra.grains import regrain
from onboard.scenes.spectra.mixing import albedo_of, reflectance_of
from onboard.scenes.spectra.variation import BRIGHTEST, DARKEST, Field, tilted, waves

FINEST, COARSEST = 0.3, 3.0
MOST_DILUTED = 0.5
# Spread of band centres in nm as composition varies: vibrations above 1300 nm (Al-OH moves by about 1 nm for
# 4 % of octahedral Al, Duke 1994, Geology 22, 621-624), crystal fields of iron below 1200 nm.
SHIFT_VIBRATION, SHIFT_IRON = 1.5, 4.0
_BEND = (0.15, 0.06, 0.04, 0.03, 0.02)
_WET, _FILM_CM = 0.1, 0.004


def mineral_spectra(rng: np.random.Generator, samples: Float64, responses: Field, count: int) -> Field:
    """Make variants of one mineral.

    Args:
        rng: Source of chance.
        samples: Its spectra (k, len(GRID)) on GRID.
        responses: Band responses (bands, len(GRID)).
        count: Number of variants.

    Returns:
        Reflectance float32 (count, bands), 0.003..1: one sample or an intimate mixture of two, with grains
        0.3 to 3 times as large, shifted bands, up to half of it bland matrix.
    """
    picks = rng.integers(len(samples), size=(count, 2))
    second = np.where(rng.random(count) < 0.5, 0.0, rng.random(count))[:, None].astype(np.float32)
    albedo = albedo_of(samples.astype(np.float32))
    rho = reflectance_of(albedo[picks[:, 0]] + second * (albedo[picks[:, 1]] - albedo[picks[:, 0]]))
    rho = shifted(rho, rng.normal(0.0, SHIFT_VIBRATION, count), rng.normal(0.0, SHIFT_IRON, count))
    size = np.exp(rng.uniform(np.log(FINEST), np.log(COARSEST), (count, 1))).astype(np.float32)
    rho = regrain(rho, size)
    share = (MOST_DILUTED * rng.beta(1.0, 1.5, (count, 1))).astype(np.float32)
    own, matrix = albedo_of(rho), albedo_of(bland(rng, count))
    rho = reflectance_of(own + share * (matrix - own))
    film = _FILM_CM * rng.random(count) * (rng.random(count) < _WET)
    rho = wetted(rho, film, (film > 0) * rng.uniform(0.2, 1.0, count), GRID)
    # Grains in the field are duller than a laboratory's powders.
    rho = rho * rng.uniform(0.6, 1.05, (count, 1))
    bend = np.array(_BEND)[:, None] * waves(GRID, len(_BEND))
    rho = tilted(rho, rng.standard_normal((count, len(_BEND))) @ bend).astype(np.float32)
    result: Field = np.clip(rho @ responses.T, DARKEST, BRIGHTEST)
    return result


def shifted(spectra: Field, vibration: Float64, iron: Float64) -> Field:
    """Move features of spectra (k, len(GRID)) by nm (k,): above 1300 nm by one figure, below 1200 by another.

    Moves are held within three times their usual spread.
    """
    blend = np.clip((GRID - 1200.0) / 100.0, 0.0, 1.0)
    vibration = np.clip(vibration, -3 * SHIFT_VIBRATION, 3 * SHIFT_VIBRATION)
    iron = np.clip(iron, -3 * SHIFT_IRON, 3 * SHIFT_IRON)
    move = vibration[:, None] * blend + iron[:, None] * (1.0 - blend)
    place = np.clip(np.arange(GRID.size) - move / (GRID[1] - GRID[0]), 0.0, GRID.size - 1.001)
    left = place.astype(np.int64)
    part = (place - left).astype(np.float32)
    low = np.take_along_axis(spectra, left, axis=1)
    result: Field = low + part * (np.take_along_axis(spectra, left + 1, axis=1) - low)
    return result


def bland(rng: np.random.Generator, count: int) -> Field:
    """Matrix without features (count, len(GRID)): grey in the infrared, darker towards the blue."""
    level = rng.uniform(0.15, 0.65, (count, 1))
    depth = rng.uniform(0.2, 0.85, (count, 1))
    reach = rng.uniform(120.0, 450.0, (count, 1))
    slope = rng.uniform(-0.12, 0.08, (count, 1))
    rho = level * (1.0 - depth * np.exp(-(GRID - 360.0) / reach)) * (1.0 + slope * (GRID - 1600.0) / 900.0)
    return rho.astype(np.float32)
