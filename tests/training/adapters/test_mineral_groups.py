from __future__ import annotations

import pytest

from onboard.minerals import MINERALS
from onboard.training.adapters.mineral_groups import (
    Constituent,
    group_minerals,
    minerals_in,
    published_grouping,
)


def test_the_grouping_names_the_ten_and_all_of_them() -> None:
    named = {name for minerals in published_grouping().values() for name in minerals}
    assert named == set(MINERALS)
    shares = [share for minerals in published_grouping().values() for share in minerals.values()]
    assert all(share == -1 or 0 < share <= 1 for share in shares)


def test_iron_oxides_are_group_1s_and_the_rest_group_2s() -> None:
    first, second = group_minerals(1), group_minerals(2)
    assert {name for name, is_in in zip(MINERALS, first, strict=True) if is_in} == {"goethite", "hematite"}
    assert (first ^ second).all()


@pytest.mark.parametrize(
    ("group", "library", "record", "name", "found"),
    [
        # A renumbered research library: the title tells.
        (2, "r06emite", 9999, "Kaolinite CM9 (wxl) W1R1Hc", {"kaolinite": 0.97}),
        # A title written otherwise: the standard library's record tells.
        (2, "splib06", 5532, "Calcite and Dolomite", {"calcite": 0.497, "dolomite": 0.498}),
        # The same record in the other group is another spectrum.
        (1, "splib06", 5532, "Something else", {}),
        (2, "splib06", 5040, "Topaz Mt._Antero_#5 W1R1Bb", {}),
        (2, "sprlb06", 96, "Perchlorate_Mg GDS851.2 220K", {}),
        (1, "splib06", 2940, "Magnetite HS195.3B W1R1Bb", {}),
        (2, "sprlb06", 1, "Kaolinite of a later library", None),
        (1, "sprlb06", 1, "Goethite of a later library", None),
    ],
)
def test_constituents_are_found(
    group: int, library: str, record: int, name: str, found: dict[str, float] | None
) -> None:
    assert minerals_in(Constituent(group, library, record, name)) == found
