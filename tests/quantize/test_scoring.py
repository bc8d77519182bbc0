from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from onboard.minerals import MINERALS
from quantize.scoring import Thresholds, ValidationSet, probabilities, score_graph, scores_of

COUNT = 1 + len(MINERALS)


def through(gain: float = 1.0) -> bytes:
    """Return a graph whose logits are its input times a gain."""
    shape = [1, COUNT, 8, 8]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["features", "gain"], ["logits"], "times")],
        "through",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)],
        [helper.make_tensor("gain", TensorProto.FLOAT, [], [gain])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture
def given() -> ValidationSet:
    random = np.random.default_rng(3)
    truth = random.random((2, COUNT, 8, 8)) < 0.4
    planes = [np.where(truth[i : i + 1], 3.0, -3.0).astype(np.float32) for i in range(2)]
    valid = np.ones((2, 8, 8), bool)
    return ValidationSet(planes, truth[:, 0], truth[:, 1:], valid)


THRESHOLDS = Thresholds(0.5, [0.5] * len(MINERALS))


def test_the_truth_scores_one_and_its_opposite_nothing(given: ValidationSet) -> None:
    right, wrong = score_graph(through(), given, THRESHOLDS), score_graph(through(-1.0), given, THRESHOLDS)
    assert (right.methane_f1, right.mineral_f1) == (1.0, 1.0)
    assert right.methane_auprc == pytest.approx(1.0)
    assert (wrong.methane_f1, wrong.mineral_f1) == (0.0, 0.0)


def test_invalid_pixels_are_never_found(given: ValidationSet) -> None:
    valid = given.valid.copy()
    valid[:, :4] = False
    masked = ValidationSet(given.planes, given.plume, given.present, valid)
    assert not probabilities(through(), masked)[:, :, :4].any()


def test_each_output_has_its_own_threshold(given: ValidationSet) -> None:
    found = probabilities(through(), given)
    strict = scores_of(found, given, Thresholds(0.99, [0.5] * len(MINERALS)))
    assert (strict.methane_f1, strict.mineral_f1) == (0.0, 1.0)
    partly = scores_of(found, given, Thresholds(0.5, [0.99, *[0.5] * (len(MINERALS) - 1)]))
    assert partly.mineral_f1 == pytest.approx(1.0 - 1.0 / len(MINERALS))
