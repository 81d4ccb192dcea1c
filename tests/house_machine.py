"""A house to which anything happens in any order, and what must hold after each thing that did.

The rules are those of the test catalogue: import, propose, edit, approve, reject, expire, execute, fault, restart and
policy change, with the goods' arrival, the kill switch and the snooze besides. P numbers are the properties of the
reliability notes.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.approval_policy import packaged_policy_text
from agent.errors import AgentError
from agent.ruling import rule as rule_on
from inventory.chronicle import KILL_SWITCH, set_switch, switch_is_on
from inventory.errors import InventoryError
from inventory.lifecycle import ARROWS
from inventory.people import NEVER_SIGN
from inventory.records import (
    DocumentState,
    PolicyVersion,
    Proposal,
    ProposalState,
    Tier,
)
from inventory.revalidations import Verdict
from inventory.rulebook import insert_policy, newest_version
from tests.house_reading import LogWatch, Reading, read_house
from tests.invariants import assert_ledger_equals_reservations
from tests.worlds import PEOPLE, TurnableClock, World
from tools.erp.faults import POST_FAULTS, Fault, FaultKind
from tools.errors import KillSwitchError, ToolError

S = ProposalState
people = st.sampled_from([person.user_id for person in PEOPLE])
which = st.integers(0, 5)
AUTO_ROW = re.compile(r"\[\[auto\]\]\naction.*\nitem_class.*\nvalue_limit.*\n")
NO_AUTO = AUTO_ROW.sub("", packaged_policy_text()).replace('{ floor = "auto"', '{ floor = "planner"')
NO_AUTO = NO_AUTO.replace('currency = "EUR"', 'currency = "EUR"\nauto = []', 1)
TWO_SIGN = re.sub(r"planner_limit = [0-9_]+", "planner_limit = 0", NO_AUTO).replace("above = 20_000", "above = 1", 1)
STALE = NO_AUTO.replace("planner_above = 24", "planner_above = 2").replace("advice_above = 72", "advice_above = 8")
POLICIES = (packaged_policy_text(), NO_AUTO, TWO_SIGN, STALE)
"""As packaged; nothing without a person; two people sign; data of the morning is advice by evening."""
POST = sorted(POST_FAULTS - {FaultKind.DELAY, FaultKind.HANG})
LOOKS_PER_RULING = 5
"""A ruling asked for three times costs more than most steps do, so every fifth look asks."""


class HouseMachine(RuleBasedStateMachine):
    """One house; nothing it does may break a property, whatever came before.

    Parameters
    ----------
    shelf
        A furnished house in which proposals wait, copied for each run.
    """

    def __init__(self, shelf: World, directory: Path) -> None:
        super().__init__()
        place = Path(tempfile.mkdtemp(dir=directory)) / "house"
        self.world = shelf.copied_to(place)
        self.states: dict[str, ProposalState] = {}
        self.contents: dict[str, str] = {}
        self.log = LogWatch()
        self.looks, self.swept_at = 0, -1

    def teardown(self) -> None:
        self.log.assert_sound(self.world)
        self.world.database.dispose()

    # What happens

    @rule(
        hours=st.sampled_from((1, 6, 24, 30)),
        donor=st.sampled_from((0, 40, 90, 130, 260)),
        short=st.integers(0, 40),
        whole=st.sampled_from((False, False, False, True)),
    )
    def import_feeds(self, hours: int, donor: int, short: int, whole: bool) -> None:
        """New feeds, all or stock alone: the donor's rises or falls under what was promised, the stores' moves too."""
        self.world.clock.forward(hours=hours)
        sites = {"DC": donor, "NORTH": short, "SOUTH": 40 - short}
        stock = {("PUMP", site): units for site, units in sites.items()}
        self.world.deliver(self.world.network.with_stock(stock), only=None if whole else ("stock",))

    @precondition(lambda self: self.looks > self.swept_at + 1)
    @rule()
    def propose(self) -> None:
        """A sweep, once anything has happened since the last one: of a second in a row others ask."""
        self.world.clock.forward(minutes=1)
        self.world.desk.sweep()
        self.swept_at = self.looks

    @rule(number=which, user_id=people)
    def approve(self, number: int, user_id: str) -> None:
        """Anybody tries to approve anything that waits."""
        self._decide("approve", number, user_id)

    @rule(number=which, first=people, second=people)
    def approve_by_two(self, number: int, first: str, second: str) -> None:
        """Two people, or the same one twice, try."""
        self._decide("approve", number, first)
        self._decide("approve", number, second)

    @rule(number=which, user_id=people, more=st.integers(-20, 90))
    def edit(self, number: int, user_id: str, more: int) -> None:
        """Other units; the editor may not sign."""
        waiting = self._waiting()
        if waiting:
            line = waiting[number % len(waiting)].content.lines[0]
            self._decide("edit", number, user_id, quantities={line.number: max(line.quantity + more, 0)})

    @rule(number=which, user_id=people)
    def reject(self, number: int, user_id: str) -> None:
        """Somebody says no."""
        self._decide("reject", number, user_id)

    @rule(number=which, user_id=people, hours=st.integers(1, 40))
    def snooze(self, number: int, user_id: str, hours: int) -> None:
        """Somebody puts it off."""
        self._decide("snooze", number, user_id, until=self.world.clock() + timedelta(hours=hours))

    @rule(number=which, user_id=people)
    def escalate(self, number: int, user_id: str) -> None:
        """Somebody hands it up."""
        self._decide("escalate", number, user_id)

    @rule(hours=st.sampled_from((1, 12, 30, 100)))
    def expire(self, hours: int) -> None:
        """Time passes, and what nobody decided ends."""
        self.world.clock.forward(hours=hours)
        self.world.desk.recover()

    @rule(minutes=st.sampled_from((0, 1, 20, 90)))
    def execute(self, minutes: int) -> None:
        """The executing process runs."""
        self._execute(minutes)

    @rule(number=which)
    def see_through(self, number: int) -> None:
        """Two people who may sign do, one after the other, and the executing process runs."""
        self._decide("approve", number, "ada")
        self._decide("approve", number, "carl")
        self._execute(1)

    def _execute(self, minutes: int) -> None:
        self.world.clock.forward(minutes=minutes)
        try:
            self.world.desk.execute()
        except KillSwitchError:
            with self.world.database.read() as connection:
                assert switch_is_on(connection, KILL_SWITCH)

    @rule(kind=st.sampled_from(POST))
    def fault(self, kind: FaultKind) -> None:
        """The ERP will misbehave at the next post."""
        self.world.erp.faults.add(Fault(kind=kind, seconds=120 if kind is FaultKind.ANSWER_LATE else 0))

    @rule(forget=st.booleans())
    def restart(self, forget: bool) -> None:
        """Every process ends and begins anew, perhaps without LangGraph's scratch paper."""
        self.world.database.dispose()
        if forget:
            for scratch in self.world.folder.glob("checkpoints.sqlite3*"):
                scratch.unlink()
        known = self.world
        clock = TurnableClock(known.clock())
        self.world = World(known.folder, known.network, clock, known.native_key, known.rollout)

    @rule(number=st.integers(0, len(POLICIES) - 1))
    def change_policy(self, number: int) -> None:
        """Another version of the approval policy comes into force."""
        text = POLICIES[number]
        with self.world.database.write("root", self.world.clock()) as transaction:
            version = newest_version(transaction.connection, "approval") + 1
            insert_policy(
                transaction,
                PolicyVersion(
                    kind="approval", version=version, content=text.replace("version = 1", f"version = {version}", 1),
                    author="root", effective_at=self.world.clock(),
                ),
            )  # fmt: skip

    @rule(on=st.booleans())
    def switch(self, on: bool) -> None:
        """The kill switch."""
        with self.world.database.write("root", self.world.clock()) as transaction:
            set_switch(transaction, KILL_SWITCH, on)

    @precondition(lambda self: self.world.erp.open_documents())
    @rule()
    def goods_arrive(self) -> None:
        """The oldest document is received, and the ERP's own feeds say so."""
        self.world.clock.forward(days=1)
        document = self.world.erp.open_documents()[0]
        self.world.erp.receive(document.reference, self.world.clock())
        self.world.deliver_from_erp()

    def _waiting(self) -> list[Proposal]:
        return self.world.proposals(S.PENDING, S.APPROVED)

    def _decide(self, verb: str, number: int, user_id: str, **more: object) -> None:
        waiting = self._waiting()
        if not waiting:
            return
        self.world.clock.forward(seconds=7)
        try:
            self.world.decide(waiting[number % len(waiting)], verb, user_id, **more)
        except (AgentError, ToolError, InventoryError):
            return  # refused: the invariants see that nothing came of it

    # What must hold

    @invariant()
    def every_property_holds(self) -> None:
        """One look at the house, which every property is then held against."""
        self.looks += 1
        self.the_log_only_grows_and_tells_what_the_tables_say()
        seen = read_house(self.world)
        self.proposals_keep_to_the_arrows_and_never_change_their_content(seen)
        self.the_gate_is_total_deterministic_and_remembers(seen)
        self.what_is_sent_was_signed_for_by_whom_policy_asked(seen)
        self.each_approved_version_is_posted_once_or_visibly_in_doubt(seen)
        self.nothing_was_approved_on_facts_that_had_changed(seen)
        self.no_unit_is_promised_twice()

    def proposals_keep_to_the_arrows_and_never_change_their_content(self, seen: Reading) -> None:
        """P4: a version is what it was; a state that ended stays."""
        for name, proposal in seen.proposals.items():
            assert self.contents.setdefault(name, proposal.digest) == proposal.digest
            before = self.states.get(name, S.DRAFT)
            assert proposal.state in _reachable(before), (name, before, proposal.state)
            self.states[name] = proposal.state

    def the_gate_is_total_deterministic_and_remembers(self, seen: Reading) -> None:
        """P3: ruling twice is ruling once, a hundred times the value is never less strict; a person meets the tier."""
        gate, toolbox = self.world.desk.gate, self.world.toolbox
        waiting = [each for each in seen.proposals.values() if each.state is S.PENDING]
        assert all(seen.ruled.get(each.proposal_id) for each in waiting), "one waits for somebody without a ruling"
        if self.looks % LOOKS_PER_RULING:
            return
        for proposal in waiting[:1]:
            dear = proposal.content.model_copy(update={"value_minor": proposal.content.value_minor * 100})
            with self.world.database.read() as connection:
                first, _ = rule_on(toolbox, connection, gate, proposal)
                again, _ = rule_on(toolbox, connection, gate, proposal)
                dearer, _ = rule_on(toolbox, connection, gate, proposal.model_copy(update={"content": dear}))
            assert first == again
            assert dearer.tier.strictness >= first.tier.strictness

    def what_is_sent_was_signed_for_by_whom_policy_asked(self, seen: Reading) -> None:
        """P4, P5: each document is that of an approved digest, signed by people who may, who are two where two sign."""
        for found in seen.documents:
            row, proposal, signed, ruled = found.row, found.proposal, found.signed, found.ruled
            assert signed, f"{row.key} is of a digest nobody approved"
            sent = Counter((line.item, line.quantity) for line in row.document.lines)
            wanted = Counter(
                (line.item, line.quantity)
                for line in proposal.content.lines
                if line.document_group == row.document.group
            )
            assert sum(units * n for (_, units), n in sent.items()) == sum(u * n for (_, u), n in wanted.items())
            humans = [approval for approval in signed if approval.kind == "person"]
            if not humans:
                assert ruled[-1].tier is Tier.AUTO
                continue
            for approval in humans:
                person = self.world.user(approval.by)
                assert not {*person.roles} & {*NEVER_SIGN}
                assert approval.by != proposal.requested_by
            if ruled[-1].two_people:
                assert len({approval.by for approval in humans}) >= 2, proposal

    def each_approved_version_is_posted_once_or_visibly_in_doubt(self, seen: Reading) -> None:
        """P6: never two postings; what is executed has exactly one and a receipt."""
        posted, rows = seen.posted, [found.row for found in seen.documents]
        assert all(times == 1 for times in posted.values()), posted
        assert set(posted) <= {row.key for row in rows}
        for row in rows:
            assert (row.state is DocumentState.EXECUTED) == (row.key in seen.received), row
            assert row.state is not DocumentState.READY or row.key not in posted, (
                f"{row.key} is there and would be sent"
            )

    def nothing_was_approved_on_facts_that_had_changed(self, seen: Reading) -> None:
        """P7: whoever approved had every fact read again at that moment, and it held; no snapshot is of the future."""
        current = self.world.snapshots.current()
        assert current is None or current.as_of <= self.world.clock()
        for found in seen.documents:
            for approval in found.signed:
                if approval.kind == "person":
                    held = [report for report in found.looked if report.at == approval.at and report.by == approval.by]
                    assert [report.verdict for report in held] == [Verdict.HOLDS], found.proposal.proposal_id

    def no_unit_is_promised_twice(self) -> None:
        """P8: the ledger's columns are the sums of the reservations, and never more than there is."""
        assert_ledger_equals_reservations(self.world)

    def the_log_only_grows_and_tells_what_the_tables_say(self) -> None:
        """P13: every new link holds, and the tables are what the log makes of them; all of it again at the end."""
        self.log.assert_grown_soundly(self.world)


def _reachable(state: ProposalState) -> frozenset[ProposalState]:
    """A state and every one that may come after it, however many steps later."""
    found, fresh = {state}, {state}
    while fresh:
        fresh = {after for known in fresh for after in ARROWS.get(known, frozenset())} - found
        found |= fresh
    return frozenset(found)


def machine_on(shelf: World, directory: Path) -> type[HouseMachine]:
    """The machine on copies of one house, in a directory of the test."""

    class Here(HouseMachine):
        def __init__(self) -> None:
            super().__init__(shelf, directory)

    return Here
