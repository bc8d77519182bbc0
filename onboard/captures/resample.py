"""From a capture's bands to a network's: which match, which are missing, and the weights between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from onboard.captures.flags import FLAG_CEILING, is_flag
from onboard.errors import UsageError

Table = npt.NDArray[np.float64]
Radiance = npt.NDArray[np.float32]

IDENTICAL_NM = 0.01
MAX_GAP_NM = 30.0
MAX_EDGE_NM = 10.0
# No light reaches the ground or the sensor here, so archives often leave these bands out.
WATER_GAPS_NM = ((1330.0, 1480.0), (1780.0, 1980.0))
TILE_BANDS = 32
EVEN = 1.5  # widest against narrowest step among four bands that a cubic goes through
KERNEL_REACH = 1.8  # in FWHM of the Gaussian; it has fallen to 1e-4 there


@dataclass(frozen=True, eq=False)
class BandMatch:
    """How a capture's bands serve a target's. Made by ``band_match``.

    Attributes:
        identical: The grids agree within 0.01 nm: blocks pass through as they are.
        worst_mismatch_nm: Largest distance from a target band to the nearest capture band, nm.
        missing: bool (target bands,): no capture band on both sides within reach; the value there is
            interpolated across the gap, or that of the capture's last band.
        matrix: float32 (capture bands, target bands), columns sum to 1; None if identical.
        capture_centres: The capture's band centres, nm, in its order.
        target_centres: The target's band centres, nm.
    """

    identical: bool
    worst_mismatch_nm: float
    missing: npt.NDArray[np.bool_]
    matrix: npt.NDArray[np.float32] | None
    capture_centres: Table
    target_centres: Table
    _tiles: tuple[tuple[slice, slice, npt.NDArray[np.float32]], ...] = field(default=(), repr=False)

    def apply(self, radiance: Radiance, out: Radiance | None = None) -> Radiance:
        """Resample a block.

        A band that draws on a flagged or non-finite value takes that value, so that a pixel flagged
        in all bands stays so with its own flag.

        Args:
            radiance: float32 (..., capture bands), uW cm-2 sr-1 nm-1.
            out: Where to put the result, float32 (..., target bands); a new array if None.

        Returns:
            float32 (..., target bands); the block itself, not a copy, if the grids are identical.

        Raises:
            UsageError: If the block has another number of bands.
        """
        if radiance.shape[-1] != self.capture_centres.size:
            raise UsageError(
                "block does not have the capture's bands",
                field="radiance",
                found=radiance.shape,
                expected=f"(..., {self.capture_centres.size})",
            )
        if self.identical:
            return radiance
        flat = radiance.reshape(-1, radiance.shape[-1])
        shape = (*radiance.shape[:-1], self.target_centres.size)
        result = np.empty(shape, dtype=np.float32) if out is None else out
        flat_result = result.reshape(-1, shape[-1])
        with np.errstate(invalid="ignore", over="ignore"):
            for source, target, weights in self._tiles:
                np.matmul(flat[:, source], weights, out=flat_result[:, target])
        self._restore_flags(flat, flat_result)
        return result

    def covers(self, ranges_nm: Iterable[Sequence[float]]) -> bool:
        """Whether the capture has bands throughout some ranges.

        No gap over 30 nm, edges reached within 10 nm; the water-vapour bands (1330-1480 and
        1780-1980 nm) need not be there.

        Args:
            ranges_nm: Pairs (low, high), nm.
        """
        return not self.uncovered(ranges_nm)

    def uncovered(self, ranges_nm: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
        """The parts of some ranges where the capture has no bands, by the rule of ``covers``.

        Args:
            ranges_nm: Pairs (low, high), nm.

        Returns:
            Pairs (low, high), nm; empty if all is covered.
        """
        return [
            gap for low, high in ranges_nm for gap in _gaps(self.capture_centres, float(low), float(high))
        ]

    def summary(self) -> str:
        """One sentence for a person: what is resampled, and how far off the bands are."""
        if self.identical:
            return f"all {self.target_centres.size} bands agree within {IDENTICAL_NM} nm"
        text = (
            f"{self.capture_centres.size} bands resampled to {self.target_centres.size}, "
            f"worst mismatch {self.worst_mismatch_nm:.2f} nm"
        )
        if self.missing.any():
            lost = self.target_centres[self.missing]
            text += (
                f"; {lost.size} target bands between {lost.min():.0f} and {lost.max():.0f} nm "
                "lie in gaps and are interpolated"
            )
        return text

    def _restore_flags(self, flat: Radiance, result: Radiance) -> None:
        """Put flags and non-finite values where they belong; the weights have smeared them."""
        assert self.matrix is not None
        low, high = flat.min(initial=0.0), flat.max(initial=0.0)
        if low > FLAG_CEILING and high < np.inf:
            return
        reach = np.abs(self.matrix) > 0
        # In pieces, so that the booleans stay small whatever the block.
        for start in range(0, len(flat), 4096):
            piece = flat[start : start + 4096]
            bad = is_flag(piece) | ~np.isfinite(piece)
            rows = np.flatnonzero(bad.any(axis=1))
            if rows.size:
                result[start + rows] = self._mend(piece[rows], bad[rows], reach)

    def _mend(self, pixels: Radiance, bad: npt.NDArray[np.bool_], reach: npt.NDArray[np.bool_]) -> Radiance:
        """Resample pixels with bad values: those spread to the bands they reach, and no further."""
        assert self.matrix is not None
        clean = np.where(bad, np.float32(0), pixels)
        result: Radiance = clean @ self.matrix
        touched = (bad.astype(np.float32) @ reach.astype(np.float32)) > 0
        # Which bad value: the pixel's first one; a pixel hardly ever carries two kinds.
        first = pixels[np.arange(len(pixels)), bad.argmax(axis=1)]
        return np.where(touched, first[:, None], result)


def band_match(
    capture_centres: npt.ArrayLike,
    capture_fwhm: npt.ArrayLike,
    target_centres: npt.ArrayLike,
    target_fwhm: npt.ArrayLike,
) -> BandMatch:
    """Match a capture's bands to a target's.

    Where the capture's bands are finer than the target's, they are averaged under a Gaussian of FWHM
    sqrt(target^2 - capture^2), corrected so that spectra linear in wavelength are kept exactly;
    elsewhere radiance is interpolated in wavelength, through four bands where they are evenly spaced and
    linearly next to gaps and ends.

    Args:
        capture_centres: Band centres of the capture (n,), nm, in any order; bands may overlap.
        capture_fwhm: Their widths (n,), nm.
        target_centres: Band centres wanted (m,), nm.
        target_fwhm: Their widths (m,), nm.

    Returns:
        The match.

    Raises:
        UsageError: If a table is empty, of the wrong shape, or not finite and positive.
    """
    centres, widths = _pair("capture", capture_centres, capture_fwhm)
    targets, target_widths = _pair("target", target_centres, target_fwhm)
    distance = np.abs(centres[:, None] - targets[None, :])
    worst = float(distance.min(axis=0).max())
    if centres.shape == targets.shape and np.abs(centres - targets).max() <= IDENTICAL_NM:
        nothing = np.zeros(targets.shape, dtype=np.bool_)
        return BandMatch(True, worst, nothing, None, centres, targets)
    order = np.argsort(centres, kind="stable")
    spectrum, spectrum_fwhm = centres[order], widths[order]
    sorted_matrix = np.stack(
        [
            _weights(spectrum, spectrum_fwhm, target, width)
            for target, width in zip(targets, target_widths, strict=True)
        ],
        axis=1,
    )
    matrix = np.empty(sorted_matrix.shape, dtype=np.float32)
    matrix[order] = sorted_matrix
    missing = np.array([_is_missing(spectrum, target) for target in targets])
    return BandMatch(False, worst, missing, matrix, centres, targets, _tiles(matrix))


def _pair(name: str, centres: npt.ArrayLike, fwhm: npt.ArrayLike) -> tuple[Table, Table]:
    """Two checked tables of equal length."""
    first, second = np.array(centres, dtype=np.float64), np.array(fwhm, dtype=np.float64)
    good = first.ndim == 1 and first.size > 0 and first.shape == second.shape
    if not good or not all((np.isfinite(table) & (table > 0)).all() for table in (first, second)):
        raise UsageError(
            "band table is unusable",
            field=f"{name} centres and fwhm",
            found=f"shapes {first.shape} and {second.shape}",
            expected="two tables of equal length, finite and positive, nm",
        )
    return first, second


def _weights(spectrum: Table, fwhm: Table, target: float, width: float) -> Table:
    """Weights of the (sorted) capture bands for one target band; they sum to 1."""
    weights = _gaussian(spectrum, fwhm, target, width)
    return _between(spectrum, target) if weights is None else weights


def _between(spectrum: Table, target: float) -> Table:
    """Interpolation between the neighbours; constant beyond the ends.

    Through four bands where they are evenly spaced (Lagrange), since two flatten what is narrow: of the
    enhancement that a matched filter finds, EMIT's table moved by 0.5 nm leaves 0.86 with two bands and
    0.92 with four. Linear next to gaps and ends.
    """
    weights = np.zeros(spectrum.size)
    right = int(np.searchsorted(spectrum, target))
    if right == 0 or right == spectrum.size:
        weights[min(right, spectrum.size - 1)] = 1.0
        return weights
    first, last = right - 2, right + 2
    steps = np.diff(spectrum[max(first, 0) : last])
    if first < 0 or last > spectrum.size or steps.max() > EVEN * steps.min():
        first, last = right - 1, right + 1
    nodes = spectrum[first:last]
    for index, node in enumerate(nodes):
        others = np.delete(nodes, index)
        weights[first + index] = np.prod((target - others) / (node - others))
    return weights


def _gaussian(spectrum: Table, fwhm: Table, target: float, width: float) -> Table | None:
    """Average under a Gaussian, or None where the capture is not finer than the target."""
    near = int(np.abs(spectrum - target).argmin())
    kernel = np.sqrt(max(width**2 - fwhm[near] ** 2, 0.0))
    inside = np.flatnonzero(np.abs(spectrum - target) <= KERNEL_REACH * kernel)
    # Fewer bands than these under the Gaussian say less than the two neighbours do.
    if inside.size < 3 or spectrum[inside[0]] >= target or spectrum[inside[-1]] <= target:
        return None
    offset = spectrum[inside] - target
    steps = np.gradient(spectrum)[inside]
    if steps.max() > kernel:
        return None
    raw = steps * np.exp(-4.0 * np.log(2.0) * (offset / kernel) ** 2)
    raw /= raw.sum()
    # First-order correction: the weighted mean wavelength becomes the target itself.
    mean = raw @ offset
    spread = raw @ offset**2 - mean**2
    corrected = raw * (1.0 - mean * (offset - mean) / spread)
    if corrected.min() < 0.0:
        return None
    weights = np.zeros(spectrum.size)
    weights[inside] = corrected
    return weights


def _is_missing(spectrum: Table, target: float) -> bool:
    """Whether a target band lies in a gap of the capture, or beyond its ends."""
    right = int(np.searchsorted(spectrum, target))
    if right == 0 or right == spectrum.size:
        return bool(np.abs(spectrum - target).min() > MAX_EDGE_NM)
    gap = spectrum[right] - spectrum[right - 1]
    return bool(gap > MAX_GAP_NM and np.abs(spectrum - target).min() > MAX_EDGE_NM)


def _tiles(matrix: npt.NDArray[np.float32]) -> tuple[tuple[slice, slice, npt.NDArray[np.float32]], ...]:
    """Cut the nearly diagonal matrix into dense pieces; most of it is zero and need not be multiplied."""
    tiles = []
    for start in range(0, matrix.shape[1], TILE_BANDS):
        target = slice(start, min(start + TILE_BANDS, matrix.shape[1]))
        rows = np.flatnonzero(matrix[:, target].any(axis=1))
        source = slice(int(rows[0]), int(rows[-1]) + 1)
        tiles.append((source, target, np.ascontiguousarray(matrix[source, target])))
    return tuple(tiles)


def _gaps(centres: Table, low: float, high: float) -> list[tuple[float, float]]:
    """Parts of a range without bands."""
    if low > high:
        raise UsageError(
            "range is the wrong way round", field="ranges_nm", found=(low, high), expected="low, high"
        )
    inside = np.unique(centres[(centres >= low - MAX_EDGE_NM) & (centres <= high + MAX_EDGE_NM)])
    if not inside.size:
        return [(low, high)]
    gaps = []
    if inside[0] > low + MAX_EDGE_NM:
        gaps.append((low, float(inside[0])))
    for left, right in pairwise(inside):
        dry = right - left - sum(max(0.0, min(right, b) - max(left, a)) for a, b in WATER_GAPS_NM)
        if right - left > MAX_GAP_NM and dry > MAX_GAP_NM:
            gaps.append((float(left), float(right)))
    if inside[-1] < high - MAX_EDGE_NM:
        gaps.append((float(inside[-1]), high))
    return gaps
