"""What the timings share: one simulated capture, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from onboard.captures import open_capture
from onboard.cli.main import main

LINES = 320


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a capture of full swath and a quarter of the full length."""
    path = tmp_path_factory.mktemp("bench") / "capture.nc"
    assert main(["simulate", str(path), "--lines", str(LINES), "--seed", "1"]) == 0
    return path


@pytest.fixture(scope="session")
def radiance(capture: Path) -> npt.NDArray[np.float32]:
    """Return its radiance, (lines, samples, bands)."""
    with open_capture(capture) as opened:
        return opened.read_lines(0, LINES)
