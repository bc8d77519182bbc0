"""What a method says of a capture, in one form for networks, filters and flown runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from onboard.errors import CaptureError, UsageError
from onboard.replay.products import METHANE, MINERALS, mineral_names, products_in
from onboard.replay.quality import valid_pixels
from onboard.replay.run_folder import PRODUCTS

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """What a method says of a capture.

    Attributes:
        plume_score: (lines, samples) float32, higher is likelier; NaN where nothing is said.
        scale: Kind of that score, a key of ``curves.SCALES``: probability, ppm m, or score.
        enhancement: (lines, samples) float32 ppm m; NaN where nothing is said; None if not retrieved.
        mineral_scores: (minerals, lines, samples) float32; None if not mapped.
        mineral_names: Names of the minerals.
        mineral_scale: Kind of the mineral scores.
    """

    plume_score: Array | None = None
    scale: str = "probability"
    enhancement: Array | None = None
    mineral_scores: Array | None = None
    mineral_names: tuple[str, ...] = ()
    mineral_scale: str = "probability"


@dataclass(frozen=True)
class Thresholds:
    """Scores from which a pixel is called plume, or a mineral present.

    Attributes:
        plume: For the plume score; infinite calls nothing.
        minerals: By name.
    """

    plume: float = float("inf")
    minerals: Mapping[str, float] = field(default_factory=dict)


class Assembly:
    """Puts blocks of lines together into whole layers, for methods that work as lines arrive."""

    def __init__(self, lines: int, samples: int) -> None:
        self._shape = (lines, samples)
        self._layers: dict[str, Array] = {}
        self._seen = np.zeros(lines, np.bool_)

    def add(self, first_line: int, layers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take in layers (..., n, samples) of the lines from ``first_line`` on.

        Raises:
            UsageError: The block sticks out of the capture.
        """
        for name, block in layers.items():
            lines, samples = block.shape[-2:]
            if samples != self._shape[1] or not 0 <= first_line <= self._shape[0] - lines:
                raise UsageError(
                    "a block does not lie in the capture",
                    field=name,
                    found=f"lines {first_line} to {first_line + lines}, {samples} samples",
                    expected=self._shape,
                )
            empty = np.full((*block.shape[:-2], *self._shape), np.nan, np.float32)
            self._layers.setdefault(name, empty)[..., first_line : first_line + lines, :] = block
            self._seen[first_line : first_line + lines] = True

    def layers(self) -> dict[str, Array]:
        """Return the layers.

        Raises:
            UsageError: Lines are missing.
        """
        if not self._seen.all():
            missing = int(np.argmin(self._seen))
            raise UsageError("lines are missing", field="first_line", found=f"nothing of line {missing}")
        return self._layers


def read_prediction(run: Path) -> Prediction:
    """Read what flew from a run folder of ``onboard replay``; NaN where flight called pixels invalid.

    Raises:
        CaptureError: The folder holds no products, or they cannot be read.
    """
    try:
        with h5py.File(run / PRODUCTS, "r") as file:
            valid = valid_pixels(file["quality"][...])
            products = products_in(file)
            methane, minerals = METHANE in products, MINERALS in products
            names = mineral_names(file["mineral_names"]) if minerals else ()
            scores = file["mineral_probability"][...] if minerals else None
            return Prediction(
                plume_score=_where(valid, file["plume_probability"][...]) if methane else None,
                enhancement=_where(valid, file["ch4_enhancement"][...]) if methane else None,
                mineral_scores=None if scores is None else _where(valid, scores),
                mineral_names=tuple(names),
            )
    except (OSError, KeyError) as error:
        raise CaptureError(
            "the products of a run cannot be read",
            file=run / PRODUCTS,
            found=str(error),
            expected="products.nc as onboard replay writes it",
            remedy="replay the capture again",
        ) from error


def _where(valid: npt.NDArray[np.bool_], layer: npt.NDArray[Any]) -> Array:
    return np.where(valid, layer, np.float32(np.nan)).astype(np.float32)
