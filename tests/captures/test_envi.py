from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onboard.captures import Capture, open_capture
from onboard.errors import CaptureError
from tests.captures.files import BANDS, centres, cube, listed, write_envi

SHARED = Path(__file__).parents[2].parent / "shared/data/real"


def together(capture: Capture, **options: Any) -> Any:
    return np.concatenate([block.radiance.copy() for block in capture.blocks(**options)])


def refusal(path: Path, **options: bool) -> str:
    with pytest.raises(CaptureError) as caught:
        open_capture(path, **options)
    return str(caught.value)


@pytest.mark.parametrize("interleave", ["bil", "bip", "bsq"])
@pytest.mark.parametrize(
    ("code", "dtype"),
    [(1, "u1"), (2, "<i2"), (2, ">i2"), (3, "<i4"), (4, ">f4"), (5, "<f8"), (12, "<u2"), (13, ">u4")],
)
def test_every_interleave_and_type_gives_the_same(
    tmp_path: Path, interleave: str, code: int, dtype: str
) -> None:
    truth = np.random.default_rng(1).integers(1, 200, (7, 5, BANDS))
    header = write_envi(tmp_path, truth, interleave=interleave, code=code, dtype=dtype, offset=33)
    for path in (header, tmp_path / "scene"):
        with open_capture(path) as capture:
            assert capture.format == "envi"
            assert capture.granule == "scene"
            assert capture.size_bytes == (tmp_path / "scene").stat().st_size
            np.testing.assert_array_equal(together(capture, lines_per_block=3), truth)
            np.testing.assert_array_equal(capture.read_lines(6, 1), truth[6:])


@pytest.mark.parametrize("interleave", ["bil", "bip", "bsq"])
def test_gains_offsets_units_and_flags(tmp_path: Path, interleave: str) -> None:
    numbers = np.random.default_rng(2).integers(10, 900, (4, 5, BANDS))
    numbers[1, 2] = -9998
    numbers[2, 3, 4] = 77
    gains, offsets = np.linspace(0.1, 0.2, BANDS), np.linspace(-1.0, 1.0, BANDS)
    extra = (
        f"data units = W m^-2 sr^-1 um^-1\ndata gain values = {{{listed(gains)}}}\n"
        f"data offset values = {{ {listed(offsets)} }}\ndata ignore value = 77\n"
    )
    header = write_envi(tmp_path, numbers, interleave=interleave, code=2, dtype="<i2", extra=extra)
    with open_capture(header) as capture:
        found = together(capture)
    expected = (numbers * gains + offsets) * 0.1
    expected[numbers == 77] = -9999.0
    expected[1, 2] = -9998.0
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_ignore_value_may_be_a_flag_or_nan(tmp_path: Path) -> None:
    data = cube()
    data[0, 0] = -9990.0
    data[1, 1, 1] = np.nan
    extra = "data units = uW/cm2/sr/nm\ndata ignore value = {}\n"
    with open_capture(write_envi(tmp_path, data, extra=extra.format("nan"))) as capture:
        found = together(capture)
    assert found[1, 1, 1] == -9999.0
    assert (found[0, 0] == -9990.0).all()
    with open_capture(write_envi(tmp_path, data, extra=extra.format("-9990"))) as capture:
        assert (capture.read_lines(0, 1)[0, 0] == -9990.0).all()


@pytest.mark.parametrize("suffix", ["", ".img", ".bil", ".dat", ".DAT"])
def test_data_file_is_found_beside_its_header(tmp_path: Path, suffix: str) -> None:
    header = write_envi(tmp_path, cube(), suffix=suffix)
    for path in (header, tmp_path / f"scene{suffix}"):
        with open_capture(path) as capture:
            assert capture.data_path.name == f"scene{suffix}"  # type: ignore[attr-defined]


def test_header_may_carry_the_data_suffix(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube(), suffix=".bil")
    header.rename(tmp_path / "scene.bil.hdr")
    for name in ("scene.bil", "scene.bil.hdr"):
        with open_capture(tmp_path / name) as capture:
            assert capture.lines == 7


def test_two_fitting_data_files_are_a_question(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube())
    data = (tmp_path / "scene").read_bytes()
    (tmp_path / "scene.img").write_bytes(data)
    assert "scene, scene.img" in refusal(header)
    (tmp_path / "scene.img").write_bytes(data[:-1])
    with open_capture(header) as capture:
        assert capture.lines == 7


@pytest.mark.parametrize(("change", "word"), [(-4, "more"), (4, "fewer")])
def test_header_and_data_of_different_length_are_refused(tmp_path: Path, change: int, word: str) -> None:
    header = write_envi(tmp_path, cube())
    data = (tmp_path / "scene").read_bytes()
    (tmp_path / "scene").write_bytes(data[:change] if change < 0 else data + b"\0" * change)
    text = refusal(header)
    assert f"promises {word} bytes" in text
    assert f"found: {len(data) + change} bytes" in text
    assert f"= {len(data)} bytes" in text


def test_data_that_shrink_while_open_are_refused(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube())
    with open_capture(header) as capture:
        data = (tmp_path / "scene").read_bytes()
        (tmp_path / "scene").write_bytes(data[: len(data) // 2])
        with pytest.raises(CaptureError, match="damaged or cut short"):
            together(capture)


def test_missing_partners_are_named(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube())
    (tmp_path / "scene").unlink()
    assert "no data file beside it" in refusal(header)
    header.unlink()
    (tmp_path / "scene.bin").write_bytes(b"x" * 100)
    assert "scene.hdr" in refusal(tmp_path / "scene.bin")


def test_missing_wavelengths_are_refused(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube())
    header.write_text(header.read_text().replace("wavelength =", "wavelengths ="))
    assert "no wavelengths" in refusal(header)


def test_missing_fwhm_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_capture(write_envi(tmp_path, cube(), fwhm=False)) as capture:
        np.testing.assert_allclose(capture.fwhm, np.diff(centres())[0])
    assert "no FWHM" in caplog.text


def test_unknown_units_are_refused(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube(), extra="data units = counts\n")
    assert "'counts'" in refusal(header)
    with open_capture(header, assume_radiance=True) as capture:
        np.testing.assert_array_equal(together(capture), cube())


@pytest.mark.parametrize(
    ("info", "size"),
    [
        ("{UTM, 1, 1, 500000, 4000000, 3.9, 3.9, 10, North, WGS-84, units=Meters}", 3.9),
        ("{Geographic Lat/Lon, 1, 1, -119, 36, 0.0005, 0.0005, WGS-84, units=Degrees}", None),
        ("{UTM, 1, 1, 500000, 4000000, 60, 60, 10, North, WGS-84}", 60.0),
        ("{UTM, 1, 1, 500000, 4000000, 0.06, 0.06, 10, North, WGS-84, units=Km}", 60.0),
        ("{State Plane (NAD 27), 1, 1, 5, 4, 100, 100, 3104, units=Feet}", 30.48),
        ("{Arbitrary, 1, 1, 0, 0, 1, 1, 0, units=Pixels}", None),
        ("{Arbitrary, 1, 1, 0, 0, 1, 1}", None),
        ("{UTM, 1, 1, 0, 0, 1, 1, 10, North, WGS-84, units=Furlongs}", None),
        ("{UTM, 1}", None),
        ("{UTM, 1, 1, 5, 4, x, y, 10}", None),
        ("{UTM, 1, 1, 5, 4, inf, nan, 10}", None),
    ],
)
def test_pixel_size_comes_from_map_info(tmp_path: Path, info: str, size: float | None) -> None:
    extra = f"data units = uW/cm^2/SR/nm\nmap info = {info}\nacquisition time = 2017-03-23T20:22:44Z\n"
    with open_capture(write_envi(tmp_path, cube(), extra=extra)) as capture:
        assert capture.pixel_size_m == (None if size is None else pytest.approx(size))
        assert capture.time_coverage == ("2017-03-23T20:22:44Z", "2017-03-23T20:22:44Z")
        assert capture.location() is None


@pytest.mark.parametrize("interleave", ["bil", "bip", "bsq"])
def test_bad_bands_are_left_out_but_for_those_in_water_vapour(
    tmp_path: Path, interleave: str, caplog: pytest.LogCaptureFixture
) -> None:
    truth = np.random.default_rng(3).integers(10, 90, (4, 5, BANDS))
    gains = np.linspace(0.1, 0.2, BANDS)
    marks = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0]  # 773, 1332, 1891 and 2450 nm
    units = "data units = uW/cm^2/SR/nm\n"
    extra = f"{units}bbl = {{{listed(np.array(marks))}}}\ndata gain values = {{{listed(gains)}}}\n"
    header = write_envi(tmp_path, truth, interleave=interleave, code=2, dtype="<i2", extra=extra)
    kept = [band for band in range(BANDS) if band not in (2, 11)]
    with open_capture(header) as capture:
        assert capture.bands == len(kept)
        np.testing.assert_allclose(capture.centres, centres()[kept], atol=0.01)
        np.testing.assert_allclose(together(capture), (truth * gains)[..., kept], rtol=1e-6)
    assert "2 bands between 773 and 2450 nm are left out" in caplog.text


def real(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip("the data for trials are not beside this checkout")
    return path


@pytest.mark.shared
def test_real_aviris_opens() -> None:
    with open_capture(real("aviris_indian_pines_radiance.hdr")) as capture:
        assert (capture.lines, capture.samples, capture.bands) == (145, 145, 200)
        found = together(capture)
    assert 1.0 < np.median(found[..., 10]) < 20.0
    assert np.diff(capture.centres).min() < 0


@pytest.mark.shared
def test_real_aviris_ng_opens() -> None:
    with open_capture(real("ang20170323t202244_rdn_7000-7010.hdr")) as capture:
        assert capture.granule == "ang20170323t202244_rdn_7000-7010"
        assert together(capture).shape == (10, 10, 425)


@pytest.mark.shared
def test_real_reflectance_is_refused_unless_told_otherwise() -> None:
    path = real("emit20250324t221005_jpl_unmix_ex.hdr")
    assert "reflectance, not radiance" in refusal(path)
    with open_capture(path, assume_radiance=True) as capture:
        assert capture.bands == 285


def test_pairs_in_capitals_are_found(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube(), extra="data units = uW/cm^2/SR/nm\n")
    (data,) = (item for item in tmp_path.iterdir() if item != header)
    header.rename(tmp_path / "FOO.HDR")
    data.rename(tmp_path / "FOO.BIL")
    for name in ("FOO.HDR", "FOO.BIL"):
        with open_capture(tmp_path / name) as capture:
            np.testing.assert_array_equal(together(capture), cube())
