from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError, UsageError
from onboard.replay.prediction import Assembly, read_prediction
from tests.replay.scored_run import LINES, PLUME, SAMPLES, make_run


def test_blocks_come_together_in_any_order() -> None:
    whole = np.arange(60, dtype=np.float32).reshape(10, 6)
    cube = np.stack([whole, 2 * whole])
    assembly = Assembly(10, 6)
    for rows in (slice(7, 10), slice(0, 4), slice(4, 7)):
        assembly.add(rows.start, {"a": whole[rows], "b": cube[:, rows]})
    layers = assembly.layers()
    np.testing.assert_array_equal(layers["a"], whole)
    np.testing.assert_array_equal(layers["b"], cube)


def test_missing_lines_and_wrong_blocks_are_refused() -> None:
    assembly = Assembly(10, 6)
    assembly.add(0, {"a": np.zeros((4, 6))})
    with pytest.raises(UsageError, match="line 4"):
        assembly.layers()
    with pytest.raises(UsageError, match="block"):
        assembly.add(8, {"a": np.zeros((4, 6))})
    with pytest.raises(UsageError, match="block"):
        assembly.add(4, {"a": np.zeros((4, 5))})


def test_a_run_folder_is_read(tmp_path: Path) -> None:
    found = read_prediction(make_run(tmp_path / "run"))
    assert found.plume_score is not None
    assert found.enhancement is not None
    assert found.mineral_scores is not None
    assert found.plume_score.shape == (LINES, SAMPLES)
    assert found.mineral_scores.shape == (len(found.mineral_names), LINES, SAMPLES)
    assert (found.plume_score[10:15, 5:15] > 0.8).all()
    assert found.enhancement[PLUME].mean() > 1000
    only = read_prediction(make_run(tmp_path / "minerals", ("minerals",)))
    assert only.plume_score is None
    assert only.mineral_scores is not None


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"products\.nc"):
        read_prediction(tmp_path)
