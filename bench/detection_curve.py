"""Probability of detection against emission: the logistic curve, its limits, its tables and its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.flights import number, pyplot, save_figure, table
from onboard.errors import UsageError
from onboard.replay.intervals import wilson_interval

Row = dict[str, Any]
PUBLISHED_KG_H = 1060.0
"""EMIT's 90 % at 3 m/s in favourable conditions (Ayasse et al. 2024, ES&T 58, 21536)."""
DRAWS = 200
BY = ("event", "mask")


@dataclass(frozen=True)
class Curve:
    """A logistic curve: share found = 1 / (1 + exp(-(intercept + slope ln(rate / 1000))))."""

    intercept: float
    slope: float

    def at(self, rate: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the share found at rates in kg/h."""
        z = self.intercept + self.slope * np.log(np.asarray(rate, np.float64) / 1000.0)
        return np.asarray(1 / (1 + np.exp(-np.clip(z, -500, 500))))

    def rate(self, share: float) -> float:
        """Return the rate in kg/h at which a share is found; infinite if the curve does not rise."""
        if self.slope <= 0:
            return math.inf
        z = (math.log(share / (1 - share)) - self.intercept) / self.slope
        return 1000.0 * math.exp(min(z, 50.0))


def fit_curve(
    rates: npt.ArrayLike, found: npt.ArrayLike, cases: npt.ArrayLike, start: Curve | None = None
) -> Curve:
    """Fit a logistic curve by maximum likelihood, penalised so that it stays finite (Firth 1993).

    Without the penalty (Biometrika 80, 27; half the logarithm of the information's determinant) releases that
    are all found above some rate and never below would give a step of endless slope.

    Args:
        rates: (n,) kg/h.
        found: (n,) how many were found.
        cases: (n,) of how many.
        start: Where to begin.

    Raises:
        UsageError: Fewer than two rates.
    """
    from scipy.optimize import minimize

    x = np.log(np.asarray(rates, np.float64) / 1000.0)
    k, n = np.asarray(found, np.float64), np.asarray(cases, np.float64)
    if np.unique(x[n > 0]).size < 2:
        raise UsageError("a curve needs releases of at least two rates", field="rates", found=x.size)

    def cost(line: npt.NDArray[np.float64]) -> float:
        z = line[0] + line[1] * x
        p = 1 / (1 + np.exp(-np.clip(z, -500, 500)))
        weight = n * p * (1 - p)
        across = weight @ x
        determinant = float(weight.sum() * (weight @ (x * x)) - across * across)
        likely = float((k * z - n * np.logaddexp(0, z)).sum())
        return (-likely - 0.5 * math.log(max(determinant, 1e-300))) / float(n.sum())

    first = [0.0, 1.0] if start is None else [start.intercept, start.slope]
    best = minimize(cost, first, method="BFGS", options={"gtol": 1e-6})
    return Curve(float(best.x[0]), float(best.x[1]))


def figures(releases: Sequence[Row], by: str) -> Row:
    """Return the curve of some releases, its limits, and what was found at every rate.

    Intervals are those of curves refitted to releases drawn from the curve (parametric bootstrap, Efron and
    Tibshirani 1993, section 6.5).

    Args:
        releases: Rows with ``rate`` and ``by``.
        by: "event" or "mask".
    """
    rates = sorted({row["rate"] for row in releases})
    cases = [sum(row["rate"] == rate for row in releases) for rate in rates]
    found = [sum(row[by] for row in releases if row["rate"] == rate) for rate in rates]
    curve = fit_curve(rates, found, cases)
    rng = np.random.default_rng(len(releases))
    shares = curve.at(rates)
    drawn = [fit_curve(rates, rng.binomial(cases, shares), cases, curve) for _ in range(DRAWS)]

    def limits(values: Sequence[float]) -> list[float | None]:
        low, high = np.percentile(np.minimum(values, 1e9), (2.5, 97.5), method="nearest")
        return [_finite(float(low)), _finite(float(high))]

    line = np.geomspace(min(rates), max(rates), 60)
    band = np.percentile([one.at(line) for one in drawn], (2.5, 97.5), axis=0)
    return {
        "curve": asdict(curve),
        **{f"rate_{name}": _finite(curve.rate(share)) for name, share in (("50", 0.5), ("90", 0.9))},
        **{
            f"rate_{name}_limits": limits([c.rate(share) for c in drawn])
            for name, share in (("50", 0.5), ("90", 0.9))
        },
        "at_published": float(curve.at(PUBLISHED_KG_H)),
        "at_published_limits": limits([float(c.at(PUBLISHED_KG_H)) for c in drawn]),
        "band": {"rate": line.tolist(), "low": band[0].tolist(), "high": band[1].tolist()},
        "rates": [
            {"rate": rate, "found": hit, "cases": of, "limits": list(wilson_interval(hit, of))}
            for rate, hit, of in zip(rates, found, cases, strict=True)
        ],
    }


def _finite(value: float) -> float | None:
    """Rates beyond a thousand tonnes an hour are no statement of the data."""
    return value if value < 1e6 else None


def summarise(captures: Sequence[Row]) -> Row:
    """Return curves over all captures and by climate, by event and by mask."""
    groups = {"all": list(captures)}
    for capture in captures:
        groups.setdefault(str(capture["climate"]), []).append(capture)
    result: Row = {}
    for name, members in groups.items():
        releases = [row for capture in members for row in capture["releases"]]
        result[name] = {
            "captures": len(members),
            "false_events_a_capture": sum(c["false_events"] for c in members) / len(members),
            **{by: figures(releases, by) for by in BY},
            "typical": [
                {
                    "rate": rate,
                    "peak": float(np.median([r["peak"] for r in releases if r["rate"] == rate])),
                    "pixels": float(np.median([r["pixels"] for r in releases if r["rate"] == rate])),
                }
                for rate in sorted({row["rate"] for row in releases})
            ],
        }
    return result


def markdown(groups: Mapping[str, Row]) -> str:
    """Return the tables: limits by climate, and what was found at every rate."""
    head = [
        "captures of",
        "found by",
        "50 % at, kg/h",
        "90 % at, kg/h",
        f"share at {PUBLISHED_KG_H:g} kg/h",
        "false events a capture",
    ]
    rows = []
    for name, group in groups.items():
        for by in BY:
            found = group[by]
            cells = [
                _with_limits(found[f"rate_{share}"], found[f"rate_{share}_limits"], 0)
                for share in ("50", "90")
            ]
            share = _with_limits(found["at_published"], found["at_published_limits"], 2)
            rows.append([name, by, *cells, share, number(group["false_events_a_capture"])])
    first = groups["all"]
    body = []
    for index, typical in enumerate(first["typical"]):
        cells = []
        for group in groups.values():
            at = {r["rate"]: r for r in group["event"]["rates"]}.get(typical["rate"])
            cells.append(f"{at['found']}/{at['cases']}" if at else "-")
        mask = first["mask"]["rates"][index]
        body.append(
            [
                f"{typical['rate']:g}",
                f"{typical['peak']:.0f}",
                f"{typical['pixels']:.0f}",
                *cells,
                f"{mask['found']}/{mask['cases']}",
            ]
        )
    second = [
        "kg/h",
        "median peak, ppm m",
        "median pixels >= 500 ppm m",
        *(f"events, {name}" for name in groups),
        "mask, all",
    ]
    return table(head, rows) + "\n" + table(second, body)


def _with_limits(value: float | None, limits: Sequence[float | None], digits: int) -> str:
    low, high = (f"{limit:.{digits}f}" if limit is not None else "inf" for limit in limits)
    return f"{number(value, digits)} ({low}-{high})"


def draw(groups: Mapping[str, Row], wind: float, path: Path) -> None:
    """Draw the share found against emission: over all with its interval, and each climate."""
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True)
    for axis, by in zip(axes, BY, strict=True):
        for index, (name, group) in enumerate(groups.items()):
            found, main = group[by], name == "all"
            style = {"color": "black", "lw": 2.2} if main else {"color": f"C{index}", "lw": 1.2}
            line = np.asarray(found["band"]["rate"])
            axis.plot(line, Curve(**found["curve"]).at(line), label=name, **style)
            rates = np.asarray([r["rate"] for r in found["rates"]])
            share = np.asarray([r["found"] / r["cases"] for r in found["rates"]])
            if main:
                axis.fill_between(line, found["band"]["low"], found["band"]["high"], color="0.85", lw=0)
                ends = np.asarray([r["limits"] for r in found["rates"]]).T
                off = np.maximum(np.abs(ends - share), 0)
                axis.errorbar(rates, share, yerr=off, fmt="o", ms=5, color="black", capsize=2, lw=1)
            else:
                axis.plot(rates, share, "o", ms=3, color=style["color"], alpha=0.7)
        axis.axvline(PUBLISHED_KG_H, color="0.4", ls=":", lw=1)
        axis.axhline(0.9, color="0.4", ls=":", lw=1)
        axis.set(
            xscale="log",
            xlabel=f"emission, kg/h, at {wind:g} m/s",
            title=f"found by {by}",
            ylim=(-0.03, 1.03),
        )
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("share of releases found")
    axes[0].legend(frameon=False, fontsize=8, loc="upper left")
    save_figure(figure, path)
