"""A model card of an untrained network and small results, made the way real ones are."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from export.bundle import write_container
from export.card import CardMaker, Sources, encode_card
from export.card_accuracy import read_results
from export.manifest import encode_manifest
from export.reproduce import Options
from export.run_folder import load_run
from onboard.minerals import MINERALS
from onboard.training.recipe import load_recipe
from quantize.gate import Verdict
from tests.export.samples import sample_manifest, sample_parts, sample_plan, write_run_folder
from tests.support.simemit import score

SCORES = {
    "plume_f1": 0.7,
    "plume_auprc": 0.8,
    "strong_plume_recall": 0.75,
    "false_events_a_capture": 2.5,
    "mineral_f1": {name: 0.5 + 0.04 * place for place, name in enumerate(MINERALS)},
    "mineral_macro_f1": 0.68,
}


def trained_folder(folder: Path, *overrides: str) -> Path:
    """Write the run folder of a training by the shipped recipe, whose network learned nothing."""
    write_run_folder(folder)
    recipe = json.loads(json.dumps(asdict(load_recipe("shipped", overrides))))
    metrics = {
        "calibration": {"methane": [1.0, 0.0]},
        "validation": SCORES,
        "test": SCORES,
        "seconds": {"training": 1200.0, "last_run": {"patches": 60.0, "judging": 30.0}},
    }
    for name, content in (("recipe", recipe), ("metrics", metrics)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def gate_report() -> dict[str, Any]:
    """Return what a manifest says of a quantized body."""
    exact, found = {"methane_f1": 0.75, "mineral_f1": 0.65}, {"methane_f1": 0.748, "mineral_f1": 0.655}
    return {
        "calibration": {"seed": 3, "samples": 12},
        "fine_tuning": None,
        "gate": Verdict("4 validation patches", exact, found).as_dict(),
    }


def carded_parts(folder: Path, *, scored: bool = True) -> dict[str, bytes]:
    """Return the parts of a small bundle with a card: too small to fly, whole in every check.

    Args:
        folder: Where run folder, scored bundle and results are written.
        scored: Whether SimEMIT-1 was run.
    """
    run = load_run(trained_folder(folder / "run"))
    bundle = folder / "scored.onb"
    bundle.write_bytes(write_container(sample_parts(), 7))
    results = []
    if scored:
        score(folder / "simemit", bundle, ("flight", "column-filter"))
        results = read_results(folder / "simemit", bundle)
    quantization = gate_report()
    manifest = {**sample_manifest(sample_plan()), "quantization": quantization}
    parts = sample_parts(manifest__json=encode_manifest(manifest))
    maker = CardMaker(Sources(run, None, results, Options("sample", 7, quantization, scored=scored)))
    return parts | encode_card(maker.make(manifest, parts, run.tables))
