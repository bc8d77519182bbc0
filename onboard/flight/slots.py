"""Two slots for bundles: a new one is staged beside the one that flies, tried, and only then takes over.

A folder holds ``slot-a.onb``, ``slot-b.onb`` and ``active``, the record that says which of them flies. The
record is replaced in one rename and never names a slot that is being written, so that a power cut between
any two steps leaves one good bundle active; ``active.copy`` is read where the record is damaged. It also
remembers the highest sequence that ever flew: no older bundle is taken after a rollback. One writer at a
time; ``docs/bundle.md`` says how a C program does the same.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from onboard.errors import BundleError, OutputError
from onboard.flight.bundle import read_container
from onboard.flight.contents import PRODUCT_BITS, read_contents
from onboard.flight.core import verify_bundle
from onboard.flight.slot_record import Record, Slot, decode_record, encode_record
from onboard.flight.trust import trusted_keys as shipped_keys

RECORD, COPY = "active", "active.copy"
log = logging.getLogger(__name__)
OTHER = {"a": "b", "b": "a"}


class Slots:
    """The slots of one folder.

    Every call reads the folder anew; nothing is kept between calls but where it is and what is trusted.
    """

    def __init__(
        self,
        folder: Path,
        *,
        trusted_keys: Sequence[bytes] | None = None,
        now_unix_s: int = 0,
        target: str | None = None,
        samples: int | None = None,
    ) -> None:
        """Name the folder and what its bundles are held against.

        Args:
            folder: Where the slots are or shall be.
            trusted_keys: Ed25519 public keys (32 bytes each); those of the installation when None.
            now_unix_s: Time for expiry, in seconds since 1970, UTC; 0 when not known.
            target: What this computer is called; None takes bundles of all targets.
            samples: Pixels of a line in a trial; those that the bundle is made for when None.
        """
        self.folder = folder
        self._keys = list(shipped_keys() if trusted_keys is None else trusted_keys)
        self._now, self._target, self._samples = now_unix_s, target, samples

    def record(self) -> Record:
        """Return what the record says; its copy, where it is damaged itself.

        Raises:
            BundleError: If there is none, or both are damaged.
        """
        file, copy = self.folder / RECORD, self.folder / COPY
        try:
            return decode_record(self._read(file), file)
        except BundleError as error:
            try:
                kept = decode_record(self._read(copy), copy)
            except BundleError:
                raise error from None
            log.warning("%s; its copy is taken, and the next activation writes both anew", error)
            return kept

    def path(self, slot: str) -> Path:
        """Return the file of slot ``a`` or ``b``."""
        return self.folder / f"slot-{slot}.onb"

    def active(self) -> tuple[Slot, bytes]:
        """Return the active slot and its bundle, whose hash is that of the record.

        Raises:
            BundleError: If record or bundle is missing or damaged.
        """
        slot = self.record().active
        return slot, self._recorded(slot)

    def install(self, data: bytes) -> Slot:
        """Make the first bundle of a folder active.

        Raises:
            BundleError: If the folder has an active bundle already, or this one is refused.
            OutputError: If it cannot be written.
        """
        if any((self.folder / name).exists() for name in (RECORD, COPY)):
            raise BundleError(
                "the slots are in use already",
                file=self.folder / RECORD,
                remedy="stage the bundle with `onboard bundle stage`; where record and copy are damaged, "
                "remove both, and mind that the highest sequence is forgotten with them",
            )
        slot = self._tried("a", data, minimum_sequence=0)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError("the slots cannot be made", file=self.folder, found=error.strerror) from None
        self._write(self.path("a"), data)
        self._record(Record(slot, None, slot.sequence))
        return slot

    def stage(self, data: bytes) -> Slot:
        """Check and try a newer bundle, and write it into the slot that does not fly.

        From here on there is nothing to roll back to until the staged bundle is active.

        Raises:
            BundleError: If it is refused: signature, sequence, expiry, target, known answer.
            OutputError: If it cannot be written.
        """
        record = self.record()
        slot = self._tried(OTHER[record.active.name], data, minimum_sequence=record.high_water + 1)
        self._write(self.path(slot.name), data)
        return slot

    def activate(self) -> Slot:
        """Check and try the staged bundle once more, as it lies in its slot, and let it take over.

        Raises:
            BundleError: If none is staged, or it is refused; the active one stays.
            OutputError: If the record cannot be written.
        """
        record = self.record()
        name = OTHER[record.active.name]
        if not self.path(name).exists():
            raise BundleError(
                "no bundle is staged", file=self.path(name), remedy="`onboard bundle stage` first"
            )
        slot = self._tried(name, self._read(self.path(name)), minimum_sequence=record.high_water + 1)
        self._record(Record(slot, record.active, slot.sequence))
        return slot

    def rollback(self) -> Slot:
        """Let the bundle before the active one fly again; the record keeps the highest sequence.

        Raises:
            BundleError: If there is none any more, or it is refused; the active one stays.
            OutputError: If the record cannot be written.
        """
        record = self.record()
        if record.previous is None:
            raise BundleError(
                "there is no bundle to roll back to",
                file=self.folder / RECORD,
                remedy="stage and activate a newer one",
            )
        data = self._recorded(record.previous)
        slot = self._tried(record.previous.name, data, minimum_sequence=record.previous.sequence)
        self._record(replace(record, active=slot, previous=None))
        return slot

    def _tried(self, name: str, data: bytes, *, minimum_sequence: int) -> Slot:
        """Verify a bundle as flight does, open it, run its known answer, and return its slot."""
        from onboard.flight.session import FlightSession

        file = self.path(name)
        verify_bundle(
            data,
            self._keys,
            minimum_sequence=minimum_sequence,
            now_unix_s=self._now,
            target=self._target,
            file=file,
        )
        container = read_container(data, name=str(file))
        plan = read_contents(container).plan
        session = FlightSession(
            data,
            samples=max(self._samples or plan.body_samples, plan.known_samples),
            products=[product for product, bit in PRODUCT_BITS.items() if plan.products & bit],
            trusted_keys=self._keys,
        )
        session.close()
        return Slot(name, container.sequence, hashlib.sha256(data).hexdigest())

    def _recorded(self, slot: Slot) -> bytes:
        path = self.path(slot.name)
        data = self._read(path)
        found = hashlib.sha256(data).hexdigest()
        if found != slot.sha256:
            raise BundleError(
                "the slot does not hold the bundle that the record names",
                file=path,
                field="sha256",
                found=found,
                expected=slot.sha256,
                remedy="`onboard bundle rollback`, or stage and activate a newer bundle",
            )
        return data

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise BundleError(
                "the slots cannot be read",
                file=path,
                found=error.strerror or str(error),
                expected="a folder of slots with an active bundle",
                remedy="`onboard bundle slots FOLDER --first BUNDLE` sets it up",
            ) from None

    def _record(self, record: Record) -> None:
        data = encode_record(record)
        self._write(self.folder / RECORD, data)
        # Second: a cut before it leaves the record itself whole, and that holds with or without a copy.
        try:
            self._write(self.folder / COPY, data)
        except OutputError as error:
            log.warning("the record has no copy: %s", error)

    def _write(self, path: Path, data: bytes) -> None:
        """Replace a file whole: written aside, on the medium before it is renamed, and the name after it."""
        aside = path.with_name(path.name + ".part")
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            aside.replace(path)
            directory = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise OutputError(
                "the slot cannot be written",
                file=path,
                found=error.strerror or str(error),
                remedy="the active bundle is as it was; give the folder room and try again",
            ) from None
