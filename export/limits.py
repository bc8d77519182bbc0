"""Giving a bundle an expiry and a target, before it is signed."""

from __future__ import annotations

import json

from export.bundle import write_container
from export.manifest import encode_manifest
from onboard.flight.bundle import Container
from onboard.flight.limits import LIMITS_PART, Limits
from onboard.flight.plan import PLAN_PART

MANIFEST = "manifest.json"


def with_limits(container: Container, limits: Limits) -> bytes:
    """Return an unsigned container with other limits; nothing else of its parts changes.

    The manifest repeats them under ``limits``, so that a reader without this part still shows them.

    Args:
        container: A checked container.
        limits: Expiry and target.
    """
    manifest = json.loads(bytes(container.parts[MANIFEST]))
    manifest["limits"] = limits.to_json()
    parts: dict[str, bytes] = {}
    for name, part in container.parts.items():
        if name != LIMITS_PART:
            parts[name] = encode_manifest(manifest) if name == MANIFEST else bytes(part)
        if name == PLAN_PART:
            parts[LIMITS_PART] = limits.pack()
    return write_container(parts, container.sequence)
