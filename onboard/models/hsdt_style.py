"""A hybrid spectral denoising transformer of 0.13 M parameters, after its paper, to compare with.

Lai, Yan and Fu 2023 (ICCV; arXiv 2303.09040): a U-Net of 3-D features over bands, lines and samples. Each
layer is a separable convolution (two spatial 3 x 3, and one along the bands beside them), batch norm,
attention between bands that is guided by learnable queries (or, for other numbers of bands than trained, by
the bands' own mean features), and a feed-forward part that modulates itself. Eight channels, doubled at each
of two halvings; skips are added; the noise is what is predicted.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from onboard.models.subspace import BandTable

CHANNELS = 8
LOG_LOW, LOG_RANGE = -3.0, 4.0
"""Log radiance goes in as (x + 3) / 4, about 0-1, which cubes of the other domain already are."""
ENCODER = (False, True, False, True, False)
"""Layers of the encoder; true where lines and samples are halved and channels doubled."""


class SeparableConvolution(nn.Module):
    """Two spatial convolutions, and one along the bands beside them; (n, c, bands, lines, samples)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        flat, flat_pad = (1, 3, 3), (0, 1, 1)
        self.spatial = nn.Sequential(
            nn.Conv3d(inputs, outputs, flat, padding=flat_pad, bias=False),
            nn.LeakyReLU(),
            nn.Conv3d(outputs, outputs, flat, padding=flat_pad, bias=False),
            nn.LeakyReLU(),
        )
        self.spectral = nn.Conv3d(inputs, outputs, (3, 1, 1), padding=(1, 0, 0), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs, bands, lines, samples)."""
        result: Tensor = self.spatial(x) + self.spectral(x)
        return result


class GuidedSpectralAttention(nn.Module):
    """Each band becomes a mixture of all bands; the mixture follows from the bands' mean features."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.queries = nn.Linear(channels, bands)
        self.value = nn.Linear(channels, channels, bias=False)
        self.out = nn.Linear(channels, channels, bias=False)
        self.bands = bands

    def forward(self, x: Tensor, guided: bool) -> Tensor:
        """Return (n, c, bands, lines, samples)."""
        n, channels, bands, lines, samples = x.shape
        mean = x.mean(dim=(3, 4)).transpose(1, 2)
        scores = self.queries(mean) if guided else mean @ mean.transpose(1, 2)
        value = torch.einsum("ncbls,dc->nbdls", x, self.value.weight).reshape(n, bands, -1)
        mixed = (scores.softmax(dim=-1) @ value).reshape(n, bands, channels, lines, samples)
        return x + torch.einsum("nbcls,dc->ndbls", mixed, self.out.weight)


class SelfModulatedForward(nn.Module):
    """A perceptron on each value's channels, beside a gate that looks at the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widen = nn.Conv3d(channels, 2 * channels, 1)
        self.narrow = nn.Conv3d(2 * channels, channels, 1)
        self.gate = nn.Conv3d(channels, 2 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, c, bands, lines, samples)."""
        signal, gate = self.gate(x).chunk(2, dim=1)
        result: Tensor = self.narrow(functional.gelu(self.widen(x))) + signal * gate.sigmoid()
        return result


class Layer(nn.Module):
    """Convolution, batch norm, attention, feed-forward; at another resolution if wanted."""

    def __init__(self, inputs: int, outputs: int, bands: int, step: int = 0) -> None:
        super().__init__()
        self.step = step
        if step == 0:
            self.convolve: nn.Module = SeparableConvolution(inputs, outputs)
        else:
            stride = (1, 2, 2) if step < 0 else (1, 1, 1)
            self.convolve = nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(outputs)
        self.attention = GuidedSpectralAttention(outputs, bands)
        self.forwarding = SelfModulatedForward(outputs)

    def forward(self, x: Tensor, guided: bool) -> Tensor:
        """Return (n, outputs, bands, lines, samples), lines and samples halved or doubled by ``step``."""
        if self.step > 0:
            x = functional.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="trilinear", align_corners=True)
        result: Tensor = self.forwarding(self.attention(self.norm(self.convolve(x)), guided))
        return result


class HsdtStyle(nn.Module):
    """The transformer; takes cubes of any number of bands.

    Attributes:
        bands: Number of bands that the learnable queries are for; other cubes guide themselves.
    """

    def __init__(self, bands: int = 63, channels: int = CHANNELS) -> None:
        super().__init__()
        self.bands = bands
        self.head = Layer(1, channels, bands)
        down, up, width = [], [], channels
        for halve in ENCODER:
            wider = width * 2 if halve else width
            down.append(Layer(width, wider, bands, -1 if halve else 0))
            up.append(Layer(wider, width, bands, 1 if halve else 0))
            width = wider
        self.down = nn.ModuleList(down)
        self.up = nn.ModuleList(reversed(up))
        self.tail = nn.Conv3d(channels, 1, 3, padding=1)

    def forward(self, noisy: Tensor, valid: Tensor, table: BandTable) -> Tensor:
        """Return denoised (n, bands, lines, samples), in the input's units.

        Args:
            noisy: (n, bands, lines, samples); lines and samples are multiples of 4.
            valid: Not looked at; the paper's network knows of no missing pixels.
            table: Its domain scales the input; its bands are not looked at.
        """
        low, span = (LOG_LOW, LOG_RANGE) if table.domain == "log" else (0.0, 1.0)
        x = ((noisy - low) / span)[:, None]
        # In training each way of guiding is taken half of the time, so that the network knows both.
        guided = x.shape[2] == self.bands and (not self.training or bool(torch.rand(()) < 0.5))
        skips = [self.head(x, guided)]
        for layer in self.down:
            skips.append(layer(skips[-1], guided))
        y = skips.pop()
        for layer in self.up:
            y = layer(y, guided) + skips.pop()
        result: Tensor = (x + self.tail(y))[:, 0] * span + low
        return result
