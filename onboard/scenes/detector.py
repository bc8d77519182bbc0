"""What the detector does to radiance: smile, per-column gain and offset, noise, lost frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.fields import Field
from onboard.sensors import Sensor

FILL = -9999.0
MISSING_FRAME = -9998.0
CORRUPT_FRAME = -9997.0
CORRUPT_LINE = -9996.0
CLOUDY = -9990.0
LINE_FLAGS = (MISSING_FRAME, CORRUPT_FRAME, CORRUPT_LINE)
NOISE_STREAM = 7919


@dataclass(frozen=True)
class Detector:
    """One realisation of a detector's imperfections.

    Attributes:
        gain: Relative response of each element, float32 (samples, bands).
        offset: Radiance added by each element, float32 (samples, bands), uW cm-2 sr-1 nm-1.
        smile_nm: Shift of each column's wavelengths, float32 (samples,), nm.
        noise: a, b, c of sigma = abs(a sqrt(b + L) + c), float32 (3, bands).
        spacing_nm: Distance between neighbouring bands, float32 (bands,), nm.
        seed: Seed of the noise; line k has a generator of its own.
    """

    gain: Field
    offset: Field
    smile_nm: Field
    noise: Field
    spacing_nm: Field
    seed: int

    def observe(self, radiance: Field, line: int) -> Field:
        """Return what the detector reads of a line of true radiance.

        Args:
            radiance: float32 (samples, bands), uW cm-2 sr-1 nm-1; it is overwritten.
            line: Number of the line; with the seed it names the noise.

        Returns:
            ``radiance``, float32 (samples, bands).
        """
        if self.smile_nm.any():
            slope = np.empty_like(radiance)
            np.subtract(radiance[:, 2:], radiance[:, :-2], out=slope[:, 1:-1])
            slope[:, 0], slope[:, -1] = slope[:, 1], slope[:, -2]
            slope *= self.smile_nm[:, None] * (0.5 / self.spacing_nm)
            radiance += slope
        radiance *= self.gain
        radiance += self.offset
        radiance += self.draw_noise(radiance, line)
        return radiance

    def draw_noise(self, radiance: Field, line: int) -> Field:
        """Return the noise of a line, float32 (samples, bands); the same for the same seed and line."""
        seed = np.random.SeedSequence((self.seed, NOISE_STREAM, line))
        noise = np.random.Generator(np.random.SFC64(seed)).standard_normal(radiance.shape, dtype=np.float32)
        sigma = radiance + self.noise[1]
        np.maximum(sigma, 0, out=sigma)
        np.sqrt(sigma, out=sigma)
        sigma *= self.noise[0]
        sigma += self.noise[2]
        np.abs(sigma, out=sigma)
        noise *= sigma
        return noise


def draw_detector(
    rng: np.random.Generator, sensor: Sensor, samples: int, *, seed: int, smile_nm: float = 0.1
) -> Detector:
    """Draw a detector.

    Args:
        rng: Source of randomness.
        sensor: The instrument; its noise coefficients are used as they are.
        samples: Columns.
        seed: Seed of the noise.
        smile_nm: Shift of the wavelengths at the edge of the swath against its centre, in nm.

    Returns:
        The detector: gains differ by 0.2-0.5 % (1 % in a few bands), offsets by a third of the noise.
    """
    bands = sensor.bands
    sigma = np.full(bands, rng.uniform(0.002, 0.005))
    sigma[rng.random(bands) < 0.03] *= 2.5
    # Flat-field errors are shared by neighbouring bands, in part.
    own = rng.standard_normal((samples, bands), dtype=np.float32)
    common = rng.standard_normal((samples, 1), dtype=np.float32)
    gain = 1 + sigma.astype(np.float32) * (np.float32(0.8) * own + np.float32(0.6) * common)
    floor = np.abs(sensor.noise_a * np.sqrt(sensor.noise_b) + sensor.noise_c)
    # A few bands in the water band between the two spectrometer orders are noise alone.
    offset = rng.standard_normal((samples, bands), dtype=np.float32) * np.minimum(0.3 * floor, 0.003)
    place = np.linspace(-1, 1, samples) if samples > 1 else np.zeros(1)
    shape = place**2 + rng.uniform(-0.5, 0.5) * place
    return Detector(
        gain=gain.astype(np.float32),
        offset=offset.astype(np.float32),
        smile_nm=(smile_nm * rng.uniform(0.5, 1.0) * shape).astype(np.float32),
        noise=np.stack([sensor.noise_a, sensor.noise_b, sensor.noise_c]).astype(np.float32),
        spacing_nm=np.gradient(sensor.centres).astype(np.float32),
        seed=seed,
    )


def draw_line_flags(rng: np.random.Generator, lines: int, count: int) -> Field:
    """Draw flags of whole lines: float32 (lines,), 0 for good lines, else one of EMIT's flag values.

    Args:
        rng: Source of randomness.
        lines: Lines of the scene.
        count: Lines that are lost; they come in groups of at most two.
    """
    flags: NDArray[np.float32] = np.zeros(lines, np.float32)
    lost = min(count, max(lines - 1, 0))
    while np.count_nonzero(flags) < lost:
        line = int(rng.integers(0, lines))
        length = min(int(rng.integers(1, 3)), lost - int(np.count_nonzero(flags)))
        flags[line : line + length] = LINE_FLAGS[int(rng.integers(len(LINE_FLAGS)))]
    return flags
