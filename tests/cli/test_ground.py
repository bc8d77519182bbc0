"""Ground tools that are not installed are named, with the way to get them."""

from __future__ import annotations

import pytest

from onboard.cli.ground import ground_tools
from onboard.errors import MissingExtraError, UsageError


@pytest.mark.parametrize("name", ["export", "export.bundle", "quantize"])
def test_a_wheel_without_a_checkout_says_so(name: str) -> None:
    with pytest.raises(UsageError, match="in a checkout") as caught, ground_tools("signing a bundle"):
        raise ModuleNotFoundError("no", name=name)
    assert caught.value.exit_code == 2
    assert "signing a bundle" in str(caught.value)


def test_a_missing_library_is_named_with_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"torch.*\.\[export\]"), ground_tools("exporting"):
        raise ModuleNotFoundError("no", name="torch")


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match="bug"), ground_tools("exporting"):
        raise ValueError("bug")
