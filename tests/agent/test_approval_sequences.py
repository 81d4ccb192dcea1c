"""Sixty sequences of what people do about one proposal, and what comes of each signature.

The tier and whether two people are needed come from the gate, for the value at hand; who may sign from the approval
policy, the rights document, the people and their delegations as they stand at that step. What takes a database (lost
races, expiry, snapshots that changed) is tested with the decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from agent.approval_policy import rule_on
from agent.rights import load_rights
from agent.signing_rights import Law, entitlement, signatures_missing
from inventory.delegations import Delegation
from inventory.records import Tier, User
from tests.agent.gate_worlds import POLICY, facts
from tests.agent.rights_worlds import CONTENT, LAW, NOON, a_delegation, a_user, rights_with, waiting

K = 1_000_00
CENT = 1
PEOPLE = (
    a_user(user_id="ann", sites=("DC-EAST",)),
    a_user(user_id="ben", sites=("WH-SOUTH",)),
    a_user(user_id="cara", sites=("FC-WEB",)),
    a_user(user_id="dev", roles=("buyer",), sites=None),
    a_user(user_id="erin", roles=("approver",), sites=None, value_limit_minor=50 * K),
    a_user(user_id="fay", roles=("approver",), sites=None, value_limit_minor=50 * K),
    a_user(user_id="fin", roles=("finance",), sites=None, value_limit_minor=50 * K),
    a_user(user_id="gita", roles=("central",), sites=None, value_limit_minor=250 * K),
    a_user(user_id="lim", roles=("approver",), sites=None, value_limit_minor=7 * K),
    a_user(user_id="part", roles=("approver",), sites=("WH-SOUTH",), value_limit_minor=50 * K),
    a_user(user_id="few", roles=("approver",), sites=None, item_classes=("regulated",), value_limit_minor=50 * K),
    a_user(user_id="iris", roles=("approver", "auditor"), sites=None, value_limit_minor=50 * K),
    a_user(user_id="root", roles=("central", "administrator"), sites=None, value_limit_minor=50 * K),
    a_user(user_id="bot", roles=("approver", "service"), sites=None, value_limit_minor=50 * K),
)


@dataclass
class Room:
    """One proposal on the table, and everybody around it."""

    people: dict[str, User] = field(default_factory=lambda: {user.user_id: user for user in PEOPLE})
    delegations: list[Delegation] = field(default_factory=list)
    law: Law = LAW
    now: datetime = NOON
    requested_by: str = "evenkeel"
    value_minor: int = 1 * K
    lane_sum_minor: int = 0
    needs_roles: tuple[str, ...] = ()
    advice: bool = False
    outcomes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.on_the_table = waiting()
        self.put()

    def put(self, *, kept: bool = True) -> None:
        """Rule on it anew; signatures stay while the version does."""
        sheet = facts(
            value_minor=self.value_minor, lane_value_24h_minor=self.lane_sum_minor, rollout_mode="guided",
            item_classes=("standard",), kill_switch=self.advice,
        )  # fmt: skip
        decision = rule_on(sheet, POLICY)
        self.on_the_table = waiting(
            decision.tier,
            content=CONTENT.model_copy(update={"value_minor": self.value_minor}),
            two_people=decision.two_people,
            needs_roles=self.needs_roles,
            value_minor=self.value_minor + self.lane_sum_minor,
            requested_by=self.requested_by,
            last_editor=self.requested_by,
            signed=self.on_the_table.signed if kept else (),
        )


Step = Callable[[Room], None]


def sign(name: str) -> Step:
    """Somebody approves what is on the table."""

    def step(room: Room) -> None:
        lent = [made for made in room.delegations if made.to_user == name]
        asked = room.on_the_table
        signature, why_not = entitlement(room.people[name], asked, room.law, room.now, lent, room.people)
        if signature is None:
            room.outcomes.append(f"refused: {why_not}")
            return
        room.on_the_table = asked.model_copy(update={"signed": (*asked.signed, signature)})
        missing = signatures_missing(room.on_the_table, room.law, room.people)
        for_whom = f" for {signature.on_behalf_of}" if signature.on_behalf_of else ""
        room.outcomes.append(f"waits{for_whom}: {'; '.join(missing)}" if missing else f"approved{for_whom}")

    return step


def edit(name: str, value_minor: int | None = None) -> Step:
    """Somebody makes another version of it: no signature covers that one."""

    def step(room: Room) -> None:
        room.requested_by = name
        room.value_minor = room.value_minor if value_minor is None else value_minor
        room.put(kept=False)

    return step


def worth(value_minor: int, before: int = 0, needs: tuple[str, ...] = ()) -> Step:
    """What it is worth, what its lane saw within a day, and who must agree by name."""

    def step(room: Room) -> None:
        room.value_minor, room.lane_sum_minor, room.needs_roles = value_minor, before, needs
        room.put()

    return step


def lend(giver: str, taker: str, hours: float = 24, **limits: tuple[str, ...]) -> Step:
    def step(room: Room) -> None:
        ends = room.now + timedelta(hours=hours)
        room.delegations.append(a_delegation(giver, taker, starts=room.now, ends=ends, at=room.now, **limits))

    return step


def take_back(giver: str) -> Step:
    def step(room: Room) -> None:
        room.delegations = [
            made.model_copy(update={"revoked_at": room.now}) if made.from_user == giver else made
            for made in room.delegations
        ]

    return step


def change(name: str, **what: object) -> Step:
    """Somebody's rights change."""

    def step(room: Room) -> None:
        room.people[name] = room.people[name].model_copy(update=what)

    return step


def after(hours: float, *, seconds: float = 0) -> Step:
    def step(room: Room) -> None:
        room.now += timedelta(hours=hours, seconds=seconds)

    return step


def document(*replaced: tuple[str, str]) -> Step:
    """Another version of the rights document comes into force; what nobody answers goes to central in it."""
    to_central = ('to = "approver"', 'to = "central"')

    def step(room: Room) -> None:
        room.law = replace(room.law, rights=load_rights(rights_with(*replaced, to_central)))

    return step


def policy(**approvers: tuple[str, ...]) -> Step:
    """Another version of the approval policy's signing roles comes into force."""

    def step(room: Room) -> None:
        room.law = replace(room.law, approvers=room.law.approvers.model_copy(update=approvers))

    return step


def halted(room: Room) -> None:
    """The kill switch is on: all is advice."""
    room.advice = True
    room.put()


OK, SECOND = "approved", "waits: a second person must sign"
FORMAL = worth(5 * K + CENT)
TWO = worth(20 * K + CENT)
PLANNER_ROW = 'tier = "planner"\nroles = ["planner", "approver", "central"]'
FORMAL_ROW = 'tier = "formal"\nroles = ["approver", "finance", "central"]'

SEQUENCES: dict[str, tuple[Iterable[Step], Iterable[str]]] = {
    # one signature
    "planner of the receiving site": ([sign("ben")], [OK]),
    "planner of the giving site": ([sign("ann")], [OK]),
    "planner of neither site": ([sign("cara")], ["refused: cara is responsible for none"]),
    "buyer": ([sign("dev")], ["refused: dev holds none of the roles planner, approver, central"]),
    "approver instead of the planner": ([sign("erin")], [OK]),
    "finance alone in the planner tier": ([sign("fin")], ["refused: fin holds none"]),
    "auditor with a signing role": ([sign("iris")], ["refused: iris holds the role auditor"]),
    "administrator with a signing role": ([sign("root")], ["refused: root holds the role administrator"]),
    "service account with a signing role": ([sign("bot")], ["refused: bot holds the role service"]),
    "locked out": ([change("ben", active=False), sign("ben")], ["refused: ben is not active"]),
    "locked out and let in again": ([change("ben", active=False), change("ben", active=True), sign("ben")], [OK]),
    "role taken away": ([change("ben", roles=()), sign("ben")], ["refused: ben holds none"]),
    "class outside the person's": ([sign("few")], ["refused: few has no right over items of class standard"]),
    "no site at all": ([change("ben", sites=()), sign("ben")], ["refused: ben is responsible for none"]),
    "advice is signed by nobody": ([halted, sign("gita")], ["refused: advice may not be executed"]),
    # values at, and one minor unit beside, every limit
    "planner at the planner limit": ([worth(5 * K), sign("ben")], [OK]),
    "planner one cent below it": ([worth(5 * K - CENT), sign("ben")], [OK]),
    "planner one cent above it": ([FORMAL, sign("ben")], ["refused: ben holds none of the roles approver"]),
    "approver one cent above it": ([FORMAL, sign("erin")], [OK]),
    "at the person's own limit": ([worth(7 * K), sign("lim")], [OK]),
    "one cent below the person's own limit": ([worth(7 * K - CENT), sign("lim")], [OK]),
    "one cent above the person's own limit": ([worth(7 * K + CENT), sign("lim")], ["refused: the value of 7,000.01"]),
    "one person at the limit for two": ([worth(20 * K), sign("erin")], [OK]),
    "one person one cent above it": ([TWO, sign("erin")], [SECOND]),
    "parts that sum up to the planner limit": ([worth(2 * K, 3 * K), sign("ben")], [OK]),
    "parts that sum to one cent more": ([worth(2 * K, 3 * K + CENT), sign("ben")], ["refused: ben holds none"]),
    "parts above the person's own limit": (
        [worth(1 * K, 6 * K + CENT), sign("lim")], ["refused: the value of 7,000.01 EUR"]
    ),
    "parts that sum up to two people": ([worth(1 * K, 19 * K + CENT), sign("erin"), sign("fay")], [SECOND, OK]),
    # two people
    "two approvers": ([TWO, sign("erin"), sign("fay")], [SECOND, OK]),
    "the same approver twice": ([TWO, sign("erin"), sign("erin")], [SECOND, "refused: erin has signed"]),
    "approver and finance": ([TWO, sign("erin"), sign("fin")], [SECOND, OK]),
    "approver and planner": ([TWO, sign("erin"), sign("ben")], [SECOND, "refused: ben holds none"]),
    "approver and one of half the sites": (
        [TWO, sign("erin"), sign("part")], [SECOND, "refused: part has no right over DC-EAST"]
    ),
    "two people of whom one is an auditor": ([TWO, sign("erin"), sign("iris")], [SECOND, "refused: iris holds"]),
    "it gets dearer between two signatures": ([FORMAL, worth(20 * K + CENT), sign("erin"), sign("fay")], [SECOND, OK]),
    # editing
    "who edits does not sign": ([edit("ben"), sign("ben")], ["refused: ben asked for this proposal"]),
    "who edits needs another one": ([edit("ben"), sign("ann")], [OK]),
    "edit after a first signature wipes it": ([TWO, sign("erin"), edit("fay"), sign("gita")], [SECOND, SECOND]),
    "edit after approve, the first signs again": (
        [TWO, sign("erin"), edit("fay"), sign("erin"), sign("gita")], [SECOND, SECOND, OK]
    ),
    "the first signer edits": ([TWO, sign("erin"), edit("erin"), sign("erin")], [SECOND, "refused: erin asked"]),
    "an edit above the limit raises the tier": (
        [sign("ben"), edit("ann", 6 * K), sign("ben")], [OK, "refused: ben holds none of the roles approver"]
    ),
    "an edit below the limit lowers it": ([FORMAL, edit("ann", 4 * K), sign("ben")], [OK]),
    "two editors in a row, the first may sign": ([edit("ben"), edit("ann"), sign("ben")], [OK]),
    # delegation
    "through a delegate": ([lend("ben", "cara"), sign("cara")], ["approved for ben"]),
    "delegate of an approver": ([FORMAL, lend("erin", "cara"), sign("cara")], ["approved for erin"]),
    "delegation over by a second": (
        [lend("ben", "cara", 1), after(1, seconds=1), sign("cara")], ["refused: ben ended at 2024-04-08 13:00:00"]
    ),
    "delegation at its very end": ([lend("ben", "cara", 1), after(1), sign("cara")], ["refused: ben ended at"]),
    "delegation a second before its end": (
        [lend("ben", "cara", 1), after(1, seconds=-1), sign("cara")], ["approved for ben"]
    ),
    "delegation taken back": ([lend("ben", "cara"), take_back("ben"), sign("cara")], ["refused: ben was revoked"]),
    "the giver was locked out": (
        [lend("ben", "cara"), change("ben", active=False), sign("cara")], ["refused: for ben: ben is not active"]
    ),
    "the giver lost the role": (
        [lend("ben", "cara"), change("ben", roles=()), sign("cara")], ["refused: for ben: ben holds none"]
    ),
    "the giver's limit binds": (
        [worth(7 * K + CENT), lend("lim", "cara"), sign("cara")], ["refused: for lim: the value of 7,000.01 EUR"]
    ),
    "a delegation over another class": (
        [FORMAL, lend("erin", "cara", item_classes=("regulated",)), sign("cara")],
        ["refused: for erin: erin has no right over items of class standard"],
    ),
    "delegate of the requester": (
        [edit("ben"), lend("ben", "cara"), sign("cara")], ["refused: for ben: ben asked for this proposal"]
    ),
    "delegate of the requester with a right of their own": ([edit("ben"), lend("ben", "ann"), sign("ann")], [OK]),
    "the requester stands in for an approver": (
        [lend("erin", "ben"), edit("ben"), sign("ben")], ["refused: for erin: ben asked for this proposal"]
    ),
    "delegate of the first signer": (
        [TWO, lend("erin", "cara"), sign("erin"), sign("cara")], [SECOND, "refused: for erin: erin has signed"]
    ),
    "one person for two givers": (
        [TWO, lend("erin", "cara"), lend("fay", "cara"), sign("cara"), sign("cara")],
        ["waits for erin: a second person must sign", "refused: for fay: cara has signed"],
    ),
    "the first signer for another giver": (
        [TWO, lend("fay", "erin"), sign("erin"), sign("erin")], [SECOND, "refused: for fay: erin has signed"]
    ),
    "the giver signs after the delegate": (
        [TWO, lend("erin", "cara"), sign("cara"), sign("erin")],
        ["waits for erin: a second person must sign", "refused: erin has signed"],
    ),
    "delegate and an independent approver": (
        [TWO, lend("erin", "cara"), sign("cara"), sign("fay")], ["waits for erin: a second person must sign", OK]
    ),
    "a delegate that never signs": ([lend("erin", "root"), sign("root")], ["refused: for erin: root holds the role"]),
    "lent rights lent on": (
        [FORMAL, lend("erin", "ben"), lend("ben", "cara"), sign("cara")], ["refused: for ben: ben holds none of the"]
    ),
    "delegation ends after the signature": (
        [TWO, lend("erin", "cara", 1), sign("cara"), after(2), sign("fay")], ["waits for erin: a second", OK]
    ),
    # rights and policy change in between
    "first signer loses the role before the second": (
        [TWO, sign("erin"), change("erin", roles=("planner",)), sign("fay")], [SECOND, SECOND]
    ),
    "first signer is locked out before the second": (
        [TWO, sign("erin"), change("erin", active=False), sign("fay"), sign("gita")], [SECOND, SECOND, OK]
    ),
    "first signer becomes an auditor": (
        [TWO, sign("erin"), change("erin", roles=("approver", "auditor")), sign("fay")], [SECOND, SECOND]
    ),
    "the document takes planners away": (
        [document((PLANNER_ROW, 'tier = "planner"\nroles = ["approver", "central"]')), sign("ben"), sign("erin")],
        ["refused: ben holds none of the roles approver, central", OK],
    ),
    "the document no longer covers the site": (
        [document((PLANNER_ROW, f'sites = ["FC-WEB"]\n{PLANNER_ROW}')), sign("ben"), sign("erin"), sign("gita")],
        ["refused: no row of the rights document covers this", "refused: no row", OK],
    ),
    "the document covers one of two sites": (
        [document((PLANNER_ROW, f'sites = ["WH-SOUTH"]\n{PLANNER_ROW}')), sign("ben"), sign("gita")],
        ["refused: no row of the rights document covers this", OK],
    ),
    "the document takes finance away between two signatures": (
        [TWO, sign("fin"), document((FORMAL_ROW, 'tier = "formal"\nroles = ["approver", "central"]')), sign("erin")],
        [SECOND, SECOND],
    ),
    "the policy takes approvers away between two signatures": (
        [TWO, sign("erin"), policy(formal=("finance", "central")), sign("fin"), sign("gita")], [SECOND, SECOND, OK]
    ),
    "the policy excludes finance": (
        [TWO, policy(excluded=("auditor", "administrator", "service", "finance")), sign("fin")],
        ["refused: fin holds the role finance, which never signs"],
    ),
    # roles asked for by name
    "finance must agree, planner first": (
        [worth(1 * K, needs=("finance",)), sign("ben"), sign("fin")], ["waits: a signature of finance", OK]
    ),
    "finance must agree, finance first": (
        [worth(1 * K, needs=("finance",)), sign("fin"), sign("ben")], ["waits: a signature of planner", OK]
    ),
    "finance must agree and asked for it": (
        [worth(1 * K, needs=("finance",)), edit("fin"), sign("fin")], ["refused: fin asked"]
    ),
    "finance counts for both among two people": (
        [worth(20 * K + CENT, needs=("finance",)), sign("fin"), sign("erin")], [SECOND, OK]
    ),
    "two people without the one named": (
        [worth(20 * K + CENT, needs=("finance",)), sign("erin"), sign("fay"), sign("fin")],
        [f"{SECOND}; a signature of finance", "waits: a signature of finance", OK],
    ),
    "the buyer must agree": (
        [worth(1 * K, needs=("buyer",)), sign("dev"), sign("ben")], ["waits: a signature of planner", OK]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_comes_out_as_it_must(name: str) -> None:
    steps, expected = SEQUENCES[name]
    room = Room()
    for step in steps:
        step(room)
    assert len(room.outcomes) == len(list(expected)), room.outcomes
    for outcome, wanted in zip(room.outcomes, expected, strict=True):
        kind, _, text = wanted.partition(": ")
        exact = wanted in (OK, SECOND)
        assert outcome == wanted if exact else outcome.startswith(kind) and text in outcome, room.outcomes


def test_there_are_sixty_sequences_and_the_gate_sets_their_tiers() -> None:
    assert len(SEQUENCES) >= 60
    tiers = []
    for value in (1 * K, 5 * K, 5 * K + CENT, 20 * K, 20 * K + CENT):
        room = Room(value_minor=value)
        tiers.append((room.on_the_table.tier, room.on_the_table.two_people))
    assert tiers == [(Tier.PLANNER, False)] * 2 + [(Tier.FORMAL, False)] * 2 + [(Tier.FORMAL, True)]
