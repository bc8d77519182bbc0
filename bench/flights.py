"""What the studies of the flight core share: scenes flown as they are made, and results kept by capture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.digests import flight_digest, maker_digest, world_digest
from onboard.captures import band_match
from onboard.errors import MissingExtraError
from onboard.flight import FlightSession, default_bundle_path
from onboard.flight.bundle import read_container
from onboard.flight.contents import read_contents
from onboard.flight.types import PlumeEvent, ProductBlock
from onboard.replay.components import label_components
from onboard.replay.prediction import Assembly
from onboard.replay.quality import valid_pixels
from onboard.replay.resampled_gas import resampled_gas
from onboard.replay.run_folder import write_json
from onboard.scenes.scene import Scene

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Row = dict[str, Any]
Change = Callable[[Array, int], Array]
"""From the radiance of a block of lines, and the number of its first line, to what is flown instead."""
BLOCK_LINES = 64
RGB_NM = (640.0, 550.0, 460.0)
TRIAL_SAMPLES = 64


@dataclass(frozen=True)
class Flown:
    """What the flight core says of a capture.

    Attributes:
        probability: (lines, samples) float32 of plume, NaN where flight calls pixels invalid.
        enhancement: (lines, samples) float32 ppm m, NaN likewise.
        sigma: (lines, samples) float32 ppm m, its noise, NaN likewise.
        mask: (lines, samples) bool, plume at the bundle's threshold.
        events: Plume events, in order.
    """

    probability: Array
    enhancement: Array
    sigma: Array
    mask: Mask
    events: tuple[PlumeEvent, ...]

    def event_pixels(self) -> list[Mask]:
        """Return the pixels (lines, samples) of each event: the component of the mask with its peak.

        A component goes on behind a few lost lines, as events do.
        """
        lost = np.asarray(~np.isfinite(self.probability).any(axis=1))
        labels, _ = label_components(self.mask, lost)
        return [labels == max(1, labels[event.peak_line, event.peak_sample]) for event in self.events]


class Flight:
    """One session on the core that keeps methane's products of a capture whose size is known."""

    def __init__(
        self,
        bundle: Path | None,
        shape: tuple[int, int],
        centres: Array64,
        fwhm: Array64,
        gas_resampled: bool = True,
    ) -> None:
        """Open a session.

        Args:
            bundle: Bundle to fly; the shipped one if None.
            shape: Lines and samples of the capture.
            centres: (bands,) nm of the radiance to come.
            fwhm: (bands,) nm.
            gas_resampled: The filter looks for methane as resampled lines show it; else as the bundle has it.
        """
        source = bundle or default_bundle_path()
        own = read_contents(read_container(source))
        self._match = band_match(centres, fwhm, own.centres, own.fwhm)
        gas = resampled_gas(self._match, centres, fwhm, own) if gas_resampled else None
        self.session = FlightSession(source, samples=shape[1], products=("methane",), gas_lines=gas)
        self._assembly = Assembly(*shape)
        self._events: list[PlumeEvent] = []

    def push(self, radiance: Array) -> None:
        """Fly the next lines (n, samples, bands)."""
        self._keep(self.session.push(radiance if self._match.identical else self._match.apply(radiance)))

    def finish(self) -> Flown:
        """End the capture, close the session, and return what it said."""
        self._keep(self.session.flush())
        self.session.close()
        layers = self._assembly.layers()
        probability, enhancement, sigma = (layers[name] for name in ("probability", "enhancement", "sigma"))
        return Flown(probability, enhancement, sigma, layers["mask"] > 0.5, tuple(self._events))

    def _keep(self, blocks: Iterable[ProductBlock]) -> None:
        for products in blocks:
            good, nothing = valid_pixels(products.quality), np.float32(np.nan)
            layers = {
                "probability": np.where(good, products.plume_probability, nothing),
                "enhancement": np.where(good, products.ch4_enhancement, nothing),
                "sigma": np.where(good, products.ch4_sigma, nothing),
                "mask": products.plume_mask.astype(np.float32),
            }
            self._assembly.add(products.first_line, layers)
        self._events += self.session.poll_events()


def fly_scene(
    scene: Scene,
    bundle: Path | None = None,
    *,
    enhancement: Array | None = None,
    changes: Sequence[Change | None] = (None,),
    see: Callable[[Array, int], None] | None = None,
    gas_resampled: bool = True,
) -> list[Flown]:
    """Fly a scene while it is simulated; its radiance is never held as a whole.

    Args:
        scene: The scene.
        bundle: Bundle to fly; the shipped one if None.
        enhancement: Methane in ppm m, (lines, samples), in place of the scene's own plumes.
        changes: One session a change, all on the same lines; None flies them as they are.
        see: Is shown every block of radiance, and its first line.
        gas_resampled: As :class:`Flight` takes it.

    Returns:
        What each session said, in order.
    """
    shape = (scene.lines, scene.samples)
    centres, fwhm = np.asarray(scene.centres, np.float64), np.asarray(scene.fwhm, np.float64)
    flights = [Flight(bundle, shape, centres, fwhm, gas_resampled) for _ in changes]
    try:
        for first in range(0, scene.lines, BLOCK_LINES):
            block = scene.radiance_block(first, BLOCK_LINES, enhancement=enhancement, workers=2)
            if see is not None:
                see(block, first)
            for flight, change in zip(flights, changes, strict=True):
                flight.push(block if change is None else change(block, first))
        return [flight.finish() for flight in flights]
    finally:
        for flight in flights:
            flight.session.close()


def plan_of(bundle: Path | None) -> Row:
    """Return the plan of a bundle: thresholds of mask and events among it."""
    with FlightSession(bundle or default_bundle_path(), samples=TRIAL_SAMPLES, known_answer=False) as session:
        return dict(session.bundle.plan)


def kept(file: Path, basis: Row, make: Callable[[], Row]) -> Row:
    """Return a capture's results from its file, or make and keep them there.

    Args:
        file: JSON of the capture; its folder is made if missing.
        basis: What the results follow from; those of another basis, simulator or flight
            core, or of another version of the study, are made again.
        make: Gives the results.
    """
    made_of = {"world": world_digest(), "flight": flight_digest(), "study": maker_digest(make)}
    whole = json.loads(json.dumps({**basis, **made_of}))
    if file.is_file():
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            known = {}
        if isinstance(known, dict) and known.get("basis") == whole:
            return known
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, {"basis": whole, **make()})
    result: Row = json.loads(file.read_text(encoding="utf-8"))
    return result


def table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a markdown table."""
    names = list(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [names, ["---"] * len(names), *rows]) + "\n"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for a table, "-" for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def pyplot() -> Any:
    """Return matplotlib's pyplot, drawing to files.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "report", "drawing") from None
    return plt


def save_figure(figure: Any, path: Path, dpi: int = 110) -> None:
    """Write a figure, whole or not at all, and let it go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.partial.png")
    figure.savefig(aside, dpi=dpi, bbox_inches="tight", facecolor="white")
    aside.replace(path)
    pyplot().close(figure)
