from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.affine import BIAS_LIMIT, Form, Range, affine_of, quantize_weight, weight_scales

ENDS = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@settings(deadline=None)
@given(ENDS, ENDS, st.sampled_from(list(Form)), st.floats(-1.0, 1.0))
def test_what_lies_within_the_range_is_kept_to_a_step(low: float, high: float, form: Form, at: float) -> None:
    affine = affine_of(Range(-low, high), form)
    value = np.float32(high * at if at > 0 else low * at)
    step = float(affine.scale)
    # A zero point is a whole number, so that the range's ends move by up to half a step.
    assert abs(float(affine.rounded(np.array([value]))[0]) - value) <= 1.01 * step
    assert float(affine.rounded(np.zeros(1, np.float32))[0]) == 0.0


def test_signed_form_is_symmetric_and_unsigned_uses_all_of_its_numbers() -> None:
    span = Range(-1.0, 3.0)
    signed, unsigned = affine_of(span, Form.SIGNED), affine_of(span, Form.UNSIGNED)
    assert signed.zero_point == 0
    assert float(signed.scale) == pytest.approx(3.0 / 127)
    assert float(unsigned.scale) == pytest.approx(4.0 / 255)
    assert unsigned.quantize(np.array([-1.0, 3.0], np.float32)).tolist() == [0, 255]


@settings(deadline=None)
@given(st.floats(1.1, 100.0), st.sampled_from(list(Form)))
def test_one_is_stored_exactly_where_that_is_asked_for(high: float, form: Form) -> None:
    affine = affine_of(Range(-high, high, whole=True), form)
    assert float(affine.rounded(np.ones(1, np.float32))[0]) == pytest.approx(1.0, abs=1e-6)
    # The range grows or shrinks by a little for it: by less where steps are small.
    assert float(affine.scale) == pytest.approx(float(affine_of(Range(-high, high), form).scale), rel=0.6)


def test_rounds_half_to_even_and_saturates_as_onnx_does() -> None:
    affine = affine_of(Range(-127.0, 127.0), Form.SIGNED)
    assert affine.quantize(np.array([0.5, 1.5, -200.0, 200.0], np.float32)).tolist() == [0, 2, -128, 127]


@pytest.mark.parametrize("ends", [(0.5, 1.0), (-1.0, -0.5), (float("nan"), 1.0), (-1.0, float("inf"))])
def test_a_range_that_does_not_hold_zero_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="hold zero"):
        Range(*ends)


def test_weights_have_a_scale_for_each_output_and_lose_at_most_half_a_step() -> None:
    random = np.random.default_rng(1)
    weight = (random.normal(size=(4, 3, 3, 3)) * np.array([1, 10, 0.1, 0])[:, None, None, None]).astype(
        np.float32
    )
    scales = weight_scales(weight)
    stored = quantize_weight(weight, scales)
    assert np.abs(stored.reshape(4, -1)).max(axis=1).tolist() == [127, 127, 127, 0]
    assert (
        np.abs(stored * scales[:, None, None, None] - weight) <= 0.5001 * scales[:, None, None, None]
    ).all()


def test_a_large_bias_of_small_weights_still_fits_the_accumulator() -> None:
    weight, bias = np.full((1, 2, 1, 1), 1e-12, np.float32), np.array([5.0], np.float32)
    scale = weight_scales(weight, bias, input_scale=0.01)
    assert bias[0] / (0.01 * scale[0]) <= BIAS_LIMIT * 1.001
