from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.atmosphere import (
    Atmosphere,
    air_mass,
    extraterrestrial_irradiance,
    rayleigh_optical_depth,
    reference_radiance,
    spectral_table,
)

CENTRES = np.arange(381.0, 2494.0, 7.4)
FWHM = np.full(CENTRES.size, 8.6)


def band(nm: float) -> int:
    return int(np.argmin(np.abs(CENTRES - nm)))


def test_published_optical_depths_and_air_mass() -> None:
    # Bodhaine et al. 1999, table 3 (sea level, 45 N): 0.3602 at 400 nm, 0.0971 at 550 nm.
    np.testing.assert_allclose(rayleigh_optical_depth([400.0, 550.0]), [0.3602, 0.0971], rtol=0.01)
    assert air_mass(0.0) == pytest.approx(1.0, abs=1e-3)
    assert air_mass(60.0) == pytest.approx(2.0, rel=0.01)


def test_sunlight_adds_up() -> None:
    sun = extraterrestrial_irradiance(CENTRES, FWHM)
    # ASTM G173: about 185 uW cm-2 nm-1 at 550 nm, and some 95 % of 1366 W m-2 lies in 250-2500 nm.
    assert sun[band(550.0)] == pytest.approx(187.0, rel=0.03)
    assert 1150.0 < np.trapezoid(spectral_table().sun, spectral_table().grid) / 100.0 < 1300.0


def test_bright_arid_ground_looks_as_in_orbit() -> None:
    radiance = Atmosphere(sun_zenith_deg=30.0).terms(CENTRES, FWHM).radiance(np.full(CENTRES.size, 0.28))
    assert 10.0 < radiance[band(550.0)] < 15.0
    assert 1.3 < radiance[band(1650.0)] < 2.2
    assert 0.25 < radiance[band(2345.0)] < 0.5
    assert radiance[band(1380.0)] < 0.01
    # The gases stand where they belong.
    assert radiance[band(760.0)] < 0.75 * radiance[band(750.0)]
    assert radiance[band(940.0)] < 0.6 * radiance[band(865.0)]
    assert radiance[band(2010.0)] < 0.6 * radiance[band(2035.0)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_terms_stay_physical(seed: int) -> None:
    terms = Atmosphere.sample(np.random.default_rng(seed)).terms(CENTRES, FWHM)
    assert np.all(terms.irradiance > 0.0)
    assert np.all((terms.two_way >= 0.0) & (terms.two_way <= 1.0))
    assert np.all((terms.spherical_albedo >= 0.0) & (terms.spherical_albedo < 0.4))
    assert np.all((terms.diffuse_fraction >= 0.0) & (terms.diffuse_fraction <= 1.0))
    assert np.all(terms.path_radiance >= 0.0)
    # White ground sends back less than falls on it, but for the rise by light that comes and goes.
    assert np.all(terms.radiance(np.ones(CENTRES.size)) < 1.05 * terms.irradiance)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 8.0), st.floats(0.1, 2.0))
def test_more_water_less_light(water: float, more: float) -> None:
    ground = np.full(CENTRES.size, 0.3)
    dry = Atmosphere(water_cm=water).terms(CENTRES, FWHM).radiance(ground)
    wet = Atmosphere(water_cm=water + more).terms(CENTRES, FWHM).radiance(ground)
    assert np.all(wet <= dry + 1e-12)
    assert wet[band(1130.0)] < dry[band(1130.0)]


def test_each_parameter_moves_what_it_should() -> None:
    base = Atmosphere()
    ground = np.full(CENTRES.size, 0.3)
    at = base.terms(CENTRES, FWHM)
    hazy = replace(base, aerosol_550=0.5).terms(CENTRES, FWHM)
    assert hazy.path_radiance[band(550.0)] > at.path_radiance[band(550.0)]
    assert hazy.diffuse_fraction[band(550.0)] > at.diffuse_fraction[band(550.0)]
    high = replace(base, elevation_km=3.0).terms(CENTRES, FWHM)
    assert high.two_way[band(760.0)] > at.two_way[band(760.0)]
    low_sun = replace(base, sun_zenith_deg=65.0).terms(CENTRES, FWHM)
    assert np.all(low_sun.radiance(ground) < at.radiance(ground))
    more_ch4 = replace(base, ch4_scale=2.0).terms(CENTRES, FWHM)
    assert more_ch4.two_way[band(2345.0)] < at.two_way[band(2345.0)]
    assert more_ch4.two_way[band(550.0)] == at.two_way[band(550.0)]


def test_shadow_is_lit_by_the_sky() -> None:
    terms = Atmosphere().terms(CENTRES, FWHM)
    ground = np.full((2, 1, CENTRES.size), 0.3)
    lit = terms.radiance(ground, np.array([[[1.0]], [[0.0]]]))
    assert lit.shape == (2, 1, CENTRES.size)
    np.testing.assert_allclose(lit[0, 0], terms.radiance(ground[0, 0]))
    shadow = (lit[1, 0] - terms.path_radiance) / (lit[0, 0] - terms.path_radiance + 1e-30)
    assert 0.05 < shadow[band(450.0)] < 0.4
    assert shadow[band(2200.0)] < 0.05


def test_samples_differ_and_repeat() -> None:
    first = Atmosphere.sample(np.random.default_rng(3))
    assert first == Atmosphere.sample(np.random.default_rng(3))
    assert first != Atmosphere.sample(np.random.default_rng(4))


@pytest.mark.parametrize(
    ("field", "value"), [("sun_zenith_deg", 90.0), ("water_cm", -1.0), ("ozone_cm", np.nan)]
)
def test_out_of_bounds_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(UsageError, match=field):
        Atmosphere(**{field: value})


def test_reference_is_positive_and_tame() -> None:
    reference = reference_radiance(CENTRES, FWHM)
    assert reference.shape == CENTRES.shape
    assert np.all(reference > 0.004)
    rng = np.random.default_rng(0)
    radiance = Atmosphere.sample(rng).terms(CENTRES, FWHM).radiance(np.full(CENTRES.size, 0.3))
    assert np.all(np.log(radiance / reference) < 3.0)
    window = (CENTRES > 2100) & (CENTRES < 2400)
    assert np.all(np.abs(np.log(radiance / reference))[window] < 1.0)


def test_derived_table_matches_the_standard() -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    from onboard.scenes.derive.atmosphere import GRID, residual_optical_depth, split_gases

    sun, gases = residual_optical_depth()
    np.testing.assert_allclose(sun, spectral_table().sun, rtol=1e-4)
    np.testing.assert_array_equal(spectral_table().grid, GRID)
    parts = split_gases(gases)
    assert all(np.all(part >= 0.0) for part in parts.values())
    whole = sum(parts.values())
    above = GRID > 500.0
    np.testing.assert_allclose(np.asarray(whole)[above], gases[above], atol=1e-9)
