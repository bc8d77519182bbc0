"""The model card of a bundle: what its networks are, for whom, how good, and where they fail.

A part of its own, ``card.json``, made by ``export/card.py`` and read by people and ground tools. The flight
core does not know it: for the core it is a part like any other, under hash and signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from onboard.errors import BundleError
from onboard.flight.bundle import Container

CARD_PART = "card.json"
CARD_FORMAT = 1
CARD_MAX_BYTES = 1 << 18
CARD_SECTIONS = (
    "bundle",
    "parts",
    "description",
    "uses",
    "input",
    "outputs",
    "network",
    "training",
    "thresholds",
    "accuracy",
    "calibration",
    "precision",
    "limits",
    "licence",
    "provenance",
    "reproduce",
)
DESCRIBED_PARTS = ("stem.onnx", "body.onnx", "body.i8", "denoiser.onnx")
"""The networks: a card holds the SHA-256 of each that its bundle has, so that it cannot speak of others."""
LABEL = ("name", "version", "created", "sequence", "sensor", "precision")
"""What card and manifest both say of the bundle."""
REMEDY = "build the bundle again with `onboard bundle build`"


def read_card(container: Container) -> dict[str, Any] | None:
    """Return the model card of a bundle, or None if it has none.

    Args:
        container: What ``read_container`` returned; its contents need not have been checked.

    Raises:
        BundleError: The card is too long, no JSON object, of another format, lacks a section, or speaks of
            another bundle or other networks than those beside it.
    """
    part = container.parts.get(CARD_PART)
    if part is None:
        return None

    def refuse(problem: str, field: str, found: object, expected: object) -> BundleError:
        where = f"{CARD_PART}: {field}"
        return BundleError(
            problem, file=container.file, field=where, found=found, expected=expected, remedy=REMEDY
        )

    if len(part) > CARD_MAX_BYTES:
        raise refuse("the model card is too long", "size", len(part), f"at most {CARD_MAX_BYTES} bytes")
    card = _json_object(bytes(part))
    if card is None:
        raise refuse("the model card is no JSON object", "text", "something else", "a JSON object")
    if card.get("format") != CARD_FORMAT or isinstance(card.get("format"), bool):
        raise refuse("unknown form of model card", "format", card.get("format"), CARD_FORMAT)
    missing = [name for name in CARD_SECTIONS if name not in card]
    if missing:
        raise refuse("the model card lacks sections", missing[0], "nothing", ", ".join(CARD_SECTIONS))
    expected = digests(container.parts)
    if card["parts"] != expected:
        raise refuse("the model card is of other networks", "parts", card["parts"], expected)
    manifest = _json_object(bytes(container.parts.get("manifest.json", b""))) or {}
    wanted = label_of(manifest)
    if card["bundle"] != wanted:
        raise refuse("the model card is of another bundle", "bundle", card["bundle"], wanted)
    return card


def label_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a card repeats of a manifest: name, version, creation, sequence, sensor, precision."""
    return {"precision": "float32"} | {name: manifest[name] for name in LABEL if name in manifest}


def digests(parts: Mapping[str, bytes | memoryview]) -> dict[str, str]:
    """Return the SHA-256 of each network among a bundle's parts, in hex."""
    return {name: hashlib.sha256(parts[name]).hexdigest() for name in DESCRIBED_PARTS if name in parts}


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
