from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import CaptureError
from onboard.scenes.library import GRID
from onboard.scenes.spectra.gridding import Gathering, check_values, onto_grid, reaches

NM = np.linspace(350.0, 2550.0, 441)


def curve(nm: np.ndarray) -> np.ndarray:
    return np.asarray(0.4 + 0.2 * np.sin(nm / 200.0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_order_and_repeats_do_not_matter(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(np.concatenate([np.arange(NM.size), np.arange(30)]))
    found = onto_grid(NM[order], curve(NM[order]))
    np.testing.assert_allclose(found, np.interp(GRID, NM, curve(NM)), atol=1e-9)
    np.testing.assert_allclose(onto_grid(NM[::-1], curve(NM[::-1])), found, atol=1e-9)


def test_overlapping_detectors_are_blended_without_a_saw() -> None:
    first, second = NM[NM < 680], NM[NM > 640] + 2.0
    nm = np.concatenate([first, second])
    rho = np.concatenate([np.full(first.size, 0.30), np.full(second.size, 0.34)])
    found = onto_grid(nm, rho)
    assert np.all(np.diff(found) >= -1e-12)
    assert np.abs(np.diff(found)).max() < 0.004
    np.testing.assert_allclose(found[GRID < 640], 0.30)
    np.testing.assert_allclose(found[GRID > 690], 0.34)


def test_a_gap_between_detectors_is_bridged_and_ends_are_held() -> None:
    nm = np.concatenate([np.arange(400.0, 900.0, 10.0), np.arange(1000.0, 2480.0, 10.0)])
    found = onto_grid(nm, nm / 3000.0)
    inside = (GRID >= 400) & (GRID <= 2470)
    np.testing.assert_allclose(found[inside], GRID[inside] / 3000.0, atol=1e-9)
    assert found[0] == pytest.approx(400 / 3000)


def test_reach() -> None:
    assert reaches(np.array([400.0, 2470.0]))
    assert not reaches(np.array([420.0, 2500.0]))
    assert not reaches(np.array([np.nan, 2500.0]))
    assert not reaches(np.zeros(0))


@pytest.mark.parametrize(
    ("value", "word"), [(np.inf, "not finite"), (3.0, "no reflectance"), (-0.5, "about 0")]
)
def test_what_is_no_reflectance_is_refused(value: float, word: str) -> None:
    with pytest.raises(CaptureError, match=word):
        check_values(Path("x"), "line 3", np.array([0.5, value]))


def test_what_is_left_out_is_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    gathering = Gathering(Path("lib"))
    file = Path("lib/one.txt")
    gathering.add("short", "soil", NM[:100], curve(NM[:100]), file=file)
    gathering.add("half", "soil", NM, np.where(np.arange(NM.size) % 3 == 0, curve(NM), np.nan), file=file)
    gathering.add("blend", None, NM, curve(NM), file=file)
    with pytest.raises(CaptureError, match="2 not over 381-2493 nm"):
        gathering.library()
    gathering.add("good", "soil", NM, np.where(np.arange(NM.size) % 9 == 0, np.nan, curve(NM)), file=file)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        library = gathering.library()
    assert library.names == ("good",)
    np.testing.assert_allclose(library.spectra[0], curve(GRID), atol=1e-3)
    assert "2 spectra left out (not over 381-2493 nm): short, half" in caplog.text
    assert "blend" in caplog.text
