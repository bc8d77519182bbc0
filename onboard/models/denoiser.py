"""The denoiser: a robust fit of a few spectral shapes, and shrinkage of their maps over a small pyramid.

A pixel's spectrum is a sum of few shapes (``subspace``). Their coefficients are fitted with weights from each
band's noise, which is read off the residuals of the fit before; what sticks out of a residual is bounded, and
what a column has in common is taken off. The maps of coefficients, in units of their own noise, then lose
noise level by level of a Laplacian pyramid (Burt and Adelson 1983, IEEE TCOM 31, 532), by a network that sees
contrasts clipped at a few noise deviations: where noise is small, all it may subtract is small.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from onboard.models.noise_pyramid import NoisePyramid
from onboard.models.robust_fit import GONE, fit_matrix, hampel
from onboard.models.subspace import BandTable, SpectralMoments, fit_subspace
from onboard.models.window_statistics import (
    MEAN_TO_DEVIATION,
    Columns,
    apply,
    column_mean,
    filled,
    mean_of,
    roughness,
    stripes,
)

LEAST_NOISE = {"log": 5e-4, "unit": 1e-3}
"""Noise below which nothing is told apart."""
ROUGH_LOW, ROUGH_HIGH = 1.3, 2.2
"""A column's mean magnitude, in deviations of the band, from which it is doubted, and from which ignored."""
MEAN_DOUBT, MEAN_TRUST = 0.1, 0.003
"""Share of a band's noise by which its mean over the window is doubted, and doubt too small to matter."""
FIRST_SHAPES = 4
"""Shapes that are taken off before noise is first looked at: they hold most of the ground's texture."""
NOISE_STRIDE = 4
"""Of the columns that noise is first looked at in."""


@dataclass(frozen=True)
class DenoiserSettings:
    """Sizes of the denoiser.

    Attributes:
        components: Spectral shapes.
        widths: Channels at strides 1, 2, 4, 8.
        prior: Weight of the prior of unit variance in the second fit; below 1, since neighbours supply what
            a pixel lacks.
    """

    components: int = 17
    widths: tuple[int, int, int, int] = (16, 32, 40, 48)
    prior: float = 0.15

    def as_dict(self) -> dict[str, object]:
        """Return the settings as plain values."""
        return asdict(self)


class Shapes(NamedTuple):
    """Spectral shapes of a band table.

    Attributes:
        whole: (bands, R), of whole spectra, for the mean of the window.
        apart: (bands, R), of what differs from a mean.
        first: (bands, 4), the strongest of whole spectra.
        fit: (1, 4, bands), the plain least-squares fit of the strongest.
    """

    whole: Tensor
    apart: Tensor
    first: Tensor
    fit: Tensor


class Denoiser(nn.Module):
    """The denoiser for any band table; :meth:`baked` gives the one that flies.

    Attributes:
        settings: Sizes.
        moments: Of clean spectra, from which the shapes of a table follow.
    """

    def __init__(self, moments: SpectralMoments, settings: DenoiserSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or DenoiserSettings()
        self.moments = moments
        self.pyramid = NoisePyramid(self.settings.components, self.settings.widths)

    def shapes(self, table: BandTable) -> Shapes:
        """Return the table's shapes, on the network's device."""
        count, device = self.settings.components, next(self.parameters()).device
        whole = torch.from_numpy(fit_subspace(self.moments, table, count))
        apart = torch.from_numpy(fit_subspace(self.moments, table, count, within=True))
        first = whole[:, :FIRST_SHAPES]
        parts = (whole, apart, first, torch.linalg.pinv(first)[None])
        return Shapes(*(part.float().to(device) for part in parts))

    def forward(self, noisy: Tensor, valid: Tensor, table: BandTable) -> Tensor:
        """Return denoised (n, bands, lines, samples), in the input's units.

        Args:
            noisy: (n, bands, lines, samples), the table's domain; lines and samples are multiples of 8.
            valid: (n, 1, lines, samples), 1 or 0; pixels of 0 teach nothing, and should hold something
                plausible, such as the line before.
            table: Bands and domain.
        """
        return self.denoise(noisy, valid, self.shapes(table), table.domain)

    def denoise(self, noisy: Tensor, valid: Tensor, shapes: Shapes, domain: str) -> Tensor:
        """Denoise with given shapes; see :meth:`forward`."""
        basis, first, plain = shapes.apart, shapes.first, shapes.fit
        share, least = 1.0 / (mean_of(valid) + 1e-6), LEAST_NOISE[domain]
        noisy, alive = filled(noisy, valid) if domain == "log" else (noisy, torch.ones_like(share))
        columns = Columns.of(valid)
        levelled = noisy - stripes(noisy * valid, columns, first, plain)
        some, some_valid = levelled[..., ::NOISE_STRIDE], valid[..., ::NOISE_STRIDE]
        apart = some - apply(first, apply(plain, some))
        deviation = roughness(apart, some_valid) * (1.0 / (mean_of(some_valid) + 1e-6)) + least
        centre = self._centre(mean_of(levelled * valid) * share, deviation, shapes.whole)
        fit, _, leverage = fit_matrix(basis, deviation.flatten(1), 1.0)
        model = centre + apply(basis, apply(fit, levelled - centre))
        deviation = self._deviation(noisy - model, valid, share, deviation, leverage) + least
        unit = (noisy - model) * (1.0 / deviation)
        unit = unit - stripes(unit * valid, columns)
        repaired = model + alive * deviation * self._bounded(unit, valid, columns)
        centre = self._centre(mean_of(repaired * valid) * share, deviation, shapes.whole)
        fit, variance, _ = fit_matrix(basis, deviation.flatten(1), self.settings.prior)
        coefficients = apply(fit, repaired - centre)
        noise = torch.sqrt(variance).reshape(-1, basis.shape[1], 1, 1)
        cleaned = coefficients - noise * self.pyramid(coefficients / noise, noise.clamp(0.0, 1.0))
        smooth = centre + apply(basis, cleaned)
        result: Tensor = smooth + self._kept(unit, valid, share) * (repaired - smooth)
        return result

    def _centre(self, mean: Tensor, deviation: Tensor, shapes: Tensor) -> Tensor:
        """Return the window's mean spectrum, (n, bands, 1, 1).

        The mean of that many pixels has hardly any noise left, but impulses and dead columns shift it, the
        more the louder a band is: in loud bands it follows from what the shapes of whole spectra make of the
        others.
        """
        doubt = MEAN_DOUBT * deviation
        fit, _, _ = fit_matrix(shapes, doubt.flatten(1), 1.0)
        model = apply(shapes, apply(fit, mean))
        return model + (mean - model) * (MEAN_TRUST**2 / (doubt * doubt + MEAN_TRUST**2))

    @staticmethod
    def _deviation(residual: Tensor, valid: Tensor, share: Tensor, scale: Tensor, leverage: Tensor) -> Tensor:
        """(n, bands, 1, 1) noise of each band, from residuals cut at three of the last estimate."""
        magnitude = (residual.abs() * (1.0 / scale)).clamp(0.0, 3.0)
        spared = torch.sqrt((1.0 - leverage).clamp(0.15, 1.0)).reshape(scale.shape)
        return MEAN_TO_DEVIATION * share * mean_of(magnitude * valid) * scale / spared

    @staticmethod
    def _bounded(unit: Tensor, valid: Tensor, columns: Columns) -> Tensor:
        """Residuals in deviations, bounded, and none where a column cannot be trusted."""
        rough = column_mean(unit.abs().clamp(0.0, GONE) * valid) * columns.share
        trust = ((ROUGH_HIGH - rough) * (1.0 / (ROUGH_HIGH - ROUGH_LOW))).clamp(0.0, 1.0)
        # What a pixel shares with its neighbours is no outlier, however strong.
        shared = functional.avg_pool2d(
            unit.clamp(-GONE, GONE), 3, stride=1, padding=1, count_include_pad=False
        )
        return (shared + hampel(unit - shared)) * trust

    @staticmethod
    def _kept(unit: Tensor, valid: Tensor, share: Tensor) -> Tensor:
        """(n, bands, 1, 1) share of what the shapes do not explain that is no noise.

        It does not change from line to line as noise does: the squares of white noise's steps, of whatever
        distribution, are twice its own.
        """
        unit = unit.clamp(-GONE, GONE)
        power = share * mean_of(unit * unit * valid)
        steps = (unit[:, :, 1:] - unit[:, :, :-1]) * (valid[:, :, 1:] * valid[:, :, :-1])
        kept: Tensor = (1.0 - 0.5 * share * mean_of(steps * steps) / (power + 1e-6)).clamp(0.0, 1.0)
        return kept

    def baked(self, table: BandTable) -> FlightDenoiser:
        """Return the denoiser for one band table, as it flies."""
        return FlightDenoiser(self, table)


class FlightDenoiser(nn.Module):
    """The denoiser for one band table: one input, one output, static shapes.

    Input (1, bands + 1, lines, samples): log radiance (counts / 4096), then validity as 1 or 0. Output
    (1, bands, lines, samples): denoised log radiance.
    """

    whole: Tensor
    apart: Tensor
    first: Tensor
    fit: Tensor

    def __init__(self, denoiser: Denoiser, table: BandTable) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.domain = table.domain
        for name, part in denoiser.shapes(table)._asdict().items():
            self.register_buffer(name, part)

    def forward(self, planes: Tensor) -> Tensor:
        """Return (n, bands, lines, samples) of (n, bands + 1, lines, samples)."""
        noisy, valid = torch.split(planes, [self.whole.shape[0], 1], dim=1)
        shapes = Shapes(self.whole, self.apart, self.first, self.fit)
        return self.denoiser.denoise(noisy, valid.clamp(0.0, 1.0), shapes, self.domain)
