from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.training.mining import MOST_RAISED, mined_weights, sampling_weights
from onboard.training.pool import Pool
from onboard.training.tables import FlightTables


@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(0, 1e5, width=32)))
def test_weights_rise_with_false_alarms_and_stay_bounded(false: np.ndarray) -> None:
    weights = sampling_weights(false)
    assert ((weights >= 1.0) & (weights <= MOST_RAISED)).all()
    assert (np.diff(weights[np.argsort(false, kind="stable")]) >= 0).all()


def test_without_false_alarms_all_patches_are_alike() -> None:
    np.testing.assert_array_equal(sampling_weights(np.zeros(5, np.float32)), np.ones(5))


def test_weights_are_mined_once_and_kept(tmp_path: Path, pool: Pool, tables: FlightTables) -> None:
    torch.manual_seed(1)
    network = registry.build("linescan", centres=tables.centres, fwhm=tables.fwhm).eval()
    assert isinstance(network, Linescan)
    first = mined_weights(tmp_path / "mined.npy", network, pool, tables)
    assert first.shape == (len(pool),)
    assert first.max() > first.min()
    with torch.no_grad():
        network.body.methane.head.weight.mul_(-1.0)
    np.testing.assert_array_equal(mined_weights(tmp_path / "mined.npy", network, pool, tables), first)
