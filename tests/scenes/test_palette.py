from __future__ import annotations

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.library import Library, load_library
from onboard.scenes.palette import RECIPES, VARIANTS_PER_MINERAL, draw_palette

CENTRES = np.arange(400.0, 2480.0, 20.0)
FWHM = np.full_like(CENTRES, 10.0)


def test_a_palette_holds_every_group_and_the_ten_minerals() -> None:
    palette = draw_palette(np.random.default_rng(1), load_library(), CENTRES, FWHM)
    assert set(palette.groups) == {*RECIPES, *MINERALS}
    numbers = [n for group in palette.groups.values() for n in group]
    assert sorted(numbers) == list(range(len(palette)))
    assert len(palette) >= 60
    assert len(palette) < 255
    assert all(len(palette.groups[m]) == VARIANTS_PER_MINERAL for m in MINERALS)
    assert palette.reflectance.dtype == np.float32
    assert palette.reflectance.min() > 0
    assert palette.reflectance.max() <= 1


def test_no_two_scenes_and_no_two_spectra_are_alike() -> None:
    library = load_library()
    one, same, other = (draw_palette(np.random.default_rng(s), library, CENTRES, FWHM) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.reflectance, same.reflectance)
    kaolinite = list(one.groups["kaolinite"])
    assert np.abs(one.reflectance[kaolinite] - other.reflectance[kaolinite]).max() > 0.02
    assert np.unique(one.reflectance.round(4), axis=0).shape[0] == len(one)


def test_classes_that_a_library_lacks_are_replaced_by_other_background() -> None:
    library = load_library()
    keep = [i for i, c in enumerate(library.classes) if c in MINERALS or c == "vegetation"]
    small = Library(
        tuple(library.names[i] for i in keep),
        tuple(library.classes[i] for i in keep),
        library.spectra[keep],
        "s",
    )
    assert set(draw_palette(np.random.default_rng(1), small, CENTRES, FWHM).groups) == {*RECIPES, *MINERALS}


@pytest.mark.parametrize("lost", ["gypsum", None])
def test_a_library_without_a_mineral_or_any_background_is_refused(lost: str | None) -> None:
    library = load_library()
    keep = [i for i, c in enumerate(library.classes) if (c != lost if lost else c in MINERALS)]
    small = Library(
        tuple(library.names[i] for i in keep),
        tuple(library.classes[i] for i in keep),
        library.spectra[keep],
        "s",
    )
    with pytest.raises(UsageError, match=lost or "without any background"):
        draw_palette(np.random.default_rng(1), small, CENTRES, FWHM)
