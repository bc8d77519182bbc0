"""What a bundle says of its denoiser: the optional part ``denoiser.bin``, beside ``denoiser.onnx``.

``docs/bundle.md`` gives it byte by byte. A bundle holds both parts or neither.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

from onboard.errors import BundleError

DENOISER_PLAN = "denoiser.bin"
DENOISER_GRAPH = "denoiser.onnx"
DENOISER_STRUCT = struct.Struct("<4IQ40s")
DENOISER_VERSION = 1
MAX_SAMPLES = 65536
MAX_BYTES = 1 << 40


@dataclass(frozen=True)
class DenoiserPlan:
    """Values of ``denoiser.bin``.

    Attributes:
        lines: Lines of the network's window: a strip and its halo either side.
        samples: Samples of the window; wider swaths are run in panels.
        inference_bytes: Memory that the inference engine may take in a session that denoises.
    """

    lines: int
    samples: int
    inference_bytes: int

    def __post_init__(self) -> None:
        good = self.lines >= 1 and 1 <= self.samples <= MAX_SAMPLES and 0 <= self.inference_bytes <= MAX_BYTES
        if not good:
            raise BundleError(
                "the denoiser's plan holds a value that cannot be flown",
                field=DENOISER_PLAN,
                found=f"{self.lines} lines, {self.samples} samples, {self.inference_bytes} bytes",
                expected=f"at least 1 line, 1 to {MAX_SAMPLES} samples, 0 to 2^40 bytes",
            )

    def pack(self) -> bytes:
        """Return the part's 64 bytes."""
        values = (self.lines, self.samples, self.inference_bytes)
        return DENOISER_STRUCT.pack(DENOISER_STRUCT.size, DENOISER_VERSION, *values, b"")

    def to_json(self) -> dict[str, Any]:
        """Return what the manifest repeats under ``denoiser``."""
        return asdict(self)


def unpack_denoiser_plan(
    part: bytes | memoryview, body_lines: int, file: str | PathLike[str] | None = None
) -> DenoiserPlan:
    """Decode ``denoiser.bin``.

    Args:
        part: The part's bytes.
        body_lines: Lines of the body's window, which must be the denoiser's.
        file: The bundle's name, for messages.

    Raises:
        BundleError: If it has another length or version, or a value that cannot be flown.
    """

    def refuse(field: str, found: object, expected: object) -> BundleError:
        problem, where = "the denoiser's plan is malformed", f"{DENOISER_PLAN}: {field}"
        return BundleError(problem, file=file, field=where, found=found, expected=expected)

    if len(part) != DENOISER_STRUCT.size:
        raise refuse("length", len(part), DENOISER_STRUCT.size)
    size, version, lines, samples, inference_bytes, rest = DENOISER_STRUCT.unpack(part)
    if (size, version) != (DENOISER_STRUCT.size, DENOISER_VERSION):
        raise refuse("version", (size, version), (DENOISER_STRUCT.size, DENOISER_VERSION))
    if lines != body_lines:
        raise refuse("lines", lines, f"body_lines = {body_lines}")
    if any(rest):
        raise refuse("reserved", "other bytes", "zeros")
    return DenoiserPlan(lines, samples, inference_bytes)
