"""Doing a step again that the database rolled back because of another one.

Writers follow one another, so Evenkeel alone causes no such conflict; a repair by hand, a report that writes, or a
deadlock with a backup may.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import TypeVar

from inventory.errors import ConflictError

T = TypeVar("T")
FIRST_PAUSE_SECONDS = 0.02


def retrying(
    work: Callable[[], T], *, chance: Random, attempts: int = 5, sleep: Callable[[float], None] = time.sleep
) -> T:
    """Do a step, and again while the database rolls it back.

    Parameters
    ----------
    work
        The whole step from its first read on: what it read before the conflict may be wrong by now. Whatever it did
        outside the database must be safe to do again.
    chance
        Spreads the pauses, so that two who collided do not collide again.
    attempts
        How often in all, at least 1.

    Raises
    ------
    ConflictError
        If the last attempt was rolled back too.
    """
    for attempt in range(attempts - 1):
        try:
            return work()
        except ConflictError:
            sleep(FIRST_PAUSE_SECONDS * 2**attempt * (0.5 + chance.random()))
    return work()
