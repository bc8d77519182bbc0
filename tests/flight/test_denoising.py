"""Denoised radiance out of a session: what it is of, when it comes, what it costs."""

from __future__ import annotations

import ctypes as c
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from onboard.errors import BundleError, OnboardError, UsageError
from onboard.flight.core import Status, load_library
from onboard.flight.structs import BundleDescription, Config, Detail, Lines, Products, Radiance
from onboard.flight.types import ProductBlock
from onboard.models.log_radiance import LOG_SCALE, log_radiance, quantize_log
from tests.flight.denoisers import REACH, WIDTH, denoising_bundle, signed
from tests.flight.flying import Array, fly, join, open_session, same_bytes
from tests.support.bundles import TestBundle, build_test_bundle, make_radiance

FLAG = -9990.0
STRIP = 16


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return denoising_bundle()


@pytest.fixture(scope="module")
def radiance(bundle: TestBundle) -> Array:
    values = make_radiance(bundle, 75, 90)[0]
    values[20:23, 5:9] = FLAG
    return values


def denoised(
    bundle: TestBundle, radiance: Array, lines_per_push: int = 75, **options: Any
) -> list[ProductBlock]:
    with open_session(bundle, radiance.shape[1], denoise=options.pop("denoise", True), **options) as session:
        blocks = []
        for first in range(0, len(radiance), lines_per_push):
            blocks += session.push(radiance[first : first + lines_per_push])
        return [*blocks, *session.flush()]


def swir(blocks: list[ProductBlock]) -> Array:
    parts = [block.swir_radiance for block in blocks]
    return np.concatenate([part for part in parts if part is not None])


def whole_image(bundle: TestBundle, radiance: Array) -> npt.NDArray[np.float64]:
    """The bundle's denoiser on the capture at once: ends repeated, flagged pixels as the line before."""
    tables = bundle.tables
    reference = tables["reference"].astype(np.float32).astype(np.float64)
    filled = radiance.copy()
    filled[20:23, 5:9] = radiance[19, 5:9]
    counts = quantize_log(log_radiance(filled, reference)[..., tables["mf_bands"]]) / LOG_SCALE
    padded = np.pad(counts, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    side = 2 * REACH + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    return np.asarray(np.exp(windows.mean(axis=(-2, -1))) * reference[tables["mf_bands"]])


def test_strips_and_panels_equal_the_whole_image(bundle: TestBundle, radiance: Array) -> None:
    """The network reaches two pixels, halo and overlap eight and more: no seam may show."""
    assert radiance.shape[1] > 2 * WIDTH
    found, expected = swir(denoised(bundle, radiance)), whole_image(bundle, radiance)
    assert found.shape == (75, 90, bundle.plan.mf_bands)
    flagged = (radiance == FLAG).all(axis=-1)
    edge = np.zeros_like(flagged)
    edge[:, -REACH:] = edge[:, :REACH] = True  # there the graph's own padding is zero
    np.testing.assert_allclose(found[~flagged & ~edge], expected[~flagged & ~edge], rtol=2e-5)
    assert (found[flagged] == FLAG).all()


@pytest.mark.parametrize("gain", [50.0, float("nan")])
def test_what_the_network_says_beyond_the_ring_is_cut(gain: float) -> None:
    bundle = denoising_bundle(gain=gain)
    radiance = make_radiance(bundle, 48, 40)[0]
    reference = bundle.tables["reference"].astype(np.float64)[bundle.tables["mf_bands"]]
    log = np.log(swir(denoised(bundle, radiance)) / reference)
    assert log.min() == pytest.approx(-4.0, abs=1e-5)
    assert log.max() == pytest.approx(3.0 if gain == 50.0 else -4.0, abs=1e-5)


@pytest.mark.parametrize("lines_per_push", [1, 23, 64])
def test_grouping_of_lines_changes_nothing(bundle: TestBundle, radiance: Array, lines_per_push: int) -> None:
    whole, pieces = (swir(denoised(bundle, radiance, size)) for size in (75, lines_per_push))
    assert whole.tobytes() == pieces.tobytes()


@pytest.mark.parametrize("lines", [1, 24, 41])
def test_short_and_narrow_captures(bundle: TestBundle, radiance: Array, lines: int) -> None:
    found = swir(denoised(bundle, np.ascontiguousarray(radiance[:lines, 30:41])))
    assert found.shape == (lines, 11, bundle.plan.mf_bands)
    assert (found > 0).all()


def test_nothing_else_changes_with_it_or_without(bundle: TestBundle, radiance: Array) -> None:
    plain, events = fly(bundle, radiance)
    blocks = denoised(bundle, radiance)
    assert same_bytes(plain, join(blocks))
    other = build_test_bundle()
    assert same_bytes(plain, fly(other, radiance)[0])
    with open_session(bundle, 90) as one, open_session(other, 90) as two:
        assert one.health().arena_bytes == two.health().arena_bytes
        assert one.push(radiance[:40])[0].swir_radiance is None
    assert len(events) > 0


def test_memory_is_what_was_planned(bundle: TestBundle, radiance: Array) -> None:
    with open_session(bundle, 90) as session:
        plain = session.health()
    with open_session(bundle, 90, denoise=True) as session:
        session.push(radiance)
        session.flush()
        health = session.health()
    plan, window = bundle.plan, bundle.plan.body_lines * WIDTH
    pitch = -(-plan.mf_bands // 16) * 16
    more = [
        4 * (plan.mf_bands + 1) * window,
        4 * plan.mf_bands * window,
        4 * window,
        4 * plan.strip_lines * 90 * plan.mf_bands,
        (plan.body_lines + plan.strip_lines) * 90,
        2 * (plan.body_lines + plan.strip_lines - plan.strip_lines - plan.halo_lines) * 90 * pitch,
    ]
    core = health.arena_bytes - health.inference_bytes - (plain.arena_bytes - plain.inference_bytes)
    assert sum(more) <= core <= sum(more) + 1024
    assert health.inference_bytes == 64 << 20
    assert health.allocations_after_open == 0
    assert health.arena_high_water <= health.arena_bytes


def test_only_wished_strips_are_denoised(bundle: TestBundle, radiance: Array) -> None:
    all_of_them = denoised(bundle, radiance)
    some = denoised(bundle, radiance, denoise=lambda block: block.first_line == 2 * STRIP)
    assert [block.swir_radiance is not None for block in some] == [False, False, True, False, False]
    assert swir(some).tobytes() == swir(all_of_them)[2 * STRIP : 3 * STRIP].tobytes()


def test_a_bundle_without_a_denoiser_refuses() -> None:
    with pytest.raises(UsageError, match=r"config\.denoise.*found: 1.*no denoiser\.onnx"):
        open_session(build_test_bundle(), 50, denoise=True)


def test_half_a_denoiser_is_refused(bundle: TestBundle) -> None:
    for name in ("denoiser.bin", "denoiser.onnx"):
        parts = {key: part for key, part in bundle.parts.items() if key != name}
        with pytest.raises(BundleError, match="denoiser"):
            open_session(signed(parts, bundle), 50)


def test_a_denoiser_of_other_tensors_is_refused_where_it_is_wanted() -> None:
    narrow = denoising_bundle(24)
    wrong = denoising_bundle()
    made = signed({**wrong.parts, "denoiser.onnx": narrow.parts["denoiser.onnx"]}, wrong)
    open_session(made, 50).close()
    with pytest.raises(BundleError, match=r"denoiser\.onnx: input"):
        open_session(made, 50, denoise=True)


def test_too_little_memory_is_told() -> None:
    with pytest.raises(OnboardError, match=r"too small.*inference_bytes"):
        open_session(denoising_bundle(inference_bytes=4096), 50, denoise=True)


def test_the_call_itself(bundle: TestBundle, radiance: Array) -> None:
    library, strip = load_library(), Radiance()
    with open_session(bundle, 90) as session:
        assert library.onb_denoise_strip(session._handle, c.byref(strip)) == Status.STATE
    lines = np.ascontiguousarray(radiance)
    with open_session(bundle, 90, denoise=True) as session:
        handle = session._handle
        assert library.onb_denoise_strip(handle, None) == Status.INVALID_ARGUMENT
        assert library.onb_denoise_strip(None, c.byref(strip)) == Status.INVALID_ARGUMENT
        assert library.onb_denoise_strip(handle, c.byref(strip)) == Status.EMPTY
        short = Radiance()
        short.struct_size -= 8
        assert library.onb_denoise_strip(handle, c.byref(short)) == Status.STRUCT_SIZE
        push, consumed = Lines(line_count=75, radiance=lines.ctypes.data), c.c_uint32()
        assert library.onb_push_lines(handle, c.byref(push), c.byref(consumed)) == Status.AGAIN
        products = Products()
        assert library.onb_read_lines(handle, 5, c.byref(products)) == Status.OK
        # A strip's lines are still there when the next strip waits for an empty queue.
        for _ in range(2):
            assert library.onb_denoise_strip(handle, c.byref(strip)) == Status.OK
        assert (strip.first_line, strip.line_count, strip.samples) == (0, STRIP, 90)
        assert strip.band_index[: strip.bands] == bundle.tables["mf_bands"].tolist()
        shape = (STRIP, 90, strip.bands)
        first = np.ctypeslib.as_array(strip.radiance, shape).copy()
        assert first.tobytes() == swir(denoised(bundle, radiance))[:STRIP].tobytes()


def test_callers_with_the_header_before_it_are_served(bundle: TestBundle) -> None:
    library, config, info = load_library(), Config(), BundleDescription()
    older = Config.denoise.offset
    config.denoise = 7
    assert library.onb_config_default(c.byref(config), older) == Status.OK
    assert (config.struct_size, config.denoise) == (older, 7)
    config.samples, size = 50, c.c_size_t()
    data, detail = bundle.data, Detail()
    arguments = (data, len(data), c.byref(config), c.byref(size), c.byref(detail))
    assert library.onb_memory_required(*arguments) == Status.OK
    config.struct_size = c.sizeof(Config)
    assert library.onb_memory_required(*arguments) == Status.INVALID_ARGUMENT
    assert detail.field == b"config.denoise"
    info.struct_size, info.has_denoiser = BundleDescription.has_denoiser.offset, 9
    assert library.onb_bundle_info(data, len(data), c.byref(info), None) == Status.OK
    assert info.has_denoiser == 9
    info.struct_size = c.sizeof(BundleDescription)
    assert library.onb_bundle_info(data, len(data), c.byref(info), None) == Status.OK
    assert (info.has_denoiser, info.denoiser_inference_bytes) == (1, 64 << 20)
