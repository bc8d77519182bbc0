from __future__ import annotations

import pytest

from onboard import progress as module
from onboard.progress import progress


def test_plain_lines_off_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLAIN_INTERVAL_S", 0.0)
    assert list(progress(range(3), total=3, label="work", unit="line")) == [0, 1, 2]
    shown = capsys.readouterr().err.splitlines()
    assert shown[0].startswith("work: 1/3 line")
    assert shown[-1].startswith("work: 3/3 line")


def test_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress([], total=0, label="work")) == []
    assert "work: 0/0" in capsys.readouterr().err
