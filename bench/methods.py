"""The methods that SimEMIT-1 is scored for, each a function from an observation to a prediction.

Another one is named `package.module:function` on the command line; docs/benchmark.md says what it gets
and returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.replay.prediction import Assembly, Prediction

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
BLOCK_LINES = 64


@dataclass(frozen=True)
class Air:
    """The mean air over a capture, as an atmospheric correction would find it; all float32 (bands,).

    Attributes:
        scale: Radiance of a ground of reflectance 1, without path radiance, uW cm-2 sr-1 nm-1.
        path: Path radiance.
        sphere: Spherical albedo of the air.
    """

    scale: Array
    path: Array
    sphere: Array


@dataclass(frozen=True)
class Observation:
    """What a method is given: a capture as an instrument would deliver it, no truth.

    Attributes:
        name: Name of the capture.
        radiance: (lines, samples, bands) float32, uW cm-2 sr-1 nm-1, with EMIT's flag values.
        centres: (bands,) nm.
        fwhm: (bands,) nm.
        valid: (lines, samples) bool, where radiance was measured.
        air: Mean air, for methods that need reflectance.
        bundle: Bundle to fly; the shipped one if None.
    """

    name: str
    radiance: Array
    centres: Array64
    fwhm: Array64
    valid: npt.NDArray[np.bool_]
    air: Air
    bundle: Path | None = None


Method = Callable[[Observation], Prediction]


def column_filter_method(seen: Observation) -> Prediction:
    """The column-wise matched filter (Thompson et al. 2015)."""
    from onboard.models.column_filter import column_filter

    alpha = column_filter(seen.radiance, seen.centres, seen.fwhm, valid=seen.valid).enhancement
    return Prediction(alpha, "ppm m", alpha)


def mag1c_method(seen: Observation) -> Prediction:
    """The retrieval mag1c (Foote et al. 2020), 30 iterations, each column by itself."""
    from onboard.models.mag1c_filter import mag1c_filter

    alpha = mag1c_filter(seen.radiance, seen.centres, seen.fwhm, valid=seen.valid).enhancement
    return Prediction(alpha, "ppm m", alpha)


def flight_method(seen: Observation) -> Prediction:
    """The networks of a bundle, through the flight core, lines in order."""
    from onboard.captures import band_match
    from onboard.flight import FlightSession, default_bundle_path
    from onboard.flight.bundle import read_container
    from onboard.flight.contents import read_contents
    from onboard.replay.quality import valid_pixels
    from onboard.replay.resampled_gas import resampled_gas

    lines, samples, _ = seen.radiance.shape
    assembly, nothing = Assembly(lines, samples), np.float32(np.nan)
    source = seen.bundle or default_bundle_path()
    own = read_contents(read_container(source))
    match = band_match(seen.centres, seen.fwhm, own.centres, own.fwhm)
    gas = resampled_gas(match, seen.centres, seen.fwhm, own)
    with FlightSession(source, samples=samples, threads=2, gas_lines=gas) as session:
        minerals = tuple(session.bundle.minerals)

        def take(block: Array | None) -> None:
            for products in session.flush() if block is None else session.push(block):
                good = valid_pixels(products.quality)
                made = {
                    "plume": products.plume_probability,
                    "enhancement": products.ch4_enhancement,
                    "minerals": products.mineral_probability,
                }
                known = {name: np.where(good, layer, nothing) for name, layer in made.items() if layer.size}
                assembly.add(products.first_line, known)
            session.poll_events()

        for _, rows in _blocks(lines):
            block = seen.radiance[rows]
            take(block if match.identical else match.apply(block))
        take(None)
    layers = assembly.layers()
    return Prediction(
        layers.get("plume"), "probability", layers.get("enhancement"), layers.get("minerals"), minerals
    )


def feature_fit_method(seen: Observation) -> Prediction:
    """Continuum-removed feature fit with the training part of the library (Clark et al. 2003)."""
    from onboard.models.feature_fit import feature_fit

    references, _ = training_spectra(tuple(seen.centres), tuple(seen.fwhm))
    return _minerals(seen, lambda reflectance: feature_fit(reflectance, seen.centres, references))


def spectral_angle_method(seen: Observation) -> Prediction:
    """Spectral angle with the training part of the library (Kruse et al. 1993)."""
    from onboard.models.spectral_angle import spectral_angle

    references, background = training_spectra(tuple(seen.centres), tuple(seen.fwhm))
    return _minerals(
        seen, lambda reflectance: spectral_angle(reflectance, seen.centres, references, background)
    )


METHODS: dict[str, Method] = {
    "column-filter": column_filter_method,
    "mag1c": mag1c_method,
    "flight": flight_method,
    "feature-fit": feature_fit_method,
    "spectral-angle": spectral_angle_method,
}


def find_method(name: str) -> Method:
    """Return a method by its name, or by ``package.module:function``.

    Raises:
        UsageError: There is none.
    """
    if name in METHODS:
        return METHODS[name]
    module, _, attribute = name.partition(":")
    if attribute:
        try:
            found: Method = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                "a method cannot be imported", field="--methods", found=f"{name}: {error}"
            ) from error
        return found
    expected = f"{', '.join(METHODS)}, or package.module:function"
    raise UsageError("no such method", field="--methods", found=name, expected=expected)


@cache
def training_spectra(centres: tuple[float, ...], fwhm: tuple[float, ...]) -> tuple[dict[str, Array], Array]:
    """Reflectance of the library's training part: samples (n, bands) a mineral, and the background's."""
    from onboard.scenes.library import Library, load_library

    split = import_module("onboard.scenes.spectra.split")
    library: Library = split.split_library(load_library(), "train")
    spectra = library.reflectance(centres, fwhm)
    index = library.mineral_index
    return {name: spectra[index == row] for row, name in enumerate(MINERALS)}, spectra[index < 0]


def _minerals(seen: Observation, score: Callable[[Array], Array]) -> Prediction:
    """Score minerals by blocks of lines, so that reflectance never fills the memory."""
    from onboard.models.reflectance import apparent_reflectance

    lines, samples, _ = seen.radiance.shape
    scores = np.empty((len(MINERALS), lines, samples), np.float32)
    for _, rows in _blocks(lines):
        reflectance = apparent_reflectance(
            seen.radiance[rows], seen.air.scale, seen.air.path, seen.air.sphere
        )
        scores[:, rows] = np.where(seen.valid[rows], score(reflectance), np.float32(np.nan))
    return Prediction(mineral_scores=scores, mineral_names=MINERALS, mineral_scale="score")


def _blocks(lines: int) -> Iterator[tuple[int, slice]]:
    for first in range(0, lines, BLOCK_LINES):
        yield first, slice(first, min(first + BLOCK_LINES, lines))
