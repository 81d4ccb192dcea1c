"""Being the one executor of an ERP: taking its lease for a piece of work, and knowing when it is over."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.conflicts import retrying
from inventory.crash_points import crash_point
from inventory.errors import LostRaceError
from inventory.executors import ExecutorLease, give_back, holds, renew_lease, take_lease
from tools.errors import KillSwitchError, LeaseLostError
from tools.toolbox import Toolbox

MARGIN = timedelta(seconds=5)
"""So long before the lease ends nothing is posted any more: a post and the clocks need room."""


@dataclass
class Executor:
    """Somebody who holds the lease of an ERP; the lease is renewed as the work goes on."""

    toolbox: Toolbox
    actor: str
    lease: ExecutorLease

    def require(self) -> None:
        """Stop unless documents may be posted at this very moment.

        Raises
        ------
        LeaseLostError
            If the lease is nearly over, or somebody else has it.
        KillSwitchError
            If execution is switched off.
        """
        late = self.toolbox.now() > self.lease.until - MARGIN
        with self.toolbox.database.read() as connection:
            lost = not holds(connection, self.lease)
            switched_off = switch_is_on(connection, KILL_SWITCH)
        if lost or late:
            raise LeaseLostError(
                f"the lease of {self.lease.holder} on ERP {self.lease.erp} "
                f"{'was taken over' if lost else f'ends at {self.lease.until:%H:%M:%S} UTC'}: nothing is posted"
            )
        if switched_off:
            raise KillSwitchError("execution is switched off: nothing is posted")

    def renew(self) -> None:
        """Hold the lease for longer; ``LeaseLostError`` once somebody else has taken it."""
        try:
            with self.toolbox.database.write(self.actor, self.toolbox.now()) as transaction:
                self.lease = renew_lease(transaction, self.lease)
        except LostRaceError as error:
            raise LeaseLostError(str(error)) from error


@contextmanager
def executing(toolbox: Toolbox, erp: str, actor: str) -> Iterator[Executor]:
    """Hold the lease of an ERP for a piece of work.

    Raises
    ------
    LostRaceError
        While somebody else holds it.
    """
    holder = f"{socket.gethostname()[:48]}:{os.getpid()}:{threading.get_ident()}"
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        lease = take_lease(transaction, erp, holder)
    crash_point("executor.taken")
    executor = Executor(toolbox, actor, lease)
    try:
        yield executor
    finally:
        retrying(lambda: _give_back(executor), chance=Random(os.getpid()))


def _give_back(executor: Executor) -> None:
    with executor.toolbox.database.write(executor.actor, executor.toolbox.now()) as transaction:
        give_back(transaction, executor.lease)
