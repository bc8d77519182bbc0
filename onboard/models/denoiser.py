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
from onboard.models.robust_fit import GONE, firm, fit_matrix, hampel
from onboard.models.streaming_filter import LOG_FLOOR
from onboard.models.subspace import BandTable, SpectralMoments, fit_subspace

MEAN_TO_DEVIATION = 1.2533
"""Standard deviation of a normal over its mean magnitude, sqrt(pi / 2)."""
LEAST_NOISE = {"log": 5e-4, "unit": 1e-3}
"""Noise below which nothing is told apart."""
ROUGH_LOW, ROUGH_HIGH = 1.3, 2.2
"""A column's mean magnitude, in deviations of the band, from which it is doubted, and from which ignored."""
STRIPE_ROUNDS = 4
FLOOR_MARGIN, FLOOR_STEEPNESS = 0.02, 50.0
FIRST_SHAPES = 4
"""Shapes that are taken off before noise is first looked at: they hold most of the ground's texture."""


@dataclass(frozen=True)
class DenoiserSettings:
    """Sizes of the denoiser.

    Attributes:
        components: Spectral shapes.
        widths: Channels at strides 1, 2, 4, 8.
        prior: Weight of the prior of unit variance in the fits; space supplies more than it takes.
    """

    components: int = 18
    widths: tuple[int, int, int, int] = (16, 32, 40, 48)
    prior: float = 1.0

    def as_dict(self) -> dict[str, object]:
        """Return the settings as plain values."""
        return asdict(self)


class Shapes(NamedTuple):
    """Spectral shapes of a band table.

    Attributes:
        every: (bands, R).
        first: (bands, 4), the strongest.
        fit: (1, 4, bands), the plain least-squares fit of the strongest.
    """

    every: Tensor
    first: Tensor
    fit: Tensor


def _column_mean(values: Tensor) -> Tensor:
    """(n, c, 1, samples) means along the lines of (n, c, lines, samples)."""
    return functional.avg_pool2d(values, (values.shape[-2], 1))


def _mean(values: Tensor) -> Tensor:
    """(n, c, 1, 1) means of (n, c, lines, samples); in two steps, since TensorRT bounds a pool's window."""
    return functional.avg_pool2d(_column_mean(values), (1, values.shape[-1]))


def _apply(matrix: Tensor, planes: Tensor) -> Tensor:
    """(n, a, lines, samples) of a matrix (n or 1, a, b) and planes (n, b, lines, samples)."""
    n, _, lines, samples = planes.shape
    return (matrix @ planes.reshape(n, -1, lines * samples)).reshape(n, -1, lines, samples)


def _beside(columns: Tensor) -> Tensor:
    """(n, c, 1, samples) means of nine columns around each, what is missing taken as 0."""
    return functional.avg_pool2d(columns, (1, 9), stride=1, padding=(0, 4))


class _Columns(NamedTuple):
    """What is valid of each column: (n, 1, 1, samples), but for ``overall``.

    Attributes:
        present: 1 for columns with a tenth of their lines or more, down to 0.
        share: 1 over the share of valid lines.
        around: 1 over the mean of ``present`` around.
        overall: (n, 1, 1, 1), 1 over its mean.
    """

    present: Tensor
    share: Tensor
    around: Tensor
    overall: Tensor

    @classmethod
    def of(cls, valid: Tensor) -> _Columns:
        """Count the valid lines of (n, 1, lines, samples)."""
        lines = _column_mean(valid)
        present = (10.0 * lines).clamp(0.0, 1.0)
        share, around, overall = (1.0 / (part + 1e-6) for part in (lines, _beside(present), _mean(present)))
        return cls(present, share, around, overall)


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
        every = torch.from_numpy(fit_subspace(self.moments, table, self.settings.components))
        first = every[:, :FIRST_SHAPES]
        device = next(self.parameters()).device
        return Shapes(*(part.float().to(device) for part in (every, first, torch.linalg.pinv(first)[None])))

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
        basis, first, plain = shapes
        share, least = 1.0 / (_mean(valid) + 1e-6), LEAST_NOISE[domain]
        noisy, alive = self._filled(noisy, valid) if domain == "log" else (noisy, torch.ones_like(share))
        columns = _Columns.of(valid)
        levelled = noisy - self._stripes(noisy * valid, columns, first, plain)
        apart = levelled - _apply(first, _apply(plain, levelled))
        deviation = self._roughness(apart, valid) * share + least
        fit, _, leverage = fit_matrix(basis, deviation.flatten(1), self.settings.prior)
        model = _apply(basis, _apply(fit, levelled))
        deviation = self._deviation(noisy - model, valid, share, deviation, leverage) + least
        bounded = alive * self._bounded(noisy - model, valid, columns, deviation)
        repaired = model + bounded
        fit, variance, _ = fit_matrix(basis, deviation.flatten(1), self.settings.prior)
        coefficients = _apply(fit, repaired)
        noise = torch.sqrt(variance).reshape(-1, basis.shape[1], 1, 1)
        cleaned = coefficients - noise * self.pyramid(coefficients / noise, noise.clamp(0.0, 1.0))
        smooth = _apply(basis, cleaned)
        result: Tensor = smooth + self._kept(bounded, deviation, valid, share) * (repaired - smooth)
        return result

    @staticmethod
    def _filled(log: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Return log radiance with dead columns filled by those beside them, and 1 where none was.

        A column that lies on the floor of log radiance throughout was not measured, and would be a monstrous
        outlier; unless those beside it lie there too, as over water.
        """
        seen = ((log - (LOG_FLOOR + FLOOR_MARGIN)) * FLOOR_STEEPNESS).clamp(0.0, 1.0) * valid
        window, padding = (1, 5), (0, 2)
        share = _column_mean(seen)
        around = functional.avg_pool2d(share, window, stride=1, padding=padding)
        dead = (1.0 - 20.0 * share).clamp(0.0, 1.0) * (4.0 * around - 1.0).clamp(0.0, 1.0)
        alive = 1.0 - dead
        total = functional.avg_pool2d(log * alive, window, stride=1, padding=padding)
        count = functional.avg_pool2d(alive, window, stride=1, padding=padding)
        return log * alive + total * (dead / (count + 1e-6)), alive

    @staticmethod
    def _roughness(planes: Tensor, valid: Tensor) -> Tensor:
        """(n, bands, 1, 1) noise as far as it changes from line to line."""
        steps = (planes[:, :, 1:] - planes[:, :, :-1]) * (valid[:, :, 1:] * valid[:, :, :-1])
        noise: Tensor = (MEAN_TO_DEVIATION * 0.5**0.5) * _mean(steps.abs())
        return noise

    @staticmethod
    def _stripes(
        planes: Tensor, columns: _Columns, shapes: Tensor | None = None, fit: Tensor | None = None
    ) -> Tensor:
        """Return how far columns' means stand out among their neighbours, (n, bands, 1, samples).

        Args:
            planes: (n, bands, lines, samples), 0 where invalid.
            columns: What is valid of each column.
            shapes: (bands, r); what these can explain does not stand out.
            fit: (1, r, bands), their fit.
        """
        averages = _column_mean(planes) * columns.share
        offset = torch.zeros_like(averages)
        for _ in range(STRIPE_ROUNDS):
            means = averages
            if shapes is not None and fit is not None:
                means = averages - _apply(shapes, _apply(fit, averages - offset))
            around = _beside((means - offset) * columns.present) * columns.around
            even = (means - offset - around).abs() * columns.present
            scale = MEAN_TO_DEVIATION * _mean(even) * columns.overall + 1e-6
            scale = MEAN_TO_DEVIATION * _mean((even / scale).clamp(0.0, 1.5)) * columns.overall * scale + 1e-6
            offset = firm((means - around) / scale) * (scale * columns.present)
        return offset

    @staticmethod
    def _deviation(residual: Tensor, valid: Tensor, share: Tensor, scale: Tensor, leverage: Tensor) -> Tensor:
        """(n, bands, 1, 1) noise of each band, from residuals cut at three of the last estimate."""
        magnitude = (residual.abs() * (1.0 / scale)).clamp(0.0, 3.0)
        spared = torch.sqrt((1.0 - leverage).clamp(0.15, 1.0)).reshape(scale.shape)
        return MEAN_TO_DEVIATION * share * _mean(magnitude * valid) * scale / spared

    @staticmethod
    def _bounded(residual: Tensor, valid: Tensor, columns: _Columns, deviation: Tensor) -> Tensor:
        """Residuals without what columns have in common, bounded, none where a column cannot be trusted."""
        unit = residual * (1.0 / deviation)
        unit = unit - Denoiser._stripes(unit * valid, columns)
        rough = _column_mean(unit.abs().clamp(0.0, GONE) * valid) * columns.share
        trust = ((ROUGH_HIGH - rough) * (1.0 / (ROUGH_HIGH - ROUGH_LOW))).clamp(0.0, 1.0)
        # What a pixel shares with its neighbours is no outlier, however strong.
        shared = functional.avg_pool2d(
            unit.clamp(-GONE, GONE), 3, stride=1, padding=1, count_include_pad=False
        )
        return (shared + hampel(unit - shared)) * (trust * deviation)

    @staticmethod
    def _kept(bounded: Tensor, deviation: Tensor, valid: Tensor, share: Tensor) -> Tensor:
        """(n, bands, 1, 1) share of what the shapes do not explain that is no noise: it does not change
        from line to line as noise does."""
        unit = bounded * (1.0 / deviation)
        spread = MEAN_TO_DEVIATION * share * _mean(unit.abs() * valid)
        rough = share * Denoiser._roughness(unit, valid)
        kept: Tensor = (1.0 - (rough * rough) / (spread * spread + 1e-6)).clamp(0.0, 1.0)
        return kept

    def baked(self, table: BandTable) -> FlightDenoiser:
        """Return the denoiser for one band table, as it flies."""
        return FlightDenoiser(self, table)


class FlightDenoiser(nn.Module):
    """The denoiser for one band table: one input, one output, static shapes.

    Input (1, bands + 1, lines, samples): log radiance (counts / 4096), then validity as 1 or 0. Output
    (1, bands, lines, samples): denoised log radiance.
    """

    every: Tensor
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
        noisy, valid = torch.split(planes, [self.every.shape[0], 1], dim=1)
        shapes = Shapes(self.every, self.first, self.fit)
        return self.denoiser.denoise(noisy, valid.clamp(0.0, 1.0), shapes, self.domain)
