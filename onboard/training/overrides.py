"""``key=value`` on the command line, over what a recipe says; checked afterwards as the recipe is."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from onboard.errors import UsageError

DATA = "data"
SHARE = ",share="


def overridden(table: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a recipe's table with some of its values replaced.

    A value is read as TOML, or as text where it is none: ``steps=100``, ``model=linescan``,
    ``pool.train=3``. ``data=NAME:PATH`` may come several times, each with ``,share=0.5`` behind it if need
    be; together they replace the recipe's data sets. ``data=scenes`` is the simulated pool.

    Args:
        table: The recipe, as TOML gives it; left as it is.
        overrides: ``key=value`` each.

    Raises:
        UsageError: Not of that form, or a part of the key is no table.
    """
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in table.items()}
    data: list[dict[str, Any]] = []
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(
                "not a change to a recipe",
                found=text,
                expected="key=value, as in steps=100 or data=NAME:PATH",
            )
        if key == DATA:
            data.append(_data_set(value))
            continue
        *path, last = key.split(".")
        home = result
        for part in path:
            home = home.setdefault(part, {})
            if not isinstance(home, dict):
                raise UsageError("recipe key holds a value, no table", field=key, found=part)
        home[last] = _value(value)
    return {**result, DATA: data} if data else result


def _data_set(text: str) -> dict[str, Any]:
    """``NAME:PATH``, with or without a share behind it, as a [[data]] table."""
    place, _, share = text.partition(SHARE)
    name, _, path = place.partition(":")
    table: dict[str, Any] = {"name": name}
    if path:
        table["path"] = path
    if share:
        table["share"] = _value(share)
    return table


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
