from __future__ import annotations

from pathlib import Path

import pytest

from onboard.errors import CaptureError, UsageError
from onboard.training.adapters.registry import SIMULATED, check_name, names, open_set


def test_every_set_opens_by_its_name(home: Path) -> None:
    for name in names():
        if name not in SIMULATED:
            assert open_set(name, home / name).name == name


def test_unknown_names_are_refused_with_the_list(home: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown data set.*starcop.*scenes, tiles"):
        check_name("starkop")
    with pytest.raises(CaptureError, match="not there"):
        open_set("starcop", home / "nowhere")
    for name in SIMULATED:
        with pytest.raises(UsageError, match="simulated"):
            open_set(name, home)
