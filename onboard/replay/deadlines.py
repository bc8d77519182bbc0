"""Times a line, and the deadline model: does the computer keep up with the instrument?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DeadlineReport:
    """How a run stood against the instrument's clock.

    Attributes:
        misses: Lines completed later than the allowance after their arrival.
        worst_lag_s: Longest time from a line's arrival to its completion.
        allowance_s: Time a line may take from arrival to completion: one strip's period.
        line_period_s: Time from one line to the next.
    """

    misses: int
    worst_lag_s: float
    allowance_s: float
    line_period_s: float


def completion_lags(seconds: NDArray[np.float64], line_period_s: float) -> NDArray[np.float64]:
    """Time from each line's arrival to its completion, if lines queue up while one is worked on.

    Line ``i`` arrives at ``i * period``; its work begins when it is there and the work before is done:
    ``completion[i] = max(completion[i-1], arrival[i]) + seconds[i]`` (Lindley's recursion for a
    single-server queue; Lindley 1952, doi:10.1017/S0305004100027638).

    Args:
        seconds: Work time of each line, (lines,), s.
        line_period_s: Time from one line to the next, s.

    Returns:
        Lag of each line, (lines,), s.
    """
    if seconds.size == 0:
        return np.zeros(0)
    # The recursion in closed form: work done so far, less the idle time that had to pass.
    arrival = np.arange(seconds.size) * line_period_s
    done = np.cumsum(seconds)
    idle = np.maximum.accumulate(arrival - (done - seconds))
    lags: NDArray[np.float64] = done + idle - arrival
    return lags


def judge(lags: NDArray[np.float64], *, line_period_s: float, strip_lines: int) -> DeadlineReport:
    """Count the lines that were late.

    A strip's work falls on the line that completes it, so a line may lag by one strip's period before
    anything piles up: that is the allowance.

    Args:
        lags: Arrival to completion of each line, (lines,), s.
        line_period_s: Time from one line to the next, s.
        strip_lines: Lines a strip.
    """
    allowance = strip_lines * line_period_s
    return DeadlineReport(
        misses=int(np.count_nonzero(lags > allowance)),
        worst_lag_s=float(lags.max(initial=0.0)),
        allowance_s=allowance,
        line_period_s=line_period_s,
    )


def line_statistics(seconds: NDArray[np.float64]) -> dict[str, float]:
    """Median, 95th and 99th percentile and maximum of the work times, in ms.

    Args:
        seconds: Work time of each line, (lines,), s.
    """
    if seconds.size == 0:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    p50, p95, p99 = np.percentile(seconds * 1e3, (50, 95, 99))
    return {
        "p50": round(float(p50), 4),
        "p95": round(float(p95), 4),
        "p99": round(float(p99), 4),
        "max": round(float(seconds.max() * 1e3), 4),
    }
