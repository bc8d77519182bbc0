"""Probabilities that mean something: a logistic fit to a network's logits, folded into its last convolutions.

Losses that weigh pixels of plumes and minerals make probabilities too high. A straight line through the
logits mends that (Platt 1999, Advances in Large Margin Classifiers, 61-74) and keeps every ranking; folded
into the last 1 x 1 convolutions it costs nothing in flight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from onboard.errors import UsageError
from onboard.models.linescan import Linescan
from onboard.replay.curves import BINS, SCALES, ScoreCurve

Floats = npt.NDArray[np.floating]
FEWEST_TRUE = 50
"""With fewer true pixels a mineral's line would be drawn by chance, and its logits stay as they are."""


@dataclass(frozen=True)
class Platt:
    """A straight line through logits: calibrated = scale * logit + offset."""

    scale: float = 1.0
    offset: float = 0.0

    def logits(self, logits: Floats) -> npt.NDArray[np.float64]:
        """Return calibrated logits of raw ones, any shape."""
        return np.asarray(self.scale * np.asarray(logits, np.float64) + self.offset)

    def probability(self, raw: float) -> float:
        """Return the calibrated probability of a raw one: where a threshold moves to.

        Args:
            raw: 0 to 1.
        """
        if raw <= 0.0 or raw >= 1.0:
            return float(raw)
        z = self.scale * math.log(raw / (1.0 - raw)) + self.offset
        return 1.0 / (1.0 + math.exp(-z)) if z > -700.0 else 0.0


@dataclass(frozen=True)
class Calibration:
    """The lines of a network's outputs.

    Attributes:
        methane: Of the plume logit.
        minerals: One a mineral; None where too few pixels were true to fit one.
    """

    methane: Platt
    minerals: tuple[Platt | None, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the lines as plain values: (scale, offset) each, null where there is none."""

        def plain(line: Platt | None) -> list[float] | None:
            return None if line is None else [line.scale, line.offset]

        return {"methane": plain(self.methane), "minerals": [plain(line) for line in self.minerals]}


def fit_platt(logits: npt.ArrayLike, labels: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Platt:
    """Fit the line under which labels are likeliest.

    Targets are drawn in from 0 and 1 by the numbers of either class (Platt 1999, section 2.2), so that the
    fit stays finite where classes part cleanly.

    Args:
        logits: Any shape; finite.
        labels: Same shape, 0 or 1.
        weights: Same shape, pixels behind each value; one if None.

    Returns:
        The line; its scale is positive.

    Raises:
        UsageError: Shapes differ, logits that are not finite, one class alone, or logits that rank backwards.
    """
    from scipy.optimize import minimize

    x, weight, true = _flat(logits, labels, weights)
    positives, negatives = float(weight[true].sum()), float(weight[~true].sum())
    if positives <= 0 or negatives <= 0:
        raise UsageError(
            "a calibration needs pixels of both kinds",
            found=(positives, negatives),
            expected="some true, some not",
        )
    target = np.where(true, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    share = weight / weight.sum()
    # Centred and scaled values make the two parameters nearly independent.
    middle = float(share @ x)
    spread = max(math.sqrt(float(share @ (x - middle) ** 2)), 1e-6)
    unit = (x - middle) / spread

    def cost(line: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        z = line[0] * unit + line[1]
        off = share * (1.0 / (1.0 + np.exp(-np.clip(z, -700, 700))) - target)
        return float(share @ (np.logaddexp(0.0, z) - target * z)), np.asarray([off @ unit, off.sum()])

    base = math.log(positives / negatives)
    best = minimize(cost, [1.0, base], jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 500})
    scale = float(best.x[0]) / spread
    if not scale > 0:
        raise UsageError("logits rank backwards: true pixels have the lower ones", field="scale", found=scale)
    return Platt(scale, float(best.x[1]) - scale * middle)


def fit_platt_curve(curve: ScoreCurve) -> Platt:
    """Fit the line from the histograms of a probability, as SimEMIT-1's files hold them.

    Args:
        curve: Counts of the scale "probability"; the lowest bin, where nothing was said, is left out.

    Raises:
        UsageError: Scores of another kind, or as :func:`fit_platt`.
    """
    if curve.scale != "probability":
        raise UsageError("only probabilities are calibrated", field="scale", found=curve.scale)
    scale = SCALES[curve.scale]
    middles = scale.low + (np.arange(BINS) + 0.5) * ((scale.high - scale.low) / BINS)
    counts = curve.counts[:, 1:]
    labels = np.repeat([[False], [True]], BINS - 1, axis=1)
    return fit_platt(np.stack([middles[1:], middles[1:]]), labels, counts)


def fit_network(
    logits: Floats,
    plume: npt.NDArray[np.bool_],
    minerals: npt.NDArray[np.bool_],
    plume_share: float | None = None,
) -> Calibration:
    """Fit methane's line and each mineral's.

    Args:
        logits: (n, 1 + minerals) of n valid pixels, methane first.
        plume: (n,).
        minerals: (n, minerals).
        plume_share: Share of plume pixels, above 0 and below 1, where probabilities are to hold; theirs
            here if None.

    Raises:
        UsageError: As :func:`fit_platt` for methane.
    """
    lines = [
        fit_platt(logits[:, 1 + index], present) if FEWEST_TRUE <= present.sum() < present.size else None
        for index, present in enumerate(minerals.T)
    ]
    weights = None if plume_share is None else _share_weights(plume, plume_share)
    return Calibration(fit_platt(logits[:, 0], plume, weights), tuple(lines))


def _share_weights(true: npt.NDArray[np.bool_], share: float) -> npt.NDArray[np.float64]:
    """Weigh pixels (n,) so that true ones have a share of all, and their number stays what it is."""
    if not 0.0 < share < 1.0:
        raise UsageError("no such share", field="plume_share", found=share, expected="above 0, below 1")
    positives = int(true.sum())
    other = positives * (1.0 - share) / share / max(true.size - positives, 1)
    return np.where(true, 1.0, other)


def fold_into_head(network: Linescan, methane: Platt, minerals: Sequence[Platt | None] = ()) -> None:
    """Bake lines into the last 1 x 1 convolutions of both branches, in place.

    Thresholds of raw probabilities move with it: see :meth:`Platt.probability`. Folding twice applies both.

    Args:
        network: The network.
        methane: Line of the plume logit.
        minerals: One a mineral, None for none; empty leaves all minerals alone.

    Raises:
        UsageError: Another number of lines than minerals.
    """
    head = network.body.methane.head
    last = [layer for layer in network.body.minerals.modules() if isinstance(layer, nn.Conv2d)][-1]
    if minerals and len(minerals) != last.out_channels:
        raise UsageError(
            "another number of lines than minerals",
            field="minerals",
            found=len(minerals),
            expected=last.out_channels,
        )
    _fold(head, [methane])
    if minerals:
        _fold(last, [line or Platt() for line in minerals])


def _fold(convolution: nn.Conv2d, lines: Sequence[Platt]) -> None:
    bias = convolution.bias
    assert bias is not None
    scale = torch.tensor([line.scale for line in lines]).to(bias)
    offset = torch.tensor([line.offset for line in lines]).to(bias)
    with torch.no_grad():
        convolution.weight.mul_(scale[:, None, None, None])
        bias.mul_(scale).add_(offset)


def _flat(
    logits: npt.ArrayLike, labels: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return values, weights and labels as vectors; those of no weight are left out."""
    x, true = np.asarray(logits, np.float64), np.asarray(labels) != 0
    weight = np.ones(x.shape) if weights is None else np.asarray(weights, np.float64)
    if x.shape != true.shape or x.shape != weight.shape:
        raise UsageError(
            "logits, labels and weights do not belong together",
            found=(x.shape, true.shape, weight.shape),
            expected="one shape",
        )
    used = weight > 0
    if not np.isfinite(x[used]).all():
        raise UsageError("logits are not finite", field="logits", found="NaN or infinite")
    return x[used], weight[used], true[used]
