"""One training over several processes, as `torchrun` starts them: who does what, and who waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from onboard.errors import OutputError, UsageError
from onboard.training.recipe import Recipe

POLL_S = 0.5
PATIENCE_S = 6 * 3600.0


@dataclass(frozen=True)
class Ranks:
    """This process among those of a training.

    Attributes:
        rank: Number of this process, from 0.
        world: Number of processes.
        local_world: Number of those on this machine.
    """

    rank: int = 0
    world: int = 1
    local_world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and judges; the others only train."""
        return self.rank == 0

    @property
    def nodes(self) -> int:
        """Number of machines."""
        return self.world // self.local_world


def ranks_of_environment() -> Ranks:
    """Return what ``torchrun`` set in RANK, WORLD_SIZE and LOCAL_WORLD_SIZE; one process without it.

    Raises:
        UsageError: The variables contradict each other.
    """
    names = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_WORLD_SIZE": 1}
    found = {name: os.environ.get(name, str(default)) for name, default in names.items()}
    if not all(value.isdigit() for value in found.values()):
        raise UsageError("processes of a training are not numbered", field="RANK, WORLD_SIZE", found=found)
    ranks = Ranks(*(int(value) for value in found.values()))
    if not (ranks.rank < ranks.world and ranks.local_world > 0 and ranks.world % ranks.local_world == 0):
        raise UsageError("processes of a training contradict each other", field="RANK", found=found)
    return ranks


def check_share(recipe: Recipe, ranks: Ranks) -> int:
    """Return how many of a batch's samples each process takes.

    Raises:
        UsageError: The batch cannot be shared evenly, or data sets are mixed over several processes.
    """
    if recipe.batch % ranks.world:
        raise UsageError(
            "batch cannot be shared evenly",
            field="batch",
            found=recipe.batch,
            expected=f"a multiple of {ranks.world} processes",
        )
    if recipe.data and ranks.world > 1:
        raise UsageError(
            "mixtures of data sets train in one process", field="data", found=f"{ranks.world} processes"
        )
    return recipe.batch // ranks.world


def wait_until(done: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for the first process to have made something.

    Args:
        done: Whether it is there.
        what: Its name, for the error.
        patience_s: Seconds.

    Raises:
        OutputError: It did not come.
    """
    end = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > end:
            raise OutputError("the first process made nothing", field=what, found=f"none in {patience_s} s")
        time.sleep(POLL_S)
