"""Sensitivity: what a layer costs when it alone is quantized, and gives back when it alone is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.progress import progress
from quantize.affine import Form
from quantize.graph import model_bytes
from quantize.post_training import Calibrated
from quantize.runtime import channel_sqnr_db, outputs_of
from quantize.scoring import Scores

Array = npt.NDArray[np.float32]
Scorer = Callable[[bytes], Scores]


@dataclass(frozen=True)
class LayerSensitivity:
    """What quantizing one layer does.

    Attributes:
        layer: Its name.
        weights: Number of its weights.
        alone_sqnr_db: SQNR of the outputs, the mean over channels it reaches, when it alone is quantized.
        alone_methane_loss: Methane F1 lost then.
        alone_mineral_loss: Mineral macro F1 lost then.
        rest_sqnr_db: SQNR of the outputs when all layers but this one are quantized.
        rest_methane_loss: Methane F1 lost then.
        rest_mineral_loss: Mineral macro F1 lost then.
    """

    layer: str
    weights: int
    alone_sqnr_db: float
    alone_methane_loss: float
    alone_mineral_loss: float
    rest_sqnr_db: float
    rest_methane_loss: float
    rest_mineral_loss: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class SensitivityReport:
    """The sensitivity of all layers.

    Attributes:
        form: Form of activations.
        exact: Scores in float32.
        quantized: Scores with all layers quantized.
        sqnr_db: SQNR of the outputs then.
        layers: One entry a layer, in the graph's order.
    """

    form: Form
    exact: Scores
    quantized: Scores
    sqnr_db: float
    layers: Sequence[LayerSensitivity]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "form": self.form.value,
            "float32": self.exact.as_dict(),
            "all_quantized": {**self.quantized.as_dict(), "sqnr_db": self.sqnr_db},
            "layers": [layer.as_dict() for layer in self.layers],
        }


def measure_sensitivity(
    calibrated: Calibrated, batches: Sequence[Array], score: Scorer, form: Form = Form.UNSIGNED
) -> SensitivityReport:
    """Measure every layer's sensitivity, by two graphs a layer.

    Args:
        calibrated: Float graph and ranges, for the window of ``batches`` and of the scorer.
        batches: Inputs that SQNR is measured on.
        score: Returns a graph's scores.
        form: Form of activations.
    """
    reference = model_bytes(calibrated.model)
    outputs, exact = outputs_of(reference, batches), score(reference)
    everything = calibrated.quantized(form)
    names = calibrated.layer_names
    found = []
    for layer in progress(calibrated.sites.layers, total=len(names), label="sensitivity", unit="layer"):
        others = [name for name in names if name != layer.name]
        alone = calibrated.quantized(form, others)
        rest = calibrated.quantized(form, [layer.name])
        lost_alone, lost_rest = _lost(exact, score(alone)), _lost(exact, score(rest))
        found.append(
            LayerSensitivity(
                layer.name,
                _size(calibrated, layer.weight),
                mean_sqnr_db(outputs, outputs_of(alone, batches)),
                *lost_alone,
                mean_sqnr_db(outputs, outputs_of(rest, batches)),
                *lost_rest,
            )
        )
    sqnr = mean_sqnr_db(outputs, outputs_of(everything, batches))
    return SensitivityReport(form, exact, score(everything), sqnr, found)


def mean_sqnr_db(exact: Array, found: Array) -> float:
    """Return the mean SQNR in dB over the output channels that quantizing reaches at all."""
    decibels = np.asarray(channel_sqnr_db(exact, found))
    reached = decibels[decibels < decibels.max()] if decibels.max() >= 200.0 else decibels
    return float(reached.mean()) if reached.size else float(decibels.max())


def _lost(exact: Scores, found: Scores) -> tuple[float, float]:
    return exact.methane_f1 - found.methane_f1, exact.mineral_f1 - found.mineral_f1


def _size(calibrated: Calibrated, weight: str) -> int:
    dimensions = next(item.dims for item in calibrated.model.graph.initializer if item.name == weight)
    return int(np.prod(dimensions))
