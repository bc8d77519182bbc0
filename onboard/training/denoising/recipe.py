"""What a training of a denoiser depends on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onboard.errors import UsageError

NETWORKS = ("denoiser", "hsdt-style")
PRECISIONS = ("32-true", "bf16-mixed")


@dataclass(frozen=True)
class DenoisingRecipe:
    """One training; both networks take the same, so that they see the same samples.

    Attributes:
        network: "denoiser" or "hsdt-style".
        sensor: Sensor whose bands the scenes have.
        seed: Of weights and samples; scenes are the same for all.
        scenes: Clean training scenes.
        size: Lines and samples of a scene.
        patch: Lines and samples of a patch; a multiple of 8.
        steps: Optimizer steps.
        batch: Patches a step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Of AdamW.
        checkpoint_steps: A checkpoint every so many steps.
        flight_share: Share of steps at the matched filter's bands; the others have 31 bands from anywhere.
        emit_share: Share of steps with EMIT's own noise on log radiance; the others have a case on 0-1.
        precision: "32-true"; "bf16-mixed" for the transformer alone, whose products of matrices bear it. The
            denoiser's fits do not.
    """

    network: str = "denoiser"
    sensor: str = "emit"
    seed: int = 1
    scenes: int = 160
    size: int = 128
    patch: int = 64
    steps: int = 8000
    batch: int = 2
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    checkpoint_steps: int = 200
    flight_share: float = 0.6
    emit_share: float = 0.25
    precision: str = "32-true"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if self.network not in NETWORKS:
            raise UsageError(
                "unknown network", field="network", found=self.network, expected=" or ".join(NETWORKS)
            )
        allowed = PRECISIONS if self.network == "hsdt-style" else PRECISIONS[:1]
        if self.precision not in allowed:
            raise UsageError(
                f"{self.network} is not trained in this precision",
                field="precision",
                found=self.precision,
                expected=" or ".join(allowed),
            )
        whole = ("scenes", "size", "patch", "steps", "batch", "checkpoint_steps")
        for name in whole:
            if getattr(self, name) < 1:
                raise UsageError("out of bounds", field=name, found=getattr(self, name), expected="1 or more")
        rules = (
            ("seed", 0 <= self.seed < 2**32, "0 to 2^32 - 1"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "above 0"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"),
            ("flight_share", 0 <= self.flight_share <= 1, "0 to 1"),
            ("emit_share", 0 <= self.emit_share <= 1, "0 to 1"),
        )
        for name, holds, expected in rules:
            if not holds:
                raise UsageError("out of bounds", field=name, found=getattr(self, name), expected=expected)
        if self.patch % 8 or self.patch > self.size:
            raise UsageError(
                "patch out of bounds", field="patch", found=self.patch, expected="a multiple of 8 in a scene"
            )
