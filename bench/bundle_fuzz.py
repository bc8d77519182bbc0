"""Refusals, counted: no changed, cut, replayed or foreign bundle or delta may pass the flight core.

`python -m bench.bundle_fuzz` takes a signed bundle and a delta made of it, damages them in thousands of ways,
and hands each to the core that flies. Every case must be refused; one that is not ends with exit code 1.
"""

from __future__ import annotations

import ctypes as c
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from bench.command import bundle_option, tells_errors
from export.bundle import sign_container, write_container
from export.delta import make_delta, sign_delta
from export.keys import key_id_of, public_key_of
from export.manifest import encode_manifest
from onboard.errors import BundleError
from onboard.flight.bundle import ENTRY, HEADER, TRAILER, align, default_bundle_path, read_container
from onboard.flight.contents import BODY_PARTS
from onboard.flight.core import Status, default_config, load_library, set_trust
from onboard.flight.delta import DELTA_HEADER, describe_delta
from onboard.flight.structs import Detail
from onboard.progress import progress

OWNER = bytes(range(1, 33))
STRANGER = bytes(range(33, 65))
"""Seeds of the campaign's keys: the core trusts the owner's alone."""


@dataclass
class Tally:
    """Cases and what the core said, by kind of damage."""

    said: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, status: int) -> None:
        """Count one case."""
        self.said.setdefault(kind, Counter())[Status(status).name] += 1

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Add the seconds of a block to a kind's."""
        start = time.perf_counter()
        yield
        self.seconds[kind] = self.seconds.get(kind, 0.0) + time.perf_counter() - start

    @property
    def accepted(self) -> int:
        """Cases that the core took although it must not."""
        return sum(counts[Status.OK.name] for counts in self.said.values())

    def as_dict(self) -> dict[str, object]:
        """Return counts and seconds for `bundle_fuzz.json`."""
        kinds: dict[str, object] = {
            kind: {
                "cases": counts.total(),
                "accepted": counts[Status.OK.name],
                "seconds": round(self.seconds[kind], 3),
                "statuses": dict(counts),
            }
            for kind, counts in self.said.items()
        }
        cases = sum(counts.total() for counts in self.said.values())
        return {"cases": cases, "accepted": self.accepted, "kinds": kinds}


class Judge:
    """The flight core, asked about bytes in a buffer that changes in place."""

    def __init__(self, base: bytes) -> None:
        """Keep what deltas apply to."""
        self.base = base
        self.config = default_config()
        set_trust(self.config, [public_key_of(OWNER)], 0)
        self.library, self.detail = load_library(), Detail()
        self._memory: c.Array[c.c_char] | None = None

    def bundle(self, data: bytes | c.Array[c.c_char], size: int | None = None) -> int:
        """Return the status of `onb_bundle_verify` on the first `size` bytes."""
        length = len(data) if size is None else size
        status: int = self.library.onb_bundle_verify(data, length, c.byref(self.config), c.byref(self.detail))
        return status

    def delta(self, data: bytes | c.Array[c.c_char], size: int | None = None) -> int:
        """Return the status of `onb_delta_apply` to the base."""
        length = len(data) if size is None else size
        if self._memory is None:
            self._memory = c.create_string_buffer(describe_delta(bytes(memoryview(data))).memory_bytes + 64)
        address = align(c.addressof(self._memory))
        made = c.c_size_t()
        status: int = self.library.onb_delta_apply(
            *(self.base, len(self.base), data, length, c.byref(self.config)),
            *(address, len(self._memory) - 64, c.byref(made), c.byref(self.detail)),
        )
        if (status == Status.OK) != (made.value > 0):
            raise AssertionError("a refused delta left a bundle")
        return status


def newer(data: bytes) -> bytes:
    """Return a bundle of the owner's with another body and the next sequence."""
    container = read_container(data)
    parts = {name: bytes(part) for name, part in container.parts.items()}
    manifest = json.loads(parts["manifest.json"])
    manifest["sequence"] = container.sequence + 1
    name = next(name for name in BODY_PARTS if name in parts)
    body = bytearray(parts[name])
    for at in np.random.default_rng(5).integers(len(body) // 2, len(body), 2000):
        body[at] ^= 3
    parts.update({"manifest.json": encode_manifest(manifest), name: bytes(body)})
    return sign_container(write_container(parts, container.sequence + 1), OWNER)


def borders(data: bytes) -> list[int]:
    """Return every offset at which a part, its padding, the table or the trailer starts or ends."""
    parts = read_container(data).parts
    table = HEADER.size + ENTRY.size * len(parts)
    found, end = {0, 8, HEADER.size, table, len(data) - TRAILER.size}, table
    for part in parts.values():
        found |= {align(end), align(end) + len(part)}
        end = align(end) + len(part)
    return sorted(found)


def flip_positions(size: int, structure: Iterable[int], count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield byte and bit of `count` flips: all of the structure first, then spread evenly over the rest.

    Args:
        size: Bytes of the file.
        structure: Bytes that are flipped in any case.
        count: How many flips.
        seed: Of the bits, and of where in its stretch each of the others lies.
    """
    random = np.random.default_rng(seed)
    must = list(structure)[:count]
    rest = count - len(must)
    spread = (np.arange(rest) + random.uniform(size=rest)) * size / max(rest, 1)
    for at in [*must, *spread.astype(int)]:
        yield int(at), int(random.integers(8))


def flips(judge: Judge, data: bytes, structure: Iterable[int], count: int, tally: Tally, kind: str) -> None:
    """Flip one bit at a time and count what the core says; the bytes must pass before and after."""
    ask = judge.delta if kind.startswith("delta") else judge.bundle
    buffer = c.create_string_buffer(data, len(data))
    view = memoryview(buffer).cast("B")
    for at, bit in progress(
        flip_positions(len(data), structure, count, seed=11), total=count, label=f"{kind} flips"
    ):
        view[at] ^= 1 << bit
        tally.add(kind, ask(buffer, len(data)))
        view[at] ^= 1 << bit
    if ask(buffer, len(data)) != Status.OK:
        raise AssertionError(f"the whole {kind} is refused: nothing was shown")


def cuts(judge: Judge, data: bytes, at: Iterable[int], tally: Tally, kind: str) -> None:
    """Cut the file at every given length, one byte before and one after, and count."""
    ask = judge.delta if kind.startswith("delta") else judge.bundle
    sizes = {size + step for size in at for step in (-1, 0, 1)}
    for size in sorted(size for size in sizes if 0 <= size < len(data)):
        tally.add(kind, ask(data, size))
    for extra in (1, 64, 4096):
        tally.add(kind, ask(data + bytes(extra)))


def forgeries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield whole, well-formed bundles that the owner never signed."""
    container = read_container(data)
    unsigned = data[: -TRAILER.size] + TRAILER.pack(data[-TRAILER.size :][:8], b"", b"", b"")
    yield "bundle unsigned", unsigned
    foreign = sign_container(unsigned, STRANGER)
    yield "bundle wrongly signed", foreign
    owner = key_id_of(public_key_of(OWNER))
    signature = foreign[-TRAILER.size :][40:104]
    named = TRAILER.pack(data[-TRAILER.size :][:8], owner, signature, b"")
    yield "bundle wrongly signed", foreign[: -TRAILER.size] + named
    for name in container.parts:  # a part changed, its hash and the table made to fit, the signature kept
        parts = {key: bytes(part) for key, part in container.parts.items()}
        parts[name] = bytes([parts[name][0] ^ 1]) + parts[name][1:]
        made = write_container(parts, container.sequence)
        yield "bundle rehashed", made[: -TRAILER.size] + data[-TRAILER.size :]
        yield "bundle rehashed", sign_container(made, STRANGER)


def delta_forgeries(delta: bytes, old: bytes, new: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield well-formed deltas that the owner never signed."""
    unsigned = make_delta(old, new)
    yield "delta unsigned", unsigned
    foreign = sign_delta(unsigned, STRANGER)
    yield "delta wrongly signed", foreign
    owner = key_id_of(public_key_of(OWNER))
    head, trailer = foreign[: -TRAILER.size], foreign[-TRAILER.size :]
    yield "delta wrongly signed", head + trailer[:8] + owner + trailer[40:]
    domain = sign_bundle_domain(unsigned)
    yield "delta wrongly signed", domain
    changed = bytearray(delta)
    changed[24] ^= 1
    yield "delta wrongly signed", bytes(changed)


def sign_bundle_domain(delta: bytes) -> bytes:
    """Return a delta with the owner's signature of its bytes as those of a bundle."""
    from export.keys import sign_message
    from onboard.flight.bundle import SIGNATURE_DOMAIN

    head, trailer = delta[: -TRAILER.size], delta[-TRAILER.size :]
    owner = key_id_of(public_key_of(OWNER))
    return head + trailer[:8] + owner + sign_message(SIGNATURE_DOMAIN + head, OWNER) + bytes(24)


def replays(judge: Judge, old: bytes, new: bytes, delta: bytes, tally: Tally) -> None:
    """Hand in what was good once: an older bundle, its delta, and a delta for another bundle."""
    judge.config.minimum_sequence = read_container(new).sequence + 1
    for data in (old, new):
        tally.add("bundle replayed", judge.bundle(data))
    tally.add("delta replayed", judge.delta(delta))
    judge.config.minimum_sequence = 0
    judge.base, base = new, judge.base
    tally.add("delta replayed", judge.delta(delta))
    judge.base = base


def campaign(bundle: bytes, count: int, cut_count: int) -> tuple[Tally, dict[str, int]]:
    """Run every kind of refusal on a bundle.

    Args:
        bundle: A bundle, signed or not; it is signed again with the campaign's own key.
        count: Flips of the bundle, and of the delta.
        cut_count: Random cuts of each, beside those at every border.

    Returns:
        The tally, and the sizes in bytes of bundle and delta.
    """
    old = sign_container(bundle, OWNER)
    new = newer(old)
    delta = sign_delta(make_delta(old, new), OWNER)
    judge, tally = Judge(old), Tally()
    if judge.bundle(old) != Status.OK or judge.delta(delta) != Status.OK:
        raise BundleError("the campaign's own bundle is refused", found=judge.detail.problem.decode())
    random = np.random.default_rng(3)
    table = HEADER.size + ENTRY.size * len(read_container(old).parts)
    structure = [*range(table), *range(len(old) - TRAILER.size, len(old))]
    ends = [*range(DELTA_HEADER.size), *range(len(delta) - TRAILER.size, len(delta))]
    with tally.timed("bundle flipped"):
        flips(judge, old, structure, count, tally, "bundle flipped")
    with tally.timed("delta flipped"):
        flips(judge, delta, ends, count, tally, "delta flipped")
    with tally.timed("bundle cut"):
        cuts(judge, old, [*borders(old), *random.integers(0, len(old), cut_count)], tally, "bundle cut")
    with tally.timed("delta cut"):
        marks = [0, 8, DELTA_HEADER.size, len(delta) - TRAILER.size]
        cuts(judge, delta, [*marks, *random.integers(0, len(delta), cut_count)], tally, "delta cut")
    for kind, data in forgeries(old):
        with tally.timed(kind):
            tally.add(kind, judge.bundle(data))
    for kind, data in delta_forgeries(delta, old, new):
        with tally.timed(kind):
            tally.add(kind, judge.delta(data))
    with tally.timed("bundle replayed"), tally.timed("delta replayed"):
        replays(judge, old, new, delta, tally)
    return tally, {"bundle": len(old), "delta": len(delta)}


@click.command()
@bundle_option
@click.option("--flips", "count", default=10_000, show_default=True, help="Flips of bundle and delta each.")
@click.option("--cuts", "cut_count", default=1000, show_default=True, help="Random cuts of each.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON file for the figures.")
@tells_errors
def main(bundle: Path | None, count: int, cut_count: int, out: Path | None) -> None:
    """Damage a signed bundle and a delta in every way, and count what the core takes: nothing."""
    data = read_container(bundle or default_bundle_path()).data
    tally, sizes = campaign(data, count, cut_count)
    figures = {"bytes": sizes, **tally.as_dict()}
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    click.echo(f"bundle {sizes['bundle']} bytes, delta {sizes['delta']} bytes")
    click.echo(f"{'kind':<24}{'cases':>8}{'accepted':>10}{'seconds':>10}  refused as")
    for kind, counts in tally.said.items():
        said = ", ".join(f"{name} {number}" for name, number in counts.most_common())
        accepted = counts[Status.OK.name]
        click.echo(f"{kind:<24}{counts.total():>8}{accepted:>10}{tally.seconds[kind]:>10.2f}  {said}")
    click.echo(f"{figures['cases']} cases, {tally.accepted} accepted")
    if tally.accepted:
        sys.exit(1)


if __name__ == "__main__":
    main()
