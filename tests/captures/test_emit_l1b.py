from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from onboard.captures import Capture, open_capture
from onboard.errors import CaptureError, UsageError
from tests.captures.files import BANDS, LINES, SAMPLES, centres, cube, write_l1b


def together(capture: Capture, **options: Any) -> Any:
    return np.concatenate([block.radiance.copy() for block in capture.blocks(**options)])


def refusal(path: Path) -> str:
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"chunks": (3, 2, 5)},
        {"chunks": (2, 5, 12), "compression": "gzip", "shuffle": True},
        {"chunks": (7, 5, 12), "fletcher32": True},
    ],
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8"])
@pytest.mark.parametrize("step", [1, 3, 7, 100])
def test_blocks_give_every_line_once(tmp_path: Path, storage: dict[str, Any], dtype: str, step: int) -> None:
    truth = cube()
    path = write_l1b(tmp_path / "a.nc", truth.astype(dtype), **storage)
    with open_capture(path) as capture:
        assert (capture.lines, capture.samples, capture.bands) == (LINES, SAMPLES, BANDS)
        assert capture.format == "emit-l1b"
        starts = [block.first_line for block in capture.blocks(step)]
        assert starts == list(range(0, LINES, step))
        found = together(capture, lines_per_block=step)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, truth)
        np.testing.assert_array_equal(capture.read_lines(2, 3), truth[2:5])


def test_blocks_share_one_buffer_and_are_contiguous(tmp_path: Path) -> None:
    with open_capture(write_l1b(tmp_path / "a.nc")) as capture:
        blocks = [block.radiance for block in capture.blocks(3)]
    assert all(block.flags.c_contiguous and block.base is blocks[0].base for block in blocks)


@pytest.mark.parametrize("text", [str, np.bytes_])
def test_metadata_is_read(tmp_path: Path, text: type[str] | type[np.bytes_]) -> None:
    with open_capture(write_l1b(tmp_path / "EMIT_L1B_RAD_001.nc", text=text)) as capture:
        np.testing.assert_allclose(capture.centres, centres(), rtol=1e-6)
        np.testing.assert_allclose(capture.fwhm, 8.5)
        assert capture.time_coverage == ("2023-04-01T18:20:00+0000", "2023-04-01T18:20:12+0000")
        assert capture.granule == "EMIT_L1B_RAD_001"
        assert capture.pixel_size_m == 60.0
        assert capture.size_bytes == capture.path.stat().st_size


def test_chunk_cache_holds_a_row_of_chunks(tmp_path: Path) -> None:
    storage: dict[str, Any] = {"chunks": (4, 2, 5), "compression": "gzip"}
    with open_capture(write_l1b(tmp_path / "a.nc", **storage)) as capture:
        cache = capture._dataset.id.get_access_plist().get_chunk_cache()  # type: ignore[attr-defined]
    assert cache[1] == 3 * 3 * 4 * 2 * 5 * 4


def test_unlabelled_dimensions_go_by_size(tmp_path: Path) -> None:
    with open_capture(write_l1b(tmp_path / "a.nc", names=None)) as capture:
        np.testing.assert_array_equal(together(capture), cube())


def test_wrong_dimension_order_is_refused(tmp_path: Path) -> None:
    turned = np.ascontiguousarray(cube().transpose(2, 0, 1))
    path = write_l1b(
        tmp_path / "named.nc",
        turned,
        names=("bands", "downtrack", "crosstrack"),
        wavelengths=centres(),
        fwhm=np.full(BANDS, 8.0),
    )
    text = refusal(path)
    assert "bands, downtrack, crosstrack" in text
    assert "expected: downtrack, crosstrack, bands" in text
    path = write_l1b(
        tmp_path / "unnamed.nc", turned, names=None, wavelengths=centres(), fwhm=np.full(BANDS, 8.0)
    )
    assert "wrong order" in refusal(path)


def test_units_are_converted_refused_or_assumed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    truth = cube()
    truth[1, 2] = -9998.0
    with open_capture(write_l1b(tmp_path / "a.nc", truth, units="W/m^2/sr/um")) as capture:
        found = together(capture)
    np.testing.assert_allclose(found[0], truth[0] * 0.1, rtol=1e-6)
    assert (found[1, 2] == -9998.0).all()
    assert "multiplied by 0.1" in caplog.text
    with open_capture(write_l1b(tmp_path / "b.nc", units=None)):
        assert "no units" in caplog.text
    text = refusal(write_l1b(tmp_path / "c.nc", units="counts"))
    assert "'counts'" in text
    assert "expected: uW/cm^2/SR/nm" in text


def test_wavelengths_in_micrometres_need_to_say_so(tmp_path: Path) -> None:
    table: dict[str, Any] = {"wavelengths": centres() / 1000, "fwhm": np.full(BANDS, 0.0085)}
    with open_capture(write_l1b(tmp_path / "a.nc", wavelength_units="um", **table)) as capture:
        np.testing.assert_allclose(capture.centres, centres(), rtol=1e-6)
        np.testing.assert_allclose(capture.fwhm, 8.5, rtol=1e-6)
    assert "not in nm" in refusal(write_l1b(tmp_path / "b.nc", wavelength_units=None, **table))
    assert "out of range" in refusal(write_l1b(tmp_path / "c.nc", wavelength_units="nm", **table))
    assert "units are not known" in refusal(write_l1b(tmp_path / "d.nc", wavelength_units="cm-1"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -9999.0, 0.0])
@pytest.mark.parametrize("name", ["wavelengths", "fwhm"])
def test_unusable_band_tables_are_refused(tmp_path: Path, name: str, value: float) -> None:
    tables: dict[str, Any] = {"wavelengths": centres(), "fwhm": np.full(BANDS, 8.5)}
    tables[name][3] = value
    text = refusal(write_l1b(tmp_path / "a.nc", **tables))
    assert "band 3" in text
    assert name in text


def edit(path: Path, change: Any) -> Path:
    with h5py.File(path, "r+") as file:
        change(file)
    return path


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda f: f.__delitem__("radiance"), "no variable `radiance`"),
        (lambda f: f.move("radiance", "reflectance"), "reflectance, not radiance"),
        (lambda f: f.__delitem__("sensor_band_parameters"), "no wavelengths"),
        (lambda f: f.__delitem__("sensor_band_parameters/wavelengths"), "no wavelengths"),
        (lambda f: (f.__delitem__("radiance"), f.create_group("radiance")), "not one"),
        (
            lambda f: (f.__delitem__("radiance"), f.__setitem__("radiance", h5py.ExternalLink("x", "/y"))),
            "link",
        ),
        (lambda f: (f.__delitem__("radiance"), f.__setitem__("radiance", h5py.SoftLink("/no"))), "radiance"),
        (lambda f: (f.__delitem__("radiance"), f.__setitem__("radiance", np.zeros((3, 4)))), "dimensions"),
        (
            lambda f: (f.__delitem__("radiance"), f.__setitem__("radiance", np.zeros((3, 4, BANDS), "i2"))),
            "int16",
        ),
        (
            lambda f: (f.__delitem__("radiance"), f.create_dataset("radiance", (3, 4, BANDS), "f4")),
            "never written",
        ),
        (
            lambda f: (
                f.__delitem__("radiance"),
                f.create_dataset("radiance", (10**9, 4, BANDS), "f4", chunks=(1, 4, BANDS)),
            ),
            "lines",
        ),
        (
            lambda f: (
                f.__delitem__("radiance"),
                f.create_dataset("radiance", (4, 60_000, 4_000), "f4", chunks=(1, 4, BANDS)),
            ),
            "too large",
        ),
        (
            lambda f: (
                f.__delitem__("sensor_band_parameters/fwhm"),
                f.__setitem__("sensor_band_parameters/fwhm", np.ones(3)),
            ),
            "(3,)",
        ),
        (
            lambda f: (
                f.__delitem__("sensor_band_parameters/fwhm"),
                f.__setitem__("sensor_band_parameters/fwhm", "wide"),
            ),
            "not numeric",
        ),
    ],
)
def test_malformed_content_is_refused_by_name(tmp_path: Path, change: Any, word: str) -> None:
    assert word in refusal(edit(write_l1b(tmp_path / "a.nc"), change))


def test_no_lines_and_no_samples(tmp_path: Path) -> None:
    assert "holds no data; " in refusal(write_l1b(tmp_path / "a.nc", np.empty((0, 5, 12), np.float32)))
    assert "field: samples" in refusal(write_l1b(tmp_path / "b.nc", np.empty((4, 0, 12), np.float32)))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.99])
def test_truncated_files_are_refused_whole(tmp_path: Path, share: float) -> None:
    path = write_l1b(tmp_path / "a.nc", cube(200, 10, BANDS))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    text = refusal(path)
    assert "remedy" in text


def test_contiguous_data_that_end_short_are_refused(tmp_path: Path) -> None:
    path = write_l1b(tmp_path / "a.nc", cube(200, 10, BANDS), location=False)
    data = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        offset = file["radiance"].id.get_offset()
    # Tell the superblock that the shorter file is whole, as a repair tool would.
    cut = max(offset + 200, len(data) - 4000)
    marker = len(data).to_bytes(8, "little")
    place = data.find(marker)
    assert 0 <= place < 200
    data[place : place + 8] = cut.to_bytes(8, "little")
    path.write_bytes(bytes(data[:cut]))
    with pytest.raises(CaptureError, match="remedy"), open_capture(path) as capture:
        together(capture)


def test_damaged_chunk_names_its_lines(tmp_path: Path) -> None:
    storage: dict[str, Any] = {"chunks": (2, 5, 12), "compression": "gzip"}
    path = write_l1b(tmp_path / "a.nc", **storage)
    with h5py.File(path) as file:
        chunk = file["radiance"].id.get_chunk_info(1)
    data = bytearray(path.read_bytes())
    for i in range(chunk.size):
        data[chunk.byte_offset + i] ^= 0xA5
    path.write_bytes(bytes(data))
    with open_capture(path) as capture, pytest.raises(CaptureError, match="lines 2 to 3"):
        together(capture, lines_per_block=2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_radiance_is_named_or_kept(tmp_path: Path, bad: float) -> None:
    data = cube()
    data[4, 3, 2] = bad
    with open_capture(write_l1b(tmp_path / "a.nc", data)) as capture:
        with pytest.raises(CaptureError, match=r"line 4, sample 3, band 2 .*found: -?(nan|inf)"):
            together(capture, lines_per_block=3)
        np.testing.assert_array_equal(together(capture, lines_per_block=3, non_finite="keep"), data)


def test_a_capture_of_fill_alone_is_refused_at_its_end(tmp_path: Path) -> None:
    data = np.full((6, 4, BANDS), -9999.0, np.float32)
    data[2] = -9990.0
    with open_capture(write_l1b(tmp_path / "a.nc", data)) as capture:
        with pytest.raises(CaptureError, match="no valid pixel"):
            together(capture, lines_per_block=4)
        assert together(capture, require_data=False).shape == data.shape
    data[5, 3, 1] = 1.0
    with open_capture(write_l1b(tmp_path / "b.nc", data)) as capture:
        assert len(together(capture)) == 6


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    with open_capture(write_l1b(tmp_path / "a.nc")) as capture:
        with pytest.raises(UsageError):
            next(capture.blocks(0))
        for first, count in ((-1, 1), (0, 0), (6, 2)):
            with pytest.raises(UsageError, match="within 0 to 6"):
                capture.read_lines(first, count)
    capture.close()
    with pytest.raises(CaptureError):
        capture.read_lines(0, 1)


def test_missing_fwhm_is_the_spacing_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = edit(write_l1b(tmp_path / "a.nc"), lambda f: f.__delitem__("sensor_band_parameters/fwhm"))
    with caplog.at_level(logging.WARNING), open_capture(path) as capture:
        np.testing.assert_allclose(capture.fwhm, np.diff(centres())[0], rtol=1e-5)
    assert "no FWHM" in caplog.text
