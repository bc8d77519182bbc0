from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.sensors import load_sensor
from onboard.training.adapters.bands import (
    aviris_ng_fwhm,
    described_centres,
    emit_fwhm,
    oxhyper_bands,
)

FILE = Path("B")


def test_descriptions_say_the_wavelength() -> None:
    found = described_centres(["462.59888 (462.59888)", "551.8667 (551.8667)"], FILE)
    np.testing.assert_allclose(found, [462.59888, 551.8667])


def test_the_86_bands_are_those_that_were_published() -> None:
    centres = load_sensor("emit").centres
    chosen = centres[oxhyper_bands(centres)]
    assert chosen.size == 86
    # First and last of each range, as the authors' loader lists them.
    for at in (462.59888, 551.8667, 641.2759, 1573.3193, 1699.7952, 2004.355, 2478.153):
        assert np.abs(chosen - at).min() < 0.01
    assert (np.diff(chosen) > 0).all()


@pytest.mark.parametrize(("count", "first"), [(86, 462.6), (285, 381.0)])
def test_names_lost_in_repacking_are_known_by_their_number(count: int, first: float) -> None:
    found = described_centres([f"Band {index + 1}" for index in range(count)], FILE)
    assert found.size == count
    assert found[0] == pytest.approx(first, abs=0.1)
    np.testing.assert_allclose(found, described_centres([None] * count, FILE))


@pytest.mark.parametrize("names", [["Band 1", "Band 2"], ["red", "green"], ["462.6", "green"]])
def test_other_bands_without_wavelength_are_refused(names: list[str]) -> None:
    with pytest.raises(CaptureError, match="wavelength"):
        described_centres(names, FILE)


def test_widths_are_the_sensors() -> None:
    sensor = load_sensor("emit")
    np.testing.assert_allclose(emit_fwhm(sensor.centres), sensor.fwhm)
    widths = aviris_ng_fwhm(np.array([400.0, 1000.0, 2122.0, 2488.0]))
    assert ((widths > 5.5) & (widths < 6.1)).all()
    assert (np.diff(widths) > 0).all()
