"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
PLAIN_INTERVAL_S = 5.0


def progress(items: Iterable[Item], *, total: int, label: str, unit: str = "it") -> Iterator[Item]:
    """Yield ``items`` while showing how far the work has come, on standard error.

    Args:
        items: What to iterate over.
        total: Number of items expected.
        label: What the work is.
        unit: Name of one item.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=label, unit=unit)
        return
    started = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= PLAIN_INTERVAL_S and done < total:
            last = now
            print(f"{label}: {done}/{total} {unit}, {now - started:.0f} s", file=sys.stderr, flush=True)
    print(f"{label}: {done}/{total} {unit}, {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
