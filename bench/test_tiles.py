"""Training tiles of 86 bands a second: one core, two processes, a GPU. Bars: 40 on two cores, 1,500 on a GPU.

The figure is printed beside each test, of the best round; ``extra_info`` of the timings has it too.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.connection import Connection
from typing import Any

import pytest

from onboard.scenes.memory import keep_freed_memory
from onboard.scenes.tiles import Backend, TileMaker, TileRecipe, methane_bands
from onboard.sensors import load_sensor

COUNT = 16
"""Tiles in a batch on a CPU."""
ON_GPU = 256
ROUNDS = 5
PROCESSES = 2
BATCHES = 4
"""Batches that each process makes in a round."""


def made_maker(backend: Backend, device: str = "cpu") -> TileMaker:
    """Return a maker of tiles of 128 x 128 x 86, warmed up."""
    if backend == "torch":
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
    sensor = load_sensor("emit")
    maker = TileMaker(sensor, TileRecipe(), bands=methane_bands(sensor), backend=backend, device=device)
    maker.make(0, COUNT if device == "cpu" else ON_GPU)
    return maker


def work(orders: Connection, backend: Backend, number: int) -> None:
    """Make batches in a process of its own, as often as it is told to."""
    keep_freed_memory()
    maker = made_maker(backend)
    orders.send(None)
    while (turn := orders.recv()) is not None:
        for batch in range(BATCHES):
            maker.make((turn * BATCHES + batch) * PROCESSES + number, COUNT)
        orders.send(None)


def say(benchmark: Any, capsys: pytest.CaptureFixture[str], tiles: int) -> None:
    """Print tiles a second, and keep them with the timings."""
    rate = tiles / benchmark.stats.stats.min
    benchmark.extra_info["tiles a second"] = round(rate, 1)
    with capsys.disabled():
        sys.stdout.write(f" {rate:.1f} tiles a second ")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("processes", [1, PROCESSES])
def test_tiles(benchmark: Any, capsys: pytest.CaptureFixture[str], backend: Backend, processes: int) -> None:
    """So many processes side by side, each with batches and one thread of its own."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(processes)]
    workers = [
        context.Process(target=work, args=(theirs, backend, number), daemon=True)
        for number, (_, theirs) in enumerate(pairs)
    ]
    for worker in workers:
        worker.start()
    orders = [mine for mine, _ in pairs]
    for order in orders:
        order.recv()
    turns = iter(range(1, 10_000))

    def one_round() -> None:
        turn = next(turns)
        for order in orders:
            order.send(turn)
        for order in orders:
            order.recv()

    benchmark.pedantic(one_round, rounds=ROUNDS, warmup_rounds=1)
    for order, worker in zip(orders, workers, strict=True):
        order.send(None)
        worker.join()
    say(benchmark, capsys, processes * BATCHES * COUNT)


def test_tiles_on_a_gpu(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole batches on one device, nothing brought back."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU")
    maker = made_maker("torch", "cuda")
    numbers = iter(range(1, 10_000))

    def batches() -> None:
        for _ in range(BATCHES):
            maker.make(next(numbers), ON_GPU)
        torch.cuda.synchronize()

    benchmark.pedantic(batches, rounds=ROUNDS, warmup_rounds=1)
    say(benchmark, capsys, BATCHES * ON_GPU)
