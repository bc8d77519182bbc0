from __future__ import annotations

import numpy as np

from bench.stem_tables import cases, dead_bands, five_nm, interpolated, repair, repaired_gas, tables_of
from onboard.scenes.methane import methane_curve
from onboard.sensors import load_sensor


def index_of(part: str) -> int:
    return next(i for i, case in enumerate(cases()) if part in case.name)


def test_tables_follow_their_case() -> None:
    emit = load_sensor("emit")
    tables, used = tables_of(index_of("1 nm"))
    np.testing.assert_allclose(tables.centres, emit.centres + 1.0)
    assert used.size == emit.bands
    fine, _ = tables_of(index_of("AVIRIS"))
    assert np.allclose(np.diff(fine.centres), 5.0)
    assert fine.mf_bands.size > 1.3 * tables.mf_bands.size
    left, used = tables_of(index_of("left out"))
    assert used.size == emit.bands - 14
    assert left.centres.size == used.size
    known, used = tables_of(index_of("not in the filter"))
    assert used.size == emit.bands
    assert not dead_bands(emit.bands)[known.mf_bands].any()
    assert known.log_transmittance.shape[1] == known.mf_bands.size == known.mf_noise.shape[1]


def test_five_per_cent_are_dead_and_never_the_ends() -> None:
    dead = dead_bands(285)
    assert dead.sum() == 14
    assert not dead[[0, -1]].any()
    np.testing.assert_array_equal(dead, dead_bands(285))


def test_noise_of_the_fine_grid_is_emits() -> None:
    emit, fine = load_sensor("emit"), five_nm(load_sensor("emit"))
    assert fine.centres[0] >= emit.centres[0]
    assert fine.centres[-1] <= emit.centres[-1]
    at = np.interp(emit.centres, fine.centres, fine.noise_a)
    # A few single bands of EMIT stand out from their neighbours.
    assert np.median(np.abs(at / emit.noise_a - 1)) < 0.01


def test_dead_bands_lie_on_the_line_between_living_ones() -> None:
    emit = load_sensor("emit")
    dead = dead_bands(emit.bands)
    line = np.rint(3.0 * emit.centres).astype(np.int16)
    counts = np.tile(line, (2, 3, 1))
    counts[..., dead] = 7
    interpolated(counts, dead, emit.centres)
    assert np.abs(counts - line).max() <= 1
    matrix = repair(dead, emit.centres)
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0)
    np.testing.assert_array_equal(matrix[:, ~dead], np.eye(emit.bands)[:, ~dead])


def test_gas_shows_in_interpolated_bands_as_beside_them() -> None:
    emit = load_sensor("emit")
    gas, dead = methane_curve(emit.centres, emit.fwhm), dead_bands(emit.bands)
    seen = repaired_gas(gas, index_of("dead, interpolated"), emit.centres)
    np.testing.assert_array_equal(seen.log_t[:, ~dead], gas.log_t[:, ~dead])
    assert np.abs(seen.log_t[:, dead] - gas.log_t[:, dead]).max() > 0.01
    for case in ("(0)", "left out"):
        assert repaired_gas(gas, index_of(case), emit.centres) is gas
