"""Robust fits: what to make of residuals, and weighted least squares in plain matrix products."""

from __future__ import annotations

import torch
from torch import Tensor

NEWTON_STEPS = 14
"""Steps of the inversion of a matrix of unit diagonal; enough for condition numbers up to a thousand."""
BOUND, RETURN, GONE = 2.0, 3.0, 6.0
"""Residuals count in full to 2 deviations, no more to 3, and ever less to 6, from where they count for
nothing (Hampel's function; Hampel et al. 1986, Robust Statistics)."""
STRIPE_LOW, STRIPE_HIGH = 2.5, 5.0
"""A column's mean residual is noise below the one and an offset above the other, in its own deviations."""


def hampel(values: Tensor) -> Tensor:
    """Return residuals, in deviations, bounded: the identity to 2, flat to 3, falling to 0 at 6."""
    fall = BOUND / (GONE - RETURN)
    return values.clamp(-BOUND, BOUND) - fall * (values.clamp(-GONE, GONE) - values.clamp(-RETURN, RETURN))


def firm(values: Tensor) -> Tensor:
    """Return what is no noise: 0 up to 2.5 deviations, the identity from 5, linear between."""
    low = values.clamp(-STRIPE_LOW, STRIPE_LOW)
    slope = STRIPE_LOW / (STRIPE_HIGH - STRIPE_LOW)
    return values - low + slope * (values.clamp(-STRIPE_HIGH, STRIPE_HIGH) - low)


def fit_matrix(basis: Tensor, deviation: Tensor, prior: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weighted least-squares fit (E' W E + prior)^-1 E' W of shapes E, by Newton's iteration.

    Args:
        basis: (bands, R).
        deviation: (n, bands), noise of each band.
        prior: Weight of coefficients of unit variance.

    Returns:
        The fit (n, R, bands); variance of each coefficient's noise (n, R, 1); leverage of each band
        (n, bands, 1), the share of its own noise that the fit takes over.
    """
    count = basis.shape[1]
    identity = torch.eye(count, dtype=basis.dtype, device=basis.device)
    ones = torch.ones(count, 1, dtype=basis.dtype, device=basis.device)
    weight = 1.0 / (deviation * deviation)
    weighted = basis.T * weight.reshape(-1, 1, weight.shape[1])
    gram = weighted @ basis + prior * identity
    diagonal = (gram * identity) @ ones
    unit = gram / diagonal
    inverse = identity / count
    for _ in range(NEWTON_STEPS):
        inverse = inverse @ (2.0 * identity - unit @ inverse)
    inverse = inverse * (1.0 / diagonal).transpose(1, 2)
    fit = inverse @ weighted
    leverage = (basis * fit.transpose(1, 2)) @ ones
    return fit, (inverse * identity) @ ones, leverage
