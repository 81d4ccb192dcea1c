"""Named places where a test may kill the process, to prove that nothing is lost or doubled there.

Set ``EVENKEEL_CRASH_AT`` to a name (and ``EVENKEEL_CRASH_AFTER`` to skip that many passes) and the process is killed
with SIGKILL when it reaches the place. Unset, a crash point is one dictionary look-up.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "EVENKEEL_CRASH_AT"
SKIP_VARIABLE = "EVENKEEL_CRASH_AFTER"

_passes: dict[str, int] = {}


def crash_point(name: str) -> None:
    """Die here, at once and without cleaning up, if the environment asks for this place."""
    if os.environ.get(VARIABLE) != name:
        return
    _passes[name] = _passes.get(name, 0) + 1
    if _passes[name] > int(os.environ.get(SKIP_VARIABLE, "0")):
        os.kill(os.getpid(), signal.SIGKILL)
