from __future__ import annotations

import csv
from pathlib import Path

import pytest

from onboard.minerals import MINERALS
from onboard.scenes.spectra.names import class_of

SHARED = Path(__file__).parents[3].parent / "shared/data/minerals/usgs_splib06_train.csv"


@pytest.mark.parametrize(
    ("name", "beside", "expected"),
    [
        ("Muscovite GDS107", "", "illite_muscovite"),
        ("Illite GDS4 (Marblehead)", "", "illite_muscovite"),
        ("Clinochlore GDS158 Flagst", "", "chlorite"),
        ("Chlorite_Serpentine BR93-22B", "", "chlorite"),
        ("Ca-Montmorillonite SCa-2", "", "montmorillonite"),
        ("Smectite", "", "montmorillonite"),
        ("Hematite_Coatd_Qtz BR93-34C", "ChapterC_Coatings", "hematite"),
        ("Kaolin/Smect H89-FR-5 30K", "", None),
        ("Alunite+Kaolinite mix", "", None),
        ("Kaolinite+Muscovite", "", None),
        ("Limestone CU02-11A", "rock Sedimentary", None),
        ("Alunite GDS82", "ChapterM_Minerals", "other_mineral"),
        ("Nontronite SWa-1", "", "other_mineral"),
        ("Lawn_Grass GDS91 (Green)", "", "vegetation"),
        ("Grass_Golden_Dry GDS480", "", "dry_vegetation"),
        ("Quercus douglasii", "vegetation Tree", "vegetation"),
        ("Abies concolor", "nonphotosyntheticvegetation", "dry_vegetation"),
        ("Melting_snow mSnw01a", "ChapterL_Liquids", "snow_ice"),
        ("Seawater_Open_Ocean SW2", "ChapterL_Liquids", "water"),
        ("Oil_Sand", "", "hydrocarbon"),
        ("Brown fine sandy loam", "soil Alfisol", "soil"),
        ("Plastic_HDPE GDS351", "", "artificial"),
        ("Lumps", "ChapterA_ArtificialMaterials", "artificial"),
        ("", "", "other_mineral"),
    ],
)
def test_names_tell_classes(name: str, beside: str, expected: str | None) -> None:
    assert class_of(name, beside) == expected


@pytest.mark.shared
def test_the_classes_of_a_real_library_are_met() -> None:
    if not SHARED.is_file():
        pytest.skip(f"no {SHARED}")
    with SHARED.open(encoding="utf-8") as file:
        rows = [row[:2] for row in csv.reader(file)][1:]
    told = [(own, class_of(name.split(" s06av18a")[0])) for own, name in rows]
    minerals = [(own, found) for own, found in told if own in MINERALS or found in MINERALS]
    assert len(minerals) > 50
    assert all(own == found for own, found in minerals)
    assert sum(own == found for own, found in told) > 0.94 * len(told)
