from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from onboard.errors import OutputError, UsageError
from onboard.training.dataset import PlumePatches
from onboard.training.pool import Pool
from onboard.training.ranks import Ranks, check_share, ranks_of_environment, wait_until
from onboard.training.recipe import DataRecipe, PoolRecipe, Recipe
from onboard.training.tables import FlightTables


def test_one_process_is_first_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    ranks = ranks_of_environment()
    assert ranks == Ranks()
    assert ranks.first


@pytest.mark.parametrize(
    ("rank", "world", "local"), [("2", "2", "2"), ("0", "3", "2"), ("x", "1", "1"), ("0", "2", "0")]
)
def test_contradictions_are_refused(
    monkeypatch: pytest.MonkeyPatch, rank: str, world: str, local: str
) -> None:
    for name, value in (("RANK", rank), ("WORLD_SIZE", world), ("LOCAL_WORLD_SIZE", local)):
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError):
        ranks_of_environment()


def test_batches_are_shared_evenly_or_not_at_all() -> None:
    assert check_share(Recipe(name="r", batch=6), Ranks(1, 3, 3)) == 2
    with pytest.raises(UsageError, match="evenly"):
        check_share(Recipe(name="r", batch=3), Ranks(0, 2, 2))
    with pytest.raises(UsageError, match="one process"):
        check_share(Recipe(name="r", batch=2, data=(DataRecipe("starcop", "x"),)), Ranks(0, 2, 2))


def test_processes_see_together_what_one_sees_alone(pool: Pool, tables: FlightTables) -> None:
    def seen(ranks: Ranks, count: int) -> list[torch.Tensor]:
        patches = PlumePatches(pool, tables, 5, 0.15, 16, first=6, ranks=ranks)
        return [sample["log"] for sample in itertools.islice(iter(patches), count)]

    alone = seen(Ranks(), 4)
    shared = [seen(Ranks(rank, 2, 2), 2) for rank in range(2)]
    for index, log in enumerate(alone):
        assert torch.equal(log, shared[index % 2][index // 2])


def test_waiting_ends() -> None:
    wait_until(lambda: True, "a file")
    with pytest.raises(OutputError, match="a file"):
        wait_until(lambda: False, "a file", patience_s=0.0)


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path, small: PoolRecipe, pool: Pool) -> None:
    out = tmp_path / "run"
    sizes = [f"pool.{k}={v}" for k, v in vars(small).items()]
    code = "import sys; from onboard.cli.main import main; sys.exit(main(sys.argv[1:]))"
    script = tmp_path / "train.py"
    script.write_text(code)
    overrides = ["steps=2", "batch=2", "crop=32", "checkpoint_steps=1", "mining_rounds=1", *sizes]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=0"]
    command = [*command, "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", str(script)]
    done = subprocess.run(
        [*command, "train", "shipped", *overrides, "--out", str(out), "--workers", "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    state = torch.load(out / "model.pt", weights_only=True)["state"]
    assert all(bool(torch.isfinite(value.float()).all()) for value in state.values())
    assert np.load(out / "mined-1.npy").shape == (len(pool),)
