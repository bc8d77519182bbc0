from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.sensors import load_sensor, sensor_names
from onboard.sensors.sensor import parse_sensor

SHARED = Path(__file__).parents[2].parent / "shared/data"
GOOD = """
name = "toy"
source = "made up"
samples = 4
lines_per_capture = 5
line_period_s = 0.01
pixel_size_m = 30.0
columns = ["centre_nm", "fwhm_nm", "noise_a", "noise_b", "noise_c"]
bands = [[400.0, 10.0, 0.01, 1.0, 0.0], [410.0, 10.0, 0.01, 1.0, -0.5]]
"""


def test_emit_has_the_published_figures() -> None:
    emit = load_sensor("emit")
    assert (emit.bands, emit.samples, emit.lines_per_capture) == (285, 1242, 1280)
    assert emit.line_period_s == pytest.approx(2 / 216, rel=1e-3)
    assert emit.pixel_size_m == 60.0
    assert emit.centres[0] == pytest.approx(381.0056)
    assert emit.centres[-1] == pytest.approx(2492.9239)
    assert 7 < np.diff(emit.centres).min() < np.diff(emit.centres).max() < 8
    assert ((emit.fwhm > 8) & (emit.fwhm < 9)).all()
    assert "emit-ghg" in emit.source


@pytest.mark.shared
def test_emit_agrees_with_the_published_table() -> None:
    table = SHARED / "emit/bands.csv"
    if not table.exists():
        pytest.skip("the data for trials is not beside this checkout")
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    emit = load_sensor("emit")
    for name, values in (
        ("center_nm", emit.centres),
        ("fwhm_nm", emit.fwhm),
        ("noise_a", emit.noise_a),
        ("noise_b", emit.noise_b),
        ("noise_c", emit.noise_c),
    ):
        np.testing.assert_array_equal(values, [float(row[name]) for row in rows])


def test_names_are_case_blind_and_unknown_ones_are_refused_with_the_known_ones() -> None:
    assert "emit" in sensor_names()
    assert load_sensor("EMIT").name == "emit"
    with pytest.raises(UsageError, match=r"'prisma'.*emit"):
        load_sensor("prisma")
    with pytest.raises(UsageError):
        load_sensor("../sensors/emit")


def test_nobody_can_change_a_sensor() -> None:
    emit = load_sensor("emit")
    with pytest.raises(ValueError, match="read-only"):
        emit.centres[0] = 1.0
    with pytest.raises(AttributeError):
        emit.samples = 3  # type: ignore[misc]


@given(st.floats(0.0, 60.0), st.floats(0.01, 20.0))
def test_noise_is_positive_and_grows_with_radiance(level: float, more: float) -> None:
    emit = load_sensor("emit")
    low = emit.noise_sigma(np.full(285, level))
    high = emit.noise_sigma(np.full(285, level + more))
    assert (low > 0).all()
    assert (high > low).all()


def test_noise_follows_the_formula_and_keeps_float32() -> None:
    emit = load_sensor("emit")
    radiance = np.linspace(0, 20, 2 * 3 * 285, dtype=np.float32).reshape(2, 3, 285)
    sigma = emit.noise_sigma(radiance)
    assert sigma.dtype == np.float32
    assert sigma.shape == radiance.shape
    wide = radiance.astype(np.float64)
    np.testing.assert_allclose(
        sigma, abs(emit.noise_a * np.sqrt(emit.noise_b + wide) + emit.noise_c), rtol=1e-5, atol=1e-8
    )
    assert np.isfinite(emit.noise_sigma(np.full(285, -100.0))).all()
    with pytest.raises(UsageError, match="285"):
        emit.noise_sigma(np.zeros(284))


def test_a_good_table_is_read() -> None:
    toy = parse_sensor(GOOD, "toy.toml")
    assert toy.bands == 2
    np.testing.assert_allclose(toy.noise_sigma([3.0, 3.0]), [0.02, 0.48])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "toy"', ""),
        ("400.0", "411.0"),
        ("400.0", "nan"),
        ("[400.0, 10.0,", "[400.0, -1.0,"),
        ("0.01, 1.0, -0.5]", "0.01]"),
        ("[410.0", "[[410.0"),
        ('"fwhm_nm", "noise_a"', '"noise_a", "fwhm_nm"'),
        ("samples = 4", 'samples = "four"'),
    ],
)
def test_a_damaged_table_is_refused_by_name(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=r"toy\.toml"):
        parse_sensor(GOOD.replace(old, new), "toy.toml")
