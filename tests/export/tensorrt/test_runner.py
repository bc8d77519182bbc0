"""Running an engine: copies, addresses, refusals, on a stand-in (see fake.py)."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from export.tensorrt.cuda import Cuda
from export.tensorrt.parity import reference_run, seeded_input
from export.tensorrt.runner import EngineRunner
from onboard.errors import BundleError
from tests.export.tensorrt.broken import double_graph
from tests.export.tensorrt.fake import PLAN, FakeBuffer, FakeCuda, FakeTensorRt
from tests.export.tensorrt.graphs import SHAPE, good_float


def runner(trt: FakeTensorRt, data: bytes) -> EngineRunner:
    return EngineRunner(trt, cast(Cuda, cast(Any, FakeCuda())), PLAN + data)


def test_values_go_in_and_come_out() -> None:
    data, values = good_float(), seeded_input(SHAPE)
    engine = runner(FakeTensorRt(), data)
    assert np.array_equal(engine(values), reference_run(data)(values))
    assert not FakeBuffer.blocks
    assert engine.layers()[0].precision == "FP32"


def test_another_shape_is_refused_and_a_failing_engine_told() -> None:
    trt = FakeTensorRt()
    engine = runner(trt, good_float())
    with pytest.raises(BundleError, match="another shape"):
        engine(np.zeros((1, 4, 8, 9), np.float32))
    trt.runs = False
    with pytest.raises(BundleError, match="the engine fails"):
        engine(seeded_input(SHAPE))
    assert not FakeBuffer.blocks


def test_an_engine_of_another_machine_is_refused() -> None:
    trt = FakeTensorRt()
    trt.loads = False
    with pytest.raises(BundleError, match="not compatible"):
        runner(trt, good_float())


def test_other_types_are_refused() -> None:
    with pytest.raises(BundleError, match="not float32"):
        runner(FakeTensorRt(), double_graph())
