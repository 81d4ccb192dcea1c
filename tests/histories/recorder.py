"""Eight people, and machines, at one house at once; each writes down what it asked for and what it was told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from agent.deciding.verbs import OVERRULING
from agent.decisions import Decision, expire
from agent.errors import AgentError
from inventory.audit import entries
from inventory.chain import AuditEntry
from inventory.database import Database, Transaction
from inventory.errors import InventoryError, LostRaceError
from inventory.ledger import ledger_rows
from inventory.outbox import list_outbox
from inventory.proposals import find_proposal
from inventory.record import short_id
from inventory.records import EVERYTHING, LedgerRow, Proposal, ReasonCode
from tests import postgres
from tests.histories.history import History, LedgerRead, LogLine, Operation, Outcome, Place, Posting
from tests.histories.legal import STATES
from tests.worlds import PEOPLE, ItemSite, Lane, Network, TurnableClock, World
from tools.action_kinds import takes_stock
from tools.actions import dispatch, reconcile
from tools.erp.faults import Fault, FaultKind
from tools.errors import ToolError

ITEMS = 8
TICK = timedelta(milliseconds=200)
"""What the clock moves on by with each operation, so that leases run out while others work."""
CUT_OFF = 0.06
"""Share of decisions during which the connection breaks, before or after the commit."""
VERBS = {
    "approve": 24, "reject": 7, "edit": 7, "snooze": 5, "escalate": 4, "expire": 3, "execute": 20, "reconcile": 2,
    "read": 14, "ledger": 10, "log": 1, "fault": 3,
}  # fmt: skip
"""How often each is done, in parts."""
FAULTS = (FaultKind.LOSE_ANSWER, FaultKind.LOSE_REQUEST, FaultKind.UNREACHABLE, FaultKind.REJECT, FaultKind.DUPLICATE)
WHO = ("pia", "otto", "ada", "carl", "iris")


def short_stores(items: int = ITEMS) -> Network:
    """One donor with some of each item, and two stores that are short of it."""
    return Network(
        item_sites=tuple(
            ItemSite(f"PART-{number}", site, weekly, on_hand, "consumable", 4.0, 10.0)
            for number in range(items)
            for site, weekly, on_hand in (("DC", 10, 220), ("NORTH", 15, 3), ("SOUTH", 12, 3))
        ),
        lanes=(Lane("DC", "NORTH"), Lane("DC", "SOUTH")),
    )


class CutOffError(Exception):
    """The connection broke; whoever asked does not know what became of it."""


class CutOff(Database):
    """A database whose connection breaks when told to."""

    cut: str = ""
    """``before`` or ``after`` the commit of the next transaction; empty: not at all."""

    @contextmanager
    def write(self, actor: str, now: datetime) -> Iterator[Transaction]:
        """A writing transaction, and perhaps no answer to its commit."""
        cut, self.cut = self.cut, ""
        with super().write(actor, now) as transaction:
            yield transaction
            if cut == "before":
                raise CutOffError
        if cut == "after":
            raise CutOffError


class Clock(TurnableClock):
    """A clock that several turn."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self._alone = threading.Lock()

    def tick(self) -> None:
        """A moment passes."""
        with self._alone:
            self.at += TICK


class Desk(World):
    """A house as one client opens it."""

    def opened(self) -> Database:
        """A database whose connection can break."""
        known = super().opened()
        self.line = CutOff(known.where, known.anchor)
        known.dispose()
        return postgres.remember(self.line)


@dataclass
class Recorder:
    """What all clients write down."""

    world: World
    chance: Random
    operations: list[Operation] = field(default_factory=list)
    ledger_reads: list[LedgerRead] = field(default_factory=list)
    readings: list[list[AuditEntry]] = field(default_factory=list)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    tokens: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.proposals = {proposal.proposal_id: proposal for proposal in self.world.proposals()}


@dataclass
class Client:
    """One of those who work at the house."""

    number: int
    desk: Desk
    recorder: Recorder
    clock: Clock
    chance: Random

    def work(self, operations: int) -> None:
        """Do so many operations, one after the other."""
        for verb in self.chance.choices(list(VERBS), list(VERBS.values()), k=operations):
            self.clock.tick()
            known = list(self.recorder.proposals.values())
            # Most look at a few that others look at, too.
            proposal = self.chance.choice(known[-6:] if self.chance.random() < 0.4 else known)
            doing: Callable[[Proposal], None] = getattr(self, f"_{verb}", self._decide_as(verb))
            doing(proposal)

    def _decide_as(self, verb: str) -> Callable[[Proposal], None]:
        return lambda proposal: self._decide(verb, proposal)

    def _decide(self, verb: str, proposal: Proposal) -> None:
        token, user_id = next(self.recorder.tokens), self.chance.choice(WHO)
        more: dict[str, object] = {}
        if verb == "edit":
            line = proposal.content.lines[0]
            more["quantities"] = {line.number: max(line.quantity + self.chance.choice((-9, -3, 4, 25, 60)), 1)}
        if verb == "snooze":
            more["until"] = self.clock() + timedelta(seconds=self.chance.randint(5, 40))
        decision = Decision.model_validate(
            {
                "proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": verb,
                "reason": ReasonCode.STRATEGY if verb in OVERRULING else ReasonCode.AGREE, "text": f"op {token}",
                **more,
            }
        )  # fmt: skip
        user = next(person for person in PEOPLE if person.user_id == user_id)
        if self.chance.random() < CUT_OFF:
            self.desk.line.cut = self.chance.choice(("before", "after"))
        after, outcome, called = None, Outcome.OK, time.monotonic_ns()
        try:
            after = self.desk.desk.decide(decision, user)
        except LostRaceError:
            outcome = Outcome.LOST
        except (AgentError, ToolError, InventoryError):
            outcome = Outcome.FAIL
        except CutOffError:
            outcome = Outcome.UNKNOWN
        answered = time.monotonic_ns()
        self.desk.line.cut = ""
        result = "" if after is None else after.state.value
        if verb == "edit" and after is not None:
            self._note(token, "born", after.proposal_id, called, answered, outcome, result)
            result = "superseded"
            self.recorder.proposals[after.proposal_id] = after
        self._note(token, verb, proposal.proposal_id, called, answered, outcome, result)
        if verb == "edit" and outcome is Outcome.UNKNOWN:
            self._note(token, "born", following(proposal), called, answered, outcome, "")

    def _expire(self, _proposal: Proposal) -> None:
        token, called = next(self.recorder.tokens), time.monotonic_ns()
        gone = expire(self.desk.toolbox, actor=f"op {token}")
        answered = time.monotonic_ns()
        for subject in gone:  # where a proposal ends it stays
            self._note(token, "expire", subject, called, answered, Outcome.OK, self._state(subject))

    def _execute(self, proposal: Proposal) -> None:
        token, called = next(self.recorder.tokens), time.monotonic_ns()
        outcome, result = Outcome.OK, ""
        try:
            result = dispatch(self.desk.toolbox, proposal.proposal_id, actor=f"op {token}").state.value
        except (ToolError, InventoryError):
            outcome = Outcome.FAIL
        self._note(token, "execute", proposal.proposal_id, called, time.monotonic_ns(), outcome, result)

    def _reconcile(self, _proposal: Proposal) -> None:
        token, called, touched = next(self.recorder.tokens), time.monotonic_ns(), list(self.recorder.proposals)
        outcome = Outcome.OK
        try:
            reconcile(self.desk.toolbox, actor=f"op {token}")
        except (ToolError, InventoryError):
            outcome = Outcome.FAIL
        answered = time.monotonic_ns()
        for subject in {*touched, *self.recorder.proposals}:
            self._note(token, "reconcile", subject, called, answered, outcome, "")

    def _read(self, proposal: Proposal) -> None:
        token, called = next(self.recorder.tokens), time.monotonic_ns()
        state = self._state(proposal.proposal_id)
        self._note(token, "read", proposal.proposal_id, called, time.monotonic_ns(), Outcome.OK, state)

    def _ledger(self, _proposal: Proposal) -> None:
        with self.desk.database.read() as connection:
            rows = ledger_rows(connection, EVERYTHING)
        self.recorder.ledger_reads += [LedgerRead((row.item, row.site), promised(row), room(row)) for row in rows]

    def _log(self, _proposal: Proposal) -> None:
        with self.desk.database.read() as connection:
            self.recorder.readings.append(list(entries(connection)))

    def _fault(self, _proposal: Proposal) -> None:
        self.desk.erp.faults.add(Fault(kind=self.chance.choice(FAULTS)))

    def _state(self, proposal_id: str) -> str:
        with self.desk.database.read() as connection:
            return find_proposal(connection, EVERYTHING, proposal_id).state.value

    def _note(
        self, token: int, verb: str, subject: str, called: int, answered: int, outcome: Outcome, result: str
    ) -> None:
        self.recorder.operations.append(Operation(token, self.number, verb, subject, called, answered, outcome, result))


def promised(row: LedgerRow) -> int:
    """Units of a stock line that are promised."""
    return row.reserved + row.in_flight


def room(row: LedgerRow) -> int:
    """Units of a stock line that may be promised."""
    return row.on_hand - row.allocated - row.protect - row.frozen


def following(proposal: Proposal) -> str:
    """Id of the version an edit makes of it."""
    return short_id("prop", proposal.content.case_id, str(proposal.content.version + 1))


def record(world: World, *, clients: int, operations: int, seed: int) -> History:
    """Let clients work at a house at once, and keep what they saw.

    Parameters
    ----------
    world
        Proposals wait in it; nobody else is in it.
    operations
        In all.
    """
    chance = Random(seed)
    recorder = Recorder(world, chance)
    began = {name: proposal.state.value for name, proposal in recorder.proposals.items()}
    with world.database.read() as connection:
        free = {(row.item, row.site): room(row) - promised(row) for row in ledger_rows(connection, EVERYTHING)}
        known_before = list(entries(connection))
    clock = Clock(world.clock())
    working = [
        Client(number, Desk(world.folder, world.network, clock, world.native_key, world.rollout), recorder, clock,
               Random(chance.random()))
        for number in range(1, clients + 1)
    ]  # fmt: skip
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(client.work, operations // clients) for client in working]:
            done.result()
    for client in working:
        client.desk.database.dispose()
    with world.database.read() as connection:
        recorder.readings.append(list(entries(connection)))
    ended = {proposal.proposal_id: proposal for proposal in world.proposals()}
    readings = sorted(recorder.readings, key=len)
    return History(
        operations=tuple(op for op in recorder.operations if op.subject in ended),
        readings=tuple(tuple(log_lines(reading[len(known_before) :], ended)) for reading in readings),
        postings=tuple(postings(world, ended)),
        free=free,
        ledger_reads=tuple(recorder.ledger_reads),
        began=began,
        ended={name: proposal.state.value for name, proposal in ended.items()},
    )


def log_lines(log: Iterable[AuditEntry], proposals: dict[str, Proposal]) -> Iterator[LogLine]:
    """Entries of the chain as the checker reads them."""
    for entry in log:
        data = entry.data
        said = data["text"] if entry.event == "approval.given" else entry.actor
        token = int(said[3:]) if said.startswith("op ") else 0
        moved, units = None, 0
        if entry.event == "proposal.drafted":
            moved, units = ("", "draft"), sum(line["quantity"] for line in data["content"]["lines"])
        elif entry.event == "reservation.released":
            units = -data["units"]
        elif entry.event.startswith("proposal.") and data.get("to") in STATES:
            moved = (data["from"], data["to"])
        taken = ((giver(proposals[entry.subject_id]), units),) if units else ()
        yield LogLine(entry.sequence, entry.subject_id, entry.event, token, moved, taken)


def giver(proposal: Proposal) -> Place:
    """The one stock line a proposal takes from."""
    (place,) = {place for line in proposal.content.lines if (place := takes_stock(line)) is not None}
    return place


def postings(world: World, proposals: Iterable[str]) -> Iterator[Posting]:
    """Documents in the ERP's own books."""
    with world.database.read() as connection:
        keys = {row.key: row.proposal_id for row in list_outbox(connection, EVERYTHING) if row.proposal_id in proposals}
    with world.erp.books.read() as books:
        for row in books.execute("SELECT key, reference FROM orders ORDER BY number"):
            yield Posting(row["key"], row["reference"], keys.get(row["key"], "nobody"))
