from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import BundleError
from onboard.flight.denoiser_plan import DENOISER_STRUCT, DenoiserPlan, unpack_denoiser_plan

LINES = 32


@given(samples=st.integers(1, 65536), size=st.integers(0, 1 << 40))
def test_values_survive_the_file(samples: int, size: int) -> None:
    plan = DenoiserPlan(LINES, samples, size)
    assert len(plan.pack()) == 64
    assert unpack_denoiser_plan(plan.pack(), LINES) == plan


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (b"x" * 63, "length"),
        (DENOISER_STRUCT.pack(63, 1, LINES, 8, 0, b""), "version"),
        (DENOISER_STRUCT.pack(64, 2, LINES, 8, 0, b""), "version"),
        (DENOISER_STRUCT.pack(64, 1, LINES + 1, 8, 0, b""), "lines"),
        (DENOISER_STRUCT.pack(64, 1, LINES, 8, 0, bytes(39) + b"x"), "reserved"),
        (DENOISER_STRUCT.pack(64, 1, LINES, 0, 0, b""), "denoiser.bin"),
        (DENOISER_STRUCT.pack(64, 1, LINES, 8, (1 << 40) + 1, b""), "denoiser.bin"),
    ],
)
def test_other_parts_are_refused(part: bytes, field: str) -> None:
    with pytest.raises(BundleError, match=field):
        unpack_denoiser_plan(part, LINES, "x.onb")
