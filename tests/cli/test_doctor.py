from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from onboard.cli import checks
from onboard.cli.checks import Check
from onboard.cli.doctor import CANNOT_FLY, command


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("note", 0), ("warn", 0), ("fail", CANNOT_FLY)])
def test_only_a_failure_grounds(monkeypatch: pytest.MonkeyPatch, status: checks.Status, code: int) -> None:
    found = [Check("python", "ok", "3.11"), Check("part", status, "something", "mend it")]
    monkeypatch.setattr(checks, "all_checks", lambda: found)
    result = CliRunner().invoke(command, [])
    assert result.exit_code == code
    assert ("can fly" in result.stdout) is (code == 0)
    assert ("-> mend it" in result.stdout) is (status != "ok")
    result = CliRunner().invoke(command, ["--json"])
    assert result.exit_code == code
    answer = json.loads(result.stdout)
    assert answer["can_fly"] is (code == 0)
    assert answer["checks"][1] == {
        "name": "part",
        "status": status,
        "found": "something",
        "remedy": "mend it",
    }


def test_it_runs_on_this_machine_whatever_is_missing() -> None:
    result = CliRunner().invoke(command, ["--json"], catch_exceptions=False)
    answer = json.loads(result.stdout)
    assert result.exit_code == (0 if answer["can_fly"] else CANNOT_FLY)
    names = [check["name"] for check in answer["checks"]]
    assert names[0] == "python"
    assert {"numpy", "engine library", "flight core", "shipped bundle", "cores", "memory"} <= set(names)
