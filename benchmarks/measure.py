"""Ratios of one run: two ways to the same answer, timed in turns, against a target."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a benchmark table: ours beside a peer, or beside a limit of the machine.

    Parameters
    ----------
    what, size
        The job and how much of it, for people ("SBA + TSB, float64", "10,000 x 104").
    ours_per_second, peer_per_second
        Units of work per second of each.
    peer
        Whom we are measured against, with version, or the limit.
    target
        Ratio ours / peer that is promised; None where none is.
    """

    what: str
    size: str
    unit: str
    ours_per_second: float
    peer: str
    peer_per_second: float
    target: float | None = None

    @property
    def ratio(self) -> float:
        """Ours over the peer's."""
        return self.ours_per_second / self.peer_per_second

    @property
    def met(self) -> bool:
        """Whether the promise holds in this run."""
        return self.target is None or self.ratio >= self.target


MOST_CALLS = 20
"""Calls of the quicker side in a turn."""


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter, calls: int = 1) -> float:
    """Time of the fastest of some calls by the clock, wall time unless said otherwise.

    Garbage is collected before the first and not among them: a collection walks every object there is and leaves the
    caches to itself.
    """
    gc.collect()
    gc.disable()
    try:
        return min(_one(function, clock) for _ in range(calls))
    finally:
        gc.enable()


def _one(function: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    function()
    return clock() - started


def compare(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Seconds of each, by one rule for both: taken in turns of about equal length, the fastest call counts.

    What else a machine does only ever adds time, so the fastest call is nearest to the work itself. A turn of the
    quicker side holds as many calls as fit into one of the slower, at most `MOST_CALLS`: measured call for call, a
    kernel of a few milliseconds would pay each time for the caches and pages the other side has taken, which the
    other's long call hardly notices. Where both sides stay in this process and in one thread,
    ``clock=time.process_time`` also leaves out the time they had to wait for a core; it must not be used on work that
    is handed to other processes or threads.
    """
    sides = (ours, peer)
    first = [seconds(side, clock) for side in sides]
    calls = [min(max(int(max(first) / max(took, 1e-9)), 1), MOST_CALLS) for took in first]
    best = [float("inf"), float("inf")]
    for _ in range(repeats):
        for number, side in enumerate(sides):
            best[number] = min(best[number], seconds(side, clock, calls[number]))
    return best[0], best[1]
