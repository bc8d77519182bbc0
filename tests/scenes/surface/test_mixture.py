from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import host
from onboard.scenes.surface.climates import Figures, get_climate
from onboard.scenes.surface.mixture import SLOTS, Mixture, draw_mixture
from onboard.scenes.surface.provinces import draw_provinces
from onboard.scenes.surface.terrain import draw_terrain
from tests.scenes.surface.support import GROUPS, KINDS

SHAPE = (8, 96, 96)


def mixture(kind: Any, names: list[str]) -> Mixture:
    random = kind(9)
    figures = Figures(random.child("figures"), [get_climate(name) for name in names])
    terrain = draw_terrain(random.child("terrain"), SHAPE, figures)
    provinces = draw_provinces(random.child("provinces"), SHAPE, figures, terrain, tile=True)
    return draw_mixture(random.child("mixture"), figures, GROUPS, provinces, terrain)


@pytest.mark.parametrize("kind", KINDS)
def test_shares_are_whole_and_vary_at_several_scales(kind: Any) -> None:
    shares = host(mixture(kind, ["arid-dark"] * 8).shares)
    assert shares.shape == (8, SLOTS, 96, 96)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    spread = shares.std(axis=(2, 3))
    assert spread.mean() > 0.05
    near, far = (np.abs(shares[..., d:] - shares[..., :-d]).mean() for d in (1, 16))
    assert 0.1 * far < near < 0.6 * far


@pytest.mark.parametrize("kind", KINDS)
def test_plants_lie_side_by_side_and_soils_mingle(kind: Any) -> None:
    found = mixture(kind, ["dark-vegetated", "arid-bright"] * 4)
    intimacy = host(found.intimacy)
    assert intimacy.min() >= 0
    assert intimacy.max() <= 1
    assert intimacy[0::2].mean() < 0.5 < intimacy[1::2].mean()
    members = host(found.members)
    assert set(np.unique(members)) <= {
        m for g in ("soil", "sand", "rock", "dark", "green", "dry") for m in GROUPS[g]
    }
