"""A small network that finds the noise in maps of unit noise, over the levels of a Laplacian pyramid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CLIP = 8.0
"""Contrasts that the network sees, in noise deviations."""
LEVELS = 4


class Level(nn.Module):
    """One level of the pyramid: contrasts, and what the coarser level saw, to the noise in the contrasts."""

    def __init__(self, components: int, coarser: int, width: int, layers: int, finer: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(components + coarser, width, 1)
        self.condition = nn.Conv2d(components, width, 1, bias=False)
        self.spread = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, groups=width) for _ in range(layers)
        )
        self.mix = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(layers))
        self.noise = nn.Conv2d(width, components, 1)
        nn.init.zeros_(self.noise.weight)
        assert self.noise.bias is not None
        nn.init.zeros_(self.noise.bias)
        self.hand_on = nn.Conv2d(width, finer, 1) if finer else None

    def forward(self, contrast: Tensor, seen: Tensor | None, ratio: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the noise (n, R, l, s) in contrasts, and features for the finer level."""
        x = contrast.clamp(-CLIP, CLIP)
        if seen is not None:
            x = torch.cat([x, seen], dim=1)
        y = functional.relu(self.enter(x) + self.condition(ratio))
        for spread, mix in zip(self.spread, self.mix, strict=True):
            y = y + functional.relu(mix(functional.relu(spread(y))))
        return self.noise(y), None if self.hand_on is None else self.hand_on(y)


class NoisePyramid(nn.Module):
    """Maps of coefficients in units of their noise to the same with less noise; sees 32 lines each way."""

    def __init__(self, components: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        handed = [0, *(width // 2 for width in widths[:-1])]
        layers = (1, 2, 1, 1)
        # Together the layers reach 32 lines up and down, as far as the halo.
        self.levels = nn.ModuleList(
            Level(components, handed[i + 1] if i + 1 < LEVELS else 0, widths[i], layers[i], handed[i])
            for i in range(LEVELS)
        )

    def forward(self, maps: Tensor, ratio: Tensor) -> Tensor:
        """Return the noise in maps.

        Args:
            maps: (n, R, lines, samples), unit noise; lines and samples are multiples of 8.
            ratio: (n, R, 1, 1), noise over signal of each.
        """
        # Means of four, times two, have unit noise again.
        scales = [maps]
        for _ in range(LEVELS - 1):
            scales.append(2.0 * functional.avg_pool2d(scales[-1], 2))
        seen: Tensor | None = None
        below = functional.avg_pool2d(scales[-1], 3, stride=1, padding=1, count_include_pad=False)
        found: Tensor | None = None
        for scale, level in zip(reversed(scales), reversed(self.levels), strict=True):
            noise, seen = level(scale - below, seen, ratio)
            found = noise if found is None else noise + found
            if scale is not maps:
                below = functional.interpolate(0.5 * scale, scale_factor=2.0, mode="nearest")
                found = functional.interpolate(0.5 * found, scale_factor=2.0, mode="nearest")
                seen = functional.interpolate(seen, scale_factor=2.0, mode="nearest")
        assert found is not None
        return found
