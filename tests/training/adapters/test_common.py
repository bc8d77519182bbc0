from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.atmosphere import reference_radiance
from onboard.training.adapters.common import (
    LabelledTile,
    Window,
    check_brightness,
    check_table,
    usable,
)

CENTRES = np.array([2100.0, 2200.0, 2300.0])
FWHM = np.full(3, 8.0)


def make_tile(level: float = 1.0) -> LabelledTile:
    radiance = np.full((4, 5, 3), level, np.float32) * reference_radiance(CENTRES, FWHM).astype(np.float32)
    return LabelledTile(Path("tile"), radiance, CENTRES, FWHM, np.ones((4, 5), bool))


def test_windows_nest() -> None:
    assert Window(10, 20, 30, 40).within(1, 2, 3, 4) == Window(11, 22, 3, 4)


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("valid", (4, 4)),
        ("plume", (5, 4)),
        ("enhancement", (4,)),
        ("minerals", (3, 4, 5)),
        ("weight", (4, 6)),
    ],
)
def test_parts_that_do_not_fit_are_named(field: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(CaptureError, match=field):
        replace(make_tile(), **{field: np.zeros(shape, bool)})  # type: ignore[arg-type]


@pytest.mark.parametrize("centres", [[2100.0, 2100.0, 2300.0], [2100.0, np.nan, 2300.0], [2100.0, 2200.0]])
def test_band_tables_must_rise(centres: list[float]) -> None:
    with pytest.raises(CaptureError, match="band table"):
        check_table(Path("tile"), np.array(centres), FWHM)


def test_missing_values_of_every_kind_are_not_usable() -> None:
    radiance = np.ones((1, 6, 3), np.float32)
    radiance[0, 1, 2] = np.nan
    radiance[0, 2] = -9999.0
    radiance[0, 3] = 0.0
    radiance[0, 4, 0] = 0.0  # dark in one band alone
    assert usable(radiance).tolist() == [[True, False, False, False, True, True]]
    marked = np.array([[False, True, True, True, True, True]])
    assert usable(radiance, marked).tolist() == [[False, False, False, False, True, True]]


def test_radiance_of_another_unit_is_refused() -> None:
    reference = reference_radiance(CENTRES, FWHM)
    check_brightness(make_tile(4.0), reference)
    with pytest.raises(CaptureError, match="brighter than white"):
        check_brightness(make_tile(10.0), reference)
