"""Memory of a whole tree of processes while something runs: the share of each, added up many times a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

EVERY_SECONDS = 0.1


@dataclass
class Peak:
    """Most memory seen, MB."""

    pss: float = 0.0
    """Proportional: a page that two processes share counts half for each."""
    rss: float = 0.0
    """Resident: shared pages count for every process."""
    processes: int = 0


@contextmanager
def watched() -> Iterator[Peak]:
    """Peak memory of this process and everything below it, sampled until the block ends (Linux)."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(EVERY_SECONDS):
            sampled = [memory for memory in map(_memory, _tree(os.getpid())) if memory]
            peak.pss = max(peak.pss, sum(pss for pss, _ in sampled))
            peak.rss = max(peak.rss, sum(rss for _, rss in sampled))
            peak.processes = max(peak.processes, len(sampled))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parent = _parent(entry)
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it ended meanwhile


def _memory(process: int) -> tuple[float, float] | None:
    """PSS and RSS, MB; None when it ended meanwhile."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: float(line.split()[1]) for line in lines[1:]}
    return kilobytes["Pss"] / 1024.0, kilobytes["Rss"] / 1024.0
