from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import numpy_helper

from onboard.errors import CaptureError
from quantize.affine import Form, Range
from quantize.graph import QuantizeError, copy_of
from quantize.post_training import Calibrated, calibrate
from quantize.qat import FineTuning, distillation_loss, draw_windows, fine_tune
from quantize.runtime import outputs_of
from tests.quantize.graphs import batches, plain_graph

SHORT = FineTuning(steps=24, batch=4, window=16, learning_rate=2e-3, range_rate=4e-2, checkpoint_steps=8)


@pytest.fixture(scope="module")
def coarse() -> Calibrated:
    """Ranges that are four times too wide, so that there is something to win."""
    found = calibrate(plain_graph(), batches(4))
    wide = {name: Range(4.0 * span.low, 4.0 * span.high) for name, span in found.spans.items()}
    return Calibrated(found.model, found.sites, wide, {})


def error(calibrated: Calibrated, form: Form) -> float:
    fresh = batches(6, seed=91)
    return float(
        np.mean((outputs_of(calibrated.quantized(form), fresh) - outputs_of(plain_graph(), fresh)) ** 2)
    )


def test_fine_tuning_lowers_the_error_of_both_forms(coarse: Calibrated) -> None:
    tuned = fine_tune(coarse, batches(8, seed=9), SHORT)
    for form in Form:
        assert error(tuned, form) < 0.85 * error(coarse, form)


class Failing(list):  # type: ignore[type-arg]
    """Samples that cannot be read any more after a while."""

    left = 60

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def test_an_interrupted_fine_tuning_goes_on_to_the_same_end(coarse: Calibrated, tmp_path: Path) -> None:
    planes, file = batches(4, seed=9), tmp_path / "state.pt"
    whole = fine_tune(coarse, planes, SHORT)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(coarse, Failing(planes), SHORT, checkpoint=file)
    assert 0 < torch.load(file, weights_only=True)["step"] < SHORT.steps
    again = fine_tune(coarse, planes, SHORT, checkpoint=file)
    assert again.quantized(Form.UNSIGNED) == whole.quantized(Form.UNSIGNED)


def test_a_checkpoint_of_something_else_is_refused(coarse: Calibrated, tmp_path: Path) -> None:
    file = tmp_path / "state.pt"
    fine_tune(coarse, batches(2), FineTuning(steps=2, window=16, checkpoint_steps=1), checkpoint=file)
    with pytest.raises(CaptureError, match="another fine-tuning"):
        fine_tune(coarse, batches(2), FineTuning(steps=3, window=16), checkpoint=file)
    for other, planes, kept, found in (
        (altered(coarse), batches(2), (), "float_graph"),
        (coarse, batches(2, seed=4), (), "samples"),
        (coarse, batches(2), (coarse.layer_names[0],), "kept_in_float32"),
    ):
        same = FineTuning(steps=2, window=16, checkpoint_steps=1)
        with pytest.raises(CaptureError, match=found):
            fine_tune(other, planes, same, keep_float=kept, checkpoint=file)
    file.write_bytes(b"broken")
    with pytest.raises(CaptureError, match="cannot be read"):
        fine_tune(coarse, batches(2), FineTuning(steps=3, window=16), checkpoint=file)


def altered(calibrated: Calibrated) -> Calibrated:
    """The same ranges over a network with one other weight."""
    model = copy_of(calibrated.model)
    weight = next(item for item in model.graph.initializer if len(item.dims) == 4)
    values = numpy_helper.to_array(weight).copy()
    values.flat[0] += 1.0
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    return Calibrated(model, calibrated.sites, calibrated.spans, {})


def test_windows_are_drawn_by_seed_and_step() -> None:
    planes, settings = batches(3), FineTuning(window=8, batch=2)
    first, again, other = (draw_windows(planes, settings, step) for step in (4, 4, 5))
    assert first.shape == (2, 6, 8, 8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_samples_smaller_than_a_window_are_refused(coarse: Calibrated) -> None:
    with pytest.raises(QuantizeError, match="smaller than a window"):
        fine_tune(coarse, batches(1), FineTuning(window=32))


def test_the_loss_is_nothing_where_nothing_differs_and_grows_with_the_difference() -> None:
    wanted = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    near, far = (distillation_loss(wanted + shift, wanted, 1.0) for shift in (0.1, 1.0))
    assert float(distillation_loss(wanted, wanted, 1.0)) == pytest.approx(0.0, abs=1e-7)
    assert 0.0 < float(near) < float(far)
