from __future__ import annotations

import math
from typing import Any

import pytest

from onboard.errors import UsageError
from onboard.training.denoising.recipe import DenoisingRecipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("network", "unet"),
        ("steps", 0),
        ("batch", 0),
        ("patch", 60),
        ("patch", 136),
        ("scenes", 0),
        ("seed", -1),
        ("seed", 2**32),
        ("learning_rate", math.nan),
        ("weight_decay", -1.0),
        ("emit_share", 1.5),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(UsageError, match=field):
        DenoisingRecipe(**{field: value})


def test_the_denoiser_s_fits_stay_in_float() -> None:
    assert DenoisingRecipe("hsdt-style", precision="bf16-mixed").precision == "bf16-mixed"
    for network, precision in (("denoiser", "bf16-mixed"), ("hsdt-style", "16-true")):
        with pytest.raises(UsageError, match="precision"):
            DenoisingRecipe(network, precision=precision)


def test_both_networks_have_the_same_recipe_but_for_their_name() -> None:
    assert DenoisingRecipe("denoiser") != DenoisingRecipe("hsdt-style")
    assert DenoisingRecipe("hsdt-style").seed == DenoisingRecipe("denoiser").seed
