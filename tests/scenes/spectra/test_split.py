from __future__ import annotations

import logging

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.library import GRID, Library, load_library
from onboard.scenes.spectra.split import VARIANTS, sample_of, split_library, variant


def samples(library: Library, material_class: str) -> set[str]:
    return {sample_of(library.names[i]) for i in library.members(material_class)}


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("Hematite GDS69.a 150-250u", "GDS69"),
        ("Hematite GDS69.g <10um", "GDS69"),
        ("Clinochlore_Fe SC-CCa-1.b", "SC-CCa-1"),
        ("Olivine KI3054 Fo66 <60um #2", "KI3054"),
        ("Melting_snow mSnw16+0.5 veg", "mSnw16"),
        ("Gypsum HS333.3B (Selenite), variant 3", "HS333.3B"),
        ("Grass_dry.4+.6green AMX27", "AMX27"),
        ("pale sand", "pale sand"),
        ("", ""),
    ],
)
def test_a_sample_is_its_catalogue_code(name: str, sample: str) -> None:
    assert sample_of(name) == sample


def test_parts_share_no_sample_and_hold_every_class() -> None:
    library = load_library()
    train, test = split_library(library, "train"), split_library(library, "test")
    assert not set(train.names) & set(test.names)
    for name in set(library.classes):
        own = samples(library, name)
        if len(own) > 1:
            assert not samples(train, name) & samples(test, name)
            assert samples(train, name) | samples(test, name) == own
        assert len(train.members(name)) > 0
        assert len(test.members(name)) > 0
    assert 0.6 < len(train) / (len(train) + len(test)) < 0.8
    for material in ("calcite", "dolomite", "gypsum"):
        ours, theirs = (part.spectra[part.members(material)] for part in (train, test))
        assert min(np.abs(a - b).max() for a in ours for b in theirs) > 0.01


def test_the_division_depends_on_class_and_sample_alone() -> None:
    library = load_library()
    turned = library.taken(np.arange(len(library))[::-1])
    assert set(split_library(library, "test").names) == set(split_library(turned, "test").names)
    assert split_library(library, "all") is library


def test_a_class_of_one_spectrum_gives_each_part_its_own_variants() -> None:
    library = load_library()
    kept = [i for i, c in enumerate(library.classes) if c != "gypsum"]
    one = library.taken([*kept, int(library.members("gypsum")[0])])
    parts = [split_library(one, part) for part in ("train", "test")]
    spectra = [part.spectra[part.members("gypsum")] for part in parts]
    assert [len(s) for s in spectra] == [4, VARIANTS - 4]
    assert min(np.abs(a - b).max() for a in spectra[0] for b in spectra[1]) > 0.01


def test_lacking_classes_are_taken_from_the_built_in_part_with_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    library = load_library()
    ours = library.taken(library.members("soil", "vegetation"))
    with caplog.at_level(logging.WARNING):
        train = split_library(ours, "train")
    assert "kaolinite" in caplog.text
    assert all(len(train.members(m)) > 0 for m in MINERALS)
    assert not samples(train, "kaolinite") & samples(split_library(ours, "test"), "kaolinite")


def test_variants_stay_spectra_of_the_same_features() -> None:
    library = load_library()
    gypsum = library.spectra[library.members("gypsum")[0]]
    made = np.stack([variant(gypsum, str(k)) for k in range(20)])
    np.testing.assert_array_equal(made[3], variant(gypsum, "3"))
    assert made.min() > 0
    assert made.max() < 1
    near = (GRID > 1700) & (GRID < 1800)
    chord = 0.5 * (made[:, near][:, :1] + made[:, near][:, -1:])
    lowest = GRID[near][np.argmin(made[:, near] / chord, axis=1)]
    assert np.all(np.abs(lowest - 1749) < 15)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UsageError, match="train or test or all"):
        split_library(load_library(), "validation")
