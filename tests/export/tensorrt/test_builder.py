"""Building: the calls that are made and the refusals, on a stand-in (see fake.py); the real one is apart."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from export.tensorrt.builder import BuildSettings, build_engine, load_tensorrt, make_logger, network_flags
from onboard.errors import BundleError, UsageError
from tests.export.tensorrt.fake import PLAN, BuilderFlag, FakeTensorRt, Severity


def test_ten_is_told_to_be_strongly_typed_and_eleven_is_already() -> None:
    assert network_flags(FakeTensorRt("10.13.3.9")) == 1 << 1
    assert network_flags(FakeTensorRt("11.4.0.106")) == 0


@pytest.mark.parametrize("version", ["10.3.0", "11.4.0"])
def test_a_build_sets_what_it_must_and_nothing_deprecated(version: str) -> None:
    trt = FakeTensorRt(version)
    made = build_engine(trt, b"graph", "body.onnx", BuildSettings(123, 2), b"known")
    assert made.plan == PLAN + b"graph"
    assert made.timing_cache == b"known+timing"
    config = trt.configs[0]
    assert config.limits == {"workspace": 123}
    assert config.builder_optimization_level == 2
    assert config.profiling_verbosity == "detailed"
    assert config.flags == set()
    build_engine(trt, b"graph", "body.onnx", BuildSettings(tf32=True))
    assert trt.configs[1].flags == {BuilderFlag.TF32}


@pytest.mark.parametrize("data", [b"other GPU", b"broken"])
def test_a_foreign_timing_cache_is_set_aside_aloud(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    made = build_engine(FakeTensorRt(), b"graph", "body.onnx", BuildSettings(), data)
    assert made.timing_cache == b"+timing"
    assert "timing cache is not of this GPU" in caplog.text


def test_a_parser_s_refusal_names_the_node() -> None:
    trt = FakeTensorRt()
    trt.parses = False
    with pytest.raises(BundleError, match="conv1: Assertion failed: shiftIsAllZeros"):
        build_engine(trt, b"graph", "body.onnx", BuildSettings())


def test_a_builder_s_refusal_gives_its_own_words() -> None:
    trt = FakeTensorRt()
    trt.builds = False
    with pytest.raises(BundleError, match="Could not find any implementation for node conv1"):
        build_engine(trt, b"graph", "body.onnx", BuildSettings())


def test_no_gpu_is_wrong_use() -> None:
    trt = FakeTensorRt()
    trt.gpu = False
    with pytest.raises(UsageError, match="CUDA initialization failure"):
        build_engine(trt, b"graph", "body.onnx", BuildSettings())


def test_messages_reach_python_s_log(caplog: pytest.LogCaptureFixture) -> None:
    logger = make_logger(FakeTensorRt())
    with caplog.at_level("DEBUG"):
        for severity in Severity:
            logger.log(severity, f"message {severity.name}")
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "WARNING", "DEBUG"]
    assert logger.errors == ["message INTERNAL_ERROR", "message ERROR"]


def test_without_tensorrt_it_says_how_a_jetpack_provides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError, match="JetPack") as caught:
        load_tensorrt()
    assert caught.value.exit_code == 2
    assert "python3-libnvinfer" in str(caught.value)


@pytest.mark.parametrize("version", ["8.6.1", "9.3.0", "12.0.0", "none"])
def test_other_releases_are_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: FakeTensorRt(version))
    with pytest.raises(UsageError, match="10 or 11"):
        load_tensorrt()


def test_a_fitting_release_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    trt = FakeTensorRt("11.4.0.106")
    monkeypatch.setattr(importlib, "import_module", lambda name: trt)
    assert load_tensorrt() is trt
