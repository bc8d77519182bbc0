from __future__ import annotations

import itertools

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from onboard.models.log_radiance import LOG_CEILING, LOG_FLOOR, LOG_SCALE, quantize_log
from onboard.scenes import methane
from onboard.training.dataset import TRACE_PPMM, PlumePatches, disturb, inject
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
    counts = np.zeros((4, 5, 285), np.int16)
    enhancement = np.zeros((4, 5), np.float32)
    enhancement[1, 2] = 5000.0
    changed = inject(counts.copy(), enhancement, gas)
    assert changed[1, 2].min() < -0.05 * LOG_SCALE
    assert (changed <= 0).all()
    assert not changed[1, 2, tables.centres < 1500].any()
    changed[1, 2] = 0
    assert not changed.any()


def test_a_trace_of_gas_moves_no_count(tables: FlightTables) -> None:
    gas = methane.methane_curve(tables.centres, tables.fwhm)
    assert not quantize_log(methane.apply(np.full(1, TRACE_PPMM), gas)).any()


@given(st.integers(-16384, 12288), st.floats(-3.0, 3.0, width=32))
def test_disturbed_counts_stay_within_the_ring(count: int, offset: float) -> None:
    found = int(disturb(np.full((1, 1, 1), count, np.int16), np.full(1, offset, np.float32))[0, 0, 0])
    wanted = np.clip(
        count + np.rint(np.float32(offset) * LOG_SCALE), LOG_FLOOR * LOG_SCALE, LOG_CEILING * LOG_SCALE
    )
    assert found == int(wanted)


def test_labels_stand_where_the_gas_is(pool: Pool, tables: FlightTables) -> None:
    for sample in itertools.islice(iter(PlumePatches(pool, tables, 5, 0.15, 64)), 4):
        assert (sample["enhancement"][sample["plume"] > 0] > 0.0).all()
        assert sample["minerals"].shape[0] == 10
        assert torch.isfinite(sample["physics"]).all()
