from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from onboard.errors import BundleError, OutputError
from onboard.replay.job import ReplayJob, run_replay
from tests.captures.files import write_envi
from tests.replay.small_capture import LINES, SAMPLES, SENSOR, radiance, write_bundle, write_capture
from tests.replay.stand_in import Event, StandIn


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle") / "test.onb")


class Opener:
    """Opens a stand-in, and remembers how."""

    def __init__(self, *events: Event, fail_at: int | None = None, dropped: int = 0) -> None:
        self.events = list(events)
        self.fail_at = fail_at
        self.dropped = dropped
        self.options: dict[str, Any] = {}

    def __call__(self, bundle: Path, **options: Any) -> StandIn:
        self.options = options
        self.session = StandIn(options["samples"], self.events, dropped=self.dropped)
        if self.fail_at is not None:
            self.session.flush = self.fail  # type: ignore[method-assign]
        return self.session

    def fail(self) -> list[Any]:
        raise RuntimeError("the core gave up")


def test_the_session_is_opened_for_the_capture_and_closed(tmp_path: Path, bundle: Path) -> None:
    opener = Opener(Event())
    capture = write_capture(tmp_path / "c.nc")
    summary = run_replay(ReplayJob(capture, tmp_path / "run", bundle, threads=3), open_session=opener)
    assert opener.options["samples"] == SAMPLES
    assert opener.options["threads"] == 3
    assert opener.options["products"] == ("methane", "minerals")
    assert opener.options["trusted_keys"] is None
    assert opener.session.closed
    assert summary["plumes"] == 1
    assert len(summary["bundle"]["sha256"]) == 64
    events = json.loads((tmp_path / "run" / "events.geojson").read_text())
    # The small captures start at 119 west, 36 north, with pixels of 0.001 degree.
    assert events["features"][0]["properties"]["peak_lon"] == pytest.approx(-119 + 0.004)
    assert events["features"][0]["properties"]["peak_lat"] == pytest.approx(36 - 0.003)


def test_a_session_that_fails_is_closed_and_leaves_nothing(tmp_path: Path, bundle: Path) -> None:
    opener = Opener(fail_at=0)
    capture = write_capture(tmp_path / "c.nc", radiance(20))
    with pytest.raises(RuntimeError, match="gave up"):
        run_replay(ReplayJob(capture, tmp_path / "run", bundle), open_session=opener)
    assert opener.session.closed
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.nc"]


def test_an_unknown_pixel_size_is_assumed_aloud(tmp_path: Path, bundle: Path) -> None:
    header = write_envi(tmp_path, radiance(), wavelengths=SENSOR.centres)
    opener = Opener()
    summary = run_replay(ReplayJob(header, tmp_path / "run", bundle), open_session=opener)
    assert opener.options["pixel_size_m"] == 60.0
    assert any("assume 60 m" in warning for warning in summary["warnings"])


def test_events_that_were_dropped_are_told_of(tmp_path: Path, bundle: Path) -> None:
    capture = write_capture(tmp_path / "c.nc")
    opener = Opener(dropped=7)
    summary = run_replay(ReplayJob(capture, tmp_path / "run", bundle), open_session=opener)
    assert any(warning.startswith("7 plume events found no room") for warning in summary["warnings"])


def test_positions_are_copied(tmp_path: Path, bundle: Path) -> None:
    capture = write_capture(tmp_path / "c.nc")
    run_replay(ReplayJob(capture, tmp_path / "run", bundle), open_session=Opener())
    with h5py.File(capture) as source, h5py.File(tmp_path / "run" / "products.nc") as products:
        np.testing.assert_array_equal(products["lon"][...], source["location/lon"][...])
        np.testing.assert_array_equal(products["lat"][...], source["location/lat"][...])
        assert products.attrs["source"] == "c"


def test_the_place_is_checked_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match="no run of ours"):
        run_replay(ReplayJob(tmp_path / "missing.nc", tmp_path / "run"), open_session=Opener())


def test_lines_are_read_in_blocks_whatever_their_size(tmp_path: Path, bundle: Path) -> None:
    capture = write_capture(tmp_path / "c.nc")
    for size in (1, 7, LINES, 1000):
        job = ReplayJob(capture, tmp_path / f"run{size}", bundle, block_lines=size)
        run_replay(job, open_session=Opener())
        with h5py.File(job.out / "products.nc") as products:
            expected = radiance()[:, :, 1]
            np.testing.assert_array_equal(products["ch4_enhancement"][...], expected)


def test_a_manifest_that_lies_is_the_bundles_fault(tmp_path: Path, bundle: Path) -> None:
    spoilt = tmp_path / "spoilt.onb"
    data = bundle.read_bytes()
    at = data.index(b"required_nm")
    spoilt.write_bytes(data[:at] + b"R" + data[at + 1 :])
    with pytest.raises(BundleError, match="manifest"):
        run_replay(ReplayJob(write_capture(tmp_path / "c.nc"), tmp_path / "run", spoilt))


def test_a_light_installation_is_enough() -> None:
    code = (
        "import sys, onboard.cli.replay, onboard.cli.evaluate, onboard.replay.job, onboard.replay.evaluate;"
        "heavy = {'torch', 'onnx', 'matplotlib', 'scipy', 'xarray', 'cryptography'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
