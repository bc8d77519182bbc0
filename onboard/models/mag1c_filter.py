"""mag1c, the reference methane retrieval, run on arrays (Foote et al. 2020, TGRS 58, 6480).

A matched filter on each group of columns with albedo correction, whose statistics are made again without
the gas found so far, and a reweighted L1 prior that sets faint values to exactly zero. The filter itself
is the PyPI package's `acrwl1mf`; here bands, groups and invalid pixels are seen to.

Scale: the package's target (`generate_template_from_bands`, a slope over 0-16000 ppm m, about 13 % shallower
than one over 0-2000) is per 1e5 ppm m, and `acrwl1mf` multiplies its result by the same 1e5 before it
returns. What it returns is ppm m already; there is no output scale to choose in version 1.2.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import MissingExtraError, UsageError
from onboard.models.column_filter import LEAST_PIXELS_A_BAND, bands_within, check_image, usable_pixels

Array = npt.NDArray[np.float32]

WINDOW_NM = (2122.0, 2485.0)
"""The package's own default range, up to where it calls bands bad."""
ITERATIONS = 30
GROUPS_AT_A_TIME = 8


@dataclass(frozen=True)
class Mag1cResult:
    """What mag1c makes of a capture.

    Attributes:
        enhancement: (lines, samples) float32 ppm m; at least 0 after any iteration; NaN where invalid and
            in groups of columns with too few valid pixels (fewer than two a band).
        albedo: (lines, samples) float32, brightness relative to the group's mean; NaN likewise.
        bands: (K,) indices of the bands used.
    """

    enhancement: Array
    albedo: Array
    bands: npt.NDArray[np.int64]


def mag1c_filter(
    radiance: Array,
    centres: npt.ArrayLike,
    fwhm: npt.ArrayLike,
    *,
    valid: npt.ArrayLike | None = None,
    window_nm: tuple[float, float] = WINDOW_NM,
    group: int = 1,
    iterations: int = ITERATIONS,
    sparse: bool = True,
) -> Mag1cResult:
    """Run mag1c over a capture.

    Args:
        radiance: (lines, samples, bands) float32, uW cm-2 sr-1 nm-1.
        centres: (bands,) nm.
        fwhm: (bands,) nm.
        valid: (lines, samples), true where radiance was measured; flagged and non-finite pixels are left
            out in any case.
        window_nm: Wavelengths used.
        group: Adjacent columns that share statistics; the last group may hold fewer.
        iterations: Rounds of reweighting; 0 is a plain matched filter with albedo correction, which may
            fall below zero.
        sparse: Apply the L1 prior.

    Raises:
        MissingExtraError: mag1c or torch is not installed.
        UsageError: Shapes do not belong together, too few bands, or fewer than no iterations.
    """
    package, torch = _libraries()
    _check(radiance, centres, group, iterations)
    bands = bands_within(centres, (window_nm,))
    target = package.generate_template_from_bands(np.asarray(centres), np.asarray(fwhm))[bands, 1]
    template = torch.from_numpy(np.ascontiguousarray(target, np.float64))
    good = usable_pixels(radiance, bands, valid)
    enhancement = np.full(good.shape, np.nan, np.float32)
    albedo = np.full(good.shape, np.nan, np.float32)
    for columns in _batches(good, group, LEAST_PIXELS_A_BAND * bands.size):
        batch = np.stack([radiance[:, here][good[:, here]][:, bands] for here in columns])
        pixels = torch.from_numpy(batch.astype(np.float64))
        mask = torch.ones((1, batch.shape[1]), dtype=torch.bool)
        with warnings.catch_warnings():
            # The package calls torch.cholesky, which newer versions of torch call deprecated.
            warnings.filterwarnings("ignore", message=".*torch.cholesky is deprecated")
            found, bright = package.acrwl1mf(
                pixels, template, iterations, False, iterations == 0, not sparse, 1.0, 0.0, mask
            )
        for here, alpha, relative in zip(columns, found, bright, strict=True):
            _put(enhancement, here, good, alpha.numpy()[:, 0])
            _put(albedo, here, good, relative.numpy()[:, 0])
    return Mag1cResult(enhancement, albedo, bands)


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        from mag1c import mag1c as package
    except ImportError as error:
        raise MissingExtraError(error.name or "mag1c", "report", "the mag1c retrieval") from error
    return package, torch


def _check(radiance: Array, centres: npt.ArrayLike, group: int, iterations: int) -> None:
    check_image(radiance, centres)
    for name, value, least in (("group", group, 1), ("iterations", iterations, 0)):
        if value < least:
            raise UsageError("no such setting", field=name, found=value, expected=f"at least {least}")


def _batches(good: npt.NDArray[np.bool_], group: int, least: int) -> Iterator[list[slice]]:
    """Yield groups of columns that may be stacked: neighbours with one number of good pixels."""
    groups = [slice(first, first + group) for first in range(0, good.shape[1], group)]
    for count, same in groupby(groups, key=lambda here: int(np.count_nonzero(good[:, here]))):
        if count < least:
            continue
        members = list(same)
        for first in range(0, len(members), GROUPS_AT_A_TIME):
            yield members[first : first + GROUPS_AT_A_TIME]


def _put(image: Array, here: slice, good: npt.NDArray[np.bool_], values: npt.NDArray[np.float64]) -> None:
    window = image[:, here]
    window[good[:, here]] = values
