from __future__ import annotations

import torch

from onboard.models.linescan import Linescan
from onboard.models.stem import WavelengthAwareStem
from onboard.training.adapters.forward import known_mineral_loss, tile_features, tile_logits, tile_losses
from onboard.training.adapters.tables import stem_basis
from onboard.training.body_input import InputScales
from onboard.training.losses import mineral_loss
from onboard.training.tables import FlightTables


def test_features_of_the_sensors_own_bands_are_the_stems(tables: FlightTables) -> None:
    torch.manual_seed(0)
    stem = Linescan(tables.centres, tables.fwhm).stem.eval()
    log = torch.randn(20, 285)
    found = tile_features(stem, log, stem_basis(stem, tables), own=True)
    torch.testing.assert_close(found, stem(log), rtol=1e-4, atol=1e-4)


def test_only_own_tables_move_what_flight_scales_by(tables: FlightTables) -> None:
    stem = WavelengthAwareStem(tables.centres, tables.fwhm)
    basis, log = stem_basis(stem, tables), torch.randn(50, 285) + 2.0
    before = stem.scale.running_var.clone()  # type: ignore[union-attr]
    other = tile_features(stem, log, basis, own=False)
    torch.testing.assert_close(stem.scale.running_var, before)
    own = tile_features(stem, log, basis, own=True)
    assert not torch.equal(stem.scale.running_var, before)  # type: ignore[arg-type]
    torch.testing.assert_close(other, own)


def make_batch(weight: float, known: float) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "plume": (torch.rand(2, 8, 8, generator=generator) > 0.7).float(),
        "enhancement": torch.zeros(2, 8, 8),
        "plume_weight": torch.full((2, 8, 8), weight),
        "minerals": (torch.rand(2, 10, 8, 8, generator=generator) > 0.7).float(),
        "minerals_known": torch.full((2, 10, 8, 8), known),
    }


def test_a_head_without_labels_has_no_loss_and_learns_nothing() -> None:
    for weight, known, heads in ((1.0, 0.0, slice(1, None)), (0.0, 1.0, slice(0, 1))):
        logits = torch.randn(2, 11, 8, 8, requires_grad=True)
        methane, minerals = tile_losses(logits, make_batch(weight, known))
        torch.autograd.backward(methane + minerals)
        assert logits.grad is not None
        assert not logits.grad[:, heads].any()
        assert logits.grad.any()
        assert float((minerals if known == 0 else methane).detach()) == 0.0


def test_minerals_not_known_do_not_count() -> None:
    batch = make_batch(0.0, 1.0)
    logits = torch.randn(2, 10, 8, 8)
    known = batch["minerals_known"].clone()
    torch.testing.assert_close(
        known_mineral_loss(logits, batch["minerals"], known),
        mineral_loss(logits, batch["minerals"], torch.ones(2, 8, 8)),
    )
    known[:, 3:] = 0.0
    few = known_mineral_loss(logits, batch["minerals"], known)
    changed = torch.cat([logits[:, :3], logits[:, 3:] + 5.0], dim=1)
    torch.testing.assert_close(known_mineral_loss(changed, batch["minerals"], known), few)
    expected = mineral_loss(logits[:, :3], batch["minerals"][:, :3], torch.ones(2, 8, 8))
    torch.testing.assert_close(few, expected)


def test_half_precision_begins_at_the_body(tables: FlightTables) -> None:
    torch.manual_seed(0)
    network = Linescan(tables.centres, tables.fwhm).eval()
    physics = torch.zeros(1, 16, 16, 4)
    physics[..., 1:3] = 1.0
    batch = {
        "log": torch.randint(-4000, 4000, (1, 16, 16, 285), dtype=torch.int16),
        "physics": physics,
        "keep": torch.ones(1, 16, 16),
    }
    basis = stem_basis(network.stem, tables)
    seen: list[torch.Tensor] = []
    network.body.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for half in (False, True):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            assert tile_logits(network, batch, InputScales(), basis).dtype == torch.float32
    assert torch.equal(seen[0], seen[1])
