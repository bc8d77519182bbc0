from __future__ import annotations

import pytest

from onboard.errors import (
    BundleError,
    CaptureError,
    DeadlineError,
    MissingExtraError,
    OnboardError,
    OutputError,
    UsageError,
)


def test_message_names_all_that_is_known() -> None:
    error = CaptureError("bad", file="a.nc", field="radiance", found=3, expected=5, remedy="fetch it again")
    assert str(error) == "bad; file: a.nc; field: radiance; found: 3; expected: 5; remedy: fetch it again"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (OnboardError, 1),
        (UsageError, 2),
        (CaptureError, 3),
        (OutputError, 3),
        (BundleError, 4),
        (DeadlineError, 5),
    ],
)
def test_exit_codes(kind: type[OnboardError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, OnboardError)


def test_missing_extra_says_how_to_get_it() -> None:
    assert ".[train]" in str(MissingExtraError("torch", "train", "training"))
