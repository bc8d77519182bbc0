"""The replay verb on the real flight core, and everything that it must refuse."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from onboard.cli.main import main
from tests.captures.files import write_envi
from tests.replay.small_capture import (
    LINES,
    SAMPLES,
    SENSOR,
    radiance,
    write_bundle,
    write_capture,
    write_plume_scene,
)

PICTURES = {"rgb.png", "enhancement.png", "plume_mask.png", "minerals.png"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle") / "test.onb")


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Where runs go: after a refusal it must be empty."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


Refused = Callable[..., None]


@pytest.fixture
def refused(room: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Check that a replay fails with an exit code and all the words, and leaves nothing."""

    def check(capture: Path, *words: str, code: int = 3, options: tuple[str, ...] = ()) -> None:
        assert main([*arguments(capture, room / "run", bundle), *options]) == code
        captured = capsys.readouterr()
        for word in words:
            assert word in captured.err
        assert "Traceback" not in captured.err
        assert captured.out == ""
        assert list(room.iterdir()) == []

    return check


def arguments(capture: Path, out: Path, bundle: Path) -> list[str]:
    key = bundle.with_suffix(".pub")
    return ["replay", str(capture), "--out", str(out), "--bundle", str(bundle), "--trust", str(key)]


def replay(capture: Path, out: Path, bundle: Path, *options: str) -> dict[str, Any]:
    assert main([*arguments(capture, out, bundle), *options]) == 0
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def test_a_run_holds_all_that_was_promised(
    tmp_path: Path, room: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = replay(write_capture(tmp_path / "c.nc"), room / "run", bundle, "--json", "--target", "board")
    assert json.loads(capsys.readouterr().out) == summary
    assert (summary["lines"], summary["samples"], summary["bands"]) == (LINES, SAMPLES, 285)
    assert summary["target"] == "board"
    assert summary["bands_resampled"] is False
    assert summary["quality"]["valid"] == LINES * SAMPLES
    assert summary["allocations_after_open"] == 0
    assert 0 < summary["processing_s"] < summary["wall_s"]
    assert {path.name for path in (room / "run").iterdir()} == {
        "summary.json",
        "products.nc",
        "events.geojson",
        "quicklook",
    }
    assert {path.name for path in (room / "run" / "quicklook").iterdir()} == PICTURES
    events = json.loads((room / "run" / "events.geojson").read_text())
    assert len(events["features"]) == summary["plumes"]
    with h5py.File(room / "run" / "products.nc") as products:
        assert products["mineral_probability"].shape == (10, LINES, SAMPLES)
        assert np.isfinite(products["ch4_enhancement"][...]).all()
        assert "lon" in products


def test_plumes_are_found_placed_and_scored(
    tmp_path: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, truth, bundle = write_plume_scene(tmp_path)
    summary = replay(capture, room / "run", bundle)
    features = json.loads((room / "run" / "events.geojson").read_text())["features"]
    assert summary["plumes"] == len(features) == 2
    for feature in features:
        corner = feature["geometry"]["coordinates"][0][0]
        assert corner[0] == pytest.approx(-119 + 0.001 * feature["properties"]["first_sample"], abs=0.0006)
        assert feature["properties"]["area_km2"] > 0.1
    capsys.readouterr()
    assert main(["evaluate", str(room / "run"), "--truth", str(truth), "--json"]) == 0
    methane = json.loads(capsys.readouterr().out)["methane"]
    assert methane["plumes"]["recall"] == 1.0
    assert methane["plumes"]["false_events"] == 0
    assert methane["pixels"]["auprc"] > 0.9
    assert methane["enhancement"]["slope"] == pytest.approx(1.0, abs=0.3)


def test_people_get_a_table(
    tmp_path: Path, room: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay(write_capture(tmp_path / "c.nc"), room / "run", bundle)
    text = capsys.readouterr().out
    assert "deadline misses" in text
    assert str(room / "run" / "quicklook") in text


@pytest.mark.parametrize("options", [("--block-lines", "1"), ("--block-lines", "64"), ("--in-memory",)])
def test_products_are_the_same_however_lines_are_read(
    tmp_path: Path, room: Path, bundle: Path, options: tuple[str, ...]
) -> None:
    capture = write_capture(tmp_path / "c.nc")
    replay(capture, room / "a", bundle)
    replay(capture, room / "b", bundle, *options)
    with h5py.File(room / "a" / "products.nc") as a, h5py.File(room / "b" / "products.nc") as b:
        assert set(a) == set(b)
        for name in a:
            np.testing.assert_array_equal(a[name][...], b[name][...])
    assert (room / "a" / "events.geojson").read_text() == (room / "b" / "events.geojson").read_text()


def test_realtime_takes_the_instruments_time(tmp_path: Path, room: Path, bundle: Path) -> None:
    summary = replay(write_capture(tmp_path / "c.nc"), room / "run", bundle, "--realtime")
    assert summary["realtime"] is True
    assert summary["wall_s"] >= (LINES - 1) * 0.00926
    assert summary["deadline"]["worst_lag_ms"] > 0


def test_envi_on_other_bands_is_resampled_and_says_so(
    tmp_path: Path, room: Path, bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = write_envi(tmp_path, radiance(), wavelengths=SENSOR.centres + 1.5)
    summary = replay(header, room / "run", bundle)
    assert summary["bands_resampled"] is True
    assert summary["worst_mismatch_nm"] == pytest.approx(1.5, abs=0.1)
    assert "worst mismatch 1.5" in caplog.text
    assert any("no positions" in warning for warning in summary["warnings"])
    features = json.loads((room / "run" / "events.geojson").read_text())["features"]
    assert all(feature["geometry"] is None for feature in features)


def test_a_product_without_its_bands_is_dropped_by_name(
    tmp_path: Path, room: Path, bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep = SENSOR.centres > 1500
    capture = write_capture(
        tmp_path / "c.nc",
        radiance()[:, :, keep],
        wavelengths=SENSOR.centres[keep],
        fwhm=SENSOR.fwhm[keep],
    )
    summary = replay(capture, room / "run", bundle)
    assert summary["products"] == ["methane"]
    assert "450-1300 nm" in summary["dropped_products"]["minerals"]
    assert "product minerals is dropped" in caplog.text
    assert not (room / "run" / "quicklook" / "minerals.png").exists()


def test_products_can_be_chosen(tmp_path: Path, room: Path, bundle: Path) -> None:
    summary = replay(write_capture(tmp_path / "c.nc"), room / "run", bundle, "--products", "minerals")
    assert summary["products"] == ["minerals"]
    with h5py.File(room / "run" / "products.nc") as products:
        assert "plume_mask" not in products


def test_a_short_capture_runs_with_a_warning(
    tmp_path: Path, room: Path, bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replay(write_capture(tmp_path / "c.nc", radiance(10, 10)), room / "run", bundle)
    assert "only 10 lines" in caplog.text


def test_nonfinite_radiance_is_masked_on_request(tmp_path: Path, room: Path, bundle: Path) -> None:
    data = radiance()
    data[5, 7] = np.nan
    data[6, 8, 100:200] = np.inf
    summary = replay(write_capture(tmp_path / "c.nc", data), room / "run", bundle, "--nonfinite", "mask")
    assert summary["quality"]["non_finite"] == 2
    with h5py.File(room / "run" / "products.nc") as products:
        assert products["plume_probability"][5, 7] == 0
        assert np.isnan(products["ch4_enhancement"][6, 8])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nonfinite_radiance_is_refused(tmp_path: Path, refused: Refused, value: float) -> None:
    data = radiance()
    data[40, 7, 100] = value
    for options in ((), ("--in-memory",)):
        refused(write_capture(tmp_path / "c.nc", data), "radiance", "40", "7", "100", options=options)


def test_a_capture_of_fill_only_is_refused_with_counts(tmp_path: Path, refused: Refused) -> None:
    data = np.full((LINES, SAMPLES, 285), -9999, np.float32)
    data[3] = -9990
    capture = write_capture(tmp_path / "c.nc", data)
    refused(capture, "no valid pixel", f"no_data {(LINES - 1) * SAMPLES}", f"cloudy {SAMPLES}", "remedy")


def test_zero_lines_are_refused(tmp_path: Path, refused: Refused) -> None:
    refused(write_capture(tmp_path / "c.nc", np.zeros((0, SAMPLES, 285), np.float32)), "c.nc", "found: 0")


def test_a_truncated_file_is_refused(tmp_path: Path, refused: Refused) -> None:
    capture = write_capture(tmp_path / "c.nc")
    whole = capture.read_bytes()
    for part in (0.01, 0.5, 0.9):
        capture.write_bytes(whole[: int(len(whole) * part)])
        refused(capture, "c.nc", "remedy")


def test_a_file_without_radiance_is_refused(tmp_path: Path, refused: Refused) -> None:
    capture = write_capture(tmp_path / "c.nc")
    with h5py.File(capture, "a") as file:
        file.move("radiance", "reflectance")
    refused(capture, "c.nc", "radiance", "found", "expected")


def test_a_wrong_order_of_dimensions_is_refused(tmp_path: Path, refused: Refused) -> None:
    capture = write_capture(
        tmp_path / "c.nc",
        radiance().transpose(2, 0, 1).copy(),
        names=("bands", "downtrack", "crosstrack"),
        wavelengths=np.linspace(400, 2400, SAMPLES),
        fwhm=np.full(SAMPLES, 9.0),
    )
    refused(capture, "c.nc", "downtrack", "found", "expected")


def test_missing_wavelengths_are_refused(tmp_path: Path, refused: Refused) -> None:
    capture = write_capture(tmp_path / "c.nc")
    with h5py.File(capture, "a") as file:
        del file["sensor_band_parameters/wavelengths"]
    refused(capture, "c.nc", "wavelengths")


def test_an_envi_header_that_promises_too_much_is_refused(tmp_path: Path, refused: Refused) -> None:
    header = write_envi(tmp_path, radiance(), wavelengths=SENSOR.centres)
    text = header.read_text()
    header.write_text(text.replace(f"lines   = {LINES}", f"lines   = {LINES + 1}"))
    refused(header, "scene", "bytes", "found", "expected")


def test_a_missing_capture_is_refused(tmp_path: Path, refused: Refused) -> None:
    refused(tmp_path / "none.nc", "none.nc", "remedy")


def test_a_capture_without_any_needed_band_is_refused(tmp_path: Path, refused: Refused) -> None:
    keep = SENSOR.centres < 1000
    capture = write_capture(
        tmp_path / "c.nc",
        radiance()[:, :, keep],
        wavelengths=SENSOR.centres[keep],
        fwhm=SENSOR.fwhm[keep],
    )
    refused(capture, "2130-2440 nm", "wavelengths")


def test_wrong_use_is_told_apart(tmp_path: Path, refused: Refused) -> None:
    capture = write_capture(tmp_path / "c.nc")
    refused(capture, "gold", code=2, options=("--products", "gold"))
    refused(capture, code=2, options=("--products", ","))
    refused(capture, code=2, options=("--threads", "0"))
    refused(capture, code=2, options=("--nonfinite", "perhaps"))


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def unsigned(data: bytes) -> bytes:
    return data[:-120] + bytes(96) + data[-24:]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (unsigned, ("not signed",)),
        (lambda data: flip(data, len(data) // 2), ("sha256",)),
        (lambda data: flip(data, len(data) - 60), ("signature",)),
        (lambda data: data[: len(data) // 2], ("total_size",)),
        (lambda data: data[:8] + b"\x09" + data[9:], ("format_version",)),
        (lambda _: b"", ("empty",)),
    ],
    ids=["unsigned", "tampered", "signature", "truncated", "version", "empty"],
)
def test_a_bad_bundle_is_refused(
    tmp_path: Path, refused: Refused, bundle: Path, spoil: Callable[[bytes], bytes], words: tuple[str, ...]
) -> None:
    spoilt = tmp_path / "spoilt.onb"
    spoilt.write_bytes(spoil(bundle.read_bytes()))
    options = ("--bundle", str(spoilt))
    refused(write_capture(tmp_path / "c.nc"), "spoilt.onb", *words, code=4, options=options)


def test_a_missing_bundle_is_refused(tmp_path: Path, refused: Refused) -> None:
    options = ("--bundle", str(tmp_path / "none.onb"))
    refused(write_capture(tmp_path / "c.nc"), "none.onb", code=4, options=options)


def test_an_earlier_run_is_kept_unless_asked(
    tmp_path: Path, room: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = write_capture(tmp_path / "c.nc")
    replay(capture, room / "run", bundle)
    before = (room / "run" / "summary.json").read_text()
    assert main(arguments(capture, room / "run", bundle)) == 3
    assert "--overwrite" in capsys.readouterr().err
    assert (room / "run" / "summary.json").read_text() == before
    assert replay(capture, room / "run", bundle, "--overwrite", "--target", "b")["target"] == "b"
    assert [path.name for path in room.iterdir()] == ["run"]


def test_a_failed_replay_keeps_the_run_that_it_was_to_replace(
    tmp_path: Path, room: Path, bundle: Path
) -> None:
    replay(write_capture(tmp_path / "c.nc"), room / "run", bundle)
    before = (room / "run" / "summary.json").read_text()
    data = radiance()
    data[40] = np.nan
    capture = write_capture(tmp_path / "d.nc", data)
    assert main([*arguments(capture, room / "run", bundle), "--overwrite"]) == 3
    assert (room / "run" / "summary.json").read_text() == before
    assert [path.name for path in room.iterdir()] == ["run"]


def test_a_folder_with_the_capture_in_it_is_not_replaced(
    tmp_path: Path, room: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = room / "run"
    replay(write_capture(tmp_path / "c.nc"), run, bundle)
    capture = Path(shutil.copy(tmp_path / "c.nc", run / "c.nc"))
    assert main([*arguments(capture, run, bundle), "--overwrite"]) == 3
    assert "holds the capture itself" in capsys.readouterr().err
    assert capture.exists()


def test_a_place_that_cannot_be_written_is_refused(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = write_capture(tmp_path / "c.nc")
    assert main(arguments(capture, Path("/proc/run"), bundle)) == 3
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["os.posix_fallocate", "os.pwrite", "PIL.Image.Image.save"])
def test_a_full_disk_is_told_and_nothing_stays(tmp_path: Path, refused: Refused, call: str) -> None:
    capture = write_capture(tmp_path / "c.nc")
    with patch(call, side_effect=OSError(errno.ENOSPC, "No space left on device")):
        refused(capture, "disk is full", "remedy")


def test_strict_tells_of_missed_deadlines_and_keeps_the_run(
    tmp_path: Path, room: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = write_capture(tmp_path / "c.nc")
    with patch("onboard.replay.deadlines.np.count_nonzero", return_value=3):
        assert main([*arguments(capture, room / "run", bundle), "--strict"]) == 5
    assert "3 of 48 lines missed their deadline" in capsys.readouterr().err
    assert (room / "run" / "summary.json").exists()
