"""The plan survives its file, and no value that cannot be flown gets through."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import BundleError
from onboard.flight.plan import PLAN_STRUCT, WHOLE_LIMITS, make_plan, unpack_plan
from tests.export.samples import plan_values


def test_the_struct_is_184_bytes_and_starts_with_its_size() -> None:
    data = make_plan(plan_values()).pack()
    assert len(data) == PLAN_STRUCT.size == 184
    assert struct.unpack_from("<2I", data) == (184, 1)


def test_fields_lie_where_the_format_says() -> None:
    values = plan_values()
    data = make_plan(values).pack()
    assert struct.unpack_from("<I", data, 8) == (values["bands"],)
    assert struct.unpack_from("<I", data, 60) == (values["event_min_pixels"],)
    assert struct.unpack_from("<f", data, 64) == (values["kappa"],)
    assert struct.unpack_from("<f", data, 96)[0] == np.float32(values["mineral_thresholds"][0])
    assert struct.unpack_from("<2IQ2I", data, 160) == (0, 0, values["inference_bytes"], 3, 0)
    near = make_plan(values | {"exclude_near": 16})
    assert struct.unpack_from("<I", near.pack(), 180) == (16,)
    assert unpack_plan(near.pack()) == make_plan(near.to_json()) == near
    # Manifests of older bundles do not name it.
    assert "exclude_near" not in make_plan(values).to_json()


@given(
    whole=st.fixed_dictionaries(
        {"memory_lines": st.integers(1, 1 << 24), "inference_bytes": st.integers(0, 1 << 40)}
    ),
    kappa=st.floats(0, 1e6, width=32),
    thresholds=st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3),
)
def test_a_plan_survives_its_file(whole: dict[str, int], kappa: float, thresholds: list[float]) -> None:
    plan = make_plan(plan_values() | whole | {"kappa": kappa, "mineral_thresholds": thresholds})
    assert unpack_plan(plan.pack()) == plan
    assert make_plan(plan.to_json()) == plan


@pytest.mark.parametrize("name", sorted(WHOLE_LIMITS))
def test_a_whole_number_beyond_its_limit_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match=name):
        make_plan(plan_values() | {name: WHOLE_LIMITS[name][1] + 1})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kappa": float("nan")}, "kappa"),
        ({"alpha_scale": 0.0}, "alpha_scale"),
        ({"z_clip": float("inf")}, "z_clip"),
        ({"plume_threshold": 1.5}, "plume_threshold"),
        ({"mineral_thresholds": [0.5, 2.0, 0.5]}, r"mineral_thresholds\[1\]"),
        ({"mineral_thresholds": [0.5]}, "mineral_thresholds"),
        ({"body_lines": 17}, "body_lines"),
        ({"mf_bands": 13}, "mf_bands"),
        ({"known_lines": 4}, "known_lines"),
        ({"minerals": 0, "mineral_thresholds": []}, "products"),
        ({"static_features": 0, "dynamic_features": 0}, "static_features"),
        ({"bands": "many"}, "bands"),
        ({"bands": 1.5}, "bands"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_values_that_cannot_be_flown_are_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BundleError, match=field):
        make_plan(plan_values() | change)


@pytest.mark.parametrize(
    ("offset", "value", "field"),
    [
        (0, 180, "struct_size"),
        (4, 2, "version"),
        (48, 17, "minerals"),
        (180, 1025, "exclude_near"),
        (108, 1, "mineral_thresholds"),
    ],
)
def test_malformed_bytes_are_named(offset: int, value: int, field: str) -> None:
    data = bytearray(make_plan(plan_values()).pack())
    struct.pack_into("<I", data, offset, value)
    with pytest.raises(BundleError, match=field):
        unpack_plan(bytes(data), "x.onb")


@given(st.integers(0, 400).filter(lambda size: size != 184))
def test_any_other_length_is_refused(size: int) -> None:
    with pytest.raises(BundleError, match="length"):
        unpack_plan(bytes(size))
