"""Event thresholds swept over the patches of flown captures: recall, false alarms, points to choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.flights import number, pyplot, save_figure, table
from onboard.replay.protocol import Rules

Row = dict[str, Any]
SIZES = (3, 4, 6, 9, 12, 16, 24, 32, 48)
WANTED_RECALL = 0.9
MOST_ALARMS = 1.0


@dataclass(frozen=True)
class Point:
    """Thresholds of events: of pixels, of the highest probability, and of the size."""

    pixel: float
    peak: float
    size: int


@dataclass(frozen=True)
class Patches:
    """The patches of some captures at one pixel threshold, as columns.

    Attributes:
        captures: Number of captures.
        pixel: The threshold.
        size: (patches,) pixels.
        peak: (patches,) highest probability.
        false: (patches,) would be a false alarm.
        patch: (meetings,) which patch meets
        source: (meetings,) which source, and with
        own: (meetings,) how many of the source's labelled pixels.
        labelled: (sources,) labelled pixels of each strong source.
    """

    captures: int
    pixel: float
    size: npt.NDArray[np.int64]
    peak: npt.NDArray[np.float64]
    false: npt.NDArray[np.bool_]
    patch: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    own: npt.NDArray[np.int64]
    labelled: npt.NDArray[np.int64]

    @classmethod
    def gather(cls, captures: Sequence[Row], pixel: float) -> Patches:
        """Return the columns of captures' rows, as ``operating_curve.fly_capture`` makes them."""
        rows: list[Sequence[Any]] = []
        meetings: list[tuple[int, int, int]] = []
        labelled: list[int] = []
        for capture in captures:
            place = {source["id"]: len(labelled) + i for i, source in enumerate(capture["sources"])}
            labelled += [source["labelled"] for source in capture["sources"]]
            for row in capture["patches"].get(f"{pixel:g}", []):
                meetings += [(len(rows), place[name], own) for name, _, own in row[3] if name in place]
                rows.append(row[:3])
        columns = np.asarray(rows, np.float64).reshape(-1, 3)
        met = np.asarray(meetings, np.int64).reshape(-1, 3)
        return cls(
            len(captures),
            pixel,
            columns[:, 0].astype(np.int64),
            columns[:, 1],
            columns[:, 2] > 0,
            met[:, 0],
            met[:, 1],
            met[:, 2],
            np.asarray(labelled, np.int64),
        )

    def scores(self, peak: float, size: int, share: float = Rules.found_share) -> Row:
        """Return recall and false alarms of the patches that reach a probability and a size.

        Args:
            peak: Least highest probability.
            size: Least pixels.
            share: Share of a source's labelled pixels, for the stricter recall.
        """
        accepted = (self.size >= size) & (self.peak >= peak)
        seen = accepted[self.patch]
        strong = self.labelled.size
        met = int(np.count_nonzero(np.bincount(self.source[seen], minlength=strong)))
        hits = np.bincount(self.source[seen], weights=self.own[seen], minlength=strong)
        some = self.labelled > 0
        enough = int(np.count_nonzero(hits[some] >= np.maximum(1.0, share * self.labelled[some])))
        return {
            **asdict(Point(self.pixel, peak, size)),
            "alarms": float(self.false[accepted].sum()) / self.captures,
            "recall": met / strong if strong else None,
            "found": met,
            "strong": strong,
            "recall_tenth": enough / int(some.sum()) if some.any() else None,
            "labelled": int(some.sum()),
        }

    def peaks(self) -> list[float]:
        """Return thresholds of the highest probability that part the patches at hand."""
        if not self.peak.size:
            return [self.pixel]
        even = np.quantile(self.peak, np.linspace(0, 1, 40))
        # Events worth having crowd at the top.
        rank = np.unique(np.geomspace(1, self.peak.size, 40).astype(np.int64)) - 1
        return sorted({self.pixel, *np.round([*even, *np.sort(self.peak)[::-1][rank]], 6).tolist()})


def scores(captures: Sequence[Row], point: Point) -> Row:
    """Return recall and false alarms of events at a point."""
    return Patches.gather(captures, point.pixel).scores(point.peak, point.size)


def sweep(captures: Sequence[Row]) -> Iterator[Row]:
    """Yield the scores at every point of a grid of pixel threshold, highest probability and size."""
    for level in sorted({float(level) for capture in captures for level in capture["patches"]}):
        patches = Patches.gather(captures, level)
        for peak in patches.peaks():
            for size in SIZES:
                yield patches.scores(peak, size)


def frontier(rows: Sequence[Row]) -> list[Row]:
    """Return the points that no other one beats: recall against false alarms, both rising."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda r: (r["alarms"], -(r["recall"] or 0.0))):
        if not best or (row["recall"] or 0.0) > (best[-1]["recall"] or 0.0):
            best.append(row)
    return best


def choose(rows: Sequence[Row]) -> dict[str, Row | None]:
    """Return the fewest alarms at 90 % recall, and the highest recall at one alarm a capture."""
    enough = [row for row in rows if (row["recall"] or 0.0) >= WANTED_RECALL]
    quiet = [row for row in rows if row["alarms"] <= MOST_ALARMS]
    return {
        "at_recall": min(enough, key=lambda r: (r["alarms"], -r["recall"])) if enough else None,
        "at_alarms": max(quiet, key=lambda r: (r["recall"] or 0.0, -r["alarms"])) if quiet else None,
    }


def markdown(points: Mapping[str, Row | None]) -> str:
    """Return the table of points."""
    head = [
        "point",
        "pixel >=",
        "peak >=",
        "pixels >=",
        "false alarms a capture",
        "recall of peaks > 2000 ppm m",
        "labelled, a tenth found",
    ]
    rows = []
    for name, row in points.items():
        if row is None:
            rows.append([name, *["-"] * 6])
            continue
        recall = f"{number(row['recall'])} ({row['found']}/{row['strong']})"
        rows.append(
            [
                name,
                f"{row['pixel']:g}",
                f"{row['peak']:.4g}",
                str(row["size"]),
                number(row["alarms"]),
                recall,
                number(row["recall_tenth"]),
            ]
        )
    return table(head, rows)


def draw(lines: Mapping[str, Sequence[Row]], points: Mapping[str, Row | None], path: Path) -> None:
    """Draw frontiers of recall against false alarms, and the points named."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(7.2, 4.8))
    for index, (name, rows) in enumerate(lines.items()):
        style = {"color": "black", "lw": 2.2} if not index else {"color": f"C{index}", "lw": 1.2}
        alarms, recalls = [r["alarms"] for r in rows], [r["recall"] or 0 for r in rows]
        axis.step(alarms, recalls, where="post", label=name, **style)
        # Where nothing is ever a false alarm, the end is all that can be seen.
        axis.plot(alarms[-1:], recalls[-1:], ".", ms=9, color=style["color"], clip_on=False, zorder=3)
    for index, (name, row) in enumerate(points.items()):
        if row is not None:
            axis.plot(
                row["alarms"],
                row["recall"] or 0,
                "os^Dv"[index % 5],
                ms=7,
                mfc="none",
                color="crimson",
                label=name,
            )
    axis.axhline(WANTED_RECALL, color="0.5", ls=":", lw=1)
    axis.axvline(MOST_ALARMS, color="0.5", ls=":", lw=1)
    axis.set_xscale("symlog", linthresh=1.0)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set(
        xlim=(0, 100),
        ylim=(0, 1.02),
        xlabel="false alarms a capture",
        ylabel="recall of plumes with a peak above 2000 ppm m",
    )
    axis.grid(alpha=0.25)
    axis.legend(frameon=False, fontsize=8, loc="lower right")
    save_figure(figure, path)
