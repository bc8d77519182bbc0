"""Quantization-aware fine-tuning: the rounded network learns to say what the float one says."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from export.run_folder import UNREADABLE
from onboard.errors import CaptureError
from onboard.progress import progress
from quantize.affine import Form
from quantize.fake_quant import FakeQuantGraph
from quantize.graph import QuantizeError, model_bytes
from quantize.post_training import Calibrated

Array = npt.NDArray[np.float32]
log = logging.getLogger(__name__)
FORMS = (Form.UNSIGNED, Form.SIGNED)


@dataclass(frozen=True)
class FineTuning:
    """How a quantized network is fine-tuned.

    Attributes:
        steps: Optimizer steps.
        batch: Windows a step.
        window: Lines and samples of a window, a multiple of the network's stride.
        learning_rate: Of weights, at the start; falls to zero along a cosine.
        range_rate: Of ranges, relative to their size.
        methane_weight: What methane's channel counts against all minerals'.
        seed: Of drawing windows.
        checkpoint_steps: A checkpoint every so many steps.
    """

    steps: int = 300
    batch: int = 4
    window: int = 96
    learning_rate: float = 5e-4
    range_rate: float = 2e-3
    methane_weight: float = 1.0
    seed: int = 11
    checkpoint_steps: int = 100

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)


def fine_tune(
    calibrated: Calibrated,
    planes: Sequence[Array],
    settings: FineTuning,
    *,
    keep_float: Collection[str] = (),
    checkpoint: Path | None = None,
) -> Calibrated:
    """Fine-tune weights and ranges, and return the float graph and ranges that they became.

    The teacher is the float graph itself, so that no label is needed and nothing else is learned than to
    bear rounding (Hinton et al. 2015, arXiv:1503.02531). The two forms of activations take turns, so that
    one set of weights serves both.

    Args:
        calibrated: Float graph with ranges to start from.
        planes: (1, channels, lines, samples) inputs of training samples, at least a window large.
        settings: How.
        keep_float: Layers that stay in float32.
        checkpoint: File that the state is kept in; an interrupted call goes on from it.

    Raises:
        QuantizeError: No sample is a window large.
        CaptureError: The checkpoint is of another fine-tuning, or damaged.
    """
    if not planes or min(min(item.shape[2:]) for item in planes) < settings.window:
        raise QuantizeError(
            "samples are smaller than a window", expected=f"{settings.window} lines and samples"
        )
    student = FakeQuantGraph(calibrated, keep_float)
    optimizer = _optimizer(student, settings)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    basis = _basis(calibrated, planes, settings, keep_float) if checkpoint is not None else {}
    done = _resume(checkpoint, basis, student, optimizer, schedule)
    teacher = FakeQuantGraph(calibrated, keep_float)
    teacher.form = None
    for step in progress(
        range(done, settings.steps), total=settings.steps - done, label="fine-tune", unit="step"
    ):
        given = torch.from_numpy(draw_windows(planes, settings, step))
        with torch.no_grad():
            wanted = teacher(given)
        student.form = FORMS[step % len(FORMS)]
        loss = distillation_loss(student(given), wanted, settings.methane_weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if checkpoint is not None and (step + 1) % settings.checkpoint_steps == 0:
            _keep(checkpoint, basis, step + 1, student, optimizer, schedule)
            log.info("step %d of %d, loss %.4f", step + 1, settings.steps, float(loss.detach()))
    return student.learned()


def distillation_loss(logits: Tensor, wanted: Tensor, methane_weight: float) -> Tensor:
    """Return how far probabilities are from the float network's: cross-entropy above its least.

    Args:
        logits: (n, 11, lines, samples), methane first.
        wanted: The same of the float network.
        methane_weight: What methane's channel counts against all minerals'.
    """
    target = torch.sigmoid(wanted)
    above = binary_cross_entropy_with_logits(logits, target, reduction="none")
    above = above - binary_cross_entropy_with_logits(wanted, target, reduction="none")
    # Where both are sure, probabilities no longer tell logits apart, but thresholds of events do.
    close = torch.nn.functional.huber_loss(logits, wanted, reduction="none")
    each = (above + 0.02 * close).mean(dim=(0, 2, 3))
    return methane_weight * each[0] + each[1:].sum() / max(len(each) - 1, 1) if len(each) > 1 else each.sum()


def draw_windows(planes: Sequence[Array], settings: FineTuning, step: int) -> Array:
    """Return the (batch, channels, window, window) inputs of a step, drawn by seed and flipped at random."""
    random = np.random.default_rng((settings.seed, step))
    size, parts = settings.window, []
    for _ in range(settings.batch):
        sample = planes[int(random.integers(len(planes)))][0]
        line, column = (int(random.integers(extent - size + 1)) for extent in sample.shape[1:])
        down, across = (int(step) for step in random.choice([-1, 1], size=2))
        parts.append(sample[:, line : line + size, column : column + size][:, ::down, ::across])
    return np.ascontiguousarray(np.stack(parts))


def _optimizer(student: FakeQuantGraph, settings: FineTuning) -> torch.optim.Optimizer:
    ends = [*student.lows.parameters(), *student.highs.parameters()]
    ends_groups = [
        {"params": [item], "lr": settings.range_rate * max(float(item.detach().abs()), 1e-3)} for item in ends
    ]
    weights = {"params": list(student.weights.parameters()), "lr": settings.learning_rate}
    return torch.optim.Adam([weights, *ends_groups])


def _basis(
    calibrated: Calibrated, planes: Sequence[Array], settings: FineTuning, keep_float: Collection[str]
) -> dict[str, Any]:
    """What a fine-tuning follows from: a checkpoint of anything else is not gone on with."""
    drawn = hashlib.sha256()
    for sample in planes:
        drawn.update(repr(sample.shape).encode())
        drawn.update(np.ascontiguousarray(sample).data)
    return {
        "settings": settings.as_dict(),
        "float_graph": hashlib.sha256(model_bytes(calibrated.model)).hexdigest(),
        "ranges": {name: [float(span.low), float(span.high)] for name, span in calibrated.spans.items()},
        "samples": drawn.hexdigest(),
        "kept_in_float32": sorted(keep_float),
    }


def _keep(
    file: Path, basis: dict[str, Any], step: int, student: FakeQuantGraph, optimizer: Any, schedule: Any
) -> None:
    state = {
        "basis": basis,
        "step": step,
        "student": student.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
    }
    aside = file.with_name(f"partial.{file.name}")
    torch.save(state, aside)
    aside.replace(file)


def _resume(
    file: Path | None, basis: dict[str, Any], student: FakeQuantGraph, optimizer: Any, schedule: Any
) -> int:
    """Take up a checkpoint, if there is one; returns the steps that are done."""
    if file is None or not file.is_file():
        return 0
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        other = [name for name, value in basis.items() if state["basis"][name] != value]
        if not other:
            student.load_state_dict(state["student"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CaptureError(
            "the checkpoint cannot be read", file=file, found=reason, remedy="remove it"
        ) from None
    if other:
        raise CaptureError(
            "the checkpoint is of another fine-tuning",
            file=file,
            found=f"other {', '.join(other)}",
            remedy="remove it",
        )
    return int(state["step"])
