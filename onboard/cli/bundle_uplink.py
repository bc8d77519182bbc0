"""``onboard bundle diff|apply|slots|stage|activate|rollback``: from two bundles to one that flies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onboard.cli.ground import ground_tools
from onboard.errors import BundleError, OutputError

if TYPE_CHECKING:
    from onboard.flight.slots import Slots

FILE = click.Path(path_type=Path)
MAX_BYTES = 1 << 30
trust_option = click.option(
    "--trust",
    type=FILE,
    multiple=True,
    help="Public key file to trust, instead of the installed ones; repeatable.",
)
target_option = click.option(
    "--target", help="What this computer is called; other targets' bundles are refused."
)


def read_file(path: Path) -> bytes:
    """Return a bundle's or delta's bytes.

    Raises:
        BundleError: If the file cannot be read or is far too large.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BundleError("the file is too large", file=path, found=size, expected=f"at most {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            "the file cannot be read", file=path, found=error.strerror, expected="a readable file"
        ) from None


def public_keys(trust: tuple[Path, ...]) -> list[bytes]:
    """Return the keys of the named files, or those of the installation."""
    from onboard.flight.trust import read_key_file, trusted_keys

    return [read_key_file(file) for file in trust] or list(trusted_keys())


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--out", type=FILE, required=True, help="Delta to write.")
@click.option("--key", type=FILE, help="Private key file that signs the delta; unsigned if not given.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
def diff(old: Path, new: Path, out: Path, key: Path | None, overwrite: bool) -> None:
    """Write the uplink delta that makes NEW of OLD on board."""
    with ground_tools("making a delta"):
        from export.bundle import write_bundle_file
        from export.delta import make_delta, sign_delta
        from export.keys import load_private_key
    _ask(out, overwrite)
    one, other = read_file(old), read_file(new)
    delta = make_delta(one, other)
    if key is not None:
        delta = sign_delta(delta, load_private_key(key))
    write_bundle_file(out, delta)
    state = "signed" if key else f"not signed; sign it with `onboard bundle sign {out} --key K`"
    click.echo(
        f"{out}: {len(delta)} bytes ({len(delta) / 1024:.1f} KiB), "
        f"{100 * len(delta) / len(other):.2f} % of {new.name}; {state}"
    )


@click.command()
@click.argument("old", type=FILE)
@click.argument("delta", type=FILE)
@click.option("--out", type=FILE, required=True, help="Bundle to write.")
@trust_option
@target_option
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
def apply(
    old: Path, delta: Path, out: Path, trust: tuple[Path, ...], target: str | None, overwrite: bool
) -> None:
    """Write the bundle that DELTA makes of OLD, or nothing at all."""
    from onboard.flight.bundle import write_whole
    from onboard.flight.delta import apply_delta

    _ask(out, overwrite)
    new = apply_delta(
        read_file(old),
        read_file(delta),
        public_keys(trust),
        now_unix_s=int(time.time()),
        target=target,
        file=delta,
    )
    write_whole(out, new)
    click.echo(f"{out}: {len(new)} bytes, verified")


def _ask(out: Path, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise OutputError("the file exists already", file=out, remedy="give --overwrite or another name")


def _slots(folder: Path, trust: tuple[Path, ...], target: str | None) -> Slots:
    from onboard.flight.slots import Slots

    return Slots(folder, trusted_keys=public_keys(trust), now_unix_s=int(time.time()), target=target)


@click.command("slots")
@click.argument("folder", type=FILE)
@click.option("--first", type=FILE, help="Bundle to set an empty folder up with.")
@trust_option
@target_option
def show_slots(folder: Path, first: Path | None, trust: tuple[Path, ...], target: str | None) -> None:
    """Show which bundle of FOLDER flies; with --first, set it up."""
    slots = _slots(folder, trust, target)
    if first is not None:
        slots.install(read_file(first))
    active, _ = slots.active()
    record = slots.record()
    click.echo(f"active    slot {active.name}  sequence {active.sequence}  sha256 {active.sha256[:16]}")
    if record.previous:
        previous = record.previous
        click.echo(
            f"previous  slot {previous.name}  sequence {previous.sequence}  sha256 {previous.sha256[:16]}"
        )
    click.echo(f"highest   sequence {record.high_water}; what is not above it is refused")


@click.command()
@click.argument("folder", type=FILE)
@click.argument("file", type=FILE)
@trust_option
@target_option
def stage(folder: Path, file: Path, trust: tuple[Path, ...], target: str | None) -> None:
    """Check and try FILE, a bundle or a delta to the active one, and put it beside it in FOLDER."""
    from onboard.flight.delta import DELTA_MAGIC, apply_delta

    slots = _slots(folder, trust, target)
    data = read_file(file)
    if data.startswith(DELTA_MAGIC):
        minimum = slots.record().high_water + 1
        keys = public_keys(trust)
        data = apply_delta(slots.active()[1], data, keys, minimum_sequence=minimum, file=file)
    slot = slots.stage(data)
    click.echo(
        f"{slots.path(slot.name)}: staged, sequence {slot.sequence}; `onboard bundle activate {folder}`"
    )


@click.command()
@click.argument("folder", type=FILE)
@trust_option
@target_option
def activate(folder: Path, trust: tuple[Path, ...], target: str | None) -> None:
    """Let the bundle that is staged in FOLDER take over."""
    slot = _slots(folder, trust, target).activate()
    click.echo(f"slot {slot.name} is active, sequence {slot.sequence}; the one before it is kept")


@click.command()
@click.argument("folder", type=FILE)
@trust_option
@target_option
def rollback(folder: Path, trust: tuple[Path, ...], target: str | None) -> None:
    """Let the bundle before the active one of FOLDER fly again."""
    slot = _slots(folder, trust, target).rollback()
    click.echo(f"slot {slot.name} is active again, sequence {slot.sequence}")


COMMANDS = (diff, apply, show_slots, stage, activate, rollback)
