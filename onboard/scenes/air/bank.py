"""Lights made in advance: an atmosphere costs milliseconds, blending two of them next to nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from onboard.errors import UsageError
from onboard.scenes.air.light import Light, spectral_names
from onboard.scenes.air.modulation import modulation_curves
from onboard.scenes.air.states import state
from onboard.scenes.arrays import Array, Random, seed_of
from onboard.scenes.atmosphere import Atmosphere
from onboard.scenes.response import Float64

NEIGHBOURS = 3
"""Two blended states lie within so many places of the sun's height that is asked for."""
LOGARITHMIC = ("scale", "path", "cloud")
EDGE_DEG = 2.0


@dataclass(frozen=True)
class LightBank:
    """Linearised atmospheres of a band table, in order of the sun's zenith angle.

    Attributes:
        centres: Band centres (bands,) in nm, float64.
        spectra: Spectral attributes of ``Light`` by name, float32 (count, bands); those that are positive
            over decades as logarithms.
        curves: (count, 6, bands), of the air alone.
        water_cm: (count,).
        sun_zenith_deg: (count,), rising.
    """

    centres: Float64
    spectra: dict[str, Array]
    curves: Array
    water_cm: Array
    sun_zenith_deg: Array

    @classmethod
    def build(
        cls,
        random: Random,
        centres: Float64,
        fwhm: Float64,
        *,
        count: int = 96,
        sun_zenith_deg: tuple[float, float] = (15.0, 65.0),
        elevation_km: tuple[float, float] | None = None,
    ) -> LightBank:
        """Sample atmospheres and linearise them.

        Args:
            random: Source of chance; the bank lives on its library and device.
            centres: Band centres (bands,) in nm.
            fwhm: Full widths at half maximum (bands,) in nm.
            count: Number of states.
            sun_zenith_deg: Range of the sun's zenith angle; the states are spread evenly over it.
            elevation_km: Range of the ground's mean height; by default as ``Atmosphere.sample`` draws it.

        Raises:
            UsageError: Fewer than two states, a range that is none, or a malformed band table.
        """
        low, high = sun_zenith_deg
        if count < 2 or not 0 <= low <= high <= 85:
            raise UsageError(
                "a bank of light out of bounds",
                field="count, sun_zenith_deg",
                found=(count, sun_zenith_deg),
                expected="at least 2 states, 0 <= low <= high <= 85",
            )
        rng = np.random.default_rng(seed_of((*random.key, "air")))
        places = (np.arange(count) + rng.uniform(0.0, 1.0, count)) / count
        low, high = max(low - EDGE_DEG, 0.0), min(high + EDGE_DEG, 85.0)
        states = []
        for zenith in low + (high - low) * places:
            air = replace(Atmosphere.sample(rng), sun_zenith_deg=float(zenith))
            if elevation_km is not None:
                air = replace(air, elevation_km=float(rng.uniform(*elevation_km)))
            states.append(state(air, centres, fwhm, ice=float(rng.uniform(0.0, 1.0))))
        stacked = {name: np.stack([s[name] for s in states]) for name in states[0]}
        for name in LOGARITHMIC:
            stacked[name] = np.log(np.maximum(stacked[name], 1e-12))
        arrays = {name: random.asarray(values) for name, values in stacked.items()}
        spectra = {name: arrays[name] for name in spectral_names()}
        return cls(centres, spectra, arrays["curves"], arrays["water_cm"], arrays["sun_zenith_deg"])

    def draw(
        self,
        random: Random,
        n: int,
        *,
        sun_zenith_deg: Array | None = None,
        strength: Array | float = 1.0,
    ) -> Light:
        """Draw the light of n scenes: two states near the sun's height, blended.

        Transmittance and radiances are blended by their logarithms, shares and curves as they are.

        Args:
            random: Source of chance, of the bank's library and device.
            n: Number of scenes.
            sun_zenith_deg: (n,), clipped to the bank's range; by default spread over the bank.
            strength: Of the spectral modulations, number or (n,).

        Returns:
            The light; spectral arrays (n, 1, 1, bands), curves (n, 12, bands).
        """
        xp = random.xp
        count = self.sun_zenith_deg.shape[0]
        if sun_zenith_deg is None:
            centre = random.integers(0, count, (n,))
        else:
            centre = xp.searchsorted(self.sun_zenith_deg, sun_zenith_deg)
        near = centre[:, None] + random.integers(-NEIGHBOURS, NEIGHBOURS + 1, (n, 2))
        near = xp.clip(near, min=0, max=count - 1)
        share = random.uniform((n, 1))

        def blend(values: Array) -> Array:
            one, other = xp.take(values, near[:, 0], axis=0), xp.take(values, near[:, 1], axis=0)
            w = xp.reshape(share, (n,) + (1,) * (values.ndim - 1))
            return one + w * (other - one)

        spectra = {name: blend(values)[:, None, None, :] for name, values in self.spectra.items()}
        for name in LOGARITHMIC:
            spectra[name] = xp.exp(spectra[name])
        modulation = modulation_curves(random, self.centres, strength, n)
        return Light(
            **spectra,
            curves=xp.concat([blend(self.curves), modulation], axis=1),
            water_cm=blend(self.water_cm)[:, None, None],
            sun_zenith_deg=blend(self.sun_zenith_deg)[:, None, None],
        )
