from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.operating_curve import chosen_on_validation, main, patches_of, source_ids, strong_sources
from onboard.errors import UsageError
from onboard.flight import default_bundle_path
from onboard.replay.protocol import Rules
from onboard.scenes.gas.plumes import SOURCE_DTYPE
from onboard.scenes.truth import Truth


def truth() -> Truth:
    """Two strong sources, of which one is too small for a label, and a faint one."""
    gas = np.zeros((40, 40), np.float32)
    gas[5:9, 5:9] = 4000.0
    gas[20:22, 20:22] = 2500.0
    gas[30:33, 5:8] = 600.0
    ids = np.zeros((40, 40), np.int32)
    ids[5:9, 5:9] = 1
    sources = np.zeros(3, SOURCE_DTYPE)
    for row, (name, line, sample, peak) in enumerate(
        ((1, 5, 5, 4000.0), (2, 20, 19, 2500.0), (3, 30, 5, 600.0))
    ):
        sources[row]["plume_id"], sources[row]["peak_ppm_m"] = name, peak
        sources[row]["source_line"], sources[row]["source_sample"] = line, sample
    valid = np.ones((40, 40), np.uint8)
    valid[:, 39] = 0
    return Truth(gas, ids, np.zeros((0, 40, 40), np.float32), (), valid, sources)


def test_gas_without_a_label_belongs_to_the_source_beside_it() -> None:
    ids = source_ids(truth(), 500.0)
    assert (ids[5:9, 5:9] == 1).all()
    assert (ids[20:22, 20:22] == 2).all()
    assert (ids[30:33, 5:8] == 3).all()
    assert np.count_nonzero(ids) == 16 + 4 + 9


def test_strong_sources_are_those_above_the_limit() -> None:
    found = strong_sources(truth(), source_ids(truth(), 500.0))
    assert [(row["id"], row["labelled"]) for row in found] == [(1, 16), (2, 0)]


def test_patches_know_what_they_met() -> None:
    said = np.zeros((40, 40), np.float32)
    said[5:7, 5:12] = 0.9
    said[6, 6] = 0.97
    said[31, 6:9] = 0.6
    said[15:18, 30] = 0.7
    said[25, 30:32] = 0.99
    said[:, 39] = 1.0
    rows = patches_of(said, truth(), source_ids(truth(), 500.0), 0.5, Rules())
    # Fewer than three pixels, and what was not measured, are no patches.
    assert rows == [[14, 0.97, 0, [[1, 8, 8]]], [3, 0.7, 1, []], [3, 0.6, 0, [[3, 2, 0]]]]
    assert patches_of(said, truth(), source_ids(truth(), 500.0), 0.995, Rules()) == []


def test_a_small_validation_then_a_test(tmp_path: Path) -> None:
    size = ["--captures", "1", "--size", "160", "96", "--out", str(tmp_path)]
    first = CliRunner().invoke(main, ["--set", "validation", *size])
    assert first.exit_code == 0, first.output
    assert "as the bundle flies" in first.output
    kept = json.loads((tmp_path / "validation" / "curve.json").read_text())
    assert set(kept["chosen"]) == {"at_recall", "at_alarms"}
    second = CliRunner().invoke(main, ["--set", "test", *size])
    assert second.exit_code == 0, second.output
    assert "chosen on validation, highest recall at one alarm" in second.output
    assert (tmp_path / "test" / "curve.png").stat().st_size > 10_000
    other = tmp_path / "other.onb"
    other.write_bytes(default_bundle_path().read_bytes())
    assert chosen_on_validation(tmp_path / "validation" / "curve.json", other) == kept["chosen"]
    other.write_bytes(b"another")
    with pytest.raises(UsageError, match="another bundle"):
        chosen_on_validation(tmp_path / "validation" / "curve.json", other)
    assert chosen_on_validation(tmp_path / "none.json", other) == {}
