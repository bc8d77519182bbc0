from __future__ import annotations

import pytest

from onboard.errors import UsageError
from onboard.models import registry


def test_ours_and_the_published_are_known() -> None:
    known = {"linescan", "hyper_segformer", "hyper_efficientvit", "hyper_starcop"}
    assert known <= set(registry.names())


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="linescan"):
        registry.build("resnet")


def test_a_name_is_taken_once() -> None:
    registry.names()
    with pytest.raises(ValueError, match="twice"):
        registry.register("linescan")(lambda: None)


def test_architectures_say_what_they_take() -> None:
    kinds = {name: registry.architecture(name).input.kind for name in registry.names()}
    assert kinds["linescan"] == "line"
    assert kinds["hyper_segformer"] == kinds["hyper_efficientvit"] == "bands"
    assert kinds["hyper_starcop"] == "filter_rgb"
    assert registry.architecture("hyper_starcop").input.tasks == ("methane",)
