"""Lightning's progress as plain lines, for logs and pipes."""

from __future__ import annotations

import logging
import time
from typing import Any

import lightning

log = logging.getLogger(__name__)
INTERVAL_S = 20.0


class PlainProgress(lightning.Callback):
    """Logs step, losses and time left every twenty seconds."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.started = self.last = time.monotonic()
        self.first_step: int | None = None

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log one line when it is time to."""
        now, step = time.monotonic(), int(trainer.global_step)
        if self.first_step is None:
            self.first_step, self.started = step, now
        if now - self.last < INTERVAL_S:
            return
        self.last = now
        rate = (step - self.first_step) / max(now - self.started, 1e-6)
        left = (self.steps - step) / rate if rate else float("nan")
        losses = "  ".join(f"{key} {float(value):.3f}" for key, value in trainer.callback_metrics.items())
        log.info("step %d/%d  %s  %.2f steps/s  %.0f s left", step, self.steps, losses, rate, left)
