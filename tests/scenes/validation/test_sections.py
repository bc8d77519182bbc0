from functools import cache
from pathlib import Path

import pytest

from onboard.errors import CaptureError, UsageError
from onboard.scenes.validation import sections as under_test
from onboard.scenes.validation.sections import Findings, Section, gather, sections
from onboard.scenes.validation.texts import WORDS
from onboard.sensors import load_sensor
from tests.scenes.validation.samples import (
    CENTRES,
    methane,
    noise,
    shapes,
    spectra_check,
    texture,
    variety,
)


def findings(with_covariance: bool = True) -> Findings:
    return Findings(
        centres=CENTRES,
        spectra=spectra_check(with_covariance),
        noise=tuple(noise()),
        methane=tuple(methane()),
        shapes=shapes(),
        texture=tuple(texture()),
        variety=variety(),
    )


@cache
def drawn(with_covariance: bool = True) -> tuple[Section, ...]:
    return tuple(sections(findings(with_covariance)))


def test_every_check_has_its_section_with_figures_and_pictures() -> None:
    assert [section.key for section in drawn()] == list(WORDS)
    for section in drawn():
        assert section.figures
        assert section.pictures
        assert all(uri.startswith("data:image/") for _, uri in section.pictures)
    keys = [figure.key for section in drawn() for figure in section.figures]
    assert len(keys) == len(set(keys))


def test_a_picture_that_cannot_be_drawn_is_left_out() -> None:
    with_file, without = drawn()[0], drawn(with_covariance=False)[0]
    assert len(without.pictures) == len(with_file.pictures) - 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"size": (8, 8)}, UsageError),
        ({"emit": Path("missing.mat")}, CaptureError),
        ({"outlines": Path("missing.json")}, CaptureError),
    ],
)
def test_wrong_input_is_refused_before_any_scene_is_made(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], error: type[Exception]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a scene was made")

    monkeypatch.setattr(under_test, "studies", never)
    settings: dict[str, object] = {
        "seed": 1,
        "size": (192, 32),
        "emit": None,
        "outlines": None,
        "library": None,
    }
    with pytest.raises(error):
        gather(load_sensor("emit"), **(settings | changed))  # type: ignore[arg-type]
