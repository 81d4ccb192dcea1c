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


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of one call by the clock, wall time unless said otherwise, garbage collection kept out of it."""
    gc.collect()
    gc.disable()
    try:
        started = clock()
        function()
        return clock() - started
    finally:
        gc.enable()


def compare(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Seconds of each, by one rule for both: run in turns after a call each to warm up, the fastest repeat counts.

    What else a machine does only ever adds time, so the fastest repeat is nearest to the work itself. Where both sides
    stay in this process and in one thread, ``clock=time.process_time`` also leaves out the time they had to wait for a
    core; it must not be used on work that is handed to other processes or threads.
    """
    ours(), peer()
    times = [(seconds(ours, clock), seconds(peer, clock)) for _ in range(repeats)]
    return min(t[0] for t in times), min(t[1] for t in times)
