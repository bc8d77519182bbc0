"""The commands that make a bundle again, from a training's recipe to its signature."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from onboard.errors import UsageError

UNTOLD = ("name", "data")
OLDER = {"ground_classes": False, "exclude_near": 0}
DENOISING_OPTIONS = (
    "scenes",
    "steps",
    "batch",
    "patch",
    "learning_rate",
    "seed",
    "precision",
    "checkpoint_steps",
)


@dataclass(frozen=True)
class Options:
    """How a bundle is built.

    Attributes:
        name: What it is called.
        sequence: Its sequence number.
        quantization: What the manifest says of a quantized body; None for float32.
        denoises: Whether a denoiser flies along.
        denoiser_scored: Whether the card tells what was measured of it.
        scored: Whether the card tells of SimEMIT-1.
        compared: Whether the gate was judged there too, beside a float32 bundle.
    """

    name: str
    sequence: int
    quantization: Mapping[str, Any] | None = None
    denoises: bool = False
    denoiser_scored: bool = False
    scored: bool = False
    compared: bool = False


def commands(
    recipe: Mapping[str, Any], options: Options, denoising: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the commands, in order; RUN, INT8, DENOISER and the bundle's file are the caller's to name.

    Args:
        recipe: The training's, as its run folder holds it.
        options: How the bundle is built.
        denoising: The denoiser's recipe.
    """
    file = f"{options.name}.onb"
    build = f"onboard bundle build RUN --sequence {options.sequence} --name {options.name}"
    lines = [" ".join([*_training(recipe), "--out", "RUN"])]
    if options.quantization is not None:
        lines.append(" ".join(["onboard quantize RUN --out INT8", *_quantizing(options.quantization)]))
        build += " --precision int8 --quantized INT8"
    if options.denoises:
        asked = " ".join(_denoising(denoising or {}))
        lines.append(f"python -m onboard.training.denoising --out DENOISER{asked and ' ' + asked}")
        build += " --denoiser DENOISER"
    if options.denoiser_scored:
        lines.append("python -m bench.denoise --denoiser DENOISER/network.pt --out DENOISED")
        build += " --denoiser-scores DENOISED"
    lines.append(f"{build} --out {file}")
    exact = ""
    if options.compared:
        plain = f"{options.name}-float32.onb"
        bare = f"onboard bundle build RUN --sequence {options.sequence} --name {options.name}"
        lines += [
            f"{bare} --out {plain}",
            f"onboard bundle sign {plain} --key DEVELOPMENT_KEY",
            f"python -m bench.simemit --set validation --methods flight --bundle {plain} --out EXACT",
        ]
        exact = f" --exact EXACT --exact-bundle {plain}"
    if options.scored:
        lines.append(f"onboard bundle sign {file} --key DEVELOPMENT_KEY")
        for part in ("validation", "test"):
            lines.append(
                f"python -m bench.simemit --set {part} --methods flight --bundle {file} --out SIMEMIT"
            )
        lines.append(f"{build} --results SIMEMIT --scored {file}{exact} --out {options.name}-scored.onb")
        file = f"{options.name}-scored.onb"
    lines.append(f"onboard bundle sign {file} --key KEY")
    return lines


def _training(recipe: Mapping[str, Any]) -> Iterator[str]:
    """``onboard train NAME`` with what differs from the recipe of that name that comes with the package."""
    from onboard.training.recipe import load_recipe, shipped_recipes

    name = str(recipe.get("name", ""))
    if name not in shipped_recipes():
        yield from ("onboard", "train", f"{name or 'RECIPE'}.toml")
        return
    yield from ("onboard", "train", name)
    try:
        shipped = json.loads(json.dumps(asdict(load_recipe(name))))
    except UsageError:
        return
    # What recipes of older run folders do not say, and were trained with.
    older = OLDER if "steps" in recipe else {}
    yield from _differences({**older, **recipe}, shipped)
    for item in recipe.get("data") or []:
        if item not in (shipped.get("data") or []):
            yield f"data={item.get('name')}:PATH,share={item.get('share')}"


def _differences(found: Mapping[str, Any], usual: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in found.items():
        if (not prefix and key in UNTOLD) or value == usual.get(key):
            continue
        if isinstance(value, Mapping):
            yield from _differences(value, usual.get(key) or {}, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            yield f"{prefix}{key}={text}" if " " not in text else f"'{prefix}{key}={text}'"


def _quantizing(quantization: Mapping[str, Any]) -> Iterator[str]:
    samples = (quantization.get("calibration") or {}).get("samples")
    steps = (quantization.get("fine_tuning") or {}).get("steps")
    if samples is not None:
        yield f"--samples {samples}"
    if steps is not None:
        yield f"--fine-tune {steps}"


def _denoising(recipe: Mapping[str, Any]) -> Iterator[str]:
    from onboard.training.denoising.recipe import DenoisingRecipe

    usual = asdict(DenoisingRecipe())
    for name in DENOISING_OPTIONS:
        if name in recipe and recipe[name] != usual[name]:
            yield f"--{name.replace('_', '-')} {recipe[name]}"
