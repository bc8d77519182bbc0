"""A spectral library divided into two by sample, for training and for testing."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import numpy as np

from onboard.errors import UsageError
from onboard.scenes.library import GRID, Library, completed
from onboard.scenes.response import Float64
from onboard.scenes.spectra.grains import regrain
from onboard.scenes.spectra.minerals import shifted
from onboard.scenes.spectra.variation import Field, tilted, waves

PARTS = ("train", "test", "all")
TRAIN_SHARE = 0.7
# What a class of one spectrum is made into.
VARIANTS = 6


def sample_of(name: str) -> str:
    """Return what a spectrum's name says of its sample.

    Variants, repeated measurements and sieved fractions are one sample: it is the catalogue's code, without
    what follows the code's dot or plus, or else the whole name.
    """
    plain = re.sub(r", variant \d+$| #\d+$", "", name).strip()
    for word in plain.split()[1:]:
        if word[0].isalnum() and any(letter.isdigit() for letter in word):
            return re.split(r"\.(?=[a-z]+$)|\+", word)[0]
    return plain


def split_library(library: Library, part: str) -> Library:
    """Return the training or the test samples of a library.

    Samples of a class are put in an order that follows from class and sample alone, and the first 70 % go to
    training: at least one to either part. A class of one sample is divided by spectrum (its variants differ
    in grain size, composition and continuum), and one of a single spectrum by variants made here.

    Args:
        library: Classes that it lacks are added from the built-in one first, so that parts stay apart.
        part: ``train``, ``test`` or ``all``.

    Returns:
        The part; ``all`` is the completed library itself.

    Raises:
        UsageError: no such part.
    """
    if part not in PARTS:
        raise UsageError(
            "unknown part of a library", field="part", found=repr(part), expected=" or ".join(PARTS)
        )
    whole = completed(library)
    if part == "all":
        return whole
    whole = _with_variants(whole)
    chosen: list[int] = []
    for name in dict.fromkeys(whole.classes):
        members = [int(i) for i in whole.members(name)]
        keys = [sample_of(whole.names[i]) for i in members]
        if len(set(keys)) == 1:
            keys = [whole.names[i] for i in members]
        ordered = sorted(set(keys), key=lambda key: _digest(f"{name}/{key}"))
        first = min(max(int(TRAIN_SHARE * len(ordered)), 1), len(ordered) - 1)
        wanted = set(ordered[:first] if part == "train" else ordered[first:])
        chosen += [i for i, key in zip(members, keys, strict=True) if key in wanted]
    divided = whole.taken(chosen)
    return Library(divided.names, divided.classes, divided.spectra, f"{library.source}, {part} samples")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _with_variants(library: Library) -> Library:
    """Return the library with variants of every spectrum that is its class's only one."""
    for name, count in Counter(library.classes).items():
        names = [library.names[i] for i in library.members(name)]
        if count > 1 and len(set(names)) > 1:
            continue
        only = int(library.members(name)[0])
        rest = library.taken([i for i in range(len(library)) if i not in set(library.members(name))])
        numbered = tuple(f"{names[0]}, variant {k}" for k in range(1, VARIANTS + 1))
        made = np.stack([variant(library.spectra[only], f"{name}/{k}") for k in numbered])
        library = rest.joined(Library(numbered, (name,) * VARIANTS, made, rest.source))
        library = Library(library.names, library.classes, library.spectra, rest.source)
    return library


def variant(spectrum: Float64, key: str) -> Float64:
    """Return what another sample of the same material might show: grains, composition, continuum.

    Args:
        spectrum: Reflectance (len(GRID),).
        key: Chance follows from it.
    """
    rng = np.random.default_rng(int.from_bytes(_digest(key), "little"))
    rho: Field = spectrum[None, :].astype(np.float32)
    rho = shifted(rho, rng.normal(0.0, 2.0, 1), rng.normal(0.0, 5.0, 1))
    # Depths vary from one end of the spectrum to the other, as impurities absorb here and not there.
    size = np.exp(rng.normal(0.0, [0.5, 0.25, 0.25]) @ waves(GRID, 3)).astype(np.float32)
    curve = rng.normal(0.0, [0.2, 0.12, 0.08, 0.06]) @ waves(GRID, 4)
    result: Float64 = np.asarray(tilted(regrain(rho, size), curve)[0], np.float64)
    return result
