from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.captures.units import has_units, radiance_factor, wavelength_factor


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("uW/cm^2/SR/nm", 1.0),
        ("uW cm-2 sr-1 nm-1", 1.0),
        ("uW/(cm^2*sr*nm)", 1.0),
        ("µW cm^-2 nm^-1 sr^-1", 1.0),
        ("uW nm-1 cm-2 sr-1", 1.0),
        ("microwatts per cm^2 per nm per sr", 1.0),
        ("microwatts per centimeter_squared per nanometer per steradian", 1.0),
        ("mW/cm2/sr/um", 1.0),
        ("W/m^2/sr/um", 0.1),
        ("W m-2 sr-1 um-1", 0.1),
        ("W/m**2/str/um", 0.1),
        ("mW m-2 sr-1 nm-1", 0.1),
        ("W/m2/sr/nm", 100.0),
        ("nW/cm^2/sr/nm", 1e-3),
        ("counts", None),
        ("", None),
        ("W/m^2/sr", None),
        ("W/m^2/sr/um/um", None),
        ("W/m^2/sr/um/nm", None),
        ("W/m^2/sr/cm-1", None),
        ("W m2 sr um", None),
        ("10 uW/cm^2/SR/nm", None),
        ("uW/cm^2/SR/nm" * 50, None),
    ],
)
def test_radiance_units(text: str, factor: float | None) -> None:
    assert radiance_factor(text) == factor


@pytest.mark.parametrize(
    ("text", "factor"),
    [("nm", 1.0), ("Nanometers", 1.0), (" Micrometers ", 1000.0), ("μm", 1000.0), ("GHz", None)],
)
def test_wavelength_units(text: str, factor: float | None) -> None:
    assert wavelength_factor(text) == factor


def test_saying_nothing() -> None:
    assert not any(has_units(text) for text in (None, "", " ", "Unknown"))
    assert has_units("nm")


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    factor = radiance_factor(text)
    assert factor is None or factor > 0
