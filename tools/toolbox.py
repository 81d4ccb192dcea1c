"""The tools' common ground: database, snapshots, knowledge, ERP and clock, handed in and never imported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import polars as pl
from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, select

from inventory.database import Database
from inventory.document_revisions import list_speaking
from inventory.document_windows import corpus_digest
from inventory.errors import SnapshotError
from inventory.ledger_frame import ledger_frame
from inventory.machine_rules import RuleRecord
from inventory.outbox import list_outbox
from inventory.proposals import find_plan_run, list_proposals, proposal_ids
from inventory.record import digest_text, load
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Approval,
    CaseKind,
    CaseState,
    DocumentState,
    PlanRun,
    Proposal,
    ProposalLine,
    ProposalState,
)
from inventory.rulebook import find_policy
from inventory.snapshots import Snapshot, SnapshotStore
from inventory.tables import approvals, cases, findings
from tools.arrays import build_arrays, frame_of_places
from tools.erp.port import ErpPort
from tools.forecast_needs import Needs
from tools.lanes import Lane, read_lanes
from tools.lead_times import LeadTimes
from tools.limits import Limits
from tools.option_facts import OptionFacts, read_option_facts
from tools.outlook import Outlook, look_ahead
from tools.rules.in_force import on_record, rules_in_force
from tools.shared import SharedFacts
from tools.targets import Targets
from tools.thresholds import Thresholds, parse_thresholds

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase

T = TypeVar("T")

ADDING = (ActionKind.TRANSFER, ActionKind.PURCHASE)
"""Actions that bring units no feed shows yet; an expedited order is in the feed already."""
UNDECIDED = (ProposalState.DRAFT, ProposalState.PENDING, ProposalState.SNOOZED)
PROMISED = (ProposalState.DRAFT, ProposalState.PENDING, ProposalState.APPROVED)
_LINES = TypeAdapter(list[ProposalLine])
SENT = (ProposalState.LEASED, ProposalState.SENT, ProposalState.IN_DOUBT, ProposalState.EXECUTED)


@dataclass
class Toolbox:
    """Everything a capability needs. ``erp`` is only wired where documents are dispatched."""

    database: Database
    snapshots: SnapshotStore
    knowledge_root: Path
    clock: Callable[[], datetime]
    machine: Callable[[], datetime]
    """The machine's own time, which other machines' clocks are compared with; ``clock`` may be a demo's."""
    erp: ErpPort | None = None
    seed: int = 20240408
    hard_kill_seconds: float | None = None
    """Wall-clock limit of the solver's child process; ``None`` solves in this process."""
    rollout: str = "guided"
    """How far the roll-out is, for questions about the gate; the gate itself is handed its own."""
    erp_native_key: bool = False
    """Whether the ERP refuses a second document with our key, for the same questions."""
    executor: Executor | None = None
    """Whose workers look at the parts of the network; this process when ``None``."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Keys, tokens and passwords of this house, which the trace must never hold."""
    room_left: dict[str, Limits] = field(default_factory=dict)
    """What the newest plan run that was read left of what lanes share."""
    _outlooks: dict[str, Outlook] = field(default_factory=dict)
    _knowledge: dict[str, KnowledgeBase] = field(default_factory=dict)
    _snapshots: dict[str, Snapshot] = field(default_factory=dict)
    _lead_times: dict[str, LeadTimes] = field(default_factory=dict)
    _learning: dict[str, Callable[[], SharedFacts]] = field(default_factory=dict)
    _shared: dict[str, SharedFacts] = field(default_factory=dict)
    _plan_runs: dict[str, PlanRun] = field(default_factory=dict)
    _thresholds: dict[str, Thresholds] = field(default_factory=dict)
    _lanes: dict[str, dict[str, tuple[Lane, ...]]] = field(default_factory=dict)
    _option_facts: dict[str, OptionFacts] = field(default_factory=dict)
    _made: dict[str, tuple[str, object]] = field(default_factory=dict)

    def now(self) -> datetime:
        """The moment, from the clock that was handed in."""
        return self.clock()

    def snapshot(self, snapshot_id: str | None = None) -> Snapshot:
        """A snapshot by id, the current one when none is named."""
        known = self._snapshots.get(snapshot_id) if snapshot_id is not None else None
        if known is not None:
            return known
        found = self.snapshots.open(snapshot_id) if snapshot_id is not None else self.snapshots.current()
        if found is None:
            raise SnapshotError("no data yet: import feeds first (evenkeel import FOLDER)")
        # A snapshot never changes; the one in use keeps the tables it has read.
        kept = self._snapshots.get(found.snapshot_id, found)
        self._snapshots = {found.snapshot_id: kept}
        return kept

    def made_of_snapshot(self, make: Callable[[Snapshot], T]) -> T:
        """What a function makes of the current snapshot, made once and kept until there is another."""
        snapshot, name = self.snapshot(), f"{make.__module__}.{make.__qualname__}"
        if self._made.get(name, ("", None))[0] != snapshot.snapshot_id:
            self._made[name] = (snapshot.snapshot_id, make(snapshot))
        return cast("T", self._made[name][1])

    def thresholds(self, connection: Connection, version: int | None = None) -> Thresholds:
        """Detection thresholds in force, or of a version."""
        policy = find_policy(connection, EVERYTHING, "thresholds", version, at=self.now())
        parsed = self._thresholds.get(policy.content)
        if parsed is None:
            parsed = parse_thresholds(policy.content)
            self._thresholds = {policy.content: parsed}
        return parsed.model_copy(update={"version": policy.version})

    def lanes(self, snapshot: Snapshot) -> dict[str, tuple[Lane, ...]]:
        """Lanes of a snapshot by destination."""
        if snapshot.snapshot_id not in self._lanes:
            self._lanes = {snapshot.snapshot_id: read_lanes(snapshot)}
        return self._lanes[snapshot.snapshot_id]

    def option_facts(self, snapshot: Snapshot) -> OptionFacts:
        """What decides which options there are in a snapshot, besides stock and lanes."""
        if snapshot.snapshot_id not in self._option_facts:
            self._option_facts = {snapshot.snapshot_id: read_option_facts(snapshot)}
        return self._option_facts[snapshot.snapshot_id]

    def lead_times(self, snapshot: Snapshot) -> LeadTimes:
        """Lead times of a whole snapshot."""
        if snapshot.snapshot_id not in self._lead_times:
            self._lead_times = {snapshot.snapshot_id: LeadTimes.of(snapshot)}
        return self._lead_times[snapshot.snapshot_id]

    def rules(self, connection: Connection) -> tuple[RuleRecord, ...]:
        """Machine rules in force today."""
        return rules_in_force(connection, self.now().date())

    def start_sharing(self, snapshot: Snapshot) -> None:
        """Have workers begin with what the item-sites of a snapshot share, before it is asked for."""
        if snapshot.snapshot_id not in self._shared | self._learning:
            start = SharedFacts.start(snapshot, self.lead_times(snapshot), self.executor)
            self._learning = {snapshot.snapshot_id: start}

    def shared(
        self, snapshot: Snapshot, targets: Targets | None = None, rules: Sequence[RuleRecord] | None = None
    ) -> SharedFacts:
        """What the item-sites of a whole snapshot share: lead times, seasons, promotions, returns, production needs.

        Parameters
        ----------
        targets
            What policy sets instead of the ERP; as in force when omitted.
        rules
            Machine rules; as in force when omitted.
        """
        if snapshot.snapshot_id not in self._shared:
            self.start_sharing(snapshot)
            self._shared = {snapshot.snapshot_id: self._learning.pop(snapshot.snapshot_id)()}
        if targets is None:
            with self.database.read() as connection:
                targets = Targets.in_force(connection)
        if rules is None:
            with self.database.read() as connection:
                rules = self.rules(connection)
        return replace(self._shared[snapshot.snapshot_id], targets=targets, rules=tuple(rules))

    def needs(self, snapshot: Snapshot) -> Needs:
        """What production asks of its components."""
        return self.shared(snapshot, Targets.none(), ()).needs

    def plan_run(self, connection: Connection, plan_run_id: str) -> PlanRun:
        """A plan run; it never changes, and every step of every case it decided reads it."""
        known = self._plan_runs.get(plan_run_id)
        if known is None:
            known = find_plan_run(connection, EVERYTHING, plan_run_id)
            self._plan_runs = {plan_run_id: known}
        return known

    def outlook(
        self, connection: Connection, *, items: Collection[str] | None = None, exclude: Iterable[str] = ()
    ) -> Outlook:
        """The forward look on the current snapshot with today's ledger and everything already under way.

        Parameters
        ----------
        items
            The only items looked at; all when omitted.
        exclude
            Proposals whose own lines do not count as under way: those that are being decided about.
        """
        snapshot = self.snapshot()
        places = None
        if items is not None:
            planned = snapshot.table("item_sites").filter(pl.col("item").is_in(sorted(set(items))))
            places = list(planned.select("item", "site").iter_rows())
        return self.outlook_of(
            snapshot,
            ledger_frame(connection, EVERYTHING, items=items),
            committed_lines(connection, snapshot, exclude=exclude),
            self.thresholds(connection),
            Targets.in_force(connection, items=items),
            self.rules(connection),
            places=places,
        )

    def decided_outlook(self, connection: Connection, *, items: Collection[str] | None = None) -> Outlook:
        """The forward look without what is only proposed: a draft nobody approved does not end the trouble."""
        return self.outlook(connection, items=items, exclude=undecided(connection))

    def outlook_of(
        self,
        snapshot: Snapshot,
        ledger: pl.DataFrame,
        committed: Sequence[ProposalLine],
        thresholds: Thresholds,
        targets: Targets | None = None,
        rules: Sequence[RuleRecord] = (),
        *,
        places: Sequence[tuple[str, str]] | None = None,
        name: str = "",
    ) -> Outlook:
        """The forward look from given facts; the newest few are kept, since steps of one case share them.

        Parameters
        ----------
        targets
            What policy sets instead of the ERP; the ERP's settings hold when omitted.
        rules
            Machine rules the answers keep to; none when omitted.
        places
            The only item-sites looked at; all that are planned when omitted.
        name
            Names the facts where something that never changes does, such as a plan run; else their digest does.
        """
        key = name or digest_text(
            snapshot.snapshot_id,
            str(thresholds.version),
            ledger.write_csv(),
            _LINES.dump_json(list(committed)).decode(),
            str(places),
            "" if targets is None else targets.frame.write_csv(),
            *on_record(rules),
        )
        if key not in self._outlooks:
            shared = self.shared(snapshot, Targets.none() if targets is None else targets, rules)
            arrays = build_arrays(
                snapshot if places is None else snapshot.of_items({item for item, _ in places}),
                ledger,
                shared,
                horizon_days=int(thresholds.value("horizon", "days")),
                committed=committed,
                places=None if places is None else frame_of_places(places),
            )
            while len(self._outlooks) > 3:
                self._outlooks.pop(next(iter(self._outlooks)))
            self._outlooks[key] = look_ahead(arrays, shared.lead_times, thresholds)
        return self._outlooks[key]

    def knowledge(self, connection: Connection) -> KnowledgeBase:
        """The index over the documents that speak, opened anew when one came to speak or fell silent."""
        from knowledge.base import KnowledgeBase
        from knowledge.passages import SourceDocument

        key = corpus_digest(connection)
        if key not in self._knowledge:
            documents = list_speaking(connection, EVERYTHING)
            sources = [
                SourceDocument(
                    document_id=document.document_id,
                    title=document.title,
                    version=document.version,
                    text=document.text,
                    effective_from=document.effective_from,
                    effective_to=document.effective_to,
                    sites=frozenset(document.sites),
                    suppliers=frozenset(document.suppliers),
                    item_classes=frozenset(document.item_classes),
                    actions=frozenset(document.actions),
                )
                for document in documents
            ]
            self._knowledge = {key: KnowledgeBase(sources, self.knowledge_root)}
        return self._knowledge[key]


def undecided(connection: Connection) -> list[str]:
    """Proposals nobody has decided yet."""
    return proposal_ids(connection, EVERYTHING, UNDECIDED)


def committed_lines(connection: Connection, snapshot: Snapshot, *, exclude: Iterable[str] = ()) -> list[ProposalLine]:
    """Lines that will arrive and that no feed shows yet: of live proposals, and of those posted since."""
    left_out = set(exclude)
    shown: set[str] = set()
    for feed in ("transfers", "purchase_orders"):
        shown |= set(snapshot.table(feed)["our_key"].drop_nulls().to_list())
    lines: list[ProposalLine] = []
    for proposal in list_proposals(connection, EVERYTHING, states=(*PROMISED, *SENT)):
        if proposal.proposal_id in left_out:
            continue
        moving = [line for line in proposal.content.lines if line.action in ADDING and line.quantity]
        if proposal.state in SENT:
            gone = {
                row.document.group
                for row in list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)
                if row.key in shown or row.state is DocumentState.FAILED
            }
            moving = [line for line in moving if line.document_group not in gone]
        lines += moving
    return lines


def any_open(connection: Connection, kind: CaseKind, places: Collection[tuple[str, str]]) -> bool:
    """Whether a case of a kind that is not closed has a finding at one of some item-sites."""
    query = (
        select(findings.c.item, findings.c.site)
        .join(cases, and_(cases.c.case_id == findings.c.case_id, cases.c.snapshot_id == findings.c.snapshot_id))
        .where(
            cases.c.kind == kind.value,
            cases.c.state != CaseState.CLOSED.value,
            findings.c.item.in_(sorted({item for item, _ in places if item})),
        )
    )
    return any((row.item, row.site) in places for row in connection.execute(query))


def signed_by_policy(connection: Connection, proposals: Iterable[Proposal]) -> set[str]:
    """Ids of the proposals whose newest approval of exactly their digest is a policy's, all in one read."""
    digests = {proposal.proposal_id: proposal.digest for proposal in proposals}
    query = (
        select(approvals.c.body)
        .where(approvals.c.decision == "approve", approvals.c.proposal_id.in_(list(digests)))
        .order_by(approvals.c.at, approvals.c.approval_id)
    )
    newest: dict[str, Approval] = {}
    for body in connection.execute(query).scalars():
        approval = load(Approval, body)
        if approval.proposal_digest == digests[approval.proposal_id]:
            newest[approval.proposal_id] = approval
    return {proposal_id for proposal_id, approval in newest.items() if approval.kind == "policy"}
