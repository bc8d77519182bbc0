from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import CaptureError, UsageError
from onboard.minerals import MINERALS
from onboard.scenes.library import (
    KNOTS,
    Material,
    absorbance,
    load_library,
    perturb,
    read_materials,
    spline_matrix,
)

CENTRES = np.arange(381.0, 2494.0, 7.4)
FWHM = np.full(CENTRES.size, 8.6)
SHARED = Path(__file__).parents[2].parent / "shared/data/minerals/usgs_splib06_train.csv"
FINE = np.arange(380.0, 2500.0)

# Position of the deepest point below the chord over a range, and how far samples of a mineral may stray.
DIAGNOSTIC = [
    ("kaolinite", (2130, 2250), 2207, 6),
    ("kaolinite", (2100, 2185), 2160, 8),
    ("montmorillonite", (2130, 2260), 2208, 12),
    ("illite_muscovite", (2130, 2260), 2208, 12),
    ("illite_muscovite", (2290, 2390), 2345, 10),
    ("calcite", (2200, 2400), 2340, 6),
    ("dolomite", (2200, 2400), 2320, 6),
    ("vermiculite", (2200, 2400), 2312, 12),
    ("gypsum", (1400, 1600), 1446, 8),
    ("gypsum", (1690, 1800), 1749, 8),
    ("hematite", (700, 1150), 890, 70),
    ("goethite", (740, 1250), 950, 60),
    ("goethite", (600, 740), 668, 16),
]


def lowest_point(materials: list[Material], low: float, high: float) -> np.ndarray:
    inside = (low <= FINE) & (high >= FINE)
    x = FINE[inside]
    rho = np.exp(-absorbance(materials, FINE))[:, inside]
    chord = rho[:, :1] + (rho[:, -1:] - rho[:, :1]) * (x - x[0]) / (x[-1] - x[0])
    return np.asarray(x[np.argmin(rho / chord, axis=1)])


@pytest.mark.parametrize(("mineral", "span", "expected", "spread"), DIAGNOSTIC)
def test_diagnostic_features_lie_where_published(
    mineral: str, span: tuple[float, float], expected: float, spread: float
) -> None:
    own = [m for m in read_materials() if m.material_class == mineral]
    assert abs(np.median(lowest_point(own, *span)) - expected) <= spread


def test_every_mineral_has_variants_and_company() -> None:
    library = load_library()
    count = Counter(library.classes)
    assert all(count[mineral] >= 6 for mineral in MINERALS)
    assert sum(count.values()) > 200
    others = ("vegetation", "dry_vegetation", "soil", "artificial", "hydrocarbon", "snow_ice", "water")
    assert all(count[other] >= 4 for other in others)
    assert len(set(library.names)) == len(library)
    index = library.mineral_index
    assert set(index) == set(range(-1, 10))
    assert MINERALS[index[library.members("kaolinite")[0]]] == "kaolinite"
    assert np.all(index[library.members("soil", "water")] == -1)


def test_reflectance_is_bounded_and_follows_the_bands() -> None:
    library = load_library()
    rho = library.reflectance(CENTRES, FWHM)
    assert rho.dtype == np.float32
    assert rho.shape == (len(library), CENTRES.size)
    assert rho.min() >= 0.005
    assert rho.max() <= 1.0
    half = library.reflectance(CENTRES[::2], FWHM[::2])
    np.testing.assert_allclose(half, rho[:, ::2], rtol=1e-6)
    # Broader bands wash a doublet out.
    kaolinite = library.members("kaolinite")[0]
    around = np.array([2160.0, 2182.0])
    narrow = library.reflectance(around, np.full(2, 8.0))[kaolinite]
    broad = library.reflectance(around, np.full(2, 80.0))[kaolinite]
    assert broad[1] - broad[0] < narrow[1] - narrow[0]


def test_chlorophyll_and_red_edge() -> None:
    library = load_library()
    rho = library.reflectance(CENTRES, FWHM)[library.members("vegetation")]
    red, infrared = np.argmin(np.abs(CENTRES - 675.0)), np.argmin(np.abs(CENTRES - 800.0))
    assert np.median(rho[:, infrared] / rho[:, red]) > 3.0


def test_unknown_class_is_refused() -> None:
    with pytest.raises(UsageError, match="unobtainium"):
        load_library().members("unobtainium")


def test_spline_meets_its_knots_and_straight_lines() -> None:
    np.testing.assert_allclose(spline_matrix(KNOTS), np.eye(KNOTS.size), atol=1e-9)
    np.testing.assert_allclose(spline_matrix(FINE) @ (2.0 + 0.001 * KNOTS), 2.0 + 0.001 * FINE, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 3.0))
def test_perturbed_spectra_stay_spectra(seed: int, strength: float) -> None:
    rho = load_library().reflectance(CENTRES, FWHM)[::15]
    varied = perturb(rho, np.random.default_rng(seed), CENTRES, strength)
    assert varied.dtype == np.float32
    assert varied.shape == rho.shape
    assert varied.min() >= 0.005
    assert varied.max() <= 1.0
    np.testing.assert_array_equal(varied, perturb(rho, np.random.default_rng(seed), CENTRES, strength))


def test_perturbation_keeps_a_mineral_that_mineral() -> None:
    library = load_library()
    rho = library.reflectance(CENTRES, FWHM)[library.members("calcite")]
    still = library.perturb(rho, np.random.default_rng(0), CENTRES, strength=0.0)
    np.testing.assert_allclose(still, rho, rtol=1e-4)
    varied = library.perturb(np.repeat(rho, 20, axis=0), np.random.default_rng(0), CENTRES)
    assert not np.allclose(varied[0], varied[1], rtol=0.01)
    window = (CENTRES > 2250) & (CENTRES < 2400)
    deepest = CENTRES[window][np.argmin(varied[:, window], axis=1)]
    assert np.percentile(np.abs(deepest - 2340.0), 90) < 16.0


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


HEADER = "class,sample,360,700,690,1000,1300,1600,1900,2200,2500\n"


def test_user_library_is_read_sorted_and_bridged(tmp_path: Path) -> None:
    rows = "calcite,mine,0.1,0.4,0.4,0.7,,0.7,0.7,0.7,0.7\nmoss,other,0,0,0,0,0,0,0,0,0\n"
    library = load_library(write(tmp_path / "user.csv", HEADER + rows))
    assert library.names == ("mine", "other")
    assert library.mineral_index.tolist() == [0, -1]
    rho = library.reflectance([695.0, 1300.0, 2300.0], [8.0, 8.0, 8.0])
    np.testing.assert_allclose(rho, [[0.4, 0.7, 0.7], [0.005] * 3], atol=5e-3)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "header"),
        ("class,sample,1,2\n", "header"),
        (HEADER, "header"),
        (HEADER + "a,b,0.1\n", "line 2"),
        (HEADER + "a,b" + ",x" * 9 + "\n", "line 2"),
        (HEADER + "a,b" + ",inf" * 9 + "\n", "not finite"),
        (HEADER + "a,b" + ",0.1" * 3 + "," * 6 + "\n", "gaps"),
        (HEADER + "a,b" + ",45.0" * 9 + "\n", "scale reflectance"),
        ("class,sample,.36,.7,.8,1,1.3,1.6,1.9,2.2,2.5\na,b" + ",.1" * 9 + "\n", "micrometres"),
        (HEADER.replace("2500", "2300") + "a,b" + ",.1" * 9 + "\n", "381 to 2493"),
    ],
)
def test_what_is_no_library_is_refused_with_a_word(tmp_path: Path, text: str, word: str) -> None:
    path = write(tmp_path / "bad.csv", text)
    with pytest.raises(CaptureError, match=word) as caught:
        load_library(path)
    assert str(path) in str(caught.value)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        load_library(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x80" * 50)
    with pytest.raises(CaptureError, match=r"binary\.csv"):
        load_library(tmp_path / "binary.csv")


@pytest.mark.shared
def test_built_in_spectra_agree_with_their_source() -> None:
    if not SHARED.is_file():
        pytest.skip(f"no {SHARED}")
    measured, built = load_library(SHARED), load_library()
    rho, source = built.reflectance(CENTRES, FWHM), measured.reflectance(CENTRES, FWHM)
    place = {name.split(" s06av18a")[0].strip(): i for i, name in reversed(list(enumerate(measured.names)))}
    pairs = [(i, place[name]) for i, name in enumerate(built.names) if name in place]
    assert len(pairs) > 200
    inside = CENTRES > 390.0
    rms = [np.sqrt(np.mean((rho[i, inside] - source[k, inside]) ** 2)) for i, k in pairs]
    assert np.median(rms) < 0.004
    assert np.percentile(rms, 95) < 0.01


def test_fit_recovers_a_known_material() -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    from onboard.scenes.derive.library import blurred, fit, tidy

    true = Material(
        "x", "x", np.full(KNOTS.size, 0.7), np.array([[2200.0, 18, 18, 0.3], [900.0, 60, 60, 0.2]])
    )
    x = np.arange(380.0, 2495.0, 10.0)
    seen = Material("x", "x", true.knots, blurred(true.features))
    found, rms = fit("x", "x", x, np.exp(-absorbance([seen], x)[0]))
    assert rms < 0.003
    deepest = found.features[np.argmax(found.features[:, 3] * (found.features[:, 0] > 1500))]
    assert deepest[0] == pytest.approx(2200.0, abs=2.0)
    taken: set[str] = set()
    assert [tidy("A, b s06av18a_x", taken), tidy("A, b s06av18a_y", taken)] == ["A  b", "A  b #2"]


def test_hand_made_materials_reflect_as_written() -> None:
    from onboard.scenes.derive.materials import hand_made

    rho = np.exp(-absorbance(hand_made(), FINE))
    assert rho.min() > 0.002
    assert rho.max() < 1.0
