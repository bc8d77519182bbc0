"""Lines and pixels that carry a flag in place of radiance.

EMIT's data system takes the instrument's stream apart into frames of 32 lines: a frame is missing, corrupt
or was found cloudy on board as a whole, and single lines of a frame may be corrupt (emit-sds/emit-sds-l1a,
reassemble_raw_cube.py). Values: EMIT L1B RAD product user guide, as in ``onboard.captures.flags``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, namespace

FILL = -9999.0
MISSING_FRAME = -9998.0
CORRUPT_FRAME = -9997.0
CORRUPT_LINE = -9996.0
CLOUDY = -9990.0
FRAME_FLAGS = (MISSING_FRAME, CORRUPT_FRAME)
FRAME_LINES = 32
THICK_OPACITY = 0.45
"""Opacity from which a pixel is screened out as cloud: optical depth 11, reflectance above 0.3, in the manner
of thresholds on bright bands (Thompson et al. 2014, IEEE TGRS 52, 6827)."""
CLOUDY_SHARE = 0.8


def draw_line_flags(
    rng: np.random.Generator, lines: int, count: int, frame_lines: int = FRAME_LINES
) -> NDArray[np.float32]:
    """Draw flags of whole lines: float32 (lines,), 0 for good lines, else one of EMIT's flag values.

    Args:
        rng: Source of chance.
        lines: Lines of the scene.
        count: Lines that are lost: as many whole frames as go into it, missing or corrupt, and single
            corrupt lines for the rest; one line at least stays good.
        frame_lines: Lines of a frame; frames start at its multiples.

    Raises:
        UsageError: If a count is negative or a frame has no lines.
    """
    if lines < 1 or count < 0 or frame_lines < 1:
        raise UsageError(
            "line flags out of bounds",
            field="lines, count, frame_lines",
            found=(lines, count, frame_lines),
            expected="at least 1, 0 and 1",
        )
    flags: NDArray[np.float32] = np.zeros(lines, np.float32)
    lost = min(count, lines - 1)
    frames = min(lost // frame_lines, lines // frame_lines)
    for frame in rng.choice(lines // frame_lines, frames, replace=False) if frames else ():
        flag = FRAME_FLAGS[int(rng.integers(len(FRAME_FLAGS)))]
        flags[frame * frame_lines : (frame + 1) * frame_lines] = flag
    good = np.flatnonzero(flags == 0)
    flags[rng.choice(good, lost - frames * frame_lines, replace=False)] = CORRUPT_LINE
    return flags


def cloudy_pixels(opacity: Array, threshold: float = THICK_OPACITY) -> Array:
    """Return where clouds are so thick that screening finds them, bool, shaped as ``opacity`` (0-1)."""
    return opacity > threshold


def cloudy_frames(
    opacity: Array, *, frame_lines: int = FRAME_LINES, share: float = CLOUDY_SHARE
) -> NDArray[np.bool_]:
    """Return which lines belong to frames found cloudy, bool (lines,), of a scene's opacity (lines, samples).

    Args:
        opacity: 0-1.
        frame_lines: Lines of a frame.
        share: Share of thick cloud from which a frame counts as cloudy.
    """
    xp = namespace(opacity)
    thick = xp.mean(xp.astype(cloudy_pixels(opacity), xp.float32), axis=-1)
    lines = np.asarray(thick.cpu() if hasattr(thick, "cpu") else thick)
    starts = np.arange(0, lines.size, frame_lines)
    means = np.add.reduceat(lines, starts) / np.diff(np.append(starts, lines.size))
    return np.asarray(np.repeat(means > share, frame_lines)[: lines.size])


def flagged(radiance: Array, flags: Array) -> Array:
    """Return radiance with flag values in all bands of flagged pixels.

    Args:
        radiance: (..., bands).
        flags: Flag value a pixel, 0 for good ones, shaped to broadcast against (...).
    """
    xp = namespace(radiance)
    mark = xp.astype(flags[..., None], radiance.dtype)
    return xp.where(mark != 0, mark, radiance)
