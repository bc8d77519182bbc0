from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.cli.card_tables import accuracy, mineral, number, plain, table

CELL = st.text(
    st.characters(codec="ascii", exclude_characters="|\n\r", categories=("L", "N", "P")), max_size=12
)


@settings(deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5), st.integers(0, 3))
def test_columns_line_up(rows: list[list[str]], left: int) -> None:
    lines = table(["one", "two", "three"], rows, left).splitlines()
    assert len(lines) == len(rows) + 2
    bars = {tuple(at for at, letter in enumerate(line) if letter == "|") for line in lines}
    assert len(bars) == 1
    for row, line in zip(rows, lines[2:], strict=True):
        assert [cell.strip() for cell in line.split("|")[1:-1]] == row


def test_numbers_stand_right_and_words_left() -> None:
    assert table(["name", "F1"], [["a", "0.5"], ["long name", "10.25"]]).splitlines() == [
        "| name      |    F1 |",
        "| --------- | ----: |",
        "| a         |   0.5 |",
        "| long name | 10.25 |",
    ]


def test_values_for_people() -> None:
    assert number(None) == plain(None) == "-"
    assert number(12345.678, 1) == "12,345.7"
    assert mineral("illite_muscovite") == "illite / muscovite"
    assert mineral("event_min_pixels") == "event min pixels"


def test_nothing_measured_is_said() -> None:
    assert list(accuracy({"sets": [], "notes": {}})) == ["Nothing was measured."]


def test_patches_without_figures_are_said_so() -> None:
    section = {
        "notes": {"patches": "x"},
        "sets": [{"on": "patches", "set": "test", "scores": {"plume_f1": None}}],
    }
    assert list(accuracy(section)) == ["### Patches of the training, test set", "No figures."]
