"""SimEMIT-1, the frozen benchmark: which captures its sets hold, and proof that they are still the same.

docs/benchmark.md describes it. The captures are listed in data/simemit-1.toml as fields of `SceneRecipe`;
data/simemit-1.json holds a fingerprint of each, once frozen.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from onboard.errors import CaptureError, UsageError
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.truth import Truth

TABLE = "simemit-1.toml"
FINGERPRINTS = "simemit-1.json"
SETS = ("train", "validation", "test")
PRESENT = 0.15
"""Abundance from which a mineral counts as present."""
TOLERANCE = 2e-3

Fingerprint = dict[str, list[float]]


@dataclass(frozen=True)
class BenchmarkCapture:
    """A capture of the benchmark: its name, its set, and what it follows from."""

    name: str
    part: str
    recipe: SceneRecipe


class RadianceMaker(Protocol):
    """The part of a scene that a fingerprint is taken of."""

    @property
    def lines(self) -> int: ...  # noqa: D102
    @property
    def truth(self) -> Truth: ...  # noqa: D102

    def radiance_block(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """Radiance (count, samples, bands)."""
        ...


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("onboard.scenes").joinpath("data", TABLE).read_text(encoding="utf-8"))


def benchmark_name() -> str:
    """Return the benchmark's name, with its revision."""
    table = _table()
    return f"{table['name']} revision {table['version']}"


def benchmark_set(part: str, table: Mapping[str, Any] | None = None) -> list[BenchmarkCapture]:
    """Return the captures of a set, in order.

    Args:
        part: train, validation or test.
        table: A table like data/simemit-1.toml in place of it.

    Raises:
        UsageError: There is no such set, or the table names what no recipe has.
    """
    sets = (table or _table())["sets"]
    if part not in sets:
        raise UsageError("no such set", field="set", found=part, expected=" or ".join(sets))
    entry = sets[part]
    rows = list(entry.get("captures", []))
    if "seeds" in entry:
        first, count = entry["seeds"]["first"], entry["seeds"]["count"]
        rows += [{"name": f"{part}-{seed}", "seed": seed} for seed in range(first, first + count)]
    captures = []
    for row in rows:
        values = {**entry.get("shared", {}), **row}
        name = str(values.pop("name", f"{part}-{values.get('seed')}"))
        captures.append(BenchmarkCapture(name, part, recipe_of(values, name)))
    return captures


def recipe_of(values: Mapping[str, Any], name: str = "capture") -> SceneRecipe:
    """Make a recipe of fields as TOML gives them; lists become tuples.

    Args:
        values: Fields of ``SceneRecipe``.
        name: What to call it in messages.

    Raises:
        UsageError: A field that recipes do not have, one of another type, or one that is missing.
    """
    known = {field.name: field for field in fields(SceneRecipe)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(
            f"{name} asks for what no scene recipe has",
            field=", ".join(unknown),
            expected=", ".join(sorted(known)),
        )
    needed = [f.name for f in known.values() if f.default is MISSING and f.default_factory is MISSING]
    missing = sorted(set(needed) - set(values))
    if missing:
        raise UsageError(f"{name} lacks what a scene recipe needs", field=", ".join(missing))
    return SceneRecipe(
        **{key: _checked(name, key, value, known[key].default) for key, value in values.items()}
    )


def _checked(name: str, key: str, value: Any, default: Any) -> Any:
    """Refuse a value whose kind is plainly not the field's, judged by the field's default."""
    given: Any = tuple(value) if isinstance(value, list) else value
    if isinstance(default, bool) or default is None or default is MISSING:
        return given
    kinds = (int, float) if isinstance(default, float) else (type(default),)
    if not isinstance(given, kinds) or isinstance(given, bool):
        raise UsageError(
            f"{name} gives a field another kind of value",
            field=key,
            found=repr(value),
            expected=kinds[-1].__name__,
        )
    if isinstance(default, tuple) and isinstance(given, tuple) and len(given) != len(default):
        raise UsageError(
            f"{name} gives a field another number of values",
            field=key,
            found=len(given),
            expected=len(default),
        )
    return float(given) if isinstance(default, float) else given


def shrunk(capture: BenchmarkCapture, lines: int, samples: int) -> BenchmarkCapture:
    """Return the same capture at another size: for trials, never for scores."""
    return replace(capture, recipe=replace(capture.recipe, lines=lines, samples=samples))


def fingerprint(scene: RadianceMaker) -> Fingerprint:
    """Figures that tell one capture from any other, but not one processor's rounding from another's.

    Returns:
        ``truth``: valid pixels, labelled pixels, sum of the enhancement in ppm m, number of plumes, and the
        pixels of each mineral present; ``radiance``: mean of the good values of eight bands in the first,
        a middle and the last line that were measured.
    """
    truth = scene.truth
    valid = truth.valid != 0
    counts = [
        float(np.count_nonzero(valid)),
        float(np.count_nonzero((truth.plume_id > 0) & valid)),
        float(truth.ch4_enhancement.sum(dtype=np.float64)),
        float(truth.sources.size),
        *(float(np.count_nonzero((layer >= PRESENT) & valid)) for layer in truth.mineral_abundance),
    ]
    measured = np.flatnonzero(valid.any(axis=1))
    light: list[float] = []
    for line in measured[[0, measured.size // 2, -1]] if measured.size else []:
        row = scene.radiance_block(int(line), 1)[0][valid[line]]
        bands = np.linspace(0, row.shape[1] - 1, 8).astype(np.int64)
        light += row[:, bands].mean(axis=0, dtype=np.float64).tolist()
    return {"truth": counts, "radiance": light}


def same_fingerprint(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether two fingerprints are of one capture: counts and means agree within 0.2 %."""
    if one.keys() != other.keys() or any(len(one[key]) != len(other[key]) for key in one):
        return False
    # A few pixels may cross a limit by rounding.
    return all(
        np.allclose(one[key], other[key], rtol=TOLERANCE, atol=4 if key == "truth" else 1e-3) for key in one
    )


def frozen_fingerprints(path: Path | None = None) -> dict[str, Fingerprint]:
    """Fingerprints by capture name; empty as long as the benchmark is not frozen.

    Args:
        path: The file, in place of the packaged one.
    """
    place = files("onboard.scenes").joinpath("data", FINGERPRINTS) if path is None else path
    if not place.is_file():
        return {}
    return dict(json.loads(place.read_text(encoding="utf-8")))


def check_frozen(
    capture: BenchmarkCapture, scene: RadianceMaker, known: Mapping[str, Fingerprint] | None = None
) -> bool:
    """Hold a capture to its fingerprint.

    Args:
        capture: The capture.
        scene: What was built of it.
        known: Fingerprints; the packaged ones if None.

    Returns:
        Whether there is a fingerprint of it.

    Raises:
        CaptureError: The capture is another one than the benchmark's.
    """
    expected = (frozen_fingerprints() if known is None else known).get(capture.name)
    if expected is None:
        return False
    found = fingerprint(scene)
    if not same_fingerprint(found, expected):
        raise CaptureError(
            "this capture is no longer the benchmark's",
            field=capture.name,
            found=found,
            expected=expected,
            remedy="score with the version of the simulator that the benchmark was frozen with",
        )
    return True
