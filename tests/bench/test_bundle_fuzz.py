"""The refusal campaign in small: it counts what it says it counts, and sees a core that takes too much."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import bundle_fuzz
from bench.bundle_fuzz import Judge, Tally, borders, campaign, flip_positions, main, newer
from onboard.flight.bundle import default_bundle_path, read_container
from onboard.flight.core import Status
from onboard.flight.int8_body import INT8_PART
from tests.support.bundles import build_test_bundle

DATA = build_test_bundle().data


def test_nothing_is_accepted() -> None:
    tally, sizes = campaign(DATA, count=200, cut_count=20)
    assert tally.accepted == 0
    assert sizes["bundle"] == len(DATA)
    said = tally.as_dict()
    assert said["accepted"] == 0
    assert {kind: counts.total() for kind, counts in tally.said.items() if "flipped" in kind} == {
        "bundle flipped": 200,
        "delta flipped": 200,
    }
    assert tally.said["bundle unsigned"] == {Status.BUNDLE_UNSIGNED.name: 1}
    assert tally.said["bundle replayed"] == {Status.BUNDLE_SEQUENCE.name: 2}
    assert tally.said["delta replayed"] == {Status.BUNDLE_SEQUENCE.name: 1, Status.DELTA_BASE.name: 1}
    assert set(tally.seconds) == set(tally.said)


def test_flips_meet_all_of_the_structure_and_every_stretch_of_the_rest() -> None:
    places = list(flip_positions(1000, range(40), 140, seed=1))
    assert [at for at, _ in places[:40]] == list(range(40))
    assert [at // 10 for at, _ in places[40:]] == list(range(100))
    assert {bit for _, bit in places} == set(range(8))


def test_borders_are_those_of_the_file() -> None:
    found = borders(DATA)
    for part in read_container(DATA).parts.values():
        assert DATA.find(bytes(part)) in found
    assert found[0] == 0
    assert found[-1] == len(DATA) - 128


@pytest.mark.parametrize("part", ["body.onnx", INT8_PART])
def test_the_newer_bundle_has_another_body(part: str) -> None:
    old = DATA if part == "body.onnx" else default_bundle_path().read_bytes()
    before, after = read_container(old), read_container(newer(old))
    assert after.sequence == before.sequence + 1
    changed = {name for name in before.parts if bytes(before.parts[name]) != bytes(after.parts[name])}
    assert changed == {"manifest.json", part}


def test_a_core_that_takes_too_much_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Judge, "bundle", lambda self, data, size=None: Status.OK)
    path = tmp_path / "x.onb"
    path.write_bytes(DATA)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(
        main, ["--bundle", str(path), "--flips", "5", "--cuts", "2", "--out", str(out)]
    )
    assert result.exit_code == 1
    assert " 0 accepted" not in result.output
    assert '"accepted": 5' in out.read_text()


def test_a_campaign_that_shows_nothing_is_no_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_fuzz, "OWNER", bundle_fuzz.STRANGER)
    judge = Judge(DATA)
    with pytest.raises(AssertionError, match="nothing was shown"):
        bundle_fuzz.flips(judge, DATA, [], 1, Tally(), "bundle flipped")
