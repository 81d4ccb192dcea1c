"""A small company with names: two sites, one lane, larch boards that Porto lacks and Lyon has."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from inventory.anchor import Anchor, Link
from inventory.cases import insert_cases
from inventory.database import Database, Transaction
from inventory.ledger_refresh import StockLine, refresh_ledger
from inventory.outbox import idempotency_key
from inventory.proposals import insert_proposal
from inventory.record import short_id
from inventory.records import (
    ActionKind,
    Approval,
    Case,
    CaseKind,
    ErpDocument,
    ErpLine,
    Finding,
    MoneyAtRisk,
    Proposal,
    ProposalContent,
    ProposalLine,
    ProposalState,
    ReasonCode,
    Scope,
)
from tests import postgres

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
BOARD = "LARCH-BOARD"
LYON = "LYON"
PORTO = "PORTO"
GHENT = "GHENT"

PORTO_PLANNER = Scope(user="ines", sites=frozenset({PORTO}))
GHENT_PLANNER = Scope(user="wout", sites=frozenset({GHENT}))
REGULATED_ONLY = Scope(user="mette", item_classes=frozenset({"regulated"}))
STANDARD_ONLY = Scope(user="sven", item_classes=frozenset({"standard"}))


class ForgetfulAnchor(Anchor):
    """The process dies between commit and anchoring: nothing reaches the second place."""

    def append(self, links: Sequence[Link]) -> None:
        """Write nothing."""


def a_database(template: Path, directory: Path, *, name: str = "evenkeel.db") -> Database:
    """A fresh database on a copy of the migrated template, anchored beside it."""
    path = directory / name
    anchor = Anchor(path.with_suffix(".anchor"))
    if postgres.engine() == "postgresql":
        return postgres.remember(Database(postgres.new_database(), anchor))
    shutil.copyfile(template, path)
    return Database(path, anchor)


def a_second_process(database: Database) -> Database:
    """Another ``Database`` on the same data and anchor, as another process would hold."""
    return postgres.remember(Database(database.where, Anchor(database.anchor.path)))


def a_forgetful_process(database: Database) -> Database:
    """One that dies between commit and anchoring, each time."""
    return postgres.remember(Database(database.where, ForgetfulAnchor(database.anchor.path)))


def a_finding(site: str = PORTO, *, item: str = BOARD, quantity: int = 40, cause: str = "demand") -> Finding:
    """Boards that will be short at a site."""
    return Finding(
        kind=CaseKind.PROJECTED_STOCKOUT,
        item=item,
        site=site,
        cause=cause,
        bites_on=TODAY + timedelta(days=6),
        quantity=quantity,
        threshold="stockout.days",
        threshold_value=14.0,
        threshold_version=1,
        measures={"projected_on_hand_units": -float(quantity), "days_of_supply": 5.5},
        note="Orders for the quay project outrun the plan.",
    )


def a_case(
    name: str = "case-larch",
    *,
    about: str = f"{BOARD}@{PORTO}",
    cause: str = "demand",
    findings: tuple[Finding, ...] | None = None,
    item_classes: tuple[str, ...] = ("standard",),
    margin: int = 120_000,
    snapshot_id: str = "snap-1",
) -> Case:
    """A projected stockout of boards at Porto."""
    return Case(
        case_id=name,
        kind=CaseKind.PROJECTED_STOCKOUT,
        scope=about,
        cause=cause,
        findings=(a_finding(cause=cause),) if findings is None else findings,
        item_classes=item_classes,
        money_at_risk=MoneyAtRisk(margin=margin),
        bites_on=TODAY + timedelta(days=6),
        planner="ines",
        opened_on=TODAY,
        snapshot_id=snapshot_id,
    )


def a_line(quantity: int = 40, *, number: int = 1, lot: str = "") -> ProposalLine:
    """Boards from Lyon to Porto by road."""
    return ProposalLine(
        number=number,
        action=ActionKind.TRANSFER,
        item=BOARD,
        origin=LYON,
        destination=PORTO,
        mode="road",
        lot=lot,
        quantity=quantity,
        cost_minor=18_000,
        ship_on=TODAY + timedelta(days=1),
        arrive_on=TODAY + timedelta(days=4),
    )


def a_content(case_id: str = "case-larch", *, version: int = 1, quantity: int = 40) -> ProposalContent:
    """What an approver signs: one transfer line."""
    return ProposalContent(
        case_id=case_id,
        version=version,
        action=ActionKind.TRANSFER,
        lines=(a_line(quantity),),
        value_minor=98_000,
        currency="EUR",
        snapshot_id="snap-1",
        plan_run_id="plan-1",
        policy_version=1,
    )


def a_proposal(
    case_id: str = "case-larch",
    *,
    version: int = 1,
    quantity: int = 40,
    name: str = "",
    created_at: datetime = NOW,
) -> Proposal:
    """A drafted transfer for a case."""
    return Proposal(
        proposal_id=name or short_id("prop", case_id, str(version)),
        content=a_content(case_id, version=version, quantity=quantity),
        state=ProposalState.DRAFT,
        state_version=1,
        tier=None,
        requested_by="evenkeel",
        created_at=created_at,
        expires_at=created_at + timedelta(days=2),
    )


def an_approval(proposal: Proposal, *, by: str = "ines", at: datetime = NOW, digest: str = "") -> Approval:
    """A signature under a proposal's digest, or under another one."""
    return Approval(
        approval_id=short_id("appr", proposal.proposal_id, by, at.isoformat()),
        proposal_id=proposal.proposal_id,
        proposal_digest=digest or proposal.digest,
        decision="approve",
        by=by,
        kind="person",
        reason=ReasonCode.AGREE,
        at=at,
    )


def a_document(proposal: Proposal, number: int = 1) -> ErpDocument:
    """The transfer order of a proposal."""
    line = proposal.content.lines[0]
    return ErpDocument(
        key=idempotency_key(proposal.digest, number),
        action=ActionKind.TRANSFER,
        origin=line.origin,
        destination=line.destination,
        mode=line.mode,
        ship_on=line.ship_on,
        arrive_on=line.arrive_on,
        lines=(ErpLine(item=line.item, quantity=line.quantity),),
        approval_id="appr-1",
    )


def boards(
    on_hand: int, *, lot: str = "", site: str = LYON, allocated: int = 0, expiry: date | None = None
) -> StockLine:
    """Boards at a site and lot, as a stock feed shows them."""
    return StockLine(item=BOARD, site=site, lot=lot, expiry=expiry, on_hand=on_hand, allocated=allocated)


def open_case(database: Database, case: Case | None = None, *, now: datetime = NOW) -> Case:
    """Put a case on file."""
    opened = case or a_case()
    with database.write("evenkeel", now) as transaction:
        insert_cases(transaction, [opened])
    return opened


def draft(transaction: Transaction, number: int, *, quantity: int = 40) -> Proposal:
    """A case of its own and its proposal ``prop-<number>``; a higher number is newer."""
    case_id = f"case-{number:03}"
    insert_cases(transaction, [a_case(case_id, about=f"{BOARD}@{PORTO}-{number}")])
    proposal = a_proposal(
        case_id, quantity=quantity, name=f"prop-{number:03}", created_at=NOW + timedelta(minutes=number)
    )
    insert_proposal(transaction, proposal)
    return proposal


def stock(database: Database, *lines: StockLine, now: datetime = NOW) -> list[str]:
    """Make these lines the ledger's; returns the proposals that lost their units."""
    with database.write("evenkeel", now) as transaction:
        return refresh_ledger(transaction, lines, now)
