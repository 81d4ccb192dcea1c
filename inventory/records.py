"""The records Evenkeel keeps: one exception from finding to receipt.

A ``Case`` is the business exception. Findings are its evidence, a ``PlanRun`` the joint decision it was part of, a
``Proposal`` what should be done, a ``Ruling`` who must agree, an ``Approval`` who did, a ``Receipt`` what the ERP
answered, an ``Outcome`` what came of it.

It has over 500 lines because it is one vocabulary, read from top to bottom in the order a case lives; every package
imports it whole.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_serializer

from inventory.record import Id, Measures, Record, Text, Utc, digest


class CaseKind(StrEnum):
    """What kind of trouble a case is."""

    PROJECTED_STOCKOUT = "projected_stockout"
    EXCESS = "excess"
    OBSOLESCENCE = "obsolescence"
    SUPPLIER_DELAY = "supplier_delay"
    LEAD_TIME_DRIFT = "lead_time_drift"
    DEMAND_SHIFT = "demand_shift"
    FORECAST_BIAS = "forecast_bias"
    IMBALANCE = "imbalance"
    DATA_PROBLEM = "data_problem"
    POLICY_INCONSISTENCY = "policy_inconsistency"
    RECURRING = "recurring"
    REPLENISHMENT = "replenishment"


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    WAITING = "waiting"
    DECIDED = "decided"
    EXECUTING = "executing"
    IN_TRANSIT = "in_transit"
    CLOSED = "closed"


class ActionKind(StrEnum):
    """What can be done about a case."""

    TRANSFER = "transfer"
    PURCHASE = "purchase"
    TRANSFER_AND_PURCHASE = "transfer_and_purchase"
    EXPEDITE = "expedite"
    PULL_IN = "pull_in"
    PUSH_OUT = "push_out"
    SPLIT = "split"
    CANCEL = "cancel"
    SUBSTITUTE = "substitute"
    REALLOCATE = "reallocate"
    MARKDOWN = "markdown"
    RETURN_TO_SUPPLIER = "return_to_supplier"
    PARAMETER_CHANGE = "parameter_change"
    STATUS_CHANGE = "status_change"
    COUNT_REQUEST = "count_request"
    HOLD = "hold"
    CORRECTION = "correction"


class Tier(StrEnum):
    """Who must agree, in rising order of strictness."""

    AUTO = "auto"
    PLANNER = "planner"
    FORMAL = "formal"
    ADVICE = "advice"

    @property
    def strictness(self) -> int:
        """0 for auto up to 3 for advice."""
        return list(Tier).index(self)


def strictest(*tiers: Tier) -> Tier:
    """The strictest of some tiers; auto when there is none."""
    return max(tiers, key=lambda tier: tier.strictness, default=Tier.AUTO)


class ProposalState(StrEnum):
    """Where a proposal stands; the arrows are in :mod:`inventory.lifecycle`."""

    DRAFT = "draft"
    PENDING = "pending"
    SNOOZED = "snoozed"
    APPROVED = "approved"
    LEASED = "leased"
    SENT = "sent"
    EXECUTED = "executed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    INCIDENT = "incident"
    REJECTED = "rejected"
    EXPIRED = "expired"
    RECALLED = "recalled"
    VOID = "void"
    SUPERSEDED = "superseded"


class ReasonCode(StrEnum):
    """Why a person decided otherwise, or simply that they agree."""

    AGREE = "agree"
    DATA_WRONG = "data_wrong"
    KNOWS_EVENT = "knows_event"
    STRATEGY = "strategy"
    CUSTOMER = "customer"
    CAPACITY = "capacity"
    DISTRUST = "distrust"


class Finding(Record):
    """One thing that is wrong at one place: a number, a date and a cause."""

    kind: CaseKind
    item: str = ""
    """Empty for findings about a feed."""
    site: Id
    supplier: str = ""
    cause: Id
    """Names why, e.g. ``late:SUP-LARCH``, ``demand``, ``stock_mismatch``; part of the case's identity."""
    bites_on: date
    quantity: int
    """Units short, over, late or in doubt."""
    threshold: Id
    """Name of the threshold crossed."""
    threshold_value: float
    threshold_version: int
    measures: Measures
    note: Text = ""
    """Evidence in words, and for data problems the proposed correction."""


class MoneyAtRisk(Record):
    """What a case may cost, in minor units, each share on its own."""

    margin: int = 0
    commitment_penalty: int = 0
    standstill: int = 0
    constrained_supply: int = 0
    excess_carrying: int = 0
    currency: str = "EUR"

    @property
    def total(self) -> int:
        """Sum of the shares, minor units."""
        return self.margin + self.commitment_penalty + self.standstill + self.constrained_supply + self.excess_carrying


class Case(Record):
    """One business exception: what is wrong, where, why, and since when."""

    case_id: Id
    kind: CaseKind
    scope: Id
    """What the trouble is about: ``item@site``, a supplier, or a site."""
    cause: Id
    findings: tuple[Finding, ...]
    item_classes: tuple[str, ...]
    """Class of each finding's item, in the order of the findings."""
    money_at_risk: MoneyAtRisk
    bites_on: date
    planner: str
    opened_on: date
    snapshot_id: Id
    """The snapshot it was last found in."""

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites it touches, sorted."""
        return tuple(sorted({finding.site for finding in self.findings}))

    @property
    def items(self) -> tuple[str, ...]:
        """Items it touches, sorted."""
        return tuple(sorted({finding.item for finding in self.findings if finding.item}))


class LedgerRow(Record):
    """Stock of one item at one site and lot as the ledger held it."""

    item: Id
    site: Id
    lot: str = ""
    on_hand: int
    allocated: int
    protect: int
    reserved: int
    in_flight: int
    frozen: int = 0
    """Units kept for a stated purpose by a freeze."""

    @property
    def free(self) -> int:
        """Units that may still be promised, never below zero."""
        return max(self.on_hand - self.allocated - self.protect - self.frozen - self.reserved - self.in_flight, 0)


class ProposalLine(Record):
    """One movement of one item."""

    number: int = Field(ge=1)
    action: ActionKind
    item: Id
    destination: Id
    """Site that receives, or whose stock is held or corrected."""
    origin: str = ""
    """Site that gives, for a transfer."""
    supplier: str = ""
    order_id: str = ""
    """Order that is changed, for an expedite of an open order."""
    mode: str = ""
    """Carrier of a move; for other kinds what is done: the item sent instead, the parameter, percent off, FROM-TO."""
    lot: str = ""
    quantity: int = Field(ge=0)
    cost_minor: int = Field(ge=0)
    """Landed cost of the movement itself: freight and handling, or price and order cost."""
    ship_on: date
    arrive_on: date
    """Median arrival."""

    @property
    def document_group(self) -> tuple[str, str, str, str]:
        """Lines that share it go on one ERP document."""
        return (self.action.value, self.origin or self.supplier, self.destination, self.order_id or self.mode)


class ProposalContent(Record):
    """What an approval signs: nothing in it may change without a new signature."""

    case_id: Id
    version: int = Field(ge=1)
    action: ActionKind
    lines: tuple[ProposalLine, ...]
    value_minor: int
    """Value of the units moved plus cost of moving them; for a hold, the money left at risk."""
    currency: str
    snapshot_id: Id
    plan_run_id: Id
    policy_version: int

    @property
    def lanes(self) -> tuple[str, ...]:
        """``origin>destination`` of each transfer, sorted, without repetition."""
        return tuple(sorted({f"{line.origin}>{line.destination}" for line in self.lines if line.origin}))

    @property
    def sites(self) -> tuple[str, ...]:
        """Every site a line touches, sorted."""
        return tuple(sorted({site for line in self.lines for site in (line.origin, line.destination) if site}))


class Proposal(Record):
    """A drafted action and where it stands."""

    proposal_id: Id
    content: ProposalContent
    state: ProposalState
    state_version: int
    tier: Tier | None
    requested_by: str
    """``evenkeel``, or the person whose edit made this version."""
    created_at: Utc
    expires_at: Utc
    not_before: Utc | None = None
    """End of the recall window, once approved."""
    snoozed_until: Utc | None = None
    reason: str = ""
    """Why it is void, superseded, held back …"""

    @property
    def digest(self) -> str:
        """What an approval must name."""
        return digest(self.content)


class Option(Record):
    """One thing that could be done for one item at one site, priced."""

    action: ActionKind
    item: Id
    site: Id
    source: str = ""
    """Origin site or supplier; empty for hold."""
    order_id: str = ""
    mode: str = ""
    quantity: int
    arrives_p50: date | None = None
    arrives_p90: date | None = None
    cost_minor: int
    shortage_avoided_units: float
    shortage_avoided_minor: int
    service_after: float
    """Expected share of demand met over the horizon, 0-1."""
    donor_cover_days_after: float | None = None
    expected_leftover_units: float = 0.0
    net_value_minor: int
    confidence: float
    """Share of parameter draws in which this option stays best, 0-1."""
    net_value_low_minor: tuple[int, ...] = ()
    """Net value reached at least in 50, 60, 70, 80, 90 and 95 of 100 draws; empty when it was not drawn."""
    chosen: bool = False
    feasible: bool = True
    binding_constraint: str = ""
    """What stops it from being larger, or from being possible."""
    clauses: tuple[str, ...] = ()
    """Passages whose machine rules bind it, such as ``SOP-TRF-01@v2#3.2``."""
    break_even_penalty_minor: int | None = None
    """Penalty per unit short at which it stops being worth it."""
    flip_point: str = ""
    """What would change the answer, found by re-solving; ``none in range`` is an answer."""
    executable: bool = True
    """Whether it can be carried out from here; if not, a person does it by hand, and it is never chosen by itself."""
    paid_by: str = ""
    """The function of the company that pays for it."""
    companion: str = ""
    """The other item, order or mode of a substitute, a split or a pair, in words."""
    cost_parts_minor: dict[str, int] = Field(default_factory=dict)
    """Landed cost by part; the parts sum exactly to ``cost_minor``."""
    capital_minor: int = 0
    """Money tied up in what is expected to be left at the horizon, against holding."""
    capacity_units: float = 0.0
    """Units of lane and receiving capacity it takes."""
    committed_units_late: float = 0.0
    """Units promised to named customers that are still expected short."""
    other_channels_units: float = 0.0
    """Units short it causes elsewhere: the substitute's own demand, the channel that gives."""
    side_effects: tuple[Text, ...] = ()
    """Effects on others, in words."""
    note: Text = ""


class Driver(Record):
    """One reason for the shortfall, in units, days of cover and money; drivers sum to the shortfall."""

    name: str
    units: float
    days_of_cover: float
    money_minor: int


class SituationFact(Record):
    """Facts of one item at one site."""

    item: str
    site: Id
    measures: Measures
    dates: dict[str, date] = Field(default_factory=dict)
    words: dict[str, str] = Field(default_factory=dict)


class Situation(Record):
    """The facts that mattered for a case, dated."""

    case_id: Id
    snapshot_id: Id
    as_of: Utc
    money_at_risk_minor: int = 0
    facts: tuple[SituationFact, ...]
    options: tuple[Option, ...] = ()
    drivers: tuple[Driver, ...] = ()


class Citation(Record):
    """A written rule that applies: passage, document, version, clause."""

    passage_id: Id
    document_id: Id
    version: int
    clause: str
    title: Text
    effective_from: date
    text: Text


class Explanation(Record):
    """Why, in words; separate from the proposal and outside its digest."""

    proposal_id: Id
    source: Literal["template", "model"]
    template: Text
    """The prose with its ``{{fact}}`` slots."""
    facts: dict[str, str]
    """What code filled the slots with."""
    text: Text
    citations: tuple[Citation, ...]


class FiredRule(Record):
    """One rule of the approval policy that asked for a tier."""

    rule: Id
    tier: Tier
    reason: Text


class Ruling(Record):
    """Who must agree to a proposal, and why."""

    proposal_digest: str
    tier: Tier
    fired: tuple[FiredRule, ...]
    aggregates: Measures
    """Every running sum the gate looked at."""
    policy_version: int
    two_people: bool
    """Two different approvers are needed."""
    needs_roles: tuple[str, ...] = ()
    """Roles of which one signer each is required, whatever the value."""
    one_of_roles: tuple[tuple[str, ...], ...] = ()
    """Groups of roles, by machine rules: of each group one signer is required."""
    facts: str = ""
    """The fact sheet it was ruled on, canonical JSON, so that it replays under another policy."""
    at: Utc


class Approval(Record):
    """A signature over a proposal digest: by a person, or by policy in the auto tier."""

    approval_id: Id
    proposal_id: Id
    proposal_digest: str
    decision: Literal["approve", "edit", "choose", "reject", "recall", "snooze", "escalate"]
    by: Id
    """User id, or ``policy:<version>:<rule>``."""
    on_behalf_of: str = ""
    """The person whose right ``by`` exercised under a delegation; empty when it was their own."""
    kind: Literal["person", "policy"]
    reason: ReasonCode
    text: Text = ""
    at: Utc


class ErpLine(Record):
    """One line of an ERP document."""

    item: Id
    lot: str = ""
    quantity: int = Field(ge=1)


class ErpDocument(Record):
    """What is sent to the ERP: one transfer order, purchase order or order change."""

    key: Id
    """Idempotency key, ``EK-`` and 26 base32 characters."""
    action: ActionKind
    destination: Id
    origin: str = ""
    supplier: str = ""
    order_id: str = ""
    mode: str = ""
    ship_on: date
    arrive_on: date
    lines: tuple[ErpLine, ...]
    approval_id: Id

    @property
    def group(self) -> tuple[str, str, str, str]:
        """The ``document_group`` of the proposal lines it carries."""
        return (self.action.value, self.origin or self.supplier, self.destination, self.order_id or self.mode)


class DocumentState(StrEnum):
    """Where one ERP document of an approved proposal stands."""

    READY = "ready"
    SENT = "sent"
    EXECUTED = "executed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


class OutboxRow(Record):
    """One ERP document waiting to be sent, or sent."""

    key: Id
    proposal_id: Id
    number: int
    document: ErpDocument
    state: DocumentState
    attempts: int
    note: str = ""
    fencing: int = 0
    """Fencing number of the executor that moved it last; 0 before the first."""
    changed_at: Utc | None = None
    """When it came to this state."""


class Receipt(Record):
    """What the ERP answered."""

    key: Id
    proposal_id: Id
    erp_reference: Id
    posted_at: Utc
    found_by: Literal["answer", "reconciliation", "person"]
    """How it became known: the ERP's own answer, a look-up by key, or a person's word."""


class Outcome(Record):
    """What was predicted, and later what was seen."""

    proposal_id: Id
    case_id: Id
    state: Literal["open", "observed"]
    predicted: Measures
    observed: Measures = Field(default_factory=dict)
    opened_at: Utc
    observed_at: Utc | None = None


class Override(Record):
    """A person decided otherwise; kept to be judged later."""

    proposal_id: Id
    case_id: Id
    by: Id
    decision: Id
    reason: ReasonCode
    text: Text
    at: Utc


class PlanLine(Record):
    """What the joint plan decided for one need of one case."""

    case_id: Id
    line: ProposalLine
    net_value_minor: int


class PolicyTarget(Record):
    """What the stocking policy asked of an item-site beside the ERP's own settings, or instead of them."""

    item: Id
    site: Id
    service_target: float | None = None
    """``None`` where the ERP's own target and review period stay."""
    by_fill_rate: bool = False
    """The target is a share of units served from stock, else the chance of no stockout in a cycle."""
    review_days: int | None = None
    safety_stock: str = "gamma"
    """Method by which the target becomes a reorder point."""
    floor_days: float = 0.0
    floor_units: int = 0
    minimum_days: float = 0.0
    minimum_units: int = 0
    maximum_units: int | None = None


class PlanRun(Record):
    """One joint decision over all open cases, with everything needed to repeat it."""

    plan_run_id: Id
    snapshot_id: Id
    policy_version: int
    threshold_version: int
    case_ids: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    """``(item, site)`` of every item-site the plan looked at, sorted."""
    ledger: tuple[LedgerRow, ...]
    """Ledger rows of these places, as they were."""
    committed_inbound: tuple[ProposalLine, ...]
    """Lines of live proposals, held fixed."""
    needs: tuple[tuple[str, str, str], ...]
    """``(case_id, item, site)`` of every need, in order."""
    reliefs: tuple[float, ...] = ()
    """Currency saved per unit a surplus site gives, per need; zero where the need is a shortage."""
    targets: tuple[PolicyTarget, ...] = ()
    """What policy asked of these places by their segments; the ERP's settings held for the others."""
    rules: tuple[str, ...] = ()
    """Machine rules that spoke about these places, canonical JSON each: they are kept whole, whatever becomes of their
    documents."""
    parameters: Measures
    seed: int
    solver_path: str
    objective: float
    lines: tuple[PlanLine, ...]
    lost_to: dict[str, str] = Field(default_factory=dict)
    """Case that got less than it wanted, and which case took the units and why."""
    won_by: dict[str, str] = Field(default_factory=dict)
    """The same cases, and the case that won."""
    lane_room: dict[str, float] = Field(default_factory=dict)
    """Units left on lanes of which earlier proposals took some, by name of the lane."""
    held_back: dict[str, str] = Field(default_factory=dict)
    """Planned case that got no draft, and why."""
    at: Utc


class Sweep(Record):
    """One look at everything: what was found and what became of it."""

    sweep_id: Id
    snapshot_id: Id
    item_sites: int
    findings: int
    found: int
    """Cases found in this sweep."""
    shown: int
    automatic: int
    held_back: int
    cleared: int
    dispositions: dict[str, str]
    """Case id to ``shown``, ``automatic`` or ``held_back:<reason>``."""
    started_at: Utc
    finished_at: Utc
    seconds: Measures


class KpiPoint(Record):
    """One figure of one sweep, for a site or for all (empty)."""

    sweep_id: Id
    name: Id
    site: str = ""
    value: float
    at: Utc


class FeedHealth(Record):
    """State of one feed at one site."""

    feed: Id
    site: Id
    as_of: Utc
    age_hours: float
    score: float
    """1 is sound, 0 unusable."""
    problems: tuple[str, ...] = ()


class DocumentOfRecord(Record):
    """A written rule as approved: text, version, dates and scope."""

    document_id: Id
    title: Text
    version: int = Field(ge=1)
    text: Text
    effective_from: date
    effective_to: date | None = None
    sites: tuple[str, ...] = ()
    suppliers: tuple[str, ...] = ()
    item_classes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    added_by: Id
    added_at: Utc


PolicyKind = Literal["approval", "thresholds", "stocking", "rights", "calibration"]
"""Documents kept in versions: four policies, and the table of stated against observed confidence."""


class PolicyVersion(Record):
    """One version of a policy document, as text."""

    kind: PolicyKind
    version: int
    content: str
    author: Id
    effective_at: Utc
    confirmed_by: str = ""
    """The second person; empty for what Evenkeel ships with or measured itself."""
    draft_id: str = ""
    """The draft it was adopted from."""


class User(Record):
    """A person or service: roles, what they may see, and up to which value they may approve."""

    user_id: Id
    name: Text
    roles: tuple[str, ...]
    sites: tuple[str, ...] | None = None
    """``None``: every site."""
    item_classes: tuple[str, ...] | None = None
    """``None``: every class."""
    value_limit_minor: int = 0
    active: bool = True
    version: int = 1


class Scope(Record):
    """What a reader may see; every read of the store takes one."""

    user: Id
    sites: frozenset[str] | None = None
    item_classes: frozenset[str] | None = None

    @field_serializer("sites", "item_classes", when_used="json")
    def _in_order(self, members: frozenset[str] | None) -> list[str] | None:
        return None if members is None else sorted(members)

    def allows(self, site: str, item_class: str) -> bool:
        """Whether a record about that site and class may be shown."""
        return (self.sites is None or site in self.sites) and (
            self.item_classes is None or item_class in self.item_classes
        )


EVERYTHING = Scope(user="evenkeel")
"""The service's own scope."""


class SegmentChange(Record):
    """An item-site that is in another segment than in the snapshot before."""

    snapshot_id: Id
    item: Id
    site: Id
    item_class: str
    before: int = Field(ge=0, lt=90)
    """Number of its cell: value, variability, stage of life, constrained supply."""
    after: int = Field(ge=0, lt=90)
    value_minor: int
    """Yearly demand at cost, minor units."""
    at: Utc


class ScenarioKind(StrEnum):
    """What a scenario changes."""

    SUPPLIER_SLIPS = "supplier_slips"
    DEMAND_SURGE = "demand_surge"
    SITE_SHUTDOWN = "site_shutdown"
    LANE_CLOSED = "lane_closed"
    SERVICE_TARGET_CHANGED = "service_target_changed"
    PART_DELIVERIES = "part_deliveries"


class ScenarioChange(Record):
    """One thing that would be different; days count from the day of the data, ``end_day`` is not part of it."""

    kind: ScenarioKind
    first_day: int = Field(default=0, ge=0, le=3650)
    end_day: int = Field(default=28, ge=1, le=3650)
    supplier: str = ""
    """Whose items; empty for every supplier."""
    site: str = ""
    """Which site; empty for every one."""
    origin: str = ""
    destination: str = ""
    """Ends of a lane."""
    items: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    """Items and families it is limited to; both empty: every item."""
    days: int = Field(default=0, ge=0, le=365)
    """Days a supplier slips, or after which the rest of a part delivery comes."""
    factor: float = Field(default=1.0, ge=0.0, le=100.0)
    """Of demand."""
    share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Of a delivery that comes in time."""
    service_target: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Cycle service level."""


class StoredScenario(Record):
    """A what-if that can be asked again."""

    name: Id
    changes: tuple[ScenarioChange, ...] = Field(min_length=1)
    note: Text = ""


class ReplenishmentLine(Record):
    """One item ordered, or moved, for one site by a replenishment run."""

    action: ActionKind
    item: Id
    site: Id
    source: str
    """Supplier, or the site that gives."""
    mode: str = ""
    quantity: int = Field(ge=1)
    wanted: int = Field(ge=0)
    """Units before minimum, lots, budget, capacity and rationing."""
    position: float
    """Free stock and what comes in time, less what is owed to sites it feeds; units."""
    order_up_to_level: float
    limited_by: tuple[str, ...] = ()
    """What changed the quantity: ``minimum``, ``multiple``, ``maximum``, ``budget``, ``rationing``, ``capacity``."""
    cost_minor: int
    """Price and order cost, or freight."""
    value_minor: int
    """What the line puts at stake: goods and the cost of moving them."""
    shortage_avoided_units: float
    shortage_avoided_minor: int
    arrive_on: date
    planner: str
    item_class: str
    segment: int
    proposal_id: str = ""
    """Empty in shadow."""


class WorkedRow(Record):
    """An item-site a replenishment run worked out, or that its neighbours' quantities rest on."""

    item: Id
    site: Id
    segment: int
    decided: bool
    """Whether a quantity was worked out for it; else only its stock and demand counted."""


class ReplenishmentRun(Record):
    """What one daily run recommended; in shadow it is kept and compared, and nothing else is written."""

    run_id: Id
    day: date
    snapshot_id: Id
    shadow: bool
    currency: str
    policy_version: int
    stocking_version: int
    plan_run_id: str
    """Empty in shadow."""
    item_sites: int
    """Looked at."""
    enough: int
    """Due, and nothing is needed."""
    lines: tuple[ReplenishmentLine, ...]
    set_aside: dict[str, int]
    """Item-sites no order was worked out for, by reason."""
    superseded: tuple[str, ...] = ()
    """Undecided proposals of earlier runs this one replaces."""
    worked: tuple[WorkedRow, ...] = ()
    """Everything the lines follow from, for a replay; empty in shadow."""
    budgets: dict[str, float] = Field(default_factory=dict)
    """Money that was left, by site; under the empty name for all."""
    at: Utc
