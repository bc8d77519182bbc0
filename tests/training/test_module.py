from __future__ import annotations

import itertools

import torch

from onboard.training.dataset import PlumePatches
from onboard.training.module import LinescanTraining
from onboard.training.network_input import logits_of
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables


def test_a_few_steps_lower_the_loss(pool: Pool, tables: FlightTables) -> None:
    torch.manual_seed(0)
    module = LinescanTraining(Recipe(name="tiny", steps=20), tables)
    module.log_dict = lambda *args, **kwargs: None  # type: ignore[method-assign]
    sample = next(iter(PlumePatches(pool, tables, 11, 0.15, 64)))
    batch = {key: value[None] for key, value in sample.items()}
    optimizer = torch.optim.AdamW(module.network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_average_follows_the_weights(pool: Pool, tables: FlightTables) -> None:
    module = LinescanTraining(Recipe(name="tiny"), tables)
    for _ in range(3):
        module.average.update_parameters(module.network)
    batch = {
        k: v[None]
        for k, v in next(itertools.islice(iter(PlumePatches(pool, tables, 2, 0.15, 64)), 1)).items()
    }
    module.network.eval()
    averaged = module.average.module.eval()
    torch.testing.assert_close(
        logits_of(averaged, batch, module.scales),  # type: ignore[arg-type]
        logits_of(module.network, batch, module.scales),
        rtol=1e-3,
        atol=1e-3,
    )
