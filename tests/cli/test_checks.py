from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from onboard.cli import checks
from onboard.errors import BundleError


def test_the_light_install_is_seen() -> None:
    found = {check.name: check for check in checks.check_packages()}
    assert found["numpy"].status == "ok"
    assert found["numpy"].found[0] == "2"


def test_a_missing_library_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "REQUIRED", ("no-such-library",))
    (check,) = checks.check_packages()
    assert (check.status, check.found) == ("fail", "not installed")


def test_the_engine_loads_and_tells_its_version() -> None:
    check = checks.check_engine()
    assert check.status == "ok", check
    assert "ONNX Runtime 1." in check.found


@pytest.mark.parametrize("content", [None, b"no library"])
def test_an_engine_that_cannot_be_loaded_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "libonnxruntime.so"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("ONNXRUNTIME_LIBRARY", str(path))
    check = checks.check_engine()
    assert check.status == "fail"
    assert "libonnxruntime.so" in check.found


def test_another_library_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONNXRUNTIME_LIBRARY", "libc.so.6")
    assert checks.check_engine().status == "fail"


def core(**parts: Any) -> ModuleType:
    module = ModuleType("onboard.flight.core")
    for name, part in parts.items():
        setattr(module, name, part)
    return module


def test_the_core_tells_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = core(core_version=lambda: "9.9", find_library=lambda: "libonboard.so.0")
    monkeypatch.setitem(sys.modules, "onboard.flight.core", parts)
    check = checks.check_core()
    assert (check.status, check.found) == ("ok", "9.9 (libonboard.so.0)")


def refuse(*_: object, **__: object) -> None:
    raise BundleError("the bundle is damaged", file="x.onb")


def absent(*_: object, **__: object) -> None:
    raise OSError("libonboard.so: cannot open shared object file\nsecond line")


def test_a_core_that_cannot_be_loaded_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onboard.flight.core", core(core_version=absent))
    check = checks.check_core()
    assert (check.status, check.found) == ("fail", "libonboard.so: cannot open shared object file")


def test_a_bundle_that_is_refused_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.flight.bundle.read_container", refuse)
    check = checks.check_bundle()
    assert check.status == "fail"
    assert "damaged" in check.found


@pytest.mark.parametrize(("development", "status"), [(True, "note"), (False, "ok")])
def test_the_development_key_is_said(monkeypatch: pytest.MonkeyPatch, development: bool, status: str) -> None:
    key = SimpleNamespace(key_id=b"k" * 32, name="some-key", development=development)
    container = SimpleNamespace(key_id=key.key_id, sequence=7)
    monkeypatch.setattr("onboard.flight.bundle.read_container", lambda _: container)
    monkeypatch.setattr("onboard.flight.bundle.verify_signature", lambda *_: None)
    monkeypatch.setattr("onboard.flight.trust.load_trusted_keys", lambda *_: (key,))
    monkeypatch.setattr("onboard.flight.trust.trusted_keys", lambda *_: (b"p" * 32,))
    check = checks.check_bundle()
    assert (check.status, check.found) == (status, "sequence 7, signed by some-key")


def test_a_session_that_does_not_open_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.flight.FlightSession", refuse, raising=False)
    check = checks.check_session()
    assert check.status == "fail"
    assert "damaged" in check.found


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("flags\t\t: fpu sse2 avx2 fma avx512f avx512_vnni\n", "ok"),
        ("flags : avx2 fma\n", "note"),
        ("Features : asimd asimddp\n", "ok"),
        ("flags : sse2\n", "warn"),
        ("model name: x\n", "note"),
        (None, "note"),
    ],
)
def test_instruction_sets(tmp_path: Path, text: str | None, status: str) -> None:
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert checks.check_cpu(tmp_path / "cpuinfo").status == status


@pytest.mark.parametrize(
    ("text", "status"),
    [("MemAvailable:  9000000 kB\n", "ok"), ("MemAvailable: 1000 kB\n", "warn"), ("nothing\n", "note")],
)
def test_memory(tmp_path: Path, text: str, status: str) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert checks.check_memory(tmp_path / "meminfo").status == status


def test_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert checks.check_cores().status == "warn"
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert checks.check_cores().status == "ok"


def test_absent_extras_are_named_with_their_command() -> None:
    found = {check.name: check for check in checks.check_extras(lambda name: name != "torch")}
    assert found["extra train"].status == "note"
    assert "torch" in found["extra train"].found
    assert found["extra train"].remedy == "in a checkout: .venv/bin/pip install -e '.[train]'"
    assert found["extra geo"].status == "ok"
