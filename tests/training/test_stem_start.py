"""The stem starts where linear discriminants point."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from onboard.minerals import MINERALS
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.scenes import methane
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
from onboard.training.stem_start import (
    START_RMS,
    discriminants,
    drawn_pixels,
    gas_rows,
    moments,
    principal,
    start_stem,
)
from onboard.training.tables import FlightTables

RECIPE = Recipe("start", continuum_sigma=0.1)


@pytest.fixture
def network(tables: FlightTables) -> Linescan:
    torch.manual_seed(0)
    made = registry.build("linescan", centres=tables.centres, fwhm=tables.fwhm)
    assert isinstance(made, Linescan)
    return made


def started(network: Linescan, pool: Pool, tables: FlightTables) -> np.ndarray:
    start_stem(network, pool, tables, RECIPE)
    return network.stem.weight.detach().double().numpy()


def test_all_features_start_at_one_size_and_alike_each_time(
    network: Linescan, pool: Pool, tables: FlightTables
) -> None:
    first = started(network, pool, tables)
    assert first.shape == (28, len(network.stem.knots))
    np.testing.assert_allclose(np.sqrt((first**2).mean(axis=1)), START_RMS, rtol=1e-5)
    with torch.no_grad():
        network.stem.weight.zero_()
    np.testing.assert_array_equal(started(network, pool, tables), first)


def test_gas_features_answer_gas_more_than_ground(
    network: Linescan, pool: Pool, tables: FlightTables
) -> None:
    weights = started(network, pool, tables)
    basis = network.stem.basis.double().numpy()
    within = moments(pool, tables, RECIPE, basis).within
    gas = methane.apply(np.array([2000.0]), methane.methane_curve(tables.centres, tables.fwhm))[0]
    answer = np.abs(weights @ (basis @ gas)) / np.sqrt(np.einsum("fk,kl,fl->f", weights, within, weights))
    settings = network.settings
    own = settings.static_features
    assert answer[own] > 1.0
    assert answer[own] == pytest.approx(answer.max())


def test_minerals_stand_out_in_their_own_feature(network: Linescan, pool: Pool, tables: FlightTables) -> None:
    weights = started(network, pool, tables)[-len(MINERALS) :]
    basis = network.stem.basis.double().numpy()
    rng = np.random.default_rng(1)
    above = []
    for index in range(len(pool)):
        light, present = drawn_pixels(rng, pool[index], tables, RECIPE)
        values = (light - light.mean(axis=0)) @ basis.T @ weights.T
        for mineral in np.flatnonzero(present.sum(axis=0) > 30):
            here, there = values[present[:, mineral], mineral], values[~present[:, mineral], mineral]
            above.append(float(here.mean() > there.mean()))
    assert len(above) > 5
    assert np.mean(above) > 0.8


def test_discriminants_look_past_what_varies_anyway() -> None:
    within = np.diag([1.0, 1e-4, 1e-4])
    row = discriminants(within, np.array([[1.0, 0.01, 0.0]]))[0]
    assert abs(row[1]) > 10 * abs(row[0])
    assert row[2] == pytest.approx(0.0)


def test_principal_directions_come_strongest_first() -> None:
    rows = principal(np.diag([1.0, 9.0, 4.0]), 2)
    np.testing.assert_allclose(np.abs(rows), [[0, 1, 0], [0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("count", [0, 3, 8])
def test_as_many_gas_rows_as_asked_for(count: int) -> None:
    knots = np.arange(400.0, 2500.0, 20.0)
    rows = gas_rows(np.eye(len(knots)), -np.exp(-0.5 * ((knots - 2350) / 50) ** 2), knots, count)
    assert rows.shape == (count, len(knots))
    if count > 1:
        assert not rows[1][(knots < 1590) | (knots > 1760)].any()
