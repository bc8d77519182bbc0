"""``onboard bundle``: build, sign, verify, show and locate bundles; make keys; send what changed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from onboard.cli.bundle_card import command as card
from onboard.cli.bundle_uplink import COMMANDS, read_file, target_option, trust_option
from onboard.cli.ground import ground_tools
from onboard.errors import BundleError, OutputError, UsageError

if TYPE_CHECKING:
    from onboard.flight.bundle import Container
    from onboard.flight.trust import TrustedKey

FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Build, sign, verify, show or locate a bundle; send and activate what changed."""


for verb in COMMANDS:
    command.add_command(verb)
command.add_command(card, "card")


@command.command()
def path() -> None:
    """Print where the shipped bundle lies."""
    from onboard.flight.bundle import default_bundle_path

    click.echo(str(default_bundle_path()))


@command.command()
@click.argument("run_dir", type=FILE)
@click.option("--out", type=FILE, required=True, help="File to write, unsigned.")
@click.option(
    "--sequence", type=click.IntRange(1), help="Sequence number; one above the shipped bundle's if not given."
)
@click.option("--name", default="onboard-emit", show_default=True, help="What the bundle is called.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "int8"]),
    default="float32",
    show_default=True,
    help="What the body computes in.",
)
@click.option("--quantized", type=FILE, help="For int8: folder that `onboard quantize` wrote of RUN_DIR.")
@click.option("--denoiser", type=FILE, help="Run folder of a denoiser that flies along (docs/denoiser.md).")
@click.option(
    "--denoiser-scores", type=FILE, help="For the model card: what `python -m bench.denoise` wrote."
)
@click.option("--results", type=FILE, help="For the model card: what `python -m bench.simemit --out` wrote.")
@click.option("--scored", type=FILE, help="Bundle that was flown for it; the shipped one if not given.")
@click.option(
    "--exact", type=FILE, help="For int8: what `bench.simemit --out` wrote of a float32 bundle of RUN_DIR."
)
@click.option("--exact-bundle", type=FILE, help="That float32 bundle; the gate holds both flights together.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
def build(
    run_dir: Path,
    out: Path,
    sequence: int | None,
    name: str,
    precision: str,
    quantized: Path | None,
    denoiser: Path | None,
    denoiser_scores: Path | None,
    results: Path | None,
    scored: Path | None,
    exact: Path | None,
    exact_bundle: Path | None,
    overwrite: bool,
) -> None:
    """Build the unsigned bundle of the training in RUN_DIR, its model card with it."""
    if (quantized is not None) != (precision == "int8"):
        raise UsageError(
            "INT8 and the folder of a quantized body go together",
            field="--precision",
            found=f"{precision}, --quantized {quantized}",
            expected="int8 with --quantized FOLDER, or neither",
            remedy="run `onboard quantize RUN_DIR --out FOLDER` first",
        )
    if scored is not None and results is None:
        raise UsageError(
            "a scored bundle is named without its results",
            field="--scored",
            found=scored,
            expected="--results FOLDER beside it",
        )
    if (exact is None) != (exact_bundle is None):
        raise UsageError(
            "results and their float32 bundle go together",
            field="--exact",
            found=f"{exact}, --exact-bundle {exact_bundle}",
            expected="both, or neither",
        )
    with ground_tools("building a bundle"):
        from export.assemble import build_from_training
        from export.benchmark_gate import FloatFlight
    if out.exists() and not overwrite:
        raise OutputError("the file exists already", file=out, remedy="give --overwrite or another name")
    number = _next_sequence(out) if sequence is None else sequence
    build_from_training(
        run_dir,
        out,
        number,
        name=name,
        quantized=quantized,
        denoiser=denoiser,
        denoiser_scores=denoiser_scores,
        results=results,
        scored=scored,
        exact=FloatFlight(exact, exact_bundle) if exact and exact_bundle else None,
    )
    click.echo(
        f"{out}: built, sequence {number}, not signed; sign it with `onboard bundle sign {out} --key K`"
    )


def _next_sequence(out: Path) -> int:
    """Return one more than the highest sequence of the shipped bundle and the file to be replaced."""
    from onboard.flight.bundle import default_bundle_path, read_container

    known = [file for file in (out, default_bundle_path()) if file.exists()]
    return 1 + max((read_container(file).sequence for file in known), default=0)


@command.command()
@click.argument("bundle", type=FILE)
@click.option("--key", type=FILE, required=True, help="Private key file; see `onboard bundle keygen`.")
@click.option("--out", type=FILE, help="File to write; BUNDLE itself if not given.")
@click.option("--expires", type=click.DateTime(), help="Day (or time, UTC) from which flight refuses it.")
@click.option("--target", help="Computer that it is made for, such as x86-64-v4; others refuse it.")
def sign(bundle: Path, key: Path, out: Path | None, expires: datetime | None, target: str | None) -> None:
    """Check BUNDLE, which may also be a delta, and sign it.

    A quantized body must have passed the gate; for any but the development key, on SimEMIT-1 too.
    """
    with ground_tools("signing a bundle"):
        from export.bundle import write_bundle_file
        from export.delta import sign_delta
        from export.keys import is_development_key, key_id_of, load_private_key, public_key_of
    from onboard.flight.delta import DELTA_MAGIC

    data, seed = read_file(bundle), load_private_key(key)
    if data.startswith(DELTA_MAGIC):
        if expires or target:
            raise UsageError(
                "a delta has no limits of its own", file=bundle, remedy="give them to its bundle"
            )
        signed = sign_delta(data, seed)
    else:
        signed = _signed_bundle(bundle, seed, expires, target, benchmark=not is_development_key(seed))
    write_bundle_file(out or bundle, signed)
    if is_development_key(seed):
        _warn_of_development_key()
    click.echo(f"{out or bundle}: signed, key {key_id_of(public_key_of(seed)).hex()[:16]}")


def _signed_bundle(
    path: Path, seed: bytes, expires: datetime | None, target: str | None, *, benchmark: bool
) -> bytes:
    """Return the bundle with what is asked of its limits, signed; limits that are not named stay."""
    from dataclasses import replace

    from export.bundle import sign_container
    from export.int8 import require_gate
    from export.limits import with_limits
    from onboard.flight.bundle import read_container
    from onboard.flight.card import read_card
    from onboard.flight.contents import read_contents

    container = read_container(path)
    contents = read_contents(container)
    require_gate(contents, path, benchmark=benchmark)
    read_card(container)
    limits = contents.limits
    data = container.data
    if expires is not None:
        limits = replace(limits, expires_unix_s=int(expires.replace(tzinfo=UTC).timestamp()))
    if target is not None:
        limits = replace(limits, target=target)
    if expires is not None or target is not None:
        data = with_limits(container, limits)
    return sign_container(data, seed)


@command.command()
@click.argument("bundle", type=FILE)
@trust_option
@target_option
def verify(bundle: Path, trust: tuple[Path, ...], target: str | None) -> None:
    """Check BUNDLE as flight does: structure, hashes, contents, signature, expiry by this clock."""
    from onboard.flight.bundle import read_container, verify_signature
    from onboard.flight.contents import read_contents

    container = read_container(bundle)
    contents = read_contents(container)
    keys = _keys(trust)
    verify_signature(container, [key.public for key in keys], now_unix_s=int(time.time()), target=target)
    signer = next(key for key in keys if key.key_id == container.key_id)
    manifest = contents.manifest
    click.echo(
        f"{bundle}: good; {manifest['name']} {manifest['version']}, sequence {container.sequence}, "
        f"signed by {signer.name}"
    )
    if signer.development:
        _warn_of_development_key()


@command.command()
@click.argument("bundle", type=FILE, required=False)
@click.option(
    "--json", "as_json", is_flag=True, help="Print everything, the whole manifest included, as JSON."
)
def show(bundle: Path | None, as_json: bool) -> None:
    """Show what BUNDLE holds (the shipped one if not given), signed or not."""
    from onboard.cli.bundle_view import describe, lines
    from onboard.flight.bundle import default_bundle_path, read_container
    from onboard.flight.contents import read_contents

    container = read_container(bundle or default_bundle_path())
    manifest = read_contents(container).manifest
    description = {**describe(container, manifest), "signature": _signature_state(container, _keys(()))}
    if as_json:
        click.echo(json.dumps({**description, "manifest": manifest}, indent=2, ensure_ascii=False))
        return
    for line in lines(description):
        click.echo(line)


@command.command()
@click.argument("name")
@click.option("--folder", type=FILE, default=Path(), help="Where to put the two files; here if not given.")
def keygen(name: str, folder: Path) -> None:
    """Make a signing key: NAME.key, private and readable by its owner alone, and NAME.pub."""
    with ground_tools("making a key"):
        from export.keys import generate_key_pair
    private, public = generate_key_pair(name, folder)
    click.echo(f"{private}: private key, mode 0600; keep it off line and never in a repository")
    click.echo(f"{public}: public key; put it beside the flight library as a trusted key")


def _keys(trust: tuple[Path, ...]) -> list[TrustedKey]:
    from onboard.flight.trust import TrustedKey, load_trusted_keys, read_key_file

    return [TrustedKey(file.stem, read_key_file(file)) for file in trust] or list(load_trusted_keys())


def _signature_state(container: Container, keys: list[TrustedKey]) -> dict[str, Any]:
    """Return who signed, and whether the flight core takes it."""
    from onboard.flight.bundle import verify_signature

    signer = next((key for key in keys if key.key_id == container.key_id), None)
    state: dict[str, Any] = {
        "signed": container.signed,
        "key_id": container.key_id.hex() if container.signed else None,
        "key": signer.name if signer else None,
        "development_key": bool(signer and signer.development),
        "good": None,
        "problem": None,
    }
    try:
        verify_signature(container, [key.public for key in keys])
        state["good"] = True
    except BundleError as error:
        state.update(good=False, problem=error.problem)
    except (ImportError, UsageError) as error:
        state["problem"] = f"not checked: {error}"
    return state


def _warn_of_development_key() -> None:
    click.echo(
        "warning: this is the published development key; anybody can sign with it, and no system that "
        "flies may trust it",
        err=True,
    )
