from __future__ import annotations

import numpy as np
import pytest

from quantize.runtime import MOST_DB, channel_sqnr_db, outputs_of, sqnr_db
from tests.quantize.graphs import batches, plain_graph


def test_sqnr_of_known_noise() -> None:
    random = np.random.default_rng(0)
    signal = random.normal(5.0, 1.0, 100_000).astype(np.float32)
    noisy = (signal + random.normal(0.0, 0.1, signal.shape)).astype(np.float32)
    assert sqnr_db(signal, noisy) == pytest.approx(20.0, abs=0.1)
    assert sqnr_db(signal, signal) == MOST_DB


def test_each_channel_has_its_own() -> None:
    exact = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    found = exact.copy()
    found[:, 1] += 1.0
    first, second, third = channel_sqnr_db(exact, found)
    assert first == third == MOST_DB
    assert second == pytest.approx(0.0, abs=1.0)


def test_outputs_are_joined_and_do_not_depend_on_optimizations() -> None:
    given = batches(3)
    fused, exact = outputs_of(plain_graph(), given), outputs_of(plain_graph(), given, exact=True)
    assert fused.shape == (3, 3, 16, 16)
    assert np.allclose(fused, exact, atol=1e-5)
