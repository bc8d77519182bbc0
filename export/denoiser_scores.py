"""What ``bench.denoise`` measured of a denoiser, read back for the model card of the bundle it flies in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onboard.errors import CaptureError

Row = Mapping[str, Any]

SCORES = "scores.json"
NOISY = "noisy"
WITHOUT_WEIGHTS = "1"
"""The stamp of methods that are no networks; that of a network is the SHA-256 of its file."""
TEXTS, FIGURES = ("source", "name", "case", "method", "stamp"), ("psnr", "sam")
REMEDY = "judge it with `python -m bench.denoise --denoiser RUN/network.pt --out FOLDER`"


def read_denoiser_scores(folder: Path, digest: str) -> list[dict[str, Any]]:
    """Return what was measured of one denoiser, in means over the cubes of a source.

    Args:
        folder: What ``python -m bench.denoise --out`` wrote.
        digest: SHA-256 of the network's file, in hex.

    Returns:
        A row for each source of cubes and each case of noise: ``on``, ``cubes`` (how many), ``case``,
        ``psnr_db`` and ``angle_deg``, each with ``noisy``, ``classical`` (the best of the methods without
        weights; None where none was judged) and ``denoised``.

    Raises:
        CaptureError: The file is missing or malformed, or it knows nothing of this network.
    """
    file = folder / SCORES
    rows = _rows(file)
    ours = [row for row in rows if row["stamp"] == digest]
    if not ours:
        raise CaptureError(
            "the scores are of another denoiser",
            file=file,
            field="stamp",
            found=", ".join(sorted({row["stamp"] for row in rows} - {WITHOUT_WEIGHTS})) or "no network",
            expected=digest,
            remedy=REMEDY,
        )
    return [_summary(file, rows, ours, *key) for key in dict.fromkeys((r["source"], r["case"]) for r in ours)]


def _summary(file: Path, rows: Sequence[Row], ours: Sequence[Row], source: str, case: str) -> dict[str, Any]:
    here = [row for row in ours if (row["source"], row["case"]) == (source, case)]
    cubes = {row["name"] for row in here}
    methods: dict[str, list[Row]] = {}
    for row in rows:
        same = (row["source"], row["case"], row["stamp"]) == (source, case, WITHOUT_WEIGHTS)
        if same and row["name"] in cubes:
            methods.setdefault(row["method"], []).append(row)
    # A method that was not run on all of them cannot stand beside it.
    beside = {name: known for name, known in methods.items() if {row["name"] for row in known} == cubes}
    if NOISY not in beside:
        raise CaptureError(
            "scores lack the noisy cubes",
            file=file,
            field=f"{source}: {case}",
            found=", ".join(beside) or "the denoiser alone",
            expected=NOISY,
            remedy=REMEDY,
        )
    classical = [known for name, known in beside.items() if name != NOISY]

    def figures(measure: str, best: Callable[[list[float]], float]) -> dict[str, float | None]:
        means = [_mean(known, measure) for known in classical]
        return {
            "noisy": _mean(beside[NOISY], measure),
            "classical": best(means) if means else None,
            "denoised": _mean(here, measure),
        }

    return {
        "on": source,
        "cubes": len(cubes),
        "case": case,
        "psnr_db": figures("psnr", max),
        "angle_deg": figures("sam", min),
    }


def _mean(rows: Sequence[Row], measure: str) -> float:
    return float(np.mean([row[measure] for row in rows]))


def _rows(file: Path) -> list[Row]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaptureError(
            "scores of a denoiser cannot be read", file=file, found=str(error), remedy=REMEDY
        ) from None
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise CaptureError(
            "scores of a denoiser are malformed",
            file=file,
            found="something else",
            expected=f"a list of objects with {', '.join((*TEXTS, *FIGURES))}",
            remedy=REMEDY,
        )
    return rows


def _is_row(row: object) -> bool:
    return (
        isinstance(row, Mapping)
        and all(isinstance(row.get(name), str) for name in TEXTS)
        and all(isinstance(row.get(name), int | float) and math.isfinite(row[name]) for name in FIGURES)
    )
