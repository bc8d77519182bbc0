"""The budget solver: the fewest layers in higher precision that keep the loss within what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Excess = Callable[[frozenset[str]], float]


@dataclass(frozen=True)
class Solution:
    """Which layers stay in higher precision.

    Attributes:
        kept: Their names, the most useful first.
        excess: The worst loss with them, as a share of what is allowed; above 1 where nothing helped.
        tried: Loss of every set of layers that was measured.
    """

    kept: tuple[str, ...]
    excess: float
    tried: dict[frozenset[str], float] = field(repr=False)

    @property
    def within(self) -> bool:
        """Whether the loss is within what is allowed."""
        return self.excess <= 1.0


def solve_budget(
    layers: Sequence[str], excess_of: Excess, *, most: int | None = None, width: int = 6
) -> Solution:
    """Find few layers to keep, such that the loss is no more than allowed.

    No layer is tried first, then every single one, so that an answer of none or one is the fewest there is.
    Beyond, layers are added one at a time, the best of the ``width`` most useful singles, and at the end each
    is left out again if the rest suffices: good, but not proven fewest.

    Args:
        layers: Names of all layers.
        excess_of: Measures a set of kept layers: the worst loss as a share of what is allowed.
        most: Most layers to keep; all if None.
        width: How many layers each step tries.
    """
    tried: dict[frozenset[str], float] = {}

    def measured(kept: Sequence[str]) -> float:
        key = frozenset(kept)
        if key not in tried:
            tried[key] = excess_of(key)
        return tried[key]

    kept: list[str] = []
    if measured(kept) <= 1.0:
        return Solution((), measured(kept), tried)
    ranked = sorted(layers, key=lambda name: measured([name]))
    limit = len(layers) if most is None else min(most, len(layers))
    while len(kept) < limit:
        rest = [name for name in ranked if name not in kept]
        candidates = rest if not kept else rest[:width]
        best = min(candidates, key=lambda name: measured([*kept, name]))
        kept.append(best)
        if measured(kept) <= 1.0:
            break
    for name in list(reversed(kept)):
        fewer = [other for other in kept if other != name]
        if measured(kept) <= 1.0 and measured(fewer) <= 1.0:
            kept = fewer
    return Solution(tuple(kept), measured(kept), tried)
