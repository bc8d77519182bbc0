"""Methane as resampled lines show it: taken at open in place of the bundle's, and nothing that is no gas."""

from __future__ import annotations

import ctypes as c

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.flight.bundle import read_container
from onboard.flight.contents import Contents, read_contents
from onboard.flight.core import Status, load_library
from onboard.flight.structs import Config, Detail
from tests.flight.flying import Array, fly, open_session, push_all, same_bytes
from tests.support.bundles import TestBundle, build_test_bundle, make_radiance


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return build_test_bundle()


@pytest.fixture(scope="module")
def radiance(bundle: TestBundle) -> Array:
    return make_radiance(bundle, 150, 50)[0]


@pytest.fixture(scope="module")
def contents(bundle: TestBundle) -> Contents:
    return read_contents(read_container(bundle.data))


def enhancement(bundle: TestBundle, radiance: Array, gas: Array | None) -> dict[str, Array]:
    with open_session(bundle, 50, gas_lines=gas) as session:
        return push_all(session, radiance, 16)[0]


def test_the_bundle_s_own_lines_change_nothing(
    bundle: TestBundle, radiance: Array, contents: Contents
) -> None:
    plain = enhancement(bundle, radiance, None)
    assert same_bytes(plain, enhancement(bundle, radiance, contents.log_transmittance))


def test_gas_that_absorbs_half_as_much_is_twice_as_much(
    bundle: TestBundle, radiance: Array, contents: Contents
) -> None:
    plain = enhancement(bundle, radiance, None)["ch4_enhancement"]
    faint = enhancement(bundle, radiance, contents.log_transmittance * np.float32(0.5))["ch4_enhancement"]
    clear = (np.abs(plain) > 100) & (np.abs(plain) < 1000)
    assert clear.sum() > 50
    assert np.median(faint[clear] / plain[clear]) == pytest.approx(2.0, rel=0.1)


def test_the_table_is_copied_and_the_scrub_knows_it(
    bundle: TestBundle, radiance: Array, contents: Contents
) -> None:
    gas = contents.log_transmittance * np.float32(0.5)
    wanted = enhancement(bundle, radiance, gas.copy())
    with open_session(bundle, 50, gas_lines=gas) as session:
        gas[:] = 0.0
        session.scrub()
        assert same_bytes(wanted, push_all(session, radiance, 16)[0])


def test_the_known_answer_is_the_bundle_s_own_gas_s(contents: Contents) -> None:
    radiance, _ = make_radiance(build_test_bundle(), 40, 20)
    plain, _ = fly(build_test_bundle(), radiance)
    answer = np.stack([plain["plume_probability"], plain["ch4_enhancement"]], axis=1)
    known = build_test_bundle(known=(radiance, answer))
    # Neither at open nor when memory is scrubbed is it run with other lines: it would not hold.
    with open_session(known, 20, gas_lines=contents.log_transmittance * np.float32(0.5)) as session:
        session.scrub()


@pytest.mark.parametrize("damage", ["shape", "positive", "nan", "first", "none", "flat"])
def test_what_is_no_gas_is_refused(bundle: TestBundle, contents: Contents, damage: str) -> None:
    gas = contents.log_transmittance.copy()
    if damage == "shape":
        gas = gas[:-1]
    elif damage == "positive":
        gas[2, 1] = 0.5
    elif damage == "nan":
        gas[2, 1] = np.nan
    elif damage == "first":
        gas[0, 0] = -0.1
    elif damage == "none":
        gas[:] = 0.0
    else:
        gas = gas.ravel()
    with pytest.raises(UsageError, match="gas"):
        open_session(bundle, 50, gas_lines=gas)


def test_callers_with_the_header_before_it_are_served(bundle: TestBundle) -> None:
    library, config, detail, size = load_library(), Config(), Detail(), c.c_size_t()
    older = Config.gas_lines.offset
    assert library.onb_config_default(c.byref(config), older) == Status.OK
    config.samples, config.gas_lines = 50, 1  # beyond what the caller says its struct has
    data = bundle.data
    arguments = (data, len(data), c.byref(config), c.byref(size), c.byref(detail))
    assert library.onb_memory_required(*arguments) == Status.OK
    config.struct_size, config.known_answer = c.sizeof(Config), 0
    assert library.onb_memory_required(*arguments) == Status.INVALID_ARGUMENT
    assert detail.field == b"config.gas_lines"
    config.known_answer = 1
    assert library.onb_memory_required(*arguments) == Status.INVALID_ARGUMENT
    assert detail.field == b"config.known_answer"
