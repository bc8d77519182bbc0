"""Small made-up findings to draw and judge, with figures that are known."""

from __future__ import annotations

from functools import cache

import numpy as np

from onboard.scenes.gas.outlines import OutlineStatistics, real_statistics
from onboard.scenes.validation.material import Patches, Study, studies
from onboard.scenes.validation.methane import MethaneOfStudy
from onboard.scenes.validation.noise import NoiseOfStudy
from onboard.scenes.validation.reference import RadianceStatistics, statistics_of
from onboard.scenes.validation.shapes import Shapes
from onboard.scenes.validation.spectra import SpectraCheck, check_spectra
from onboard.scenes.validation.texture import LAGS, TEXTURE_NM, TextureOfStudy
from onboard.scenes.validation.variety import Variety, check_variety
from onboard.sensors import load_sensor

CENTRES = load_sensor("emit").centres
CLIMATES = ("arid-bright", "dark-vegetated")


@cache
def pixels(seed: int, count: int = 400) -> tuple[Patches, ...]:
    """Smooth positive spectra of bare ground, plants and water, in two climates."""
    rng = np.random.default_rng(seed)
    sun = np.exp(-(((CENTRES - 480) / 900) ** 2))
    red_edge = 1 / (1 + np.exp(-(CENTRES - 710) / 20))
    waves = np.stack([np.cos(k * np.pi * (CENTRES - 380) / 2120) for k in range(1, 14)])
    result = []
    for name in CLIMATES:
        texture = np.exp(0.15 * rng.standard_normal((count, 13)) / np.arange(1, 14) @ waves)
        kind = rng.integers(0, 3, count)[:, None]
        ground = np.where(kind == 0, 0.3, np.where(kind == 1, 0.04 + 0.5 * red_edge, 0.0))
        haze = 0.08 * np.exp(-(CENTRES - 380) / 220)
        radiance = 20 * sun * (ground * texture + haze * rng.uniform(0.8, 1.2, (count, 1)))
        spectra = rng.uniform(0.05, 0.6, (30, 1)) * np.exp(0.3 * rng.standard_normal((30, 13)) @ waves)
        result.append(Patches(name, radiance.astype(np.float32), spectra.astype(np.float32)))
    return tuple(result)


@cache
def emit(with_covariance: bool = True) -> RadianceStatistics:
    """Statistics of another draw of the same spectra, standing in for EMIT's."""
    radiance = np.concatenate([part.radiance for part in pixels(1)]).astype(np.float64)
    spectra = radiance / np.linalg.norm(radiance, axis=1, keepdims=True)
    whole = statistics_of(spectra.mean(axis=0), np.cov(spectra, rowvar=False), "made up")
    if with_covariance:
        return whole
    return RadianceStatistics(whole.mean, whole.deviation, whole.eigenvalues, None, "summary")


@cache
def spectra_check(with_covariance: bool = True) -> SpectraCheck:
    """The check on one draw against another."""
    return check_spectra(pixels(2), CENTRES, emit(with_covariance))


@cache
def small_study() -> Study:
    """The first climate's study at the smallest size."""
    return next(studies(3, (192, 32), load_sensor("emit")))


def noise() -> list[NoiseOfStudy]:
    """Noise that is 2 % above the model's, 10 % in the image."""
    model = np.full(CENTRES.size, 0.01)
    return [NoiseOfStudy(name, np.full(CENTRES.size, 5.0), 1.02 * model, model, 1.1 * model, model)
            for name in CLIMATES]  # fmt: skip


def methane() -> list[MethaneOfStudy]:
    """Filters' results with a deviation of 300 and a slope of 0.95."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(1000, 6000, 500).astype(np.float32)
    image = (300 * rng.standard_normal((60, 24))).astype(np.float32)
    retrieved = (0.95 * truth + 20).astype(np.float32)
    return [MethaneOfStudy(name, 30.0, 300.0, 310.0, 0.002, 5.0, image, image + 100, truth, retrieved)
            for name in CLIMATES]  # fmt: skip


def texture() -> list[TextureOfStudy]:
    """A power law of 2."""
    frequency = np.geomspace(0.012, 0.45, 16)
    power = np.tile(frequency**-2.0, (len(TEXTURE_NM), 1))
    decay = np.tile(0.9 ** np.arange(LAGS), (len(TEXTURE_NM), 1))
    rgb = np.random.default_rng(0).uniform(1, 9, (60, 24, 3)).astype(np.float32)
    return [TextureOfStudy(name, frequency, power, np.full(len(TEXTURE_NM), 2.0), decay, rgb)
            for name in CLIMATES]  # fmt: skip


def shapes() -> Shapes:
    """Simulated outlines that follow the real percentiles."""
    real = real_statistics()
    share = np.linspace(0.5, 99.5, 200)
    values = [np.interp(share, sorted(real[n]), [real[n][p] for p in sorted(real[n])])
              for n in ("area_px", "length_px", "elongation")]  # fmt: skip
    return Shapes(OutlineStatistics(*values), real, None, "built-in")


def variety() -> Variety:
    """Variety of the made-up endmembers."""
    return check_variety(pixels(2))
