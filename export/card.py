"""The model card of a bundle: everything that files say of its networks, under one roof.

Nothing is typed in: figures come from the training's run folder, the plan, the gate's report and the results
of SimEMIT-1, words from ``card_texts.toml``, the licence from pyproject.toml, the commit from git. After
Mitchell et al. 2019 (FAT*, "Model cards for model reporting") in what it tells.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.benchmark_gate import BENCHMARK_GATE
from export.card_accuracy import benchmark_accuracy, calibration_figures, patch_accuracy
from export.card_findings import findings
from export.card_network import denoiser_section, network_section, training_section
from export.provenance import licence, provenance
from export.reproduce import Options, commands
from onboard.errors import CaptureError
from onboard.flight.card import CARD_FORMAT, CARD_MAX_BYTES, CARD_PART, digests, label_of
from onboard.flight.contents import BODY_PARTS

if TYPE_CHECKING:
    from export.denoiser import DenoiserRun
    from export.run_folder import TrainedRun
    from export.simemit_results import SetResults

Row = dict[str, Any]
TEXTS = Path(__file__).with_name("card_texts.toml")
DIGITS = 5
"""Significant ones that a card keeps of a measured figure."""


@dataclass(frozen=True)
class Sources:
    """What a card is made of, but for the bundle itself.

    Attributes:
        run: The training.
        denoiser: The denoiser's training, or None.
        results: What SimEMIT-1 said of the networks.
        options: How the bundle is built, for the commands that repeat it.
        denoised: What was measured of the denoiser (``read_denoiser_scores``); empty where nothing was.
    """

    run: TrainedRun
    denoiser: DenoiserRun | None
    results: Sequence[SetResults]
    options: Options
    denoised: Sequence[Row] = ()


class CardMaker:
    """Makes cards of one training for bundles that differ in their plan.

    Args:
        sources: What it is made of.

    Raises:
        CaptureError: A file says nothing that can be used.
    """

    def __init__(self, sources: Sources) -> None:
        texts = read_texts()
        run, denoiser = sources.run, sources.denoiser
        accuracy = [benchmark_accuracy(found) for found in sources.results] + patch_accuracy(run.metrics)
        measured = [row for found in sources.results for row in calibration_figures(found)]
        training = training_section(run, texts["training"])
        if denoiser is not None:
            training["denoiser"] = {"recipe": dict(denoiser.recipe), "report": dict(denoiser.report)}
        self.texts = texts
        self.point = run.point
        self.sections: Row = {
            "uses": uses(texts["uses"], denoiser is not None),
            "network": network_section(run),
            "denoiser": None
            if denoiser is None
            else denoiser_section(denoiser, run.tables) | {"accuracy": list(sources.denoised)},
            "training": training,
            "accuracy": {"notes": _notes(texts["accuracy"]), "sets": accuracy},
            "calibration": {
                "line": calibration_line(texts["calibration"], run.recipe)
                if "calibration" in run.metrics
                else None,
                "measured": measured,
            },
            "limits": {
                "standing": standing(texts["limits"], run.recipe.get("seed"), denoiser is not None),
                "measured": findings(accuracy, measured),
            },
            "licence": {"project": licence(), **texts["licence"]},
            "provenance": provenance(),
            "reproduce": commands(run.recipe, sources.options, None if denoiser is None else denoiser.recipe),
        }

    def make(self, manifest: Mapping[str, Any], parts: Mapping[str, bytes], tables: Any) -> Row:
        """Return the card of a bundle.

        Args:
            manifest: Its manifest.
            parts: Its parts, the networks among them.
            tables: Its bands (``FlightTables``).
        """
        products = [*manifest["products"], *(["denoiser"] if self.sections["denoiser"] else [])]
        known = (*products, "")
        card = {
            "format": CARD_FORMAT,
            "bundle": label_of(manifest),
            "parts": digests(parts),
            "description": " ".join(self.texts["description"]),
            "input": {**self.texts["input"], **_bands(manifest, tables)},
            "outputs": [
                {name: value for name, value in item.items() if value != ""}
                for item in self.texts["outputs"]
                if item["product"] in known
            ],
            "thresholds": thresholds(manifest, self.point, self.texts["thresholds"]),
            "precision": _precision(manifest, parts, self.texts["precision"]),
            **self.sections,
        }
        return dict(rounded(card))


def encode_card(card: Mapping[str, Any]) -> dict[str, bytes]:
    """Return a card as a part of a bundle.

    Raises:
        CaptureError: It is longer than a reader takes.
    """
    data = (json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
    if len(data) > CARD_MAX_BYTES:
        raise CaptureError(
            "the model card is too long",
            field=CARD_PART,
            found=len(data),
            expected=f"at most {CARD_MAX_BYTES}",
        )
    return {CARD_PART: data}


def read_texts(file: Path = TEXTS) -> Row:
    """Return the words of a card.

    Raises:
        CaptureError: The file is missing or no TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaptureError("the words of a model card cannot be read", file=file, found=str(error)) from None


def uses(texts: Mapping[str, Any], denoises: bool) -> Row:
    """Return intended uses, and what it is not for; those of a denoiser where there is one."""
    names = ("intended", "not_for")
    more = texts["denoiser"] if denoises else {name: [] for name in names}
    return {name: [*texts[name], *more[name]] for name in names}


def calibration_line(texts: Mapping[str, str], recipe: Mapping[str, Any]) -> str:
    """Return what was folded into the heads, and for which label and share of plume, if the recipe says."""
    label, share = recipe.get("probability_label"), recipe.get("plume_share")
    if not isinstance(label, int | float) or not isinstance(share, int | float):
        return texts["line"]
    return f"{texts['line']}; {texts['label'].format(label=label, share=share)}"


def standing(texts: Mapping[str, Any], seed: object, denoises: bool) -> list[str]:
    """Return the limits that hold whatever was measured."""
    known = "not recorded" if seed is None else seed
    lines = [line.format(seed=known) for line in texts["standing"]]
    return [*lines, texts["denoiser"]] if denoises else lines


def _notes(texts: Mapping[str, str]) -> Row:
    from onboard.scenes.gas.labels import LabelRule

    label = LabelRule().threshold_ppm_m
    return {**texts, "patches": texts["patches"].format(label_ppm_m=label)}


def thresholds(manifest: Mapping[str, Any], point: Mapping[str, Any], texts: Mapping[str, str]) -> list[Row]:
    """Return the thresholds that fly, each with what it was chosen for."""
    from onboard.training.operating_point import FALSE_EVENTS_A_CAPTURE, STRONG_PPMM

    plan = manifest["plan"]
    limits = {"strong_ppmm": STRONG_PPMM, "false_events": FALSE_EVENTS_A_CAPTURE}
    names = ("plume_threshold", "event_peak_probability", "event_min_pixels")
    rows = [{"name": name, "value": plan[name], "chosen_for": texts[name].format(**limits)} for name in names]
    for name, value in zip(manifest["minerals"], plan["mineral_thresholds"], strict=True):
        rows.append({"name": name, "value": value, "chosen_for": texts["mineral"]})
    if "mineral_label" in point:
        rows.append(
            {
                "name": "mineral_label",
                "value": point["mineral_label"],
                "chosen_for": texts["mineral_label"],
            }
        )
    return rows


def _bands(manifest: Mapping[str, Any], tables: Any) -> Row:
    centres, widths = tables.centres, tables.fwhm
    return {
        "sensor": manifest["sensor"],
        "bands": len(centres),
        "wavelength_nm": [float(centres.min()), float(centres.max())],
        "fwhm_nm": [float(widths.min()), float(widths.max())],
        "matched_filter_bands": len(tables.mf_bands),
        "required_nm": {name: product["required_nm"] for name, product in manifest["products"].items()},
    }


def _precision(manifest: Mapping[str, Any], parts: Mapping[str, bytes], texts: Mapping[str, str]) -> Row:
    bodies = {name: len(parts[name]) for name in BODY_PARTS if name in parts}
    quantization = manifest.get("quantization") or {}
    return {
        "body": manifest.get("precision", "float32"),
        "stem": "float32",
        "matched_filter": "float32",
        "bytes": bodies,
        "calibration_set": quantization.get("calibration"),
        "fine_tuning": quantization.get("fine_tuning"),
        "gate": quantization.get("gate"),
        "gate_note": texts["gate"] if quantization.get("gate") else None,
        BENCHMARK_GATE: quantization.get(BENCHMARK_GATE),
    }


def rounded(value: Any) -> Any:
    """Return a value with its floats to five significant digits, and null for what is no number."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
