from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas import plumes
from onboard.scenes.gas.labels import LabelRule, label_gas
from onboard.scenes.gas.puffs import EDGE_PPM_M
from onboard.scenes.gas.sources import DETECTED_EMISSIONS, KG_PER_PPM_M_M2, Sources, plume_mass
from onboard.scenes.gas.turbulence import draw_wind_history
from onboard.scenes.truth import Truth, read_truth, write_truth


def one_window(seed: int, q: float, u: float, turn: float = 0.5, kind: int = 0) -> plumes.Window:
    random = NumpyRandom(seed)
    rate, wind, direction = np.asarray([[q], [u], [turn]], np.float32)
    sources = Sources(rate, wind, direction, np.asarray([kind]))
    histories = draw_wind_history(random, (1,)), draw_wind_history(random, (1,))
    return next(iter(plumes.draw_windows(random, sources, histories)))


@settings(max_examples=25, deadline=None)
@given(
    st.floats(300, 20_000),
    st.floats(1, 10),
    st.floats(0, 6.3),
    st.sampled_from([0, 1, 2]),
    st.integers(0, 2**31),
)
def test_mass_is_emission_times_length_over_wind(
    q: float, u: float, turn: float, kind: int, seed: int
) -> None:
    window = one_window(seed, q, u, turn, kind)
    mass = float(window.field.sum(dtype=np.float64)) * 3600 * KG_PER_PPM_M_M2
    faint = np.count_nonzero(window.field < 2 * EDGE_PPM_M) * 2 * EDGE_PPM_M * 3600 * KG_PER_PPM_M_M2
    assert mass == pytest.approx(float(plume_mass(np.float32(q), np.float32(u))), rel=0.03, abs=faint)
    assert window.field.dtype == np.float32
    assert window.field.min() >= 0
    assert 0 <= window.origin[0] < window.field.shape[0]
    assert 0 <= window.origin[1] < window.field.shape[1]


def test_a_bright_plume_keeps_its_mass_within_a_few_per_cent() -> None:
    ratios = []
    for seed in range(12):
        window = one_window(seed, 3000, 3.0)
        mass = float(window.field.sum(dtype=np.float64)) * 3600 * KG_PER_PPM_M_M2
        ratios.append(mass / float(plume_mass(np.float32(3000), np.float32(3))))
    assert min(ratios) > 0.96
    assert max(ratios) < 1.001


@pytest.mark.parametrize("seed", range(4))
def test_edges_are_zero(seed: int) -> None:
    field = one_window(seed, 5000, 3).field
    edge = np.concatenate([field[0], field[-1], field[:, 0], field[:, -1]])
    assert not edge.any()
    assert field.max() > 500


def test_labels_follow_the_rule_and_the_table_the_maps() -> None:
    rule = LabelRule(400.0, 6)
    placed = plumes.place_plumes(NumpyRandom(3), 300, 280, 9, rule=rule)
    assert placed.enhancement.shape == placed.plume_id.shape == (300, 280)
    assert placed.enhancement.dtype == np.float32
    assert placed.plume_id.dtype == np.int32
    assert (placed.plume_id > 0).any()
    np.testing.assert_array_equal(placed.plume_id > 0, label_gas(placed.enhancement, rule))
    table = placed.sources
    assert table["plume_id"].tolist() == list(range(1, 10))
    np.testing.assert_array_equal(table["pixels"], np.bincount(placed.plume_id.ravel(), minlength=10)[1:])
    whole = placed.enhancement.sum(dtype=np.float64) * 3600 * KG_PER_PPM_M_M2
    assert table["ime_kg"].sum() == pytest.approx(whole, rel=1e-4)
    assert table["peak_ppm_m"].max() <= placed.enhancement.max() * 1.0001
    assert ((table["source_line"] >= 0) & (table["source_line"] < 300)).all()


def test_rates_span_the_range_or_follow_the_distribution() -> None:
    placed = plumes.place_plumes(NumpyRandom(4), 64, 64, 20, emission_range=(100.0, 5000.0))
    rates = placed.sources["emission_kg_h"]
    assert rates.min() < 250
    assert rates.max() > 4000
    assert (rates >= 100).all()
    found = plumes.place_plumes(NumpyRandom(4), 64, 64, 300, emissions=DETECTED_EMISSIONS)
    assert np.median(found.sources["emission_kg_h"]) == pytest.approx(DETECTED_EMISSIONS.median, rel=0.35)


def test_some_sources_share_a_field() -> None:
    places = plumes.scatter_sources(NumpyRandom(5), (4000, 4000), 200, 25.0)
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + 1e9 * np.eye(200)
    near = (apart.min(axis=1) < 50).mean()
    assert 0.3 < near < 0.7


def test_the_same_key_gives_the_same_plumes_and_none_is_none() -> None:
    one, two, other = (plumes.place_plumes(NumpyRandom(s), 80, 90, 4) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.enhancement, two.enhancement)
    np.testing.assert_array_equal(one.sources, two.sources)
    assert not np.array_equal(one.enhancement, other.enhancement)
    empty = plumes.place_plumes(NumpyRandom(1), 20, 30, 0)
    assert not empty.enhancement.any()
    assert empty.sources.shape == (0,)


def test_a_scene_that_cannot_hold_plumes_is_refused() -> None:
    for bad in ((0, 10, 1), (10, 0, 1), (10, 10, -1)):
        with pytest.raises(UsageError, match="scene to lie in"):
            plumes.place_plumes(NumpyRandom(1), *bad)


def test_truth_files_hold_the_table(tmp_path: Path) -> None:
    placed = plumes.place_plumes(NumpyRandom(6), 40, 50, 3)
    truth = Truth(
        placed.enhancement,
        placed.plume_id,
        np.zeros((1, 40, 50), np.float32),
        ("kaolinite",),
        np.ones((40, 50), np.uint8),
        placed.sources,
    )
    write_truth(tmp_path / "a.truth.nc", truth)
    np.testing.assert_array_equal(read_truth(tmp_path / "a.truth.nc").sources, placed.sources)
