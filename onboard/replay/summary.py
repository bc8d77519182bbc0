"""``summary.json``: what a run did, in how much time and memory, with which versions."""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from onboard.flight.trust import key_name
from onboard.replay.deadlines import judge, line_statistics
from onboard.replay.player import Playback
from onboard.replay.run_folder import RUN_FORMAT
from onboard.replay.selection import BandMatch, Selection
from onboard.replay.session import BundleInfo

FULL_CAPTURE_LINES = 1280
FULL_CAPTURE_S = 11.85
HEALTH_FIELDS = ("strips", "events", "events_dropped", "lines_lacking_bands", "most_lacking_bands")


def time_part(playback: Playback, *, line_period_s: float, strip_lines: int) -> dict[str, Any]:
    """Times of a run against the instrument's clock.

    Args:
        playback: What was measured.
        line_period_s: Time from one line to the next, s.
        strip_lines: Lines a strip.
    """
    seconds = playback.line_seconds
    processing = playback.processing_seconds
    report = judge(playback.lags, line_period_s=line_period_s, strip_lines=strip_lines)
    strips = np.add.reduceat(seconds, np.arange(0, seconds.size, strip_lines)) if seconds.size else seconds
    return {
        "processing_s": round(processing, 6),
        "realtime_factor": round(FULL_CAPTURE_S * seconds.size / FULL_CAPTURE_LINES / processing, 4),
        "line_ms": line_statistics(seconds),
        "strip_ms": line_statistics(strips),
        "flush_ms": round(playback.flush_seconds * 1e3, 4),
        "prepare_s": round(playback.prepare_seconds, 6),
        "deadline_misses": report.misses,
        "deadline": {
            "line_period_ms": round(report.line_period_s * 1e3, 4),
            "allowance_ms": round(report.allowance_s * 1e3, 4),
            "worst_lag_ms": round(report.worst_lag_s * 1e3, 4),
        },
    }


def product_part(playback: Playback, chosen: Selection, match: BandMatch) -> dict[str, Any]:
    """What came out, and what of the capture went in.

    Args:
        playback: What was found.
        chosen: Products kept and dropped.
        match: The capture's bands against the bundle's.
    """
    return {
        "plumes": len(playback.events),
        "products": list(chosen.kept),
        "dropped_products": chosen.dropped,
        "bands_resampled": not match.identical,
        "worst_mismatch_nm": round(float(match.worst_mismatch_nm), 4),
        "quality": playback.quality.as_dict(),
    }


def bundle_part(info: BundleInfo, file: Path, sha256: str) -> dict[str, Any]:
    """Which bundle flew.

    Args:
        info: What the session says of it.
        file: Where it was read from.
        sha256: Hash of the whole file.
    """
    return {
        "file": file.name,
        "name": info.name,
        "version": info.version,
        "sequence": int(info.sequence),
        "key": str(info.key_id),
        "key_name": key_name(bytes.fromhex(info.key_id)),
        "sha256": sha256,
    }


def memory_part(health: Any) -> dict[str, Any]:
    """Peak memory of this process so far, and the flight core's own account.

    Args:
        health: The session's health.
    """
    mib = 1024.0 * 1024.0
    return {
        "peak_rss_mib": round(peak_rss_bytes() / mib, 1),
        "arena_mib": round(health.arena_bytes / mib, 2),
        "arena_high_water_mib": round(health.arena_high_water / mib, 2),
        "allocations_after_open": int(health.allocations_after_open),
        **{name: int(getattr(health, name)) for name in HEALTH_FIELDS},
    }


def peak_rss_bytes() -> int:
    """Largest resident memory of this process so far, bytes.

    ``getrusage`` counts what the parent held at the moment of the fork, so Linux's own high-water mark
    is preferred where it can be read.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions() -> dict[str, str]:
    """Versions of what took part in the run."""
    return {
        "onboard": _version("onboard"),
        "onnxruntime": _version("onnxruntime", "onnxruntime-gpu"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def head_part(capture: Any, target: str) -> dict[str, Any]:
    """What was replayed, and for which target.

    Args:
        capture: The open capture.
        target: Name of the target machine.
    """
    return {
        "format": RUN_FORMAT,
        "capture": str(capture.path),
        "granule": str(capture.granule),
        "lines": int(capture.lines),
        "samples": int(capture.samples),
        "bands": int(capture.bands),
        "target": target,
    }


def _version(*distributions: str) -> str:
    return next(_found(distributions), "unknown")


def _found(distributions: Iterable[str]) -> Any:
    for name in distributions:
        try:
            yield metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
