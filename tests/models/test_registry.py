from __future__ import annotations

import pytest

from onboard.errors import UsageError
from onboard.models import registry


def test_shipped_architecture_is_known() -> None:
    assert "linescan" in registry.names()


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="linescan"):
        registry.build("resnet")


def test_a_name_is_taken_once() -> None:
    registry.names()
    with pytest.raises(ValueError, match="twice"):
        registry.register("linescan")(lambda: None)  # type: ignore[arg-type,return-value]
