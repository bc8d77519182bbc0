from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import CaptureError, UsageError
from onboard.scenes.gas.outlines import (
    FIGURES,
    MOST_VERTICES,
    PERCENTILES,
    outline_statistics,
    read_outlines,
    real_statistics,
)

SHARED = Path(__file__).parents[4] / "shared/data/plumes/emit_ch4_plume_outlines.json"


@given(st.floats(1, 200), st.floats(1, 200), st.floats(0, 3.1), st.floats(-5000, 5000), st.booleans())
def test_a_rectangle_is_known_wherever_it_lies(
    a: float, b: float, turn: float, at: float, back: bool
) -> None:
    corners = np.asarray([[0, 0], [a, 0], [a, b], [0, b]]) - [a / 2, b / 2]
    spin = np.asarray([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    figures = outline_statistics([(corners @ spin + at)[:: -1 if back else 1]])
    assert figures.area_px[0] == pytest.approx(a * b, rel=1e-6)
    assert figures.elongation[0] == pytest.approx(max(a, b) / min(a, b), rel=1e-3)
    # The principal axis of a square may be any.
    if max(a, b) > 1.01 * min(a, b):
        assert figures.length_px[0] == pytest.approx(max(a, b), rel=1e-3)


def test_a_mask_and_the_polygon_about_it_agree() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:16, 5:35] = True
    polygon = np.asarray([[5, 10], [35, 10], [35, 16], [5, 16], [5, 10]])
    figures = outline_statistics([mask, polygon])
    for name in FIGURES:
        values = getattr(figures, name)
        assert values[0] == pytest.approx(values[1], rel=1e-6)
    alone = outline_statistics(mask)
    assert alone.area_px.tolist() == [180]


def test_outlines_without_an_area_are_left_out() -> None:
    nothing = [np.zeros((4, 4), bool), np.asarray([[1, 1], [2, 2]]), np.asarray([[1, 1], [2, 2], [3, 3]])]
    assert outline_statistics(nothing).area_px.shape == (0,)


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 4)), np.asarray([[0, 0], [np.nan, 1], [1, 1]]), np.zeros((2, 2, 2), bool)]
)
def test_what_is_no_outline_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(UsageError, match="outline"):
        outline_statistics([bad])


def test_built_in_figures_rise() -> None:
    real = real_statistics()
    assert set(real) == set(FIGURES)
    for values in real.values():
        assert list(values) == [float(p) for p in PERCENTILES]
        assert (np.diff(list(values.values())) > 0).all()


@pytest.mark.shared
def test_built_in_figures_are_those_of_the_real_outlines() -> None:
    if not SHARED.exists():
        pytest.skip("the real outlines are not here")
    outlines = read_outlines(SHARED)
    figures = outline_statistics(outlines)
    assert len(outlines) == 2544
    assert figures.area_px.size == 2542
    found = figures.percentiles()
    for name, values in real_statistics().items():
        np.testing.assert_allclose(found[name], list(values.values()), rtol=0.02)


def test_outlines_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps([{"coords": [[1, 2], [3.5, 4], [5, 0]], "sector": "coal"}]))
    (outline,) = read_outlines(file)
    assert outline.tolist() == [[1, 2], [3.5, 4], [5, 0]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "[1]",
        '[{"coords": []}]',
        '[{"coords": [[1]]}]',
        '[{"coords": [[1, "2"]]}]',
        '[{"coords": [[1, NaN]]}]',
        '[{"coords": [[1, 1e300]]}]',
        '[{"coords": [[1, true]]}]',
        '[{"coords": "x"}]',
        "[" * 200_000,
        "\udcff",
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CaptureError, match=r"a\.json"):
        read_outlines(file)


def test_missing_and_endless_outlines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        read_outlines(tmp_path / "none.json")
    file = tmp_path / "long.json"
    file.write_text(json.dumps([{"coords": [[0, 0]] * (MOST_VERTICES + 1)}]))
    with pytest.raises(CaptureError, match="no polygon"):
        read_outlines(file)
