from __future__ import annotations

import itertools

import numpy as np
import torch

from onboard.scenes import methane
from onboard.training.dataset import PlumePatches, inject
from onboard.training.pool import Pool
from onboard.training.tables import FlightTables


def test_samples_follow_from_seed_and_index(pool: Pool, tables: FlightTables) -> None:
    first, second = (
        list(itertools.islice(iter(PlumePatches(pool, tables, 3, 0.15, 64, first=start)), 2))
        for start in (0, 1)
    )
    for key in first[1]:
        torch.testing.assert_close(first[1][key], second[0][key], rtol=0, atol=0)
    assert not torch.equal(first[0]["log"], first[1]["log"])


def test_injection_takes_light_where_methane_absorbs_only(tables: FlightTables) -> None:
    gas = methane.methane_curve(tables.centres, tables.fwhm)
    log = np.zeros((4, 5, 285), np.float32)
    enhancement = np.zeros((4, 5), np.float32)
    enhancement[1, 2] = 5000.0
    changed = inject(log.copy(), enhancement, gas)
    assert changed[1, 2].min() < -0.05
    assert (changed <= 0).all()
    assert not changed[1, 2, tables.centres < 1500].any()
    changed[1, 2] = 0
    assert not changed.any()


def test_labels_stand_where_the_gas_is(pool: Pool, tables: FlightTables) -> None:
    for sample in itertools.islice(iter(PlumePatches(pool, tables, 5, 0.15, 64)), 4):
        assert (sample["enhancement"][sample["plume"] > 0] > 0.0).all()
        assert sample["minerals"].shape[0] == 10
        assert torch.isfinite(sample["physics"]).all()
