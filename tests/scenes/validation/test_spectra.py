import numpy as np
import pytest

from onboard.scenes.validation.spectra import (
    Moments,
    correlation,
    fit_composition,
    kinds,
    mixture,
    moments,
    normalised,
    predict,
    spanned,
)
from tests.scenes.validation.samples import CENTRES, emit, pixels, spectra_check


def test_normalised_spectra_have_norm_one_whatever_their_brightness() -> None:
    radiance = pixels(1)[0].radiance
    np.testing.assert_allclose(np.linalg.norm(normalised(radiance), axis=1), 1)
    np.testing.assert_allclose(normalised(radiance), normalised(3 * radiance), rtol=1e-5)


def test_a_mixture_of_parts_has_the_moments_of_their_union() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (3000, 4)), rng.normal(2, 3, (1000, 4))
    whole = moments(np.concatenate([first, second]))
    mixed = mixture([moments(first), moments(second)], np.array([0.75, 0.25]))
    np.testing.assert_allclose(mixed.mean, whole.mean)
    np.testing.assert_allclose(mixed.covariance, whole.covariance, rtol=2e-3, atol=2e-3)
    assert mixed.count == 4000


def test_a_known_composition_is_found_again() -> None:
    parts = list(kinds(pixels(1), CENTRES).values())
    shares = np.linspace(1, 3, len(parts))
    shares /= shares.sum()
    made = mixture(parts, shares)
    target = emit()
    wanted = type(target)(made.mean, target.deviation, target.eigenvalues, None, "mixed")
    np.testing.assert_allclose(fit_composition(parts, wanted), shares, atol=0.02)


def test_pixels_are_sorted_into_water_plants_and_bare_ground() -> None:
    found = kinds(pixels(1), CENTRES)
    assert set(found) == {
        "water, all climates",
        "arid-bright, plants", "arid-bright, bare", "dark-vegetated, plants", "dark-vegetated, bare",
    }  # fmt: skip
    assert sum(part.count for part in found.values()) == 800
    red, infrared = (int(np.argmin(np.abs(CENTRES - nm))) for nm in (680, 860))
    plants = found["arid-bright, plants"].mean
    assert plants[infrared] > 1.2 * plants[red]


def test_spectra_of_the_same_world_are_predicted_as_well_as_emits_own() -> None:
    own = normalised(np.concatenate([part.radiance for part in pixels(2)]))
    rows = predict(own, CENTRES, emit())
    errors = np.array([(found, expected) for _, _, found, expected in rows])
    assert (errors[:, 0] < 1.6 * errors[:, 1]).all()


def test_structure_that_nature_lacks_is_found_out() -> None:
    own = normalised(np.concatenate([part.radiance for part in pixels(2)]))
    bump = np.exp(-(((CENTRES - 700) / 10) ** 2)) * np.random.default_rng(0).normal(0, 0.1, (len(own), 1))
    spoiled = predict(own * (1 + bump), CENTRES, emit())
    clean = predict(own, CENTRES, emit())
    assert max(row[2] for row in spoiled) > 3 * max(row[2] for row in clean)


def test_without_emits_covariance_nothing_is_predicted() -> None:
    assert predict(np.ones((3, CENTRES.size)), CENTRES, emit(with_covariance=False)) == []


def test_correlation_and_span_of_known_matrices() -> None:
    covariance = np.array([[4.0, 2.0], [2.0, 9.0]])
    np.testing.assert_allclose(correlation(covariance), [[1, 1 / 3], [1 / 3, 1]])
    axes = np.diag([5.0, 1.0, 0.1])
    assert spanned(axes, np.diag([2.0, 1.0, 1.0]), 1) == pytest.approx(0.5)
    assert spanned(axes, axes, 3) == pytest.approx(1)


def test_the_check_matches_the_mean_better_than_the_draw() -> None:
    check = spectra_check()

    def off(found: Moments) -> float:
        return float(np.median(np.abs(found.mean / check.emit.mean - 1)[check.clear]))

    assert off(check.matched) <= off(check.drawn) + 0.01
    assert sum(check.composition.values()) == pytest.approx(1)
    assert not check.clear[np.argmin(np.abs(CENTRES - 1400))]
