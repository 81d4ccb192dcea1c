"""The worker: round after round it puts right, sends what is due, and does what is to be done once a day.

- One worker is at work; another one started by mistake stands by and takes over when the first is not heard of. Were
  both at work, the executor's lease, the conditional updates and one row per daily job would keep them apart.
- The kill switch is read before every document, in the database alone: it binds whatever else is down.
- A worker told to stop finishes the document in hand. One that is killed loses nothing: the next begins by finding out.
- When the ERP cannot be reached the rest of the round is left alone, and the next one waits longer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from agent.errors import AgentError
from inventory.audit_daily import run_daily_audit
from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.errors import InventoryError, LostRaceError
from inventory.workers import beat, begin_job, finish_job, leave
from service.bootstrap import SERVICE_USER, House
from service.errors import ServiceError
from service.retention import apply_retention
from service.trace_export import send_trace
from service.worker_erp import WatchedErp
from tools.actions import ERP_ACTIONS, Execution
from tools.clocks import clock_problem, erp_skew
from tools.errors import KillSwitchError, ToolError

if TYPE_CHECKING:
    from agent.desk import ExceptionDesk

EVERY = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(seconds=30)
"""However much goes wrong: what a killed worker left is taken up within a minute."""
EXPECTED = (InventoryError, ToolError, AgentError, ServiceError, DatabaseError, OSError)
"""What may go wrong without being a bug: it is told, and tried again in the next round."""


class _RoundOverError(Exception):
    """The rest of this round is left alone."""


class Worker:
    """Works in an open house until it is told to stop.

    Parameters
    ----------
    house
        Open, and used by nobody else in this process.
    tell
        Told what happens, a line at a time.
    every
        Pause between rounds.
    stop
        Set it and the worker ends after the document in hand.
    holder
        Names this worker; machine and process when omitted.
    """

    def __init__(
        self, house: House, tell: Callable[[str], None], *, every: timedelta = EVERY, stop: Event | None = None,
        holder: str = "",
    ) -> None:  # fmt: skip
        self.house = house
        self.stop = stop or Event()
        self.holder = holder or f"{socket.gethostname()[:64]}:{os.getpid()}"
        self._tell = tell
        self._every = every
        self._erp = WatchedErp(house.erp, self.stop)
        self._said: dict[str, str] = {}
        self._troubles: list[str] = []

    def run(self, *, once: bool = False) -> str:
        """Work round after round, or one round; returns what went wrong in the last one, in words."""
        by_hand = "; no ERP is configured: every document is a task for a person"
        self._tell(f"worker {self.holder} begins" + (by_hand if self.house.erp_kind == "none" else ""))
        failures, trouble = 0, ""
        while not self.stop.is_set():
            trouble = self.round()
            failures = failures + 1 if trouble else 0
            if once:
                break
            self.stop.wait(pause_after(failures, self._every).total_seconds())
        with (
            self._trying("leave"),
            self.house.database.write(SERVICE_USER.user_id, self.house.machine()) as transaction,
        ):
            leave(transaction, self.holder, for_good=once)
        self._tell(f"worker {self.holder} ends")
        return trouble

    def round(self) -> str:
        """Everything once; returns what went wrong, in words."""
        self._troubles = []
        self._erp.begin()
        try:
            self._beat()
        except LostRaceError as error:
            self._tell_news("place", f"{error}; standing by")
            return ""
        except EXPECTED as error:
            return self._went_wrong("beat", error)
        self._tell_news("place", "")
        for name, step in (
            ("clocks", self._look_at_clocks),
            ("execute", self._execute),
            ("heads", self._deliver_heads),
            ("traces", lambda: send_trace(self.house)),
            ("audit", lambda: self._daily("audit", self._audit)),
            ("retention", lambda: self._daily("retention", lambda: apply_retention(self.house).words)),
            ("beat", self._beat),
        ):
            if self.stop.is_set():
                break
            with self._trying(name):
                step()
        return "; ".join(self._troubles)

    @cached_property
    def _desk(self) -> ExceptionDesk:
        return self.house.dispatch_over(self._erp)

    @contextmanager
    def _trying(self, name: str) -> Iterator[None]:
        try:
            yield
        except EXPECTED as error:
            self._went_wrong(name, error)
        else:
            self._tell_news(f"trouble {name}", "")

    def _went_wrong(self, name: str, error: Exception) -> str:
        words = f"{name}: {' '.join(str(getattr(error, 'orig', None) or error).split())}"
        self._troubles.append(words)
        self._tell_news(f"trouble {name}", words)
        return words

    def _tell_news(self, about: str, words: str) -> None:
        """Say it, unless that is what was said about it last."""
        if self._said.get(about, "") != words:
            self._said[about] = words
            if words:
                self._tell(words)

    def _beat(self) -> None:
        skew = erp_skew(self._erp, self.house.clock())
        with self.house.database.write(SERVICE_USER.user_id, self.house.machine()) as transaction:
            beat(
                transaction, self.holder, trouble="; ".join(self._troubles),
                erp_skew_seconds=None if skew is None else round(skew.total_seconds()),
            )  # fmt: skip

    def _look_at_clocks(self) -> None:
        with self.house.database.read() as connection:
            problem = clock_problem(self.house.toolbox, connection)
        self._tell_news("clocks", f"{problem}: what policy approved waits for a person" if problem else "")

    def _execute(self) -> None:
        with self.house.database.read() as connection:
            stopped = switch_is_on(connection, KILL_SWITCH)
        self._tell_news("switch", "the kill switch is on: nothing is executed" if stopped else "")
        try:
            if stopped:
                self._tell_of(self._desk.recover().reconciled)
            else:
                self._tell_of(self._desk.execute(self._go_on))
        except KillSwitchError as error:
            self._tell_news("switch", str(error))
        except _RoundOverError:
            pass
        if self._erp.trouble:
            self._troubles.append(f"ERP: {self._erp.trouble}")
            self._tell_news("erp", f"ERP: {self._erp.trouble}")
        else:
            self._tell_news("erp", "")

    def _go_on(self, _step: str, _done: int, _of: int) -> None:
        """After each proposal: whether to take the next."""
        if self.stop.is_set() or self._erp.unreachable:
            raise _RoundOverError

    def _tell_of(self, done: tuple[Execution, ...]) -> None:
        for one in done:
            references = " ".join(receipt.erp_reference for receipt in one.receipts)
            note = f" ({one.note})" if one.note else ""
            words = f"{one.proposal_id}: {one.state.value.replace('_', ' ')} {references}".rstrip() + note
            self._tell_news(one.proposal_id, words)

    def _deliver_heads(self) -> None:
        anchor = self.house.database.anchor
        newest = anchor.newest_head()
        if anchor.deliveries and newest and anchor.undelivered():
            anchor.deliveries.deliver(newest, again=True)
        self._tell_news("heads", "; ".join(place.words for place in anchor.undelivered()))

    def _daily(self, job: str, work: Callable[[], str]) -> None:
        """Do a job of the day, unless somebody did or does."""
        house, day = self.house, self.house.clock().date()
        if self._said.get(f"done {job}") == day.isoformat():
            return
        with house.database.write(SERVICE_USER.user_id, house.machine()) as transaction:
            mine = begin_job(transaction, job, day, self.holder)
        if not mine:
            return
        note = work()
        with house.database.write(SERVICE_USER.user_id, house.machine()) as transaction:
            finish_job(transaction, job, day, self.holder, note)
        self._said[f"done {job}"] = day.isoformat()
        self._tell(f"{job} of {day}: {note}")

    def _audit(self) -> str:
        found = run_daily_audit(self.house.database, self.house.clock(), sent_kinds=ERP_ACTIONS)
        return (
            "; ".join(found.alarms)
            or f"{found.report.chain.entries:,} entries sound, {found.gaps.lines:,} lines traced"
        )


def pause_after(failures: int, every: timedelta) -> timedelta:
    """How long to wait after so many rounds in a row in which something went wrong: twice as long each time."""
    longer: timedelta = every * 2 ** min(failures, 10)
    return min(longer, max(LONGEST_PAUSE, every))
