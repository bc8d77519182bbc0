"""Rows: what may stand in one table, and how seeds are put together."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.network_rows import patch_rows, require_comparable, simemit_rows, spread
from bench.network_sources import Network, Trained
from export.simemit_results import SetResults, find_sets, read_set
from onboard.errors import UsageError
from tests.support.simemit import NOISE, score

POOL = {"pool.train": 4, "pool.seed": 7, "pool.test": 2}


def trained(
    digest: str = "d1",
    file: str = "a",
    metrics: Any = None,
    *,
    settings: str = "{}",
    recipe: dict[str, Any] | None = None,
) -> Trained:
    network = Network("net", 1000, 3000.0, 5000.0, settings)
    known = {"model": "net", "seed": 1, "steps": 10, "batch": 3, **POOL} | (recipe or {})
    return Trained(Path(file), digest, network, "float32", known, metrics or {})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[SetResults]:
    """Two sets of two seeds."""
    folder = tmp_path_factory.mktemp("rows")
    found = []
    for name in ("one", "two"):
        (folder / f"{name}.pt").write_bytes(name.encode())
        out = score(folder / name, folder / f"{name}.pt", (NOISE, "column-filter"))
        found += [read_set(place) for place in find_sets(out)]
    return found


def test_seeds_stand_in_one_row(results: list[SetResults]) -> None:
    tests = [one for one in results if one.part == "test"]
    digests = [one.methods[NOISE].bundle for one in tests]
    rows = simemit_rows(results, [trained(digests[0], "a"), trained(digests[1], "b", recipe={"seed": 2})])[
        "test"
    ]
    assert [row["network"] for row in rows] == ["net", "column-filter"]
    f1 = rows[0]["figures"]["f1"]
    each = [one.methods[NOISE].groups["all"]["pixels"]["f1"] for one in tests]
    assert f1["values"] == each
    assert f1["mean"] == pytest.approx(sum(each) / 2)
    assert f1["deviation"] == pytest.approx(abs(each[0] - each[1]) / 2**0.5)
    assert rows[0]["seeds"] == ["1", "2"]
    assert rows[0]["samples_seen"] == 30
    # A filter without weights is the same in both, and stands there once.
    assert rows[1]["figures"]["f1"]["n"] == 1
    assert rows[1]["macs_a_pixel"] is None
    assert rows[1]["known"]


def test_what_nobody_names_is_put_together_by_its_method(results: list[SetResults]) -> None:
    rows = {row["network"]: row for row in simemit_rows(results, [])["test"]}
    assert not rows[NOISE]["known"]
    assert len(rows[NOISE]["weights"]) == 2
    assert rows[NOISE]["parameters"] is None
    assert rows[NOISE]["figures"]["f1"]["n"] == 2


def test_networks_that_differ_in_more_than_seeds_are_told_apart(results: list[SetResults]) -> None:
    digests = [one.methods[NOISE].bundle for one in results if one.part == "test"]
    first = trained(digests[0], "a", settings='{"stem": "plain"}')
    rows = simemit_rows(results, [first, trained(digests[1], "b", recipe={"seed": 2, "pool.train": 9})])[
        "test"
    ]
    names = {row["network"] for row in rows}
    assert names == {"net (pool.train=4, stem=plain)", "net (pool.train=9, stem=None)", "column-filter"}
    assert all(row["figures"]["f1"]["deviation"] is None for row in rows)


def test_the_validation_set_has_no_judged_figures(results: list[SetResults]) -> None:
    row = next(row for row in simemit_rows(results, [])["validation"] if row["network"] == NOISE)
    assert row["figures"]["f1"] is None
    assert row["figures"]["best_f1"]["n"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"benchmark": "SimEMIT-1 revision 1"}, "benchmark"),
        ({"captures": ("test-x",)}, "captures"),
        ({"rules": {"abundance": 0.3}}, "rules"),
        ({"frozen": True}, "frozen"),
        ({"worlds": frozenset({"other"})}, "world"),
    ],
)
def test_results_of_something_else_are_refused_by_file(
    results: list[SetResults], change: dict[str, Any], field: str
) -> None:
    one, other = (each for each in results if each.part == "test")
    odd = replace(other, **change, file=Path("odd/results.json"))
    with pytest.raises(UsageError, match="cannot be compared") as caught:
        require_comparable([one, odd])
    assert caught.value.field == field
    assert caught.value.file == "odd/results.json"
    require_comparable([one, other])


def test_another_label_is_refused(results: list[SetResults]) -> None:
    one, other = (each for each in results if each.part == "test")
    name = one.captures[0]
    recipes = {**other.recipes, name: {**other.recipes[name], "label_threshold": 1000.0}}
    with pytest.raises(UsageError) as caught:
        require_comparable([one, replace(other, recipes=recipes)])
    assert caught.value.field == f"recipe of {name}"


def test_thresholds_of_another_validation_set_are_refused(results: list[SetResults], tmp_path: Path) -> None:
    one = next(each for each in results if each.part == "test")
    (tmp_path / "w").write_bytes(b"three")
    out = score(tmp_path / "three", tmp_path / "w", (NOISE,), counts={"validation": 2, "test": 8})
    with pytest.raises(UsageError) as caught:
        require_comparable([one, read_set(out / "test")])
    assert caught.value.field == f"thresholds of {NOISE}"


def test_weights_scored_twice_are_refused(results: list[SetResults]) -> None:
    one = next(each for each in results if each.part == "test")
    with pytest.raises(UsageError, match="scored twice"):
        simemit_rows([one, one], [])


def test_patches_of_run_folders() -> None:
    first = trained("d1", "a", {"test": {"plume_f1": 0.5, "mineral_macro_f1": None}})
    second = trained("d2", "b", {"test": {"plume_f1": 0.7}, "validation": {}}, recipe={"seed": 2})
    rows = patch_rows([first, second, trained("d3", "c", {}, recipe={"seed": 3})])
    assert list(rows) == ["test"]
    found = rows["test"][0]["figures"]
    assert found["plume_f1"]["mean"] == pytest.approx(0.6)
    assert found["mineral_macro_f1"] is None


def test_other_patches_are_refused_by_file() -> None:
    scores = {"test": {"plume_f1": 0.5}}
    more = trained("d2", "b", scores, recipe={"seed": 2, "pool.train": 400})
    assert len(patch_rows([trained("d1", "a", scores), more])["test"]) == 2
    other = trained("d2", "b", scores, recipe={"pool.seed": 9})
    with pytest.raises(UsageError, match="different patches") as caught:
        patch_rows([trained("d1", "a", scores), other])
    assert caught.value.field == "pool.seed"
    assert caught.value.file == str(Path("b/recipe.json"))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_spread_is_mean_and_sample_deviation(values: list[float]) -> None:
    found = spread(values)
    assert found is not None
    assert found["mean"] == pytest.approx(statistics.fmean(values))
    assert (found["deviation"] is None) is (len(values) == 1)
    if len(values) > 1:
        assert found["deviation"] == pytest.approx(statistics.stdev(values))


def test_nothing_scored_is_no_spread() -> None:
    assert spread([None, float("nan")]) is None
    assert spread([]) is None
