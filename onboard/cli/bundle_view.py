"""What ``onboard bundle show`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onboard.flight.bundle import Container

SUMMARY = ("name", "version", "created", "sequence", "sensor", "description")
PLAN_SUMMARY = (
    "bands",
    "mf_bands",
    "strip_lines",
    "halo_lines",
    "plume_threshold",
    "event_peak_probability",
    "event_min_pixels",
    "memory_lines",
    "inference_bytes",
)


def describe(container: Container, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a container holds, for people and programs: sizes in bytes, hashes in hex."""
    import hashlib

    from onboard.flight.card import read_card

    card = read_card(container)
    parts = [
        {"name": name, "bytes": len(part), "sha256": hashlib.sha256(part).hexdigest()}
        for name, part in container.parts.items()
    ]
    return {
        "file": container.file,
        "bytes": len(container.data),
        **{name: manifest.get(name) for name in SUMMARY},
        "products": list(manifest["products"]),
        "minerals": manifest["minerals"],
        "limits": manifest.get("limits"),
        "precision": manifest.get("precision", "float32"),
        "architecture": manifest.get("mlm:architecture"),
        "parameters": manifest.get("mlm:total_parameters"),
        "card": None if card is None else {"format": card["format"], "limits": _known_limits(card)},
        "plan": {name: manifest["plan"][name] for name in PLAN_SUMMARY},
        "parts": parts,
    }


def lines(description: Mapping[str, Any]) -> Iterator[str]:
    """Yield the description as lines of text."""
    yield f"{description['file']}: {description['bytes']} bytes"
    for name in (*SUMMARY, "architecture", "parameters", "precision"):
        if description[name] is not None:
            yield f"  {name:<12} {description[name]}"
    yield f"  {'products':<12} {', '.join(description['products'])}"
    yield f"  {'minerals':<12} {', '.join(description['minerals'])}"
    yield f"  {'signature':<12} {_signature(description['signature'])}"
    yield f"  {'model card':<12} {_card(description['card'])}"
    yield from _limits(description["limits"])
    yield "plan"
    for name, value in description["plan"].items():
        yield f"  {name:<24} {value}"
    yield "parts"
    for part in description["parts"]:
        yield f"  {part['name']:<20} {part['bytes']:>10} bytes  sha256 {part['sha256'][:16]}"


def _known_limits(card: Mapping[str, Any]) -> int:
    """How many known failures a card tells of."""
    limits = card["limits"]
    lists = [limits.get(name) for name in ("standing", "measured")] if isinstance(limits, Mapping) else []
    return sum(len(each) for each in lists if isinstance(each, list))


def _card(card: Mapping[str, Any] | None) -> str:
    if card is None:
        return "none"
    return f"format {card['format']}, {card['limits']} known limits; `onboard bundle card` prints it"


def _limits(limits: Mapping[str, Any] | None) -> Iterator[str]:
    if limits and limits["expires_unix_s"]:
        from datetime import UTC, datetime, timedelta

        try:
            end = str(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=limits["expires_unix_s"]))
        except OverflowError:
            end = f"{limits['expires_unix_s']} s after 1970"
        yield f"  {'expires':<12} {end}"
    if limits and limits["target"]:
        yield f"  {'target':<12} {limits['target']}"


def _signature(state: Mapping[str, Any]) -> str:
    if not state["signed"]:
        return "none; flight refuses it"
    who = state["key"] or f"unknown key {state['key_id'][:16]}"
    if state["development_key"]:
        who += " (published: never for flight)"
    checked = "good" if state["good"] else str(state["problem"])
    return f"{checked}; by {who}"
