from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quantize.budget import Excess, solve_budget

NAMES = ("a", "b", "c", "d", "e")


def additive(costs: dict[str, float]) -> Excess:
    return lambda kept: sum(cost for name, cost in costs.items() if name not in kept)


def test_nothing_is_kept_where_nothing_is_lost() -> None:
    solution = solve_budget(NAMES, additive(dict.fromkeys(NAMES, 0.1)))
    assert solution.kept == ()
    assert solution.within
    assert len(solution.tried) == 1


def test_the_one_layer_that_matters_is_kept() -> None:
    solution = solve_budget(NAMES, additive({"a": 0.1, "b": 0.1, "c": 3.0, "d": 0.1, "e": 0.2}))
    assert solution.kept == ("c",)
    assert solution.within


@given(st.lists(st.floats(0.0, 2.0), min_size=5, max_size=5))
def test_where_costs_add_up_no_smaller_set_would_do(costs: list[float]) -> None:
    by_name = dict(zip(NAMES, costs, strict=True))
    solution = solve_budget(NAMES, additive(by_name))
    assert solution.within
    assert solution.excess <= 1.0 + 1e-9
    fewest = next(count for count in range(6) if sum(sorted(costs)[: 5 - count]) <= 1.0 or count == 5)
    assert len(solution.kept) == fewest


def test_a_layer_that_later_ones_make_needless_is_let_go() -> None:
    def excess(kept: frozenset[str]) -> float:
        if {"b", "c"} <= kept:
            return 0.5
        return 1.5 if "a" in kept else 2.0

    assert set(solve_budget(("a", "b", "c"), excess).kept) == {"b", "c"}


def test_what_cannot_be_met_is_said() -> None:
    solution = solve_budget(NAMES, lambda kept: 5.0, most=2)
    assert not solution.within
    assert solution.excess == 5.0
