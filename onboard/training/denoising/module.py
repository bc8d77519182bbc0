"""The training step, the same for both networks, and networks to files and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from onboard.errors import CaptureError
from onboard.models.denoiser import Denoiser, DenoiserSettings
from onboard.models.hsdt_style import HsdtStyle
from onboard.models.subspace import SpectralMoments
from onboard.training.denoising.data import Sample
from onboard.training.denoising.recipe import DenoisingRecipe

LEAST_ERROR = {"log": 1e-7, "unit": 1e-6}
"""Mean square error of a band below which nothing is gained."""


def loss_of(output: Tensor, batch: Sample) -> Tensor:
    """Return the mean over patches and bands of ln of the mean square error: PSNR, but for a factor.

    A loss of ratios, so that a case with little noise counts as much as one with much.
    """
    error = ((output - batch.clean) ** 2 * batch.valid).mean(dim=(2, 3)) / batch.valid.mean(dim=(2, 3))
    return torch.log(error + LEAST_ERROR[batch.table.domain]).mean()


class DenoisingTraining(lightning.LightningModule):
    """AdamW on a one-cycle schedule."""

    def __init__(self, network: nn.Module, recipe: DenoisingRecipe) -> None:
        super().__init__()
        self.network, self.recipe = network, recipe

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """Return the loss of a batch."""
        loss = loss_of(self.network(batch.noisy, batch.valid, batch.table), batch)
        self.log(f"ln mse {batch.table.domain}", loss.detach(), batch_size=self.recipe.batch)
        return loss

    def transfer_batch_to_device(self, batch: Sample, device: torch.device, _: int) -> Sample:
        """Move a batch's arrays."""
        noisy, valid, clean = (part.to(device) for part in (batch.noisy, batch.valid, batch.clean))
        return Sample(noisy, valid, clean, batch.table)

    def configure_optimizers(self) -> Any:
        """Return the optimizer and its schedule, by the step."""
        recipe = self.recipe
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def build_network(recipe: DenoisingRecipe, moments: SpectralMoments, flight_bands: int) -> nn.Module:
    """Return a new network of a recipe."""
    if recipe.network == "denoiser":
        return Denoiser(moments)
    return HsdtStyle(flight_bands)


def save_network(network: nn.Module, path: Path) -> None:
    """Write a network with all that it takes to rebuild it; it appears whole."""
    content: dict[str, Any] = {"state": network.state_dict()}
    if isinstance(network, Denoiser):
        moments = network.moments
        content |= {"network": "denoiser", "settings": network.settings.as_dict()}
        content["moments"] = {
            name: torch.from_numpy(getattr(moments, name)) for name in ("centres", "log", "unit")
        }
    elif isinstance(network, HsdtStyle):
        content |= {"network": "hsdt-style", "bands": network.bands}
    aside = path.with_suffix(path.suffix + ".partial")
    torch.save(content, aside)
    aside.replace(path)


def load_network(path: Path) -> Denoiser | HsdtStyle:
    """Read a network that :func:`save_network` wrote, in evaluation mode.

    Raises:
        CaptureError: The file cannot be read, or is none of these networks.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        network: Denoiser | HsdtStyle
        if content["network"] == "denoiser":
            moments = {name: np.asarray(value.numpy()) for name, value in content["moments"].items()}
            settings = dict(content["settings"])
            settings["widths"] = tuple(settings["widths"])
            network = Denoiser(SpectralMoments(**moments), DenoiserSettings(**settings))
        else:
            network = HsdtStyle(int(content["bands"]))
        network.load_state_dict(content["state"])
    except Exception as error:
        raise CaptureError(
            "denoising network cannot be read", file=path, found=str(error), remedy="train it again"
        ) from error
    return network.eval()
