"""The C interface as it is: refused bundles, null pointers, wrong sizes, memory."""

from __future__ import annotations

import ctypes as c
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from export.bundle import sign_container, write_container
from onboard.errors import BundleError, OnboardError, UsageError
from onboard.flight import core
from onboard.flight.core import Status, find_engine, load_library
from onboard.flight.structs import BundleDescription, Config, Detail, Event, HealthReport, Lines, Products
from tests.flight.flying import open_session
from tests.support.bundles import TEST_SEED, TestBundle, build_test_bundle


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return build_test_bundle()


def signed(parts: dict[str, bytes], sequence: int = 7) -> bytes:
    return sign_container(write_container(parts, sequence), TEST_SEED)


def test_graphs_must_fit_the_plan(bundle: TestBundle) -> None:
    model = onnx.load_model_from_string(bundle.parts["stem.onnx"])
    model.graph.output[0].name = model.graph.node[0].output[0] = "other"
    parts = {**bundle.parts, "stem.onnx": model.SerializeToString()}
    with pytest.raises(BundleError, match=r"stem.onnx: output; found: tensor 'other'; expected: one tensor"):
        open_session(TestBundle(signed(parts), bundle.public_key, bundle.plan, {}, parts), 50)
    wide = build_test_bundle(samples_hint=128)
    parts = {**bundle.parts, "body.onnx": wide.parts["body.onnx"]}
    with pytest.raises(BundleError, match=r"found: float32 \[1, 9, 32, 128\]; expected: .* 64\]"):
        open_session(TestBundle(signed(parts), bundle.public_key, bundle.plan, {}, parts), 50)
    parts = {**bundle.parts, "body.onnx": b"this is no graph"}
    with pytest.raises(BundleError, match="refuses a graph"):
        open_session(TestBundle(signed(parts), bundle.public_key, bundle.plan, {}, parts), 50)


def test_too_little_memory_for_the_engine_is_told() -> None:
    starved = build_test_bundle(inference_bytes=4096)
    with pytest.raises(OnboardError, match=r"too small.*inference_bytes.*found: 4096 bytes"):
        open_session(starved, 50)


def test_a_missing_engine_is_told(bundle: TestBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(core.ENGINE_VARIABLE, "/nowhere/libonnxruntime.so")
    with pytest.raises(UsageError, match=r"/nowhere.*pip install onnxruntime"):
        open_session(bundle, 50)
    monkeypatch.setenv(core.ENGINE_VARIABLE, str(core.find_library()))
    with pytest.raises(UsageError, match=r"1\.21 or newer"):
        open_session(bundle, 50)


def config_for(bundle: TestBundle) -> Config:
    config = core.default_config()
    core.set_trust(config, [bundle.public_key], 0)
    config.samples = 50
    engine = find_engine()
    assert engine is not None
    config.engine_library = str(engine).encode()
    return config


def test_null_pointers_and_foreign_sizes_are_refused(bundle: TestBundle) -> None:
    library, data, config = load_library(), bundle.data, config_for(bundle)
    size, detail, handle = c.c_size_t(), Detail(), c.c_void_p()
    assert library.onb_config_default(None, c.sizeof(Config)) == Status.INVALID_ARGUMENT
    assert library.onb_config_default(c.byref(config), 8) == Status.STRUCT_SIZE
    config = config_for(bundle)
    small = config_for(bundle)
    small.struct_size = 8
    odd = Detail()
    odd.struct_size = 1
    for function, rest in (
        (library.onb_bundle_verify, ()),
        (library.onb_memory_required, (c.byref(size),)),
        (library.onb_open, (None, 0, c.byref(handle))),
    ):
        assert function(None, 5, c.byref(config), *rest, c.byref(detail)) == Status.INVALID_ARGUMENT
        assert function(data, len(data), None, *rest, c.byref(detail)) == Status.INVALID_ARGUMENT
        assert function(data, len(data), c.byref(small), *rest, None) == Status.STRUCT_SIZE
        assert function(data, len(data), c.byref(config), *rest, c.byref(odd)) == Status.STRUCT_SIZE
    keyless = config_for(bundle)
    keyless.trusted_keys = None
    assert library.onb_bundle_verify(data, len(data), c.byref(keyless), None) == Status.INVALID_ARGUMENT
    assert (
        library.onb_memory_required(data, len(data), c.byref(config), None, None) == Status.INVALID_ARGUMENT
    )
    assert library.onb_bundle_info(data, len(data), None, None) == Status.INVALID_ARGUMENT
    for call in (library.onb_flush, library.onb_reset):
        assert call(None) == Status.INVALID_ARGUMENT
    assert library.onb_close(None) == Status.OK
    assert library.onb_scrub(None, None, 0) == Status.INVALID_ARGUMENT


def test_a_session_checks_every_struct(bundle: TestBundle) -> None:
    library = load_library()
    with open_session(bundle, 50) as session:
        handle, consumed = session._handle, c.c_uint32()
        calls = (
            (library.onb_push_lines, Lines, (c.byref(consumed),), False),
            (library.onb_poll_event, Event, (), False),
            (library.onb_health, HealthReport, (), False),
            (library.onb_last_detail, Detail, (), False),
            (library.onb_read_lines, Products, (), True),
        )
        for function, kind, rest, counted in calls:
            before = (handle, 1) if counted else (handle,)
            value = kind()
            value.struct_size = 3
            assert function(*before, None, *rest) == Status.INVALID_ARGUMENT
            assert function(*before, c.byref(value), *rest) == Status.STRUCT_SIZE
        lines = Lines(line_count=1)
        assert library.onb_push_lines(handle, c.byref(lines), c.byref(consumed)) == Status.INVALID_ARGUMENT
        assert library.onb_push_lines(handle, c.byref(lines), None) == Status.INVALID_ARGUMENT
        lines.radiance = 3
        assert library.onb_push_lines(handle, c.byref(lines), c.byref(consumed)) == Status.INVALID_ARGUMENT
        assert library.onb_read_lines(handle, 0, c.byref(Products())) == Status.INVALID_ARGUMENT
        assert library.onb_read_lines(handle, 1, c.byref(Products())) == Status.EMPTY


def test_the_block_is_checked(bundle: TestBundle) -> None:
    library, data, config = load_library(), bundle.data, config_for(bundle)
    size, detail, handle = c.c_size_t(), Detail(), c.c_void_p()
    assert library.onb_memory_required(data, len(data), c.byref(config), c.byref(size), None) == Status.OK
    assert size.value % 64 == 0
    block = mmap.mmap(-1, size.value + 4096)
    start = c.addressof(c.c_char.from_buffer(block))

    def attempt(address: int, length: int) -> int:
        return int(
            library.onb_open(
                data, len(data), c.byref(config), address, length, c.byref(handle), c.byref(detail)
            )
        )

    assert attempt(start, size.value - 1) == Status.MEMORY_TOO_SMALL
    assert str(size.value).encode() in detail.expected
    assert attempt(start + 8, size.value) == Status.MEMORY_UNALIGNED
    assert attempt(start, size.value) == Status.OK
    assert library.onb_close(handle) == Status.OK
    assert library.onb_close(handle) == Status.INVALID_ARGUMENT


GOLDEN_BYTES = 62_352_256


def test_the_core_s_memory_is_golden() -> None:
    """A full EMIT swath: more than 3 % off, up or down, is a decision and not an accident."""
    shape: dict[str, int] = {"strip_lines": 64, "halo_lines": 32, "body_lines": 128, "stem_pixels": 1248}
    features = {"static_features": 16, "dynamic_features": 12, "memory_lines": 512, "covariance_stride": 4}
    swath: dict[str, Any] = {**shape, **features, "inference_bytes": 64}
    bundle = build_test_bundle(bands=285, samples_hint=1248, **swath)
    config, size = config_for(bundle), c.c_size_t()
    config.samples = 1242
    data = bundle.data
    status = load_library().onb_memory_required(data, len(data), c.byref(config), c.byref(size), None)
    assert status == Status.OK
    assert size.value - 64 == pytest.approx(GOLDEN_BYTES, rel=0.03)


def test_a_computer_without_memory_is_told(bundle: TestBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> mmap.mmap:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("onboard.flight.session.mmap.mmap", refuse)
    with pytest.raises(UsageError, match=r"Cannot allocate memory.*bytes"):
        open_session(bundle, 50)


def test_nothing_outside_the_block_is_written(bundle: TestBundle) -> None:
    """The bytes on both sides of an exact block keep their pattern."""
    library, data, config = load_library(), bundle.data, config_for(bundle)
    size, handle = c.c_size_t(), c.c_void_p()
    library.onb_memory_required(data, len(data), c.byref(config), c.byref(size), None)
    guard = 4096
    block = np.frombuffer(mmap.mmap(-1, size.value + 2 * guard), np.uint8)
    block[:] = 0xAA
    address = block.ctypes.data + guard
    assert (
        library.onb_open(data, len(data), c.byref(config), address, size, c.byref(handle), None) == Status.OK
    )
    radiance = np.ones((40, 50, 24), np.float32)
    lines, consumed = Lines(line_count=40, radiance=radiance.ctypes.data), c.c_uint32()
    assert library.onb_push_lines(handle, c.byref(lines), c.byref(consumed)) == Status.OK
    assert consumed.value == 40
    library.onb_close(handle)
    assert (block[:guard] == 0xAA).all()
    assert (block[-guard:] == 0xAA).all()


def test_products_wait_until_they_are_read(bundle: TestBundle) -> None:
    """A full queue answers AGAIN, takes no line beyond the strip, and loses nothing."""
    library = load_library()
    radiance = np.ones((60, 50, 24), np.float32)
    with open_session(bundle, 50) as session:
        handle, consumed, products = session._handle, c.c_uint32(), Products()
        lines = Lines(line_count=60, radiance=radiance.ctypes.data)
        assert library.onb_push_lines(handle, c.byref(lines), c.byref(consumed)) == Status.AGAIN
        assert consumed.value == 40
        assert library.onb_push_lines(handle, c.byref(lines), c.byref(consumed)) == Status.AGAIN
        assert consumed.value == 0
        numbers = []
        while library.onb_read_lines(handle, 5, c.byref(products)) == Status.OK:
            numbers.append((products.first_line, products.line_count))
        assert numbers == [(0, 5), (5, 5), (10, 5), (15, 1)]
        rest = Lines(line_count=20, radiance=radiance.ctypes.data)
        assert library.onb_push_lines(handle, c.byref(rest), c.byref(consumed)) == Status.AGAIN
        assert consumed.value == 16
        assert library.onb_flush(handle) == Status.AGAIN


def test_scrubbing_finds_a_changed_byte(bundle: TestBundle) -> None:
    with open_session(bundle, 50) as session:
        session.scrub()
        memory = session._memory
        places = every_place(memory, np.float32(onnx_weight(bundle)).tobytes())
        caught = 0
        for place in places:
            memory[place] ^= 1
            try:
                session.scrub()
            except OnboardError as error:
                caught += "weights" in str(error)
            memory[place] ^= 1
        assert caught > 0
        session.scrub()
        inverse = (np.float32(1) / bundle.tables["reference"].astype(np.float32)).tobytes()[:4]
        place = memory.find(inverse)
        memory[place] ^= 1
        with pytest.raises(OnboardError, match="tables"):
            session.scrub()
        memory[place] ^= 1
        session.scrub()
        # The plan's thresholds: of the mask, then of events.
        plan = bundle.plan
        both = np.array([plan.plume_threshold, plan.event_peak_probability], np.float32).tobytes()
        (place,) = every_place(memory, both)
        memory[place + 2] ^= 1
        with pytest.raises(OnboardError, match="settings"):
            session.scrub()
        memory[place + 2] ^= 1
        session.scrub()
        assert session.health().scrub_errors == caught + 2


def every_place(memory: mmap.mmap, value: bytes) -> list[int]:
    """Return where a value lies; the engine keeps some weights, and frees other copies of them."""
    places = []
    place = memory.find(value, 0)
    while place >= 0:
        places.append(place)
        place = memory.find(value, place + 1)
    return places


def onnx_weight(bundle: TestBundle) -> float:
    """Return a weight of the body that lies in the engine's block as it is in the file."""
    graph = onnx.load_model_from_string(bundle.parts["body.onnx"]).graph
    bias = next(item for item in graph.initializer if item.name == "b2")
    return float(onnx.numpy_helper.to_array(bias)[3])


def test_a_bundle_describes_itself(bundle: TestBundle) -> None:
    info = BundleDescription()
    data = write_container(bundle.parts, 9)
    assert load_library().onb_bundle_info(data, len(data), c.byref(info), None) == Status.OK
    assert (info.sequence, info.is_signed, info.bands, info.part_count) == (9, 0, 24, len(bundle.parts))
    assert c.string_at(info.manifest, info.manifest_size) == bundle.parts["manifest.json"]


def test_every_status_has_words_and_every_failure_an_exception() -> None:
    library = load_library()
    texts = {library.onb_status_text(status) for status in Status}
    assert len(texts) == len(Status)
    assert library.onb_status_text(len(Status)) == b"unknown status"
    assert set(core.FAILURES) == set(Status) - {Status.OK, Status.AGAIN, Status.EMPTY}


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(core.LIBRARY_VARIABLE, str(tmp_path / "none.so"))
    assert core.find_library() == tmp_path / "none.so"
    load_library.cache_clear()
    try:
        with pytest.raises(UsageError, match=r"none\.so"):
            load_library()
    finally:
        load_library.cache_clear()
        monkeypatch.undo()
    assert core.core_version().count(".") == 2


@pytest.mark.parametrize("first_unknown", ["body_ns_total", "lines_lacking_bands", "known_answers"])
def test_a_caller_of_an_older_header_gets_the_health_it_knows(bundle: TestBundle, first_unknown: str) -> None:
    older = getattr(HealthReport, first_unknown).offset
    with open_session(bundle, 16) as session:
        report = HealthReport()
        report.struct_size = older
        setattr(report, first_unknown, 77)
        assert load_library().onb_health(session._handle, c.byref(report)) == Status.OK
        assert (report.struct_size, getattr(report, first_unknown)) == (older, 77)
        assert report.arena_bytes == session.health().arena_bytes
        report.struct_size = older + 4
        assert load_library().onb_health(session._handle, c.byref(report)) == Status.STRUCT_SIZE


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4])
def test_a_known_answer_is_never_passed_over_for_where_the_bundle_lies(offset: int) -> None:
    radiance = np.ones((4, 16, 24), np.float32)
    wrong = np.full((4, 2, 16), 0.5, np.float32)
    liar = build_test_bundle(known=(radiance, wrong))
    config, library = config_for(liar), load_library()
    config.samples, config.known_answer = 16, 1
    room = np.zeros(len(liar.data) + 64, np.uint8)
    first = -room.ctypes.data % 16 + offset
    room[first : first + len(liar.data)] = np.frombuffer(liar.data, np.uint8)
    data = c.cast(room.ctypes.data + first, c.c_char_p)
    size, handle, detail = c.c_size_t(), c.c_void_p(0x1234), Detail()
    library.onb_memory_required(data, len(liar.data), c.byref(config), c.byref(size), None)
    block = mmap.mmap(-1, size.value)
    address = c.addressof(c.c_char.from_buffer(block))
    found = library.onb_open(
        data, len(liar.data), c.byref(config), address, size, c.byref(handle), c.byref(detail)
    )
    assert found == (Status.INVALID_ARGUMENT if offset % 4 else Status.KNOWN_ANSWER)
    assert detail.field.decode() == ("bundle" if offset % 4 else detail.field.decode())
    assert not handle.value


def test_refusals_of_a_session_can_be_asked_for(bundle: TestBundle) -> None:
    library = load_library()
    with open_session(bundle, 16) as session:
        detail, products, event = Detail(), Products(), Event()
        products.struct_size, event.struct_size = 4, 8
        calls: tuple[tuple[Callable[[], int], str], ...] = (
            (lambda: library.onb_read_lines(session._handle, 5, c.byref(products)), "products.struct_size"),
            (lambda: library.onb_read_lines(session._handle, 0, c.byref(Products())), "max_lines"),
            (lambda: library.onb_read_lines(session._handle, 5, None), "products"),
            (lambda: library.onb_poll_event(session._handle, c.byref(event)), "event.struct_size"),
            (lambda: library.onb_poll_event(session._handle, None), "event"),
            (lambda: library.onb_denoise_strip(session._handle, None), "radiance"),
        )
        for call, field in calls:
            status = call()
            assert library.onb_last_detail(session._handle, c.byref(detail)) == Status.OK
            assert (detail.status, detail.field.decode()) == (status, field)
            assert status in (Status.STRUCT_SIZE, Status.INVALID_ARGUMENT)
