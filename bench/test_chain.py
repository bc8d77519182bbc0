"""A quarter of a capture: read, flown, filtered by the reference. Compare them within one run only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from onboard.captures import open_capture
from onboard.flight import FlightSession, default_bundle_path

Radiance = npt.NDArray[np.float32]


def test_read_warm(benchmark: Any, capture: Path) -> None:
    """The floor: one warm read of the same lines."""

    def read() -> float:
        with open_capture(capture) as opened:
            return float(sum(block.radiance[0, 0, 0] for block in opened.blocks(64)))

    benchmark.pedantic(read, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("threads", [1, 2])
def test_whole_chain(benchmark: Any, radiance: Radiance, threads: int) -> None:
    """Stem, filter, body, products and events, lines in memory."""
    with FlightSession(default_bundle_path(), samples=radiance.shape[1], threads=threads) as session:

        def fly() -> int:
            session.reset()
            blocks = [*session.push(radiance), *session.flush()]
            return len(blocks)

        benchmark.pedantic(fly, rounds=5, warmup_rounds=1)


def test_simulate(benchmark: Any, tmp_path: Path) -> None:
    """Making such lines in the first place."""
    from onboard.cli.main import main

    arguments = ["simulate", str(tmp_path / "x.nc"), "--lines", "320", "--seed", "2", "--overwrite"]
    benchmark.pedantic(lambda: main(arguments), rounds=3)
