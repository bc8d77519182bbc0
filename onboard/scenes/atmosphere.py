"""Sunlight, gases, molecules and aerosol between sun, ground and sensor, in single-scattering physics.

Radiance at the sensor, in uW cm-2 sr-1 nm-1 (Vermote et al. 1997, IEEE TGRS 35, 675-686, eq. 2):

    L = E0 cos(sza)/pi * (rho_path + T_gas * T_down * T_up * rho / (1 - S rho))

Gas optical depths come from ASTM G173 (data/atmosphere.csv); strong bands grow with less than the
column (curve of growth, as in Gueymard 1995, SMARTS2, FSEC-PF-270-95).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from onboard.errors import UsageError
from onboard.scenes.response import Float64, band_weights, check_bands, read_numbers

G173_AIR_MASS = 1.5
G173_WATER_CM = 1.4164
G173_OZONE_CM = 0.3438
G173_CO2_PPM = 370.0
SCALE_HEIGHT_KM = 8.0
WATER_SCALE_HEIGHT_KM = 2.2
AEROSOL_ASYMMETRY = 0.65
AEROSOL_ALBEDO = 0.93
REFERENCE_ALBEDO = 0.3
REFERENCE_FLOOR = 0.02
_WEAK_GROWTH, _STRONG_GROWTH, _GROWTH_TURN = 1.0, 0.55, 0.3


def rayleigh_optical_depth(wavelengths: ArrayLike, pressure_ratio: float = 1.0) -> Float64:
    """Rayleigh optical depth (n,) of the vertical air column (Bodhaine et al. 1999, JAOT 16, eq. 30).

    Args:
        wavelengths: (n,) in nm.
        pressure_ratio: surface pressure over 1013.25 hPa.
    """
    square = (np.asarray(wavelengths, dtype=np.float64) * 1e-3) ** 2
    above = 1.0455996 - 341.29061 / square - 0.90230850 * square
    below = 1.0 + 0.0027059889 / square - 85.968563 * square
    return pressure_ratio * 0.0021520 * above / below


def air_mass(zenith_deg: float) -> float:
    """Relative optical air mass (Kasten and Young 1989, Appl. Opt. 28, 4735-4738)."""
    elevation = 90.0 - zenith_deg
    return float(1.0 / (np.cos(np.radians(zenith_deg)) + 0.50572 * (elevation + 6.07995) ** -1.6364))


@dataclass(frozen=True)
class SpectralTable:
    """The packaged table: ``grid`` (n,) nm, ``sun`` (n,) uW cm-2 nm-1, ``gases`` name -> (n,) depths."""

    grid: Float64
    sun: Float64
    gases: dict[str, Float64]


@lru_cache(maxsize=1)
def spectral_table() -> SpectralTable:
    """Read the packaged table of sunlight and gas optical depths."""
    header, numbers = read_numbers("atmosphere.csv")
    gases = {name: numbers[:, i] for i, name in enumerate(header) if i > 1}
    return SpectralTable(numbers[:, 0], numbers[:, 1], gases)


@lru_cache(maxsize=8)
def _weights(centres: bytes, fwhm: bytes) -> Float64:
    return band_weights(spectral_table().grid, np.frombuffer(centres), np.frombuffer(fwhm))


def _to_bands(spectra: Float64, centres: ArrayLike, fwhm: ArrayLike) -> Float64:
    """Average spectra (..., n) on the packaged grid into bands (..., bands)."""
    c, w = check_bands(centres, fwhm)
    return spectra @ _weights(c.tobytes(), w.tobytes()).T


def extraterrestrial_irradiance(centres: ArrayLike, fwhm: ArrayLike) -> Float64:
    """Band-averaged sunlight (bands,) at 1 au in uW cm-2 nm-1 (ASTM G173)."""
    return _to_bands(spectral_table().sun, centres, fwhm)


@dataclass(frozen=True)
class AtmosphereTerms:
    """What an atmosphere does to each band, all (bands,) float64.

    ``irradiance``: E0 cos(sza)/pi, uW cm-2 sr-1 nm-1. ``two_way``: gases and both scattering losses,
    direct and diffuse light together. ``path_radiance``: uW cm-2 sr-1 nm-1. ``spherical_albedo``: of the
    air seen from the ground. ``diffuse_fraction``: share of the light on flat ground that is skylight.
    """

    irradiance: Float64
    two_way: Float64
    path_radiance: Float64
    spherical_albedo: Float64
    diffuse_fraction: Float64

    def radiance(self, reflectance: ArrayLike, illumination: ArrayLike = 1.0) -> Float64:
        """Radiance (..., bands) at the sensor in uW cm-2 sr-1 nm-1.

        Args:
            reflectance: (..., bands).
            illumination: direct light on the slope over that on flat ground (cos incidence / cos sza),
                shaped to broadcast against (..., bands); 0 is full shadow, lit by the sky alone.
        """
        rho = np.asarray(reflectance, dtype=np.float64)
        light = self.diffuse_fraction + (1.0 - self.diffuse_fraction) * np.asarray(illumination)
        ground = light * rho / (1.0 - self.spherical_albedo * rho)
        result: Float64 = self.path_radiance + self.irradiance * self.two_way * ground
        return result


@dataclass(frozen=True)
class Atmosphere:
    """State of the air and the angles of sun and sensor; immutable, vary it with `dataclasses.replace`.

    ``water_cm`` is what lies above the ground (precipitable cm), ``ozone_cm`` in atm-cm, ``aerosol_550``
    the optical depth at 550 nm, ``co2_scale`` over 370 ppm, ``ch4_scale`` over 1.87 ppm.
    """

    sun_zenith_deg: float = 40.0
    view_zenith_deg: float = 0.0
    water_cm: float = 1.4164
    ozone_cm: float = 0.30
    aerosol_550: float = 0.10
    angstrom: float = 1.3
    elevation_km: float = 0.3
    co2_scale: float = 1.13
    ch4_scale: float = 1.0
    sun_distance_au: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "sun_zenith_deg": (0.0, 85.0),
            "view_zenith_deg": (0.0, 60.0),
            "water_cm": (0.0, 10.0),
            "ozone_cm": (0.0, 1.0),
            "aerosol_550": (0.0, 3.0),
            "angstrom": (-0.5, 3.0),
            "elevation_km": (-0.5, 9.0),
            "co2_scale": (0.0, 5.0),
            "ch4_scale": (0.0, 5.0),
            "sun_distance_au": (0.9, 1.1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(
                    "an atmosphere out of bounds", field=name, found=value, expected=f"{low} to {high}"
                )

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Atmosphere:
        """Draw an atmosphere as imaging spectrometers meet them over land, from dry and high to humid."""
        elevation = float(np.clip(rng.exponential(0.5), 0.0, 3.0))
        water = 1.6 * np.exp(rng.normal(0.0, 0.55) - elevation / WATER_SCALE_HEIGHT_KM)
        return cls(
            sun_zenith_deg=float(rng.uniform(15.0, 65.0)),
            view_zenith_deg=float(abs(rng.normal(0.0, 4.0)) % 12.0),
            water_cm=float(np.clip(water, 0.15, 5.5)),
            ozone_cm=float(rng.uniform(0.25, 0.40)),
            aerosol_550=float(np.clip(0.10 * np.exp(rng.normal(0.0, 0.6)), 0.02, 0.6)),
            angstrom=float(rng.uniform(0.6, 1.7)),
            elevation_km=elevation,
            co2_scale=float(rng.uniform(1.11, 1.16)),
            ch4_scale=float(rng.uniform(0.98, 1.06)),
            sun_distance_au=float(rng.uniform(0.983, 1.017)),
        )

    @property
    def pressure_ratio(self) -> float:
        """Surface pressure over 1013.25 hPa."""
        return float(np.exp(-self.elevation_km / SCALE_HEIGHT_KM))

    def aerosol_optical_depth(self, wavelengths: ArrayLike) -> Float64:
        """Vertical aerosol optical depth (n,) by Angstrom's law, wavelengths in nm."""
        ratio = np.asarray(wavelengths, dtype=np.float64) / 550.0
        result: Float64 = self.aerosol_550 * ratio**-self.angstrom
        return result

    def gas_optical_depth(self, slant: float) -> Float64:
        """Optical depth (n,) of all gases on the packaged grid along ``slant`` air masses."""
        columns = {
            "water": self.water_cm / G173_WATER_CM,
            "oxygen": self.pressure_ratio,
            "carbon_dioxide": self.co2_scale * self.pressure_ratio,
            "ozone": self.ozone_cm / G173_OZONE_CM,
            "methane": self.ch4_scale * self.pressure_ratio,
        }
        total = np.zeros_like(spectral_table().sun)
        for name, vertical in spectral_table().gases.items():
            reference = vertical * G173_AIR_MASS
            growth = _STRONG_GROWTH + (_WEAK_GROWTH - _STRONG_GROWTH) / (1.0 + reference / _GROWTH_TURN)
            total += reference * (columns[name] * slant / G173_AIR_MASS) ** growth
        return total

    def terms(self, centres: ArrayLike, fwhm: ArrayLike) -> AtmosphereTerms:
        """Return the terms of the radiance equation for bands of given centres and FWHM (bands,) in nm.

        Fine spectra are weighted with sunlight before they are averaged into bands.

        Raises:
            UsageError: a malformed band table, or a band outside 360-2520 nm.
        """
        table = spectral_table()
        cos_sun = float(np.cos(np.radians(self.sun_zenith_deg)))
        slant = air_mass(self.sun_zenith_deg) + air_mass(self.view_zenith_deg)
        gas = self.gas_optical_depth(slant)
        down, direct, up, albedo = self._scattering(table.grid)
        two_way = np.exp(-gas) * down * up
        # Scattered light turns round within the column: it meets about half of the gases.
        path = self._path_reflectance(table.grid) / (1.0 - albedo) * np.exp(-0.5 * gas)
        fine = np.stack([np.ones_like(gas), two_way, path, albedo, 1.0 - direct / down]) * table.sun
        sun, lit, scattered, sphere, diffuse = _to_bands(fine, centres, fwhm)
        scale = cos_sun / np.pi / self.sun_distance_au**2
        return AtmosphereTerms(sun * scale, lit / sun, scattered * scale, sphere / sun, diffuse / sun)

    def _scattering(self, grid: Float64) -> tuple[Float64, Float64, Float64, Float64]:
        """Return total and direct transmittance down, total up, and spherical albedo, all (n,)."""
        rayleigh = rayleigh_optical_depth(grid, self.pressure_ratio)
        aerosol = self.aerosol_optical_depth(grid)
        # Lost: what is absorbed and what is scattered back (half of Rayleigh, two-stream part of aerosol).
        back = 0.5 * (1.0 - AEROSOL_ASYMMETRY) * AEROSOL_ALBEDO
        lost = 0.5 * rayleigh + (1.0 - AEROSOL_ALBEDO + back) * aerosol
        sun, view = air_mass(self.sun_zenith_deg), air_mass(self.view_zenith_deg)
        turned = rayleigh + 2.0 * back * aerosol
        # Two-stream reflectance of a scattering layer under diffuse light (Coakley and Chylek 1975).
        albedo = 0.5 * turned / (1.0 + 0.5 * turned) * np.exp(-0.5 * turned)
        return (
            1.0 / (1.0 + lost * sun),
            np.exp(-(rayleigh + aerosol) * sun),
            1.0 / (1.0 + lost * view),
            albedo,
        )

    def straight_share(self, wavelengths: ArrayLike) -> Float64:
        """Share (n,) of the light leaving the ground for the sensor that arrives unscattered.

        The rest is scattered on its way up, so it comes from the neighbourhood of the pixel: exp(-tau/mu_v)
        over exp(-tau/mu_v) + t_d(theta_v) of Vermote et al. (1997).

        Args:
            wavelengths: (n,) in nm.
        """
        grid = np.asarray(wavelengths, dtype=np.float64)
        depth = rayleigh_optical_depth(grid, self.pressure_ratio) + self.aerosol_optical_depth(grid)
        total = self._scattering(grid)[2]
        result: Float64 = np.minimum(np.exp(-depth * air_mass(self.view_zenith_deg)) / total, 1.0)
        return result

    def _path_reflectance(self, grid: Float64) -> Float64:
        """Single-scattering reflectance (n,) of molecules and aerosol over black ground.

        Chandrasekhar's first order: P(Theta) omega (1 - exp(-tau (1/mu_s + 1/mu_v))) / (4 (mu_s + mu_v)).
        """
        mu_sun = np.cos(np.radians(self.sun_zenith_deg))
        mu_view = np.cos(np.radians(self.view_zenith_deg))
        cos_theta = -mu_sun * mu_view  # sun and sensor across the track from each other
        molecules = rayleigh_optical_depth(grid, self.pressure_ratio)
        aerosol = self.aerosol_optical_depth(grid)
        g = AEROSOL_ASYMMETRY
        phase_m = 0.75 * (1.0 + cos_theta**2)
        phase_a = (1.0 - g * g) / (1.0 + g * g - 2.0 * g * cos_theta) ** 1.5  # Henyey-Greenstein 1941
        total = molecules + aerosol
        mean_phase = (phase_m * molecules + phase_a * AEROSOL_ALBEDO * aerosol) / total
        layer = 1.0 - np.exp(-total * (1.0 / mu_sun + 1.0 / mu_view))
        result: Float64 = mean_phase * layer / (4.0 * (mu_sun + mu_view))
        return result


def reference_radiance(centres: ArrayLike, fwhm: ArrayLike) -> Float64:
    """Nominal radiance (bands,) in uW cm-2 sr-1 nm-1 against which the networks' input is normalised.

    Flat ground of reflectance 0.3, sun at 40 degrees, a standard atmosphere; inside saturated water
    bands no lower than 2 % of what the same air without gases would pass, so that logs stay tame.
    """
    air = Atmosphere()
    terms = air.terms(centres, fwhm)
    dry = replace(air, water_cm=0.0, ozone_cm=0.0, co2_scale=0.0, ch4_scale=0.0).terms(centres, fwhm)
    lit: Float64 = terms.radiance(np.full_like(terms.two_way, REFERENCE_ALBEDO))
    clear = dry.radiance(np.full_like(terms.two_way, REFERENCE_ALBEDO))
    return np.maximum(lit, REFERENCE_FLOOR * clear)
