"""Connected components of a mask, and its dilation, in numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


MOST_LOST_LINES = 4
"""Lines without any product that a plume goes on behind (``onboard/flight/src/events.cpp``)."""


def label_components(mask: Mask, lost: Mask | None = None) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected components of a mask.

    Run-based two-pass labelling: runs of each line are joined to touching runs of the line above by
    union-find (He, Chao, Suzuki 2008, doi:10.1109/TIP.2008.917204).

    Args:
        mask: (lines, samples).
        lost: (lines,) lines of which nothing is known. Behind at most four of them a component goes on, its
            border moved by at most one sample more for each, as plume events do; None where there are none.

    Returns:
        Labels (lines, samples), 0 outside, 1.. in order of each component's first pixel; their number.
    """
    labels = np.zeros(mask.shape, np.int32)
    lines, starts, ends = _runs(mask)
    gaps = _gaps(np.zeros(len(mask), np.bool_) if lost is None else lost)
    parent = list(range(len(lines)))
    above: range = range(0)
    first = 0
    while first < len(lines):
        last = first
        while last < len(lines) and lines[last] == lines[first]:
            last += 1
        gap = gaps[lines[first]]
        if len(above) and gap <= MOST_LOST_LINES and lines[above[0]] == lines[first] - 1 - gap:
            _join(parent, above, range(first, last), starts, ends, gap)
        above = range(first, last)
        first = last
    numbers: dict[int, int] = {}
    for run, line in enumerate(lines):
        number = numbers.setdefault(_root(parent, run), len(numbers) + 1)
        labels[line, starts[run] : ends[run]] = number
    return labels, len(numbers)


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow a mask by ``radius`` pixels in all eight directions.

    Args:
        mask: (lines, samples).
        radius: Pixels, at least 0.
    """
    grown = mask.copy()
    for axis in (0, 1):
        source = grown.copy()
        for shift in range(1, radius + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            grown[tuple(ahead)] |= source[tuple(behind)]
            grown[tuple(behind)] |= source[tuple(ahead)]
    return grown


def _runs(mask: Mask) -> tuple[list[int], list[int], list[int]]:
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    lines, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    return lines.tolist(), starts.tolist(), ends.tolist()


def _gaps(lost: Mask) -> list[int]:
    """How many lost lines lie right before each line."""
    gaps, gap = [], 0
    for each in lost.tolist():
        gaps.append(gap)
        gap = gap + 1 if each else 0
    return gaps


def _join(parent: list[int], above: range, here: range, starts: list[int], ends: list[int], gap: int) -> None:
    """Join runs to those of the last line before that they touch; a gap of lines widens what touches."""
    first = above.start
    for lower in here:
        while first < above.stop and ends[first] + gap < starts[lower]:
            first += 1
        upper = first
        # Ends are exclusive, so equality is a diagonal touch.
        while upper < above.stop and starts[upper] <= ends[lower] + gap:
            parent[_root(parent, lower)] = _root(parent, upper)
            upper += 1


def _root(parent: list[int], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run
