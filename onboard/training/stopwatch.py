"""How long a training took, over all the runs it was done in."""

from __future__ import annotations

import time
from typing import Any

import lightning


class Stopwatch(lightning.Callback):
    """Counts seconds from its making on, and those of earlier runs, which checkpoints carry.

    What a run did after its last checkpoint is done again by the next one and counted once.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before = 0.0
        self._is_ours = False

    @property
    def seconds(self) -> float:
        """Of all runs up to now."""
        return self._before + time.monotonic() - self._started

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        self._is_ours = True
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what an earlier run counted; a checkpoint of this run says nothing new."""
        if not self._is_ours:
            self._before = float(state_dict["seconds"])
            self._is_ours = True
