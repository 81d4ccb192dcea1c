"""Ratios of one run: two ways to the same answer, timed in turns, against a target."""

from __future__ import annotations

import gc
import statistics
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


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call, garbage collection kept out of it."""
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        function()
        return time.perf_counter() - started
    finally:
        gc.enable()


def compare(ours: Callable[[], object], peer: Callable[[], object], *, repeats: int = 5) -> tuple[float, float]:
    """Median seconds of each, run in turns so that both see the same noise; one call of each warms up."""
    ours(), peer()
    times = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)
