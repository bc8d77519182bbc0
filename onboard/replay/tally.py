"""Scores of one capture that add up with those of others, and travel as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.replay.curves import ScoreCurve
from onboard.replay.scoring import Confusion, Regression, Spread

ERROR_LIMIT = 40_000.0
ERROR_BINS = 16_000


@dataclass
class Errors:
    """Retrieved less true values, from sums and a histogram.

    Attributes:
        n: Values.
        total: Sum of errors.
        squares: Sum of their squares.
        magnitudes: Sum of their magnitudes.
        bins: Histogram over +-``ERROR_LIMIT``.
    """

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    magnitudes: float = 0.0
    bins: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(ERROR_BINS, np.int64))

    def add(self, errors: npt.NDArray[np.float64]) -> None:
        """Add one block of finite errors, (n,)."""
        self.n += errors.size
        self.total += float(errors.sum())
        self.squares += float((errors * errors).sum())
        self.magnitudes += float(np.abs(errors).sum())
        place = (errors + ERROR_LIMIT) * (ERROR_BINS / (2 * ERROR_LIMIT))
        self.bins += np.bincount(np.clip(place, 0, ERROR_BINS - 1).astype(np.int64), minlength=ERROR_BINS)

    def results(self) -> dict[str, float | int | None]:
        """``bias``, ``rmse``, ``mean_absolute`` and ``mad``, the median magnitude about the median."""
        if self.n == 0:
            return dict.fromkeys(("bias", "rmse", "mean_absolute", "mad")) | {"n": 0}
        middles = (np.arange(ERROR_BINS) + 0.5) * (2 * ERROR_LIMIT / ERROR_BINS) - ERROR_LIMIT
        median = middles[np.searchsorted(np.cumsum(self.bins), 0.5 * self.n)]
        away = np.abs(middles - median)
        order = np.argsort(away)
        mad = away[order][np.searchsorted(np.cumsum(self.bins[order]), 0.5 * self.n)]
        return {
            "bias": self.total / self.n,
            "rmse": (self.squares / self.n) ** 0.5,
            "mean_absolute": self.magnitudes / self.n,
            "mad": float(mad),
            "n": self.n,
        }


@dataclass
class MineralTally:
    """One mineral's pixels at its threshold, and its curve."""

    curve: ScoreCurve
    pixels: Confusion = field(default_factory=Confusion)


@dataclass
class Tally:
    """Everything counted on one capture or on several. All of it adds up.

    Attributes:
        curve: The plume score over true and other pixels.
        captures: Captures counted.
        judged: Those of them where a threshold said what is plume; without it curves alone are counted.
        pixels: Plume pixels at the threshold.
        components: Patches of predicted pixels.
        false_components: Patches away from any plume.
        large_false_components: Those of more than ten pixels.
        false_tiles: Windows without plume that would be called one with.
        empty_tiles: Windows without plume.
        plumes: One row a true plume.
        regression: Enhancement on truth in plume pixels.
        errors: Enhancement less truth in the same pixels.
        background: Enhancement where no gas was added.
        minerals: By name.
    """

    curve: ScoreCurve
    captures: int = 0
    judged: int = 0
    pixels: Confusion = field(default_factory=Confusion)
    components: int = 0
    false_components: int = 0
    large_false_components: int = 0
    false_tiles: int = 0
    empty_tiles: int = 0
    plumes: list[dict[str, Any]] = field(default_factory=list)
    regression: Regression = field(default_factory=Regression)
    errors: Errors = field(default_factory=Errors)
    background: Spread = field(default_factory=Spread)
    minerals: dict[str, MineralTally] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return numbers, lists and mappings alone."""
        result = _plain(self)
        assert isinstance(result, dict)
        return result

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Tally:
        """Read what ``to_json`` wrote.

        Raises:
            UsageError: Something is missing or of another kind.
        """
        try:
            curve = ScoreCurve(values["curve"]["scale"])
            blank = cls(curve, minerals={name: MineralTally(curve) for name in values["minerals"]})
            result = _restored(blank, values)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UsageError(
                "these are no counts of a capture", found=f"{type(error).__name__}: {error}"
            ) from error
        assert isinstance(result, cls)
        return result


def pooled(tallies: Sequence[Tally]) -> Tally:
    """Add tallies up.

    Raises:
        UsageError: There is none, or their scores are of different kinds.
    """
    if not tallies:
        raise UsageError("there is nothing to pool", expected="the counts of at least one capture")
    kinds = {tally.curve.scale for tally in tallies}
    if len(kinds) > 1:
        raise UsageError("scores of different kinds cannot be pooled", field="scale", found=sorted(kinds))
    result = reduce(_added, tallies)
    assert isinstance(result, Tally)
    return result


def _added(a: Any, b: Any) -> Any:
    if isinstance(a, str):
        return a
    if is_dataclass(a) and not isinstance(a, type):
        return type(a)(**{f.name: _added(getattr(a, f.name), getattr(b, f.name)) for f in fields(a)})
    if isinstance(a, dict):
        both = {name: _added(a[name], b[name]) for name in a if name in b}
        return {**a, **b, **both}
    return a + b


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return _runs(value)
    return value


def _runs(counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Histograms are mostly empty: their shape, the places that are not, and what stands there."""
    places = np.flatnonzero(counts)
    filled = counts.ravel()[places]
    # Text, because indented JSON would give every number a line of its own.
    return {"shape": list(counts.shape), "at": _text(places), "counts": _text(filled)}


def _text(numbers: npt.NDArray[np.int64]) -> str:
    return " ".join(str(number) for number in numbers.tolist())


def _restored(like: Any, value: Any) -> Any:
    if is_dataclass(like) and not isinstance(like, type):
        return type(like)(**{f.name: _restored(getattr(like, f.name), value[f.name]) for f in fields(like)})
    if isinstance(like, dict):
        return {name: _restored(inner, value[name]) for name, inner in like.items()}
    if isinstance(like, np.ndarray):
        counts = np.zeros(int(np.prod(value["shape"])), np.int64)
        places = np.array(value["at"].split(), np.int64)
        counts[places] = np.array(value["counts"].split(), np.int64)
        return counts.reshape(value["shape"])
    if isinstance(like, list):
        return [dict(row) for row in value]
    return type(like)(value)
