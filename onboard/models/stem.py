"""The line stem: all bands of a pixel to a few features, in one matrix product.

Its weights are a smooth function of wavelength, held at knots; they are baked for a sensor's band
table by integrating over each band's response, so one trained stem serves a table that moved.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

WATER_WINDOWS_NM = ((1335.0, 1465.0), (1790.0, 1975.0))
"""Saturated water vapour: hardly any light from the ground, so no weight there."""
NOMINAL_SPACING_NM = 7.4
SIGMA_PER_FWHM = 0.42466


def knot_grid() -> npt.NDArray[np.float64]:
    """Return the (knots,) wavelengths in nm: every 12 nm, in the SWIR's narrow features every 7.4 nm."""
    visible = np.arange(376.0, 1968.0, 12.0)
    shortwave = np.arange(1970.0, 2506.0, NOMINAL_SPACING_NM)
    return np.concatenate([visible, shortwave])


def baking_matrix(
    knots: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the (knots, bands) matrix that turns weights at knots into weights of bands.

    The weight function is linear between knots. Each band takes its mean over a Gaussian response,
    times the band's spacing, so that a sum over bands stays the same integral on any grid.

    Args:
        knots: (knots,) nm, rising.
        centres: (bands,) nm.
        fwhm: (bands,) nm.
    """
    offsets = np.linspace(-2.0, 2.0, 17)
    response = np.exp(-0.5 * offsets**2)
    response /= response.sum()
    matrix = np.zeros((len(knots), len(centres)))
    identity = np.eye(len(knots))
    for offset, share in zip(offsets, response, strict=True):
        at = centres + offset * SIGMA_PER_FWHM * fwhm
        index = np.clip(np.searchsorted(knots, at) - 1, 0, len(knots) - 2)
        part = np.clip((at - knots[index]) / (knots[index + 1] - knots[index]), 0.0, 1.0)
        matrix += share * ((1.0 - part) * identity[index].T + part * identity[index + 1].T)
    spacing = np.clip(np.abs(np.gradient(centres)), 1.0, 15.0) / NOMINAL_SPACING_NM
    return np.asarray(matrix * spacing * lit_bands(centres))


def lit_bands(centres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (bands,) 1 where the ground's light comes through, 0 in saturated water vapour."""
    lit = np.ones(len(centres))
    for low, high in WATER_WINDOWS_NM:
        lit[(centres > low) & (centres < high)] = 0.0
    return lit


class WavelengthAwareStem(nn.Module):
    """Log radiance of all bands to static and dynamic features.

    Static features keep their level, dynamic ones are later taken relative to their column's
    running mean. Batch statistics scale the static ones; they fold into the product when baked.
    """

    basis: Tensor

    def __init__(
        self,
        centres: npt.NDArray[np.float64],
        fwhm: npt.NDArray[np.float64],
        static_features: int = 16,
        dynamic_features: int = 12,
    ) -> None:
        super().__init__()
        self.static_features = static_features
        self.dynamic_features = dynamic_features
        self.knots, basis = self._knots(centres, fwhm)
        self.register_buffer("basis", torch.from_numpy(basis).float(), persistent=False)
        features = static_features + dynamic_features
        initial = torch.randn(features, len(self.knots))
        # Weights that sum to nothing over bands do not see brightness; features start as contrasts.
        self.weight = nn.Parameter((initial - initial.mean(dim=1, keepdim=True)) / len(self.knots) ** 0.5)
        self.scale = nn.BatchNorm1d(static_features, affine=False, momentum=0.02)

    def _knots(
        self, centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the wavelengths that weights are held at, and the (knots, bands) basis of a table."""
        knots = knot_grid()
        return knots, baking_matrix(knots, centres, fwhm)

    def band_weights(self) -> Tensor:
        """Return the (static + dynamic, bands) weights on the table the stem was built for."""
        return self.weight @ self.basis

    def forward(self, log: Tensor) -> Tensor:
        """Return (pixels, static + dynamic) features of (pixels, bands) log radiance."""
        raw = log @ self.band_weights().T
        static, dynamic = raw.tensor_split([self.static_features], dim=1)
        return torch.cat([self.scale(static), dynamic], dim=1)

    def baked(self, centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64]) -> BakedStem:
        """Return the stem as one matrix product for a band table.

        Args:
            centres: (bands,) nm.
            fwhm: (bands,) nm.
        """
        basis = torch.from_numpy(baking_matrix(self.knots, centres, fwhm))
        return folded_stem(self.weight.detach().double() @ basis, self.scale)


class PlainStem(WavelengthAwareStem):
    """A stem of free weights, one a band of the table it was trained on: what networks usually have.

    It is there to be compared with: on another table each of its weights goes to the band nearest to its
    own, for it knows nothing between its bands.
    """

    def _knots(
        self, centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return np.asarray(centres, np.float64), np.diag(lit_bands(centres))

    def baked(self, centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64]) -> BakedStem:
        """Return the stem as one matrix product, each weight on the band nearest to its own.

        Args:
            centres: (bands,) nm.
            fwhm: (bands,) nm; widths are not heeded.
        """
        nearest = np.abs(self.knots[:, None] - np.asarray(centres)[None, :]).argmin(axis=1)
        weight = torch.zeros(self.weight.shape[0], len(centres), dtype=torch.float64)
        weight.index_add_(1, torch.from_numpy(nearest), self.band_weights().detach().double().cpu())
        return folded_stem(weight, self.scale)


def folded_stem(weight: Tensor, scale: nn.BatchNorm1d) -> BakedStem:
    """Fold the scaling of static features, which come first, into (features, bands) float64 weights."""
    count = scale.num_features
    mean, variance = scale.running_mean, scale.running_var
    assert mean is not None
    assert variance is not None
    inverse = 1.0 / torch.sqrt(variance.double() + scale.eps)
    bias = torch.zeros(weight.shape[0], dtype=torch.float64)
    weight[:count] *= inverse[:, None]
    bias[:count] = -mean.double() * inverse
    return BakedStem(weight.float(), bias.float())


class BakedStem(nn.Module):
    """The stem as it flies: features = log radiance @ weight + bias.

    Attributes:
        weight: (features, bands) float32.
        bias: (features,) float32.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, log_radiance: Tensor) -> Tensor:
        """Return (pixels, features) of (pixels, bands) log radiance."""
        return nn.functional.linear(log_radiance, self.weight, self.bias)

    def band_weights(self) -> Tensor:
        """Return the (features, bands) weights, as a stem in training has them."""
        return self.weight
