"""``onboard doctor``: whether this installation can fly, and what it lacks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from onboard.cli.checks import Check

CANNOT_FLY = 3


@click.command(short_help="Check this installation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Check this installation part by part; exit with 0 if captures can be flown, with 3 if not."""
    from onboard.cli.checks import all_checks

    checks = all_checks()
    can_fly = not any(check.status == "fail" for check in checks)
    click.echo(json.dumps(_report(checks, can_fly), indent=2) if as_json else _text(checks, can_fly))
    if not can_fly:
        sys.exit(CANNOT_FLY)


def _report(checks: list[Check], can_fly: bool) -> dict[str, Any]:
    return {
        "can_fly": can_fly,
        "checks": [
            {"name": check.name, "status": check.status, "found": check.found, "remedy": check.remedy}
            for check in checks
        ],
    }


def _text(checks: list[Check], can_fly: bool) -> str:
    rows = []
    for check in checks:
        rows.append(f"{check.status:<5}{check.name:<18}{check.found}")
        if check.remedy and check.status != "ok":
            rows.append(f"{'':<23}-> {check.remedy}")
    rows.append("this installation can fly" if can_fly else "this installation cannot fly: see `fail` above")
    return "\n".join(rows)
