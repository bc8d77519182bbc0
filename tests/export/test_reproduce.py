from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Any

import pytest

from export.reproduce import Options, commands
from onboard.training.recipe import load_recipe


def recipe(name: str, *overrides: str) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(load_recipe(name, overrides)))))


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("seed=3", "steps=50", "pool.train=7"),
        ("model=hyper_segformer", "settings.small_strides=true", "learning_rate=0.001"),
        ("settings.widths=[8, 8, 8, 8]", "precision=bf16-mixed"),
    ],
)
def test_the_first_command_gives_the_same_recipe_again(overrides: tuple[str, ...]) -> None:
    wanted = recipe("shipped", *overrides)
    first = commands(wanted, Options("x", 4))[0]
    words = shlex.split(first)
    assert words[:3] == ["onboard", "train", "shipped"]
    assert words[-2:] == ["--out", "RUN"]
    assert recipe("shipped", *words[3:-2]) == wanted


def test_a_recipe_of_one_s_own_is_named_as_a_file() -> None:
    assert commands({"name": "mine"}, Options("x", 4))[0] == "onboard train mine.toml --out RUN"
    assert commands({}, Options("x", 4))[0] == "onboard train RECIPE.toml --out RUN"


def test_an_older_recipe_is_told_with_what_it_did_not_know() -> None:
    older = recipe("shipped")
    del older["ground_classes"], older["exclude_near"]
    words = shlex.split(commands(older, Options("x", 4))[0])
    assert {"ground_classes=false", "exclude_near=0"} <= set(words)
    assert recipe("shipped", *words[3:-2]) == {**older, "ground_classes": False, "exclude_near": 0}


def test_data_sets_are_named_without_their_place() -> None:
    found = commands(
        {**recipe("shipped"), "data": [{"name": "t", "path": "/p", "share": 2.0}]}, Options("x", 4)
    )
    assert "data=t:PATH,share=2.0" in found[0]
    assert "/p" not in found[0]


def test_every_option_of_the_build_is_there() -> None:
    quantization = {"calibration": {"samples": 24}, "fine_tuning": {"steps": 300}}
    options = Options("m", 9, quantization, denoises=True, denoiser_scored=True, scored=True, compared=True)
    found = commands(recipe("shipped"), options, {"steps": 10, "batch": 2, "seed": 5})
    text = "\n".join(found)
    assert "onboard quantize RUN --out INT8 --samples 24 --fine-tune 300" in found
    assert "python -m onboard.training.denoising --out DENOISER --steps 10 --seed 5" in found
    assert "python -m bench.denoise --denoiser DENOISER/network.pt --out DENOISED" in found
    build = "--quantized INT8 --denoiser DENOISER --denoiser-scores DENOISED --out m.onb"
    assert f"--sequence 9 --name m --precision int8 {build}" in text
    assert text.index("--set validation") < text.index("--set test") < text.index("--results SIMEMIT")
    assert found[-1] == "onboard bundle sign m-scored.onb --key KEY"
    exact = text.index("--bundle m-float32.onb --out EXACT")
    assert exact < text.index("--exact EXACT --exact-bundle m-float32.onb --out m-scored.onb")
    unsigned = commands(recipe("shipped"), Options("m", 9, quantization, scored=True))
    assert "EXACT" not in "\n".join(unsigned)
    plain = commands(recipe("shipped"), Options("m", 9))
    assert len(plain) == 3
    assert "quantize" not in "\n".join(plain)
