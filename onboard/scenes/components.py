"""Connected patches of small masks, without a library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def label_components(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected patches of a mask, by joining runs of neighbouring lines.

    Args:
        mask: bool (lines, samples).

    Returns:
        Labels int32 (0 outside the mask, from 1 inside) and the number of patches.
    """
    lines, samples = mask.shape
    padded = np.zeros((lines, samples + 2), np.int8)
    padded[:, 1:-1] = mask
    step = np.diff(padded, axis=1)
    row, start = np.nonzero(step == 1)
    stop = np.nonzero(step == -1)[1]
    parent = list(range(row.size))
    first_of_row = np.searchsorted(row, np.arange(lines + 1))
    for line in range(1, lines):
        _join(
            parent,
            start,
            stop,
            range(*first_of_row[line - 1 : line + 1]),
            range(*first_of_row[line : line + 2]),
        )
    roots = np.asarray([_root(parent, i) for i in range(row.size)], np.int64)
    kinds, run_label = np.unique(roots, return_inverse=True)
    labels = np.zeros((lines, samples), np.int32)
    for i in range(row.size):
        labels[row[i], start[i] : stop[i]] = run_label[i] + 1
    return labels, int(kinds.size)


def drop_small(mask: Mask, least: int) -> Mask:
    """Return the mask without its 8-connected patches of fewer than ``least`` pixels."""
    labels, count = label_components(mask)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    keep = sizes >= least
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def _root(parent: list[int], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


def _join(
    parent: list[int], start: NDArray[np.intp], stop: NDArray[np.intp], above: range, below: range
) -> None:
    """Unite runs of two neighbouring lines that touch, corners included."""
    i, j = above.start, below.start
    while i < above.stop and j < below.stop:
        if start[i] <= stop[j] and start[j] <= stop[i]:
            a, b = _root(parent, i), _root(parent, j)
            parent[max(a, b)] = min(a, b)
        if stop[i] < stop[j]:
            i += 1
        else:
            j += 1
