"""Staged activation: order, refusals, rollback, and a power cut at every step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.bundle import sign_container
from export.limits import with_limits
from onboard.errors import BundleError, OnboardError, OutputError
from onboard.flight.bundle import read_container
from onboard.flight.limits import Limits
from onboard.flight.slots import COPY, RECORD, Slots
from tests.support.bundles import TEST_SEED, build_test_bundle, make_radiance

PLAN: dict[str, Any] = {"stem_pixels": 16, "body_samples": 16, "inference_bytes": 8 << 20}


def bundle(sequence: int) -> bytes:
    return build_test_bundle(samples_hint=16, sequence=sequence, seed=sequence, **PLAN).data


BUNDLES = {sequence: bundle(sequence) for sequence in (3, 4, 5, 6)}
KEYS = [build_test_bundle(samples_hint=16).public_key]


def slots_of(folder: Path, **changes: object) -> Slots:
    return Slots(folder, **{"trusted_keys": KEYS, **changes})  # type: ignore[arg-type]


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    made = slots_of(tmp_path / "slots")
    made.install(BUNDLES[3])
    return made


def flying(slots: Slots) -> bytes:
    return slots.active()[1]


def test_staging_leaves_the_active_bundle_until_it_is_activated(slots: Slots) -> None:
    assert slots.stage(BUNDLES[4]).sequence == 4
    assert flying(slots) == BUNDLES[3]
    assert slots.activate().name == "b"
    assert flying(slots) == BUNDLES[4]
    previous = slots.record().previous
    assert previous is not None
    assert (previous.name, previous.sequence) == ("a", 3)
    slots.stage(BUNDLES[6])
    assert slots.activate().name == "a"
    assert slots.record().high_water == 6


def test_rollback_goes_back_once_and_forgets_no_sequence(slots: Slots) -> None:
    slots.stage(BUNDLES[5])
    slots.activate()
    assert slots.rollback().sequence == 3
    assert flying(slots) == BUNDLES[3]
    for replayed in (3, 4, 5):
        with pytest.raises(BundleError, match=r"older than allowed.*expected: at least 6"):
            slots.stage(BUNDLES[replayed])
    with pytest.raises(BundleError, match="older than allowed"):
        slots.activate()  # the bundle that was rolled back still lies in its slot
    with pytest.raises(BundleError, match="no bundle to roll back to"):
        slots.rollback()
    slots.stage(BUNDLES[6])
    slots.activate()
    assert flying(slots) == BUNDLES[6]


def test_what_flight_refuses_is_never_staged(slots: Slots) -> None:
    cut = BUNDLES[4][:-1]
    stranger = sign_container(BUNDLES[4], bytes(32))
    old = sign_container(with_limits(read_container(BUNDLES[4]), Limits(99, "a")), TEST_SEED)
    unsigned = with_limits(read_container(BUNDLES[4]), Limits())
    for data, words in ((cut, "cut short"), (stranger, "not trusted"), (unsigned, "not signed")):
        with pytest.raises(BundleError, match=words):
            slots.stage(data)
    with pytest.raises(BundleError, match="expired"):
        slots_of(slots.folder, now_unix_s=100).stage(old)
    with pytest.raises(BundleError, match="another target"):
        slots_of(slots.folder, target="b").stage(old)
    broken = build_test_bundle(samples_hint=16, sequence=4, parts={"body.onnx": b"no graph"}, **PLAN).data
    with pytest.raises(BundleError, match="refuses a graph"):
        slots.stage(broken)
    assert not slots.path("b").exists()
    assert flying(slots) == BUNDLES[3]


def test_a_wrong_known_answer_is_found_in_the_trial(slots: Slots) -> None:
    test = build_test_bundle(samples_hint=16)
    radiance, alpha = make_radiance(test, 40, 16)
    wrong = np.stack([np.full_like(alpha, 0.5), alpha], axis=1)
    liar = build_test_bundle(samples_hint=16, sequence=4, known=(radiance, wrong), **PLAN).data
    with pytest.raises(BundleError, match="known input no longer gives"):
        slots.stage(liar)


def test_damage_after_staging_is_found(slots: Slots) -> None:
    slots.stage(BUNDLES[4])
    damaged = bytearray(BUNDLES[4])
    damaged[2000] ^= 1
    slots.path("b").write_bytes(damaged)
    with pytest.raises(BundleError, match="damaged"):
        slots.activate()
    assert flying(slots) == BUNDLES[3]
    slots.stage(BUNDLES[4])
    slots.activate()
    slots.path("b").write_bytes(damaged)
    with pytest.raises(BundleError, match=r"does not hold the bundle.*rollback"):
        slots.active()
    slots.rollback()
    assert flying(slots) == BUNDLES[3]


def test_an_empty_folder_and_a_second_first_bundle_are_told(tmp_path: Path, slots: Slots) -> None:
    for call in (slots_of(tmp_path / "none").active, slots_of(tmp_path / "none").activate):
        with pytest.raises(BundleError, match=r"--first BUNDLE"):
            call()
    with pytest.raises(BundleError, match="in use already"):
        slots.install(BUNDLES[4])
    with pytest.raises(BundleError, match="no bundle is staged"):
        slots.activate()


class PowerCut(BaseException):
    """Ends a call as a power cut would: nothing of ours catches it."""


def cut_power_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ``step``-th touch of the medium be the last; a write then leaves half its bytes."""
    count = [step]
    write, sync, rename = os.write, os.fsync, os.replace

    def due() -> bool:
        count[0] -= 1
        return count[0] < 0

    def half_write(descriptor: int, data: memoryview) -> int:
        if due():
            write(descriptor, data[: len(data) // 2])
            raise PowerCut
        return write(descriptor, data)

    def no_sync(descriptor: int) -> None:
        if due():
            raise PowerCut
        sync(descriptor)

    def no_rename(source: Path, to: Path) -> None:
        if due():
            raise PowerCut
        rename(source, to)
        if due():
            raise PowerCut

    monkeypatch.setattr(os, "write", half_write)
    monkeypatch.setattr(os, "fsync", no_sync)
    monkeypatch.setattr(os, "replace", no_rename)


def replace_bundle(slots: Slots) -> None:
    slots.stage(BUNDLES[5])
    slots.activate()
    slots.rollback()


STEPS = 25
"""Touches of the medium by `replace_bundle`: each of five files (a slot, twice the record and its copy) is
written, synced, renamed (a cut may come before or after), and its folder synced."""


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_a_power_cut_at_any_step_leaves_a_good_bundle(step: int, slots: Slots, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        cut_power_at(step, patch)
        if step < STEPS:
            with pytest.raises(PowerCut):
                replace_bundle(slots)
        else:
            replace_bundle(slots)
    slot, data = slots.active()
    assert data == BUNDLES[slot.sequence]
    assert slots.record().high_water in (3, 5)
    if slot.sequence == 3 and slots.record().high_water == 3:
        slots.stage(BUNDLES[5])
        slots.activate()
        assert flying(slots) == BUNDLES[5]
    else:
        slots.stage(BUNDLES[6])
        slots.activate()
        assert flying(slots) == BUNDLES[6]


@pytest.mark.parametrize("step", range(15))
def test_a_power_cut_while_setting_up_can_be_made_good(step: int, tmp_path: Path) -> None:
    slots = slots_of(tmp_path / "slots")
    with pytest.MonkeyPatch.context() as patch:
        cut_power_at(step, patch)
        with pytest.raises(PowerCut):
            slots.install(BUNDLES[3])
    if (slots.folder / RECORD).exists():
        assert flying(slots) == BUNDLES[3]
    else:
        slots.install(BUNDLES[3])
        assert flying(slots) == BUNDLES[3]


def fails(action: Callable[[], object], kind: type[OnboardError], words: str) -> None:
    with pytest.raises(kind, match=words):
        action()


def test_a_full_medium_leaves_the_active_bundle(slots: Slots, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        fails(lambda: slots.stage(BUNDLES[4]), OutputError, "No space left")
    assert flying(slots) == BUNDLES[3]
    shutil.rmtree(slots.folder)
    fails(slots.active, BundleError, "No such file")


def test_a_damaged_record_is_read_from_its_copy(slots: Slots, caplog: pytest.LogCaptureFixture) -> None:
    slots.stage(BUNDLES[4])
    slots.activate()
    record = slots.folder / RECORD
    whole = record.read_bytes()
    for damaged in (bytes([whole[0] ^ 1]) + whole[1:], b""):
        record.write_bytes(damaged)
        caplog.clear()
        assert flying(slots) == BUNDLES[4]
        assert "its copy is taken" in caplog.text
    record.unlink()
    assert flying(slots) == BUNDLES[4]
    fails(lambda: slots.install(BUNDLES[3]), BundleError, "in use already")
    slots.rollback()
    assert record.read_bytes() == (slots.folder / COPY).read_bytes()
    assert flying(slots) == BUNDLES[3]
    # The highest sequence is not forgotten.
    fails(lambda: slots.stage(BUNDLES[4]), BundleError, "sequence")


def test_with_both_records_damaged_the_way_out_is_told(slots: Slots) -> None:
    for name in (RECORD, COPY):
        (slots.folder / name).write_bytes(b"x")
    fails(slots.active, BundleError, "remove active and its copy.*--first BUNDLE")
    fails(lambda: slots.install(BUNDLES[4]), BundleError, "remove both")
    for name in (RECORD, COPY):
        (slots.folder / name).unlink()
    slots.install(BUNDLES[4])
    assert flying(slots) == BUNDLES[4]


def test_a_record_without_its_copy_holds(
    slots: Slots, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rename = os.replace

    def no_copy(source: Path, to: Path) -> None:
        if Path(to).name == COPY:
            raise OSError(28, "No space left on device")
        rename(source, to)

    slots.stage(BUNDLES[4])
    monkeypatch.setattr(os, "replace", no_copy)
    slots.activate()
    assert "has no copy" in caplog.text
    assert flying(slots) == BUNDLES[4]
