from __future__ import annotations

import torch

from onboard.training.losses import methane_loss, mineral_loss, plume_loss


def test_right_answers_cost_less_than_wrong_ones() -> None:
    label = torch.zeros(1, 16, 16)
    label[0, 4:8, 4:8] = 1.0
    ones, enhancement = torch.ones_like(label), 3000.0 * label
    right, wrong = (plume_loss(sign * (8.0 * label - 4.0), label, enhancement, ones) for sign in (1, -1))
    assert right < 0.3 * wrong
    many = label[:, None].expand(1, 10, 16, 16)
    assert mineral_loss(8.0 * many - 4.0, many, ones) < mineral_loss(4.0 - 8.0 * many, many, ones)


def test_invalid_pixels_cost_nothing() -> None:
    label, valid = torch.zeros(1, 8, 8), torch.ones(1, 8, 8)
    valid[0, 0] = 0.0
    logits = torch.full((1, 8, 8), -3.0)
    spoiled = logits.clone()
    spoiled[0, 0] = 50.0
    assert plume_loss(logits, label, label, valid) == plume_loss(spoiled, label, label, valid)
    assert mineral_loss(logits[:, None], label[:, None], valid) == mineral_loss(
        spoiled[:, None], label[:, None], valid
    )


def test_strong_gas_wants_a_higher_logit_than_faint_gas() -> None:
    logits = torch.zeros(1, 1, 2, requires_grad=True)
    label, enhancement = torch.ones(1, 1, 2), torch.tensor([[[1200.0, 2400.0]]])
    loss = methane_loss(logits, label, enhancement, label, torch.tensor(2.0))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[0, 0, 1] < gradient[0, 0, 0]
