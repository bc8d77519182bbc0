"""The stem for each source's band table, while training on several."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onboard.models.linescan import Linescan
from onboard.models.stem import WavelengthAwareStem
from onboard.training.adapters.forward import tile_logits, tile_losses
from onboard.training.adapters.mixture import Source
from onboard.training.adapters.tables import same_table, stem_basis, touched
from onboard.training.body_input import InputScales
from onboard.training.tables import FlightTables


class TileStems(nn.Module):
    """The bases of each source's band table, and which of them scale static features as flight will.

    Those are sources of the sensor's own bands; where there is none, all.
    """

    def __init__(self, stem: WavelengthAwareStem, sources: list[Source], tables: FlightTables) -> None:
        super().__init__()
        for number, source in enumerate(sources):
            self.register_buffer(f"basis_{number}", stem_basis(stem, source.tables), persistent=False)
        own = [same_table(source.tables, tables) for source in sources]
        self.own = own if any(own) else [True] * len(own)

    def basis(self, number: int) -> Tensor:
        """Return the (knots, bands) basis of a source."""
        return self.get_buffer(f"basis_{number}")

    def silence_unseen(self, stem: WavelengthAwareStem) -> None:
        """Set a new stem's weights to 0 at wavelengths that no source has; they would stay as drawn."""
        seen = torch.from_numpy(touched([self.basis(number) for number in range(len(self.own))]))
        with torch.no_grad():
            stem.weight.mul_(seen.to(stem.weight))

    def losses(
        self, network: Linescan, batch: dict[str, Tensor], scales: InputScales
    ) -> tuple[Tensor, Tensor]:
        """Return the losses of methane and of minerals of a batch of tiles."""
        number = int(batch["source"])
        logits = tile_logits(network, batch, scales, self.basis(number), self.own[number])
        return tile_losses(logits, batch)
