"""From reflectance to radiance for one line: a few matrix products instead of a model run a pixel.

Atmosphere and pixel-scale spectral variation enter as ln L = F @ G: fields F of the scene times curves G.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.atmosphere import Atmosphere
from onboard.scenes.fields import Field

WATER_STEP_CM = 0.15
HEIGHT_STEP_KM = 0.2
AEROSOL_STEP = 0.03
AIR_FIELDS = 3


@dataclass(frozen=True)
class Light:
    """What turns reflectance into radiance, all float32.

    Attributes:
        scale: Irradiance over pi times two-way transmittance, (bands,), uW cm-2 sr-1 nm-1.
        path: Path radiance, (bands,), uW cm-2 sr-1 nm-1.
        sphere: Spherical albedo, (bands,).
        direct: Share of direct sunlight in the light on flat ground, (bands,).
        curves: Change of ln radiance with each field, (fields, bands): first water vapour in cm, its
            square and height in km, each against the scene's mean, then the spectral modulations.
        path_curve: Change of path radiance with the aerosol field, (bands,).
    """

    scale: Field
    path: Field
    sphere: Field
    direct: Field
    curves: Field
    path_curve: Field

    def radiance(
        self, reflectance: Field, shade: Field, fields: Field, aerosol: Field
    ) -> tuple[Field, Field]:
        """Return the radiance of a line as light from the ground and light from the air.

        Args:
            reflectance: float32 (samples, bands); it is overwritten.
            shade: Illumination relative to flat ground, (samples,).
            fields: Values of the fields, float32 (samples, fields).
            aerosol: Standard normal field of haze, (samples,).

        Returns:
            Ground and path radiance, float32 (samples, bands), uW cm-2 sr-1 nm-1; their sum is L.
        """
        ground = reflectance
        trapped = ground * self.sphere
        np.subtract(1, trapped, out=trapped)
        ground /= trapped
        change = fields @ self.curves
        np.exp(change, out=change)
        ground *= change
        np.multiply((shade - 1)[:, None], self.direct, out=change)
        change += 1
        change *= self.scale
        ground *= change
        path = aerosol[:, None] * self.path_curve
        path += self.path
        return ground, path


def make_light(
    air: Atmosphere, centres: NDArray[np.float64], fwhm: NDArray[np.float64], modulation: NDArray[np.float64]
) -> Light:
    """Linearise an atmosphere about its mean state.

    Args:
        air: Mean state of the air over the scene.
        centres: Band centres (bands,) in nm.
        fwhm: Full widths at half maximum (bands,) in nm.
        modulation: Curves of ln reflectance of the spectral modulations, (fields, bands).

    Returns:
        The light of the scene.
    """
    mean = air.terms(centres, fwhm)
    log_t = np.log(np.maximum(mean.two_way, 1e-9))

    def against(**change: float) -> NDArray[np.float64]:
        two_way = replace(air, **change).terms(centres, fwhm).two_way
        return np.asarray(np.log(np.maximum(two_way, 1e-9)) - log_t)

    step = min(WATER_STEP_CM, 0.5 * air.water_cm)
    wet, dry = against(water_cm=air.water_cm + step), against(water_cm=air.water_cm - step)
    first, second = (wet - dry) / (2 * step), (wet + dry) / (2 * step**2)
    high = against(elevation_km=air.elevation_km + HEIGHT_STEP_KM) / HEIGHT_STEP_KM
    hazy = replace(air, aerosol_550=air.aerosol_550 + AEROSOL_STEP).terms(centres, fwhm).path_radiance
    per_field = 0.08 * air.aerosol_550 / AEROSOL_STEP
    return Light(
        scale=(mean.irradiance * mean.two_way).astype(np.float32),
        path=mean.path_radiance.astype(np.float32),
        sphere=mean.spherical_albedo.astype(np.float32),
        direct=(1 - mean.diffuse_fraction).astype(np.float32),
        curves=np.concatenate([np.stack([first, second, high]), modulation]).astype(np.float32),
        path_curve=((hazy - mean.path_radiance) * per_field).astype(np.float32),
    )


def modulation_curves(
    rng: np.random.Generator, centres: NDArray[np.float64], scale: float
) -> NDArray[np.float64]:
    """Draw how ln reflectance varies from pixel to pixel: six curves, float64 (6, bands).

    Brightness by roughness and moisture, tilt, the iron slope below 900 nm, depth of the liquid-water
    bands, a broad and a narrower feature in 2.1-2.4 um (clays, carbonates, lignin vary at that scale).

    Args:
        rng: Source of randomness.
        centres: Band centres (bands,) in nm.
        scale: Strength relative to arid ground.
    """

    def bell(centre: float, width: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-0.5 * ((centres - centre) / width) ** 2))

    tilt = np.clip((centres - 1400.0) / 1000.0, -1, 1)
    wet = bell(1450, 60) + 1.4 * bell(1940, 70) + 0.25 * bell(2500, 160)
    broad = bell(rng.uniform(2150, 2350), rng.uniform(90, 160))
    narrow = bell(rng.uniform(2200, 2360), rng.uniform(25, 50)) - 0.5 * bell(rng.uniform(2150, 2250), 30)
    amounts = np.array([0.050, 0.030, 0.040, 0.030, 0.012, 0.006]) * rng.uniform(0.6, 1.4, 6) * scale
    curves = np.stack([np.ones_like(centres), tilt, -bell(450, 260), -wet, -broad, -narrow])
    return np.asarray(amounts[:, None] * curves)
