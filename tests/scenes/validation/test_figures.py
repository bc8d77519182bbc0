import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scenes.validation.figures import INSIDE, MISSING, OUTSIDE, REPORTED, Figure, number, tally


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (1.0, 0.9, 1.1, INSIDE),
        (0.9, 0.9, 1.1, INSIDE),
        (1.1, 0.9, 1.1, INSIDE),
        (1.2, 0.9, 1.1, OUTSIDE),
        (0.8, 0.9, None, OUTSIDE),
        (5.0, None, 4.0, OUTSIDE),
        (5.0, None, None, REPORTED),
        (None, 0.0, 1.0, MISSING),
        (math.nan, 0.0, 1.0, MISSING),
        (math.inf, 0.0, None, MISSING),
    ],
)
def test_the_band_gives_the_verdict(
    value: float | None, low: float | None, high: float | None, verdict: str
) -> None:
    assert Figure("k", "label", value, low, high).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.9, 1.1, "0.9 to 1.1 m"),
        (1000.0, None, "at least 1000 m"),
        (0.0, None, "at least 0 m"),
        (None, 3.0, "at most 3 m"),
        (None, None, "-"),
    ],
)
def test_a_band_in_words(low: float | None, high: float | None, text: str) -> None:
    assert Figure("k", "label", 1.0, low, high, "m").band_text == text


def test_a_value_keeps_its_zeros_and_says_when_there_is_none() -> None:
    assert Figure("k", "label", 1.0, unit="ppm m").value_text == "1.00 ppm m"
    assert Figure("k", "label", None).value_text == "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.012345, "0.0123"), (1.5, "1.5"), (123.4, "123"), (71234.0, "71234"), (-0.5, "-0.5"),
        (2e-9, "2.00e-09"),
    ],
)  # fmt: skip
def test_numbers_are_plain(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(1e-6, 1e9))
def test_a_number_is_read_back_to_three_digits(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=6e-3)
    assert float(number(value, 3)) == pytest.approx(value, rel=6e-3)


def test_json_holds_no_nan() -> None:
    found = Figure("k", "label", math.nan, 0, 1).as_dict()
    assert found["value"] is None
    assert found["verdict"] == MISSING


def test_every_figure_is_counted_once() -> None:
    figures = [
        Figure("a", "", 1.0, 0, 2),
        Figure("b", "", 3.0, 0, 2),
        Figure("c", "", 3.0),
        Figure("d", "", None),
    ]
    assert tally(figures) == {INSIDE: 1, OUTSIDE: 1, REPORTED: 1, MISSING: 1}
