"""Whole detectors made in advance, and windows of them for tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random, host
from onboard.scenes.instrument.detector import Detector
from onboard.scenes.instrument.draw import draw_detector
from onboard.scenes.instrument.elements import BadElements
from onboard.scenes.instrument.measured import SAMPLES, MeasuredDetector


@dataclass(frozen=True)
class DetectorBank:
    """Whole detectors, of which tiles get windows.

    Attributes:
        width: Columns of each detector.
        samples: Columns of a window.
        arrays: ``shear``, ``gain``, ``offset`` and ``bad``, float32 (count * width, bands).
        template: A detector for all that is the same in all of them.
        starts: First rows of the windows that are used, int64 (starts,).
        repaired: Largest number of columns with bad elements in one of them.
        compared: 1 for bands on which spectra may be compared, (bands,).
    """

    width: int
    samples: int
    arrays: dict[str, Array]
    template: Detector
    starts: Array
    repaired: int
    compared: Array

    @classmethod
    def build(
        cls,
        random: Random,
        centres: ArrayLike,
        noise: ArrayLike,
        samples: int,
        *,
        count: int = 12,
        measured: MeasuredDetector | None = None,
        smile_nm: float = 0.05,
        shift_nm: float = 0.03,
    ) -> DetectorBank:
        """Draw whole detectors of EMIT's width; see ``draw_detector``.

        Raises:
            UsageError: Windows wider than a detector, no detectors, or bands that were not measured.
        """
        if not 1 <= samples <= SAMPLES or count < 1:
            raise UsageError(
                "a bank of detectors out of bounds",
                field="samples, count",
                found=(samples, count),
                expected=f"1 to {SAMPLES}, at least 1",
            )
        xp = random.xp
        drawn = [
            draw_detector(
                random.child("bank", k),
                centres,
                noise,
                SAMPLES,
                measured=measured,
                smile_nm=smile_nm,
                shift_nm=shift_nm,
            )
            for k in range(count)
        ]
        bad = [xp.zeros_like(d.gain) if d.elements is None else d.elements.bad for d in drawn]
        arrays = {name: xp.concat([getattr(d, name) for d in drawn]) for name in ("shear", "gain", "offset")}
        arrays["bad"] = xp.concat(bad)
        starts, most = _usable(np.stack([host(xp.max(b, axis=-1)) for b in bad]), samples)
        seam = drawn[0].seam
        left_out = () if seam is None else tuple(range(seam.first, seam.first + seam.count))
        compared = random.asarray(~np.isin(np.arange(arrays["gain"].shape[1]), left_out))
        return cls(SAMPLES, samples, arrays, drawn[0], random.asarray(starts, "int64"), most, compared)

    def draw(self, random: Random, n: int) -> Detector:
        """Draw n windows; arrays of elements are (n, 1, samples, bands)."""
        xp = random.xp
        first = xp.take(self.starts, random.integers(0, self.starts.shape[0], (n,)))
        rows = first[:, None] + random.asarray(np.arange(self.samples), "int64")[None, :]
        flat = xp.reshape(rows, (-1,))

        def cut(name: str) -> Array:
            taken = xp.take(self.arrays[name], flat, axis=0)
            return xp.reshape(taken, (n, 1, self.samples, taken.shape[-1]))

        elements = None
        if self.repaired:
            bad = cut("bad")
            # Columns with bad elements come first; the others fill up and are left as they are.
            order = xp.argsort(xp.max(bad[:, 0], axis=-1), axis=-1, descending=True, stable=True)
            elements = BadElements(bad, order[:, : self.repaired], self.compared)
        same = self.template
        return Detector(
            shear=cut("shear"),
            gain=cut("gain"),
            offset=cut("offset"),
            noise=same.noise,
            full_scale=same.full_scale,
            quantum=same.quantum,
            seam=same.seam,
            elements=elements,
        )


def _usable(sick: NDArray[np.floating], samples: int) -> tuple[NDArray[np.int64], int]:
    """Return the first rows of windows and the most columns with bad elements in one.

    The one window in twenty that has most is left out: all windows of a batch cost as much as the worst.

    Args:
        sick: 1 for columns with bad elements, (detectors, width).
        samples: Columns of a window.
    """
    within = np.cumsum(np.pad(sick, ((0, 0), (1, 0))), axis=1)
    counts = within[:, samples:] - within[:, :-samples]
    most = int(np.quantile(counts, 0.95))
    detector, first = np.nonzero(counts <= most)
    return detector * sick.shape[1] + first, most
