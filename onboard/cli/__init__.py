"""The ``onboard`` command: one small file a verb, imported only when that verb is called."""

from onboard.cli.main import main

__all__ = ["main"]
