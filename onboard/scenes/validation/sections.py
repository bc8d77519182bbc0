"""Figures and pictures of every check, gathered into the sections of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.library import Library
from onboard.scenes.validation.figures import Figure
from onboard.scenes.validation.material import check_size, patches, studies
from onboard.scenes.validation.methane import (
    MethaneOfStudy,
    background_figures,
    methane_of_study,
    slope_figures,
)
from onboard.scenes.validation.noise import NoiseOfStudy, noise_figures, noise_of_study
from onboard.scenes.validation.plots_ground import draw_angles, draw_endmembers, draw_quicklooks, draw_texture
from onboard.scenes.validation.plots_methane import draw_background, draw_enhancements, draw_slope
from onboard.scenes.validation.plots_shapes import draw_shapes
from onboard.scenes.validation.plots_spectra import (
    draw_composition,
    draw_correlation,
    draw_deviation,
    draw_mean,
    draw_noise,
    draw_prediction,
)
from onboard.scenes.validation.reference import check_bands, emit_statistics
from onboard.scenes.validation.shapes import Shapes, check_shapes, shape_figures
from onboard.scenes.validation.spectra import SpectraCheck, check_spectra
from onboard.scenes.validation.spectra_figures import spectra_figures
from onboard.scenes.validation.texts import WORDS, Words
from onboard.scenes.validation.texture import TextureOfStudy, texture_figures, texture_of_study
from onboard.scenes.validation.variety import Variety, check_variety, variety_figures
from onboard.sensors import Sensor

Picture = tuple[str, str]


@dataclass(frozen=True)
class Section:
    """One check on the page: its figures, its words, its pictures (caption, data URI)."""

    key: str
    words: Words
    figures: tuple[Figure, ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class Findings:
    """All that was measured, before anything is drawn.

    Attributes:
        centres: Band centres, (bands,), nm.
        spectra: Radiance statistics.
        noise: Noise, a climate each.
        methane: The methane filters, a climate each.
        shapes: Plume shapes.
        texture: The ground in space, a climate each.
        variety: The ground's spectra.
    """

    centres: NDArray[np.float64]
    spectra: SpectraCheck
    noise: tuple[NoiseOfStudy, ...]
    methane: tuple[MethaneOfStudy, ...]
    shapes: Shapes
    texture: tuple[TextureOfStudy, ...]
    variety: Variety


def gather(
    sensor: Sensor,
    *,
    seed: int,
    size: tuple[int, int],
    emit: Path | None,
    outlines: Path | None,
    library: Library | None,
) -> Findings:
    """Measure everything; see ``page.validate`` for the arguments and errors."""
    # What the user gave is read first: a wrong path must not cost minutes.
    check_size(size)
    reference = emit_statistics(emit)
    check_bands(reference, sensor)
    shapes = check_shapes(seed, outlines)
    noise, methane, texture = [], [], []
    for study in studies(seed, size, sensor, library):
        noise.append(noise_of_study(study, sensor))
        methane.append(methane_of_study(study))
        texture.append(texture_of_study(study))
    drawn = patches(seed, sensor, library)
    return Findings(
        centres=sensor.centres,
        spectra=check_spectra(drawn, sensor.centres, reference),
        noise=tuple(noise),
        methane=tuple(methane),
        shapes=shapes,
        texture=tuple(texture),
        variety=check_variety(drawn),
    )


def sections(found: Findings) -> list[Section]:
    """Draw what was measured: one section a check."""
    return [
        _section("spectra", spectra_figures(found.spectra), _spectra_pictures(found.spectra)),
        _section(
            "noise",
            noise_figures(found.noise, found.centres),
            [("Noise and signal-to-noise ratio by wavelength.", draw_noise(found.noise, found.centres))],
        ),
        _section(
            "background",
            background_figures(found.methane),
            [
                ("The filter's output without plumes.", draw_background(found.methane)),
                ("The filter's output with plumes.", draw_enhancements(found.methane)),
            ],
        ),
        _section(
            "slope",
            slope_figures(found.methane),
            [("mag1c against truth, pixel by pixel.", draw_slope(found.methane))],
        ),
        _section(
            "shapes",
            shape_figures(found.shapes),
            [(f"Plume outlines; real ones from {found.shapes.source}.", draw_shapes(found.shapes))],
        ),
        _section(
            "ground", [*texture_figures(found.texture), *variety_figures(found.variety)], _ground(found)
        ),
    ]


def _section(key: str, figures: list[Figure], pictures: list[Picture]) -> Section:
    return Section(key, WORDS[key], tuple(figures), tuple((text, uri) for text, uri in pictures if uri))


def _spectra_pictures(check: SpectraCheck) -> list[Picture]:
    source = check.emit.source
    return [
        (f"Mean of unit-norm radiance; EMIT's from {source}.", draw_mean(check)),
        ("How much each band varies, and along how many axes.", draw_deviation(check)),
        ("How bands vary together.", draw_correlation(check)),
        ("Bands hidden and predicted from all others.", draw_prediction(check)),
        ("The composition that the comparison is made at.", draw_composition(check)),
    ]


def _ground(found: Findings) -> list[Picture]:
    return [
        ("True colour, one picture a climate.", draw_quicklooks(found.texture)),
        ("Variance by scale, and likeness by distance.", draw_texture(found.texture)),
        ("A few of the spectra each climate is mixed from.", draw_endmembers(found.variety, found.centres)),
        ("How different the spectra are from each other.", draw_angles(found.variety)),
    ]
