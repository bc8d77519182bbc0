"""The table's words and the picture's panels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.network_rows import FIGURES, PATCH_FIGURES, spread
from bench.network_table import draw, markdown


def row(name: str, figures: dict[str, Any], *, macs: float | None = 5000.0, **more: Any) -> dict[str, Any]:
    base = {
        "network": name, "known": True, "parameters": 46755, "methane_macs_a_pixel": macs and macs / 2,
        "macs_a_pixel": macs, "samples_seen": 18000, "seeds": ["1", "2"], "weights": ["a", "b"],
        "figures": dict.fromkeys((*FIGURES, *PATCH_FIGURES)) | figures,
    }  # fmt: skip
    return base | more


def found(simemit: dict[str, Any], patches: dict[str, Any] | None = None) -> dict[str, Any]:
    known = {
        "benchmark": "SimEMIT-1 revision 9" if simemit else None,
        "captures": dict.fromkeys(simemit, 24),
        "frozen": dict.fromkeys(simemit, True),
    }
    return known | {"simemit": simemit, "patches": patches or {}}


def test_mean_and_deviation_stand_together_and_one_seed_has_none() -> None:
    rows = [
        row("ours", {"f1": spread([0.5, 0.7]), "false_alarms_a_capture": spread([4.0, 6.0])}),
        row("theirs", {"f1": spread([0.25])}, macs=None, parameters=None, samples_seen=None, seeds=[]),
    ]
    text = markdown(found({"test": rows}))
    assert "| ours | 46,755 | 2.5; 5.0 | 18,000 | 1, 2 | 0.600 ± 0.141 | 5.0 ± 1.4 |" in text
    assert "| theirs | - | - | - | - | 0.250 | - |" in text
    assert "revision 9, test set, 24 captures, held to" in text
    assert "AUPRC" not in text


def test_unknown_weights_are_said_to_be_unknown() -> None:
    odd = row("x", {"f1": spread([0.5, 0.6])}, known=False, seeds=[], macs=None)
    assert "2 runs" in markdown(found({"test": [odd]}))
    assert "taken for seeds of one network" in markdown(found({"test": [odd]}))


def test_patches_are_marked_as_what_they_are() -> None:
    text = markdown(found({}, {"test": [row("ours", {"plume_f1": spread([0.5])})]}))
    assert "## Pool patches, test set: not SimEMIT-1" in text
    assert "These are no results of SimEMIT-1" in text


@pytest.mark.parametrize(
    "given",
    [
        found({"test": [row("a", {"f1": spread([0.5, 0.6])}), row("b", {"f1": spread([0.4])}, macs=None)]}),
        found({"validation": [row("a", {"best_f1": spread([0.5])})]}),
        found({}, {"validation": [row("a", {"mineral_macro_f1": spread([0.5])})]}),
    ],
)
def test_the_picture_is_drawn(given: dict[str, Any], tmp_path: Path) -> None:
    draw(given, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert min(image.size) > 300
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
