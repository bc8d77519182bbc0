"""Do probabilities mean what they say: reliability and expected calibration error, from counts of scores.

Of a hundred pixels called 0.7, seventy should be true. How far that holds is the expected calibration
error (ECE): the mean distance between what bins say and what is true in them, weighted by their pixels
(Naeini, Cooper, Hauskrecht 2015, AAAI 29, 2901). Nearly all pixels of a capture are empty and are called
so; over all of them the ECE of anything is small, so it is also given over pixels that say 0.05 or more.
Bins are of equal width (Guo et al. 2017, ICML, section 2) or hold equally many pixels (Nixon et al. 2019,
CVPR Workshops, section 3: adaptive calibration error).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.replay.curves import BINS, SCALES, ScoreCurve

Row = dict[str, Any]
Bins = Literal["width", "mass"]
COUNT = 15
SOME_DOUBT = 0.05
"""Least probability of the pixels that the stricter error is taken over."""


def reliability(curve: ScoreCurve, bins: Bins = "width", least: float = 0.0, count: int = COUNT) -> list[Row]:
    """Return what was said and what was true, bin by bin.

    Args:
        curve: Counts of a probability.
        bins: Of equal ``"width"`` in probability, or of equal ``"mass"``: as equally filled as ties allow.
        least: Pixels that say less are left out.
        count: Bins.

    Returns:
        A row a bin that holds any pixel, rising: ``from``, ``to`` (lowest and highest probability in it, as
        far as the histogram tells), ``pixels``, ``said`` (mean probability), ``true`` (share of true pixels).

    Raises:
        UsageError: Scores that are no probabilities, or no such bins.
    """
    if curve.scale != "probability":
        raise UsageError("only probabilities can be held to be true", field="scale", found=curve.scale)
    if count < 1 or bins not in ("width", "mass"):
        raise UsageError("no such bins", found=(bins, count), expected="width or mass, at least 1")
    said = middles()
    used = (said >= least) & (curve.counts.sum(axis=0) > 0)
    probability, (empty, true) = said[used], curve.counts[:, used]
    pixels = empty + true
    if bins == "width":
        place = np.minimum((probability * count).astype(np.int64), count - 1)
    else:
        # By the middle of each tie's own pixels, so that one large tie does not empty its neighbours.
        place = ((np.cumsum(pixels) - 0.5 * pixels) * (count / max(int(pixels.sum()), 1))).astype(np.int64)
    rows = []
    for number in np.unique(place):
        here = place == number
        total = int(pixels[here].sum())
        rows.append(
            {
                "from": float(probability[here][0]),
                "to": float(probability[here][-1]),
                "pixels": total,
                "said": float(probability[here] @ pixels[here]) / total,
                "true": float(true[here].sum()) / total,
            }
        )
    return rows


def expected_calibration_error(rows: list[Row]) -> float | None:
    """Return the mean distance of what was said from what was true, weighted by pixels; None without any."""
    total = sum(row["pixels"] for row in rows)
    return sum(row["pixels"] * abs(row["said"] - row["true"]) for row in rows) / total if total else None


def calibration(curve: ScoreCurve) -> Row:
    """Return all figures of a probability.

    Returns:
        ``ece`` and ``ece_mass`` over all pixels, ``ece_doubt`` and ``ece_mass_doubt`` over those that say at
        least 0.05, with their number ``pixels_doubt``; ``worst_doubt``, the largest distance of any bin of
        equal mass among them; ``brier``; ``said`` and ``true``, mean probability and share of true
        pixels. None where there are no pixels.
    """
    kinds: list[tuple[str, Bins, float]] = [
        ("ece", "width", 0.0),
        ("ece_mass", "mass", 0.0),
        ("ece_doubt", "width", SOME_DOUBT),
        ("ece_mass_doubt", "mass", SOME_DOUBT),
    ]
    rows = {name: reliability(curve, bins, least) for name, bins, least in kinds}
    found: Row = {name: expected_calibration_error(table) for name, table in rows.items()}
    strict = rows["ece_mass_doubt"]
    found["pixels_doubt"] = sum(row["pixels"] for row in strict)
    found["worst_doubt"] = max((abs(row["said"] - row["true"]) for row in strict), default=None)
    return found | _overall(curve)


def _overall(curve: ScoreCurve) -> Row:
    empty, true = curve.counts
    pixels = int(empty.sum() + true.sum())
    if not pixels:
        return dict.fromkeys(("brier", "said", "true")) | {"pixels": 0}
    said = middles()
    return {
        "brier": float(empty @ said**2 + true @ (1.0 - said) ** 2) / pixels,
        "said": float((empty + true) @ said) / pixels,
        "true": float(true.sum()) / pixels,
        "pixels": pixels,
    }


def middles() -> npt.NDArray[np.float64]:
    """Return the probability in the middle of each bin of a curve, (BINS,); pixels without one say 0."""
    scale = SCALES["probability"]
    steps = scale.low + (np.arange(BINS) + 0.5) * ((scale.high - scale.low) / BINS)
    return np.asarray(scale.inverse(steps), np.float64)
