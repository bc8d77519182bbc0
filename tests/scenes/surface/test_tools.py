from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface import tools
from tests.scenes.surface.support import GROUPS, KINDS


@given(st.integers(1, 200), st.sampled_from([1, 2, 4, 8, 16]))
def test_splines_are_weights_that_reproduce_straight_lines(length: int, step: int) -> None:
    rows = tools.spline_rows(length, step)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    line = (np.arange(rows.shape[1]) - 1.0) * step
    np.testing.assert_allclose(rows @ line, np.arange(length), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_smooth_fields_are_about_standard_and_have_means_of_their_own(kind: Any) -> None:
    field = host(tools.smooth_field(kind(3), (60, 64, 48), outer=40.0, step=4, margin=60))
    assert field.shape == (60, 64, 48)
    assert field.dtype == np.float32
    assert field.std() == pytest.approx(1, abs=0.12)
    assert field.mean(axis=(1, 2)).std() > 0.2
    rough = np.abs(np.diff(field, axis=2)).mean()
    assert rough < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_looked_up_in_each_scenes_own_table(kind: Any) -> None:
    random = kind(4)
    table, index = random.normal((3, 7, 2)), random.integers(0, 7, (3, 4, 5))
    found = host(tools.look_up(table, index))
    expected = np.stack([host(table)[i][host(index)[i]] for i in range(3)])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5])
def test_normal_levels_are_topped_by_their_share(share: float) -> None:
    level = float(tools.normal_level(np.asarray(share, np.float32)))
    assert 0.5 * math.erfc(level / math.sqrt(2)) == pytest.approx(share, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_members_come_from_the_groups_of_each_scenes_own_odds(kind: Any) -> None:
    odds = [{"soil": 1.0}, {"green": 1.0, "dry": 3.0, "nothing": 5.0}]
    members, kinds = (host(a) for a in tools.draw_members(kind(5), GROUPS, odds, (400, 4)))
    assert members.shape == kinds.shape == (2, 400, 4)
    assert set(np.unique(members[0])) == set(GROUPS["soil"])
    assert set(np.unique(members[1])) == set(GROUPS["green"]) | set(GROUPS["dry"])
    assert np.isin(members[1], GROUPS["dry"]).mean() == pytest.approx(0.75, abs=0.05)
    names = tools.kinds_of(odds)
    assert {names[k] for k in np.unique(kinds)} == {"soil", "green", "dry"}


def test_a_scene_without_any_endmember_is_refused() -> None:
    with pytest.raises(UsageError, match="groups"):
        tools.draw_members(NumpyRandom(1), {"soil": ()}, [{"soil": 1.0}], (4,))


@given(st.floats(0.1, 10), st.floats(1.5, 10))
def test_log_uniform_draws_stay_within_their_range(low: float, factor: float) -> None:
    drawn = tools.log_uniform(NumpyRandom(1), (50,), low, low * factor)
    assert (drawn >= low * (1 - 1e-5)).all()
    assert (drawn <= low * factor * (1 + 1e-5)).all()
