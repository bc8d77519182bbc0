"""What a network takes and gives: declared by its architecture, carried by what was built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models.registry import NetworkInput
from onboard.scenes.tiles import METHANE_WINDOWS_NM, VISIBLE_NM

Array64 = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

TASKS = ("methane", "minerals")
WINDOWS = ("methane", "all")
METHANE_CLASSES = 2
"""Ground and plume, as the published networks have them."""


def methane_bands(centres: Array64) -> Indices:
    """Return the bands of the published methane sets: three visible, 1573-1700 and 2004-2479 nm.

    86 of EMIT's 285 (OxHyperSyntheticCH4, Ruzicka and Markham 2025).

    Args:
        centres: (bands,) nm.
    """
    inside = np.zeros(centres.shape, bool)
    inside[visible_bands(centres)] = True
    for low, high in METHANE_WINDOWS_NM:
        inside |= (centres >= low) & (centres <= high)
    return np.flatnonzero(inside)


def visible_bands(centres: Array64) -> Indices:
    """Return the bands nearest to blue, green and red.

    Args:
        centres: (bands,) nm.
    """
    return np.array([int(np.abs(centres - nm).argmin()) for nm in VISIBLE_NM], np.int64)


@dataclass(frozen=True)
class BandSettings:
    """Settings of a network on a window of bands.

    Attributes:
        tasks: "methane", "minerals" or both; the published networks know one each.
        window: "methane" for the 86 bands of the published methane sets, "all" for every band, or nothing
            for what the tasks need: 86 for methane alone, all otherwise.
        spectral_conv: "Conv", 1 x 1 convolutions ahead of the patch embeddings.
        upscale: "Up", the upscale block ahead of the classifier.
        small_strides: "Stride", finer maps.
        relative: See each band relative to its column's running mean, over its deviation in the capture, as
            our own network sees its features; the published networks saw radiance itself.
    """

    tasks: tuple[str, ...] = ("methane",)
    window: str = ""
    spectral_conv: bool = True
    upscale: bool = True
    small_strides: bool = False
    relative: bool = False

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> BandSettings:
        """Return settings from plain values, as a recipe or a saved model has them.

        Raises:
            UsageError: An unknown setting, or a value of the wrong kind.
        """
        known = {item.name: type(item.default) for item in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise UsageError(
                    "unknown setting of a network", field=name, expected=", ".join(sorted(known))
                )
            if name != "tasks" and type(value) is not known[name]:
                raise UsageError(
                    "setting is of the wrong kind", field=name, found=value, expected=known[name].__name__
                )
        tasks = given.get("tasks", cls.tasks)
        tasks = (tasks,) if isinstance(tasks, str) else tuple(tasks)
        made = cls(**{**given, "tasks": tuple(task for task in TASKS if task in tasks)})
        if not tasks or set(tasks) - set(TASKS):
            raise UsageError("no such task", field="tasks", found=tasks, expected=", ".join(TASKS))
        if made.window and made.window not in WINDOWS:
            raise UsageError("no such window", field="window", found=made.window, expected=", ".join(WINDOWS))
        return made

    def as_dict(self) -> dict[str, object]:
        """Return the settings as plain values."""
        return asdict(self)

    def switches(self) -> dict[str, bool]:
        """Return the published networks' three changes."""
        return {name: getattr(self, name) for name in ("spectral_conv", "upscale", "small_strides")}

    def bands(self, centres: Array64) -> Indices:
        """Return the indices of the bands that the network sees, of (bands,) centres in nm."""
        window = self.window or ("methane" if self.tasks == ("methane",) else "all")
        return methane_bands(centres) if window == "methane" else np.arange(len(centres))


@dataclass(frozen=True)
class NoSettings:
    """Of a network that has none."""

    def as_dict(self) -> dict[str, object]:
        """Return nothing."""
        return {}


class PeerNetwork(nn.Module):
    """A published network with what it sees and says, so that ours and theirs run alike.

    Attributes:
        settings: What it was built with.
        input: What it takes.
        tasks: What it says, in the order of its logits.
        bands: Which of a table's bands it sees. No buffer: averages of weights take buffers along.
        core: The network itself.
    """

    def __init__(
        self,
        core: nn.Module,
        settings: BandSettings | NoSettings,
        takes: NetworkInput,
        tasks: tuple[str, ...],
        bands: Indices,
        methane_classes: int = METHANE_CLASSES,
    ) -> None:
        super().__init__()
        self.core, self.settings, self.input, self.tasks = core, settings, takes, tasks
        self.methane_classes = methane_classes
        self.bands = [int(band) for band in bands]

    @property
    def channels(self) -> int:
        """Number of input planes."""
        filtered = 1 if self.input.kind == "filter_rgb" else 0
        return len(self.bands) + filtered

    @property
    def relative(self) -> bool:
        """Whether bands are seen relative to their column."""
        return isinstance(self.settings, BandSettings) and self.settings.relative

    @property
    def logits(self) -> int:
        """Number of output planes: one for methane, one a mineral."""
        return ("methane" in self.tasks) + len(MINERALS) * ("minerals" in self.tasks)

    def forward(self, planes: Tensor) -> Tensor:
        """Return (n, logits, lines, samples) of (n, channels, lines, samples).

        Of two classes, ground and plume, the logit of plume under their softmax is the difference.
        """
        scores: Tensor = self.core(planes)
        if "methane" not in self.tasks or self.methane_classes == 1:
            return scores
        return torch.cat([scores[:, 1:2] - scores[:, :1], scores[:, METHANE_CLASSES:]], dim=1)


def band_network(
    core: Callable[..., nn.Module], takes: NetworkInput, centres: Array64, given: Mapping[str, Any]
) -> PeerNetwork:
    """Build a network on a window of bands.

    Args:
        core: Its class, called with bands, classes and the three switches.
        takes: What it takes.
        centres: (bands,) nm.
        given: Settings as plain values; see :class:`BandSettings`.

    Raises:
        UsageError: An unknown setting, or a value of the wrong kind.
    """
    settings = BandSettings.checked(given)
    bands = settings.bands(np.asarray(centres, np.float64))
    classes = METHANE_CLASSES * ("methane" in settings.tasks) + len(MINERALS) * ("minerals" in settings.tasks)
    made = core(len(bands), classes, **settings.switches())
    return PeerNetwork(made, settings, takes, settings.tasks, bands)
