"""Small named cases for the drafting tests: one of each kind, every figure chosen by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

from inventory.records import (
    ActionKind,
    Case,
    CaseKind,
    Citation,
    Driver,
    Finding,
    MoneyAtRisk,
    Option,
    Proposal,
    ProposalContent,
    ProposalLine,
    ProposalState,
    Situation,
    SituationFact,
    Tier,
)

BITES = date(2024, 4, 12)
AS_OF = datetime(2024, 4, 5, 6, 0, tzinfo=UTC)

SOP = Citation(
    passage_id="sop-7#3",
    document_id="SOP-7",
    version=3,
    clause="4.2",
    title="Transfers between sites",
    effective_from=date(2024, 1, 1),
    text="A donor keeps its floor.",
)


def a_finding(
    kind: CaseKind = CaseKind.PROJECTED_STOCKOUT,
    item: str = "BOLT-M8",
    site: str = "WH-SOUTH",
    quantity: int = 120,
    bites_on: date = BITES,
    supplier: str = "",
    note: str = "",
) -> Finding:
    """One finding; a projected stockout unless told otherwise."""
    return Finding(
        kind=kind,
        item=item,
        site=site,
        supplier=supplier,
        cause="demand",
        bites_on=bites_on,
        quantity=quantity,
        threshold="shortage_units",
        threshold_value=1.0,
        threshold_version=1,
        measures={},
        note=note,
    )


def a_case(*findings: Finding, cause: str = "demand", at_risk: int = 9_800_00) -> Case:
    """A case over some findings; the first gives kind and scope."""
    first = findings[0]
    return Case(
        case_id="case-0001",
        kind=first.kind,
        scope=first.supplier or f"{first.item}@{first.site}",
        cause=cause,
        findings=findings,
        item_classes=tuple("standard" for _ in findings),
        money_at_risk=MoneyAtRisk(margin=at_risk),
        bites_on=min(finding.bites_on for finding in findings),
        planner="ben.planner",
        opened_on=date(2024, 4, 5),
        snapshot_id="snap-1",
    )


def a_transfer(item: str = "BOLT-M8", destination: str = "WH-SOUTH", number: int = 1) -> ProposalLine:
    """120 units from DC-EAST for 410 EUR."""
    return ProposalLine(
        number=number,
        action=ActionKind.TRANSFER,
        item=item,
        origin="DC-EAST",
        destination=destination,
        quantity=120,
        cost_minor=410_00,
        ship_on=date(2024, 4, 6),
        arrive_on=date(2024, 4, 8),
    )


def a_line(action: ActionKind, quantity: int = 0, supplier: str = "", order_id: str = "") -> ProposalLine:
    """A line at WH-SOUTH that is not a transfer."""
    return ProposalLine(
        number=1,
        action=action,
        item="BOLT-M8",
        destination="WH-SOUTH",
        supplier=supplier,
        order_id=order_id,
        quantity=quantity,
        cost_minor=0 if action in (ActionKind.HOLD, ActionKind.CORRECTION) else 900_00,
        ship_on=date(2024, 4, 6),
        arrive_on=date(2024, 4, 10),
    )


def an_option(
    action: ActionKind,
    net_value: int,
    *,
    source: str = "",
    quantity: int = 120,
    cost: int = 410_00,
    p50: date | None = date(2024, 4, 8),
    p90: date | None = date(2024, 4, 10),
    chosen: bool = False,
    feasible: bool = True,
    binding: str = "",
    item: str = "BOLT-M8",
    site: str = "WH-SOUTH",
    flip: str = "",
    note: str = "",
    confidence: float = 0.82,
    avoided: int = 9_800_00,
    break_even: int | None = None,
) -> Option:
    """An option for BOLT-M8 at WH-SOUTH; net value in minor units."""
    return Option(
        action=action,
        item=item,
        site=site,
        source=source,
        quantity=quantity,
        arrives_p50=p50,
        arrives_p90=p90,
        cost_minor=cost,
        shortage_avoided_units=quantity * 0.8,
        shortage_avoided_minor=avoided,
        service_after=0.97,
        donor_cover_days_after=21.0 if action is ActionKind.TRANSFER else None,
        net_value_minor=net_value,
        confidence=confidence,
        chosen=chosen,
        feasible=feasible,
        binding_constraint=binding,
        break_even_penalty_minor=break_even,
        flip_point=flip,
        note=note,
    )


def a_chosen_transfer(item: str = "BOLT-M8", site: str = "WH-SOUTH", flip: str = "none in range") -> Option:
    """The planned option behind :func:`a_transfer`: 9,390 EUR net."""
    return an_option(
        ActionKind.TRANSFER,
        9_390_00,
        source="DC-EAST",
        chosen=True,
        binding="donor_floor of DC-EAST",
        item=item,
        site=site,
        flip=flip,
        break_even=4_25,
    )


def a_hold(net_value: int = 0, *, chosen: bool = False) -> Option:
    """Moving nothing."""
    return an_option(
        ActionKind.HOLD,
        net_value,
        quantity=0,
        cost=0,
        p50=None,
        p90=None,
        chosen=chosen,
        avoided=0,
        flip="none in range",
    )


DRIVERS = (
    Driver(name="late order PO-17", units=70.0, days_of_cover=6.1, money_minor=5_700_00),
    Driver(name="demand above plan", units=38.0, days_of_cover=3.4, money_minor=3_100_00),
    Driver(name="count_correction", units=12.0, days_of_cover=1.0, money_minor=1_000_00),
)


def a_situation(
    *options: Option, drivers: tuple[Driver, ...] = DRIVERS, weeks: float = 26.0, health: float = 1.0
) -> Situation:
    """The facts of WH-SOUTH with some options."""
    fact = SituationFact(item="BOLT-M8", site="WH-SOUTH", measures={"history_weeks": weeks, "site_health": health})
    return Situation(
        case_id="case-0001", snapshot_id="snap-1", as_of=AS_OF, facts=(fact,), options=options, drivers=drivers
    )


def a_proposal(*lines: ProposalLine, requested_by: str = "evenkeel", action: ActionKind | None = None) -> Proposal:
    """A draft of some lines."""
    content = ProposalContent(
        case_id="case-0001",
        version=1,
        action=action or lines[0].action,
        lines=lines,
        value_minor=1_610_00,
        currency="EUR",
        snapshot_id="snap-1",
        plan_run_id="plan-1",
        policy_version=1,
    )
    return Proposal(
        proposal_id="prop-0001",
        content=content,
        state=ProposalState.DRAFT,
        state_version=1,
        tier=Tier.PLANNER,
        requested_by=requested_by,
        created_at=AS_OF,
        expires_at=datetime(2024, 4, 6, 6, 0, tzinfo=UTC),
    )
