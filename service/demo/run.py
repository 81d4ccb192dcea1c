"""``evenkeel demo``: one morning at the demo company, from feeds to receipts and the proof of it.

It needs no model, key, network or server, ends by itself, and may be run again: it makes its home anew each time.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from agent.brief import make_brief
from agent.case_views import case_detail
from agent.decisions import Decision
from agent.errors import DecisionRefusedError
from inventory.audit import verify
from inventory.ledger import list_reservations
from inventory.outbox import list_outbox
from inventory.people import find_user
from inventory.proposals import list_approvals, list_proposals
from inventory.records import (
    EVERYTHING,
    ActionKind,
    DocumentState,
    Proposal,
    ProposalState,
    ReasonCode,
    Tier,
    User,
)
from service.bootstrap import House
from service.brief_text import brief_text
from service.case_page import case_page
from service.console import progress
from service.demo.company import Tables
from service.demo.set_up import deliver, fresh_home, settle_in
from service.demo.tomorrow import PostedDocument, next_day
from service.errors import DemoError
from tools.actions import Execution

HOME = Path(".demo")
APPROVER, CENTRAL, EDITOR = "frank.finance", "gita.central", "erin.approver"


def run_demo(console: Console, home: Path = HOME) -> None:
    """Run the demo and show it on a console.

    Raises
    ------
    DemoError
        If something the demo is there to show did not happen.
    """
    house = fresh_home(home.absolute())
    try:
        _morning(console, house)
    finally:
        house.close()


def _morning(console: Console, house: House) -> None:
    _head(console, "1. The feeds come in")
    with progress() as tell:
        tables, report = settle_in(house, tell)
    console.print(
        f"{report.accepted:,} rows accepted, {report.quarantined} quarantined with file, line and reason "
        f"(snapshot {report.snapshot_id})."
    )
    for rejection in report.problems[:4]:
        console.print(Text(f"  refused: {rejection.message}", style="dim"), soft_wrap=True)

    _head(console, "2. One sweep over every item at every site")
    with progress() as tell:
        sweep = house.desk.sweep(tell)
    console.print(
        f"{sweep.item_sites} item-sites scanned, {sweep.findings} findings, {sweep.found} cases found = "
        f"{sweep.shown} shown + {sweep.automatic} automatic + {sweep.held_back} held back."
    )

    _head(console, "3. The morning brief")
    with house.database.read() as connection:
        brief = make_brief(connection, EVERYTHING, house.clock(), report.as_of)
    console.print(Text(brief_text(brief)), soft_wrap=True)

    planned, formal, automatic = _chosen(house)
    _head(console, "4. One case in full")
    with house.database.read() as connection:
        console.print(
            case_page(case_detail(connection, EVERYTHING, planned.content.case_id, at=house.clock()), demo=True)
        )

    _head(console, "5. People decide")
    _decide(console, house, planned, "approve", _planner_of(house, planned), "a planner signs a planner-tier proposal")
    _formal(console, house, formal)

    _head(console, "6. What was approved is executed, exactly once")
    until = house.advance(0.6)
    console.print(f"The recall window has passed; it is {until:%H:%M} UTC.")
    with progress() as tell:
        done = house.dispatch_desk.execute(tell)
    _show_execution(console, house, done, automatic)
    again = house.dispatch_desk.execute()
    console.print(f"Executing again sends nothing: {len([run for run in again if run.receipts])} new receipts.")

    _head(console, "7. The next day's feeds carry our keys, and every unit is counted once")
    _next_day(console, house, tables)

    _head(console, "8. Proof")
    _prove(console, house)
    _where_next(console)


def _head(console: Console, title: str) -> None:
    console.print()
    console.print(Rule(title, align="left", style="bold"))


def _chosen(house: House) -> tuple[Proposal, Proposal, Proposal]:
    """A planner-tier transfer, a formal one, and one that policy approved, each the most valuable of its kind."""
    with house.database.read() as connection:
        waiting = list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
        approved = list_proposals(connection, EVERYTHING, states=(ProposalState.APPROVED,))

    def most_valuable(proposals: list[Proposal], tier: Tier) -> Proposal:
        moves = [p for p in proposals if p.tier is tier and p.content.action is ActionKind.TRANSFER]
        if not moves:
            raise DemoError(f"no {tier.value}-tier transfer was proposed; the demo data should hold one")
        return max(moves, key=lambda p: (p.content.value_minor, p.proposal_id))

    return (
        most_valuable(waiting, Tier.PLANNER),
        most_valuable(waiting, Tier.FORMAL),
        most_valuable(approved, Tier.AUTO),
    )


def _planner_of(house: House, proposal: Proposal) -> str:
    """A planner in whose sites the proposal lies and whose limit covers it."""
    with house.database.read() as connection:
        for user_id in ("anna.planner", "ben.planner", "cara.planner"):
            user = find_user(connection, EVERYTHING, user_id)
            if user.sites and set(user.sites) & set(proposal.content.sites):
                return user_id
    raise DemoError(f"no planner of {', '.join(proposal.content.sites)}")


def _user(house: House, user_id: str) -> User:
    with house.database.read() as connection:
        return find_user(connection, EVERYTHING, user_id)


def _decide(
    console: Console,
    house: House,
    proposal: Proposal,
    verb: str,
    user_id: str,
    why: str,
    quantities: dict[int, int] | None = None,
) -> Proposal:
    decision = Decision(
        proposal_id=proposal.proposal_id,
        digest_prefix=proposal.digest[:12],
        verb=verb,
        reason=ReasonCode.AGREE if verb == "approve" else ReasonCode.KNOWS_EVENT,
        text=why,
        quantities=quantities or {},
    )
    after = house.desk.decide(decision, _user(house, user_id))
    console.print(
        f"{user_id}: {verb} {proposal.proposal_id} ({_words(proposal)}, {proposal.tier or 'no tier'}) "
        f"→ {after.state.value}{f' as {after.proposal_id}' if after.proposal_id != proposal.proposal_id else ''}"
    )
    return after


def _words(proposal: Proposal) -> str:
    lines = proposal.content.lines
    units = sum(line.quantity for line in lines)
    items = ", ".join(sorted({line.item for line in lines}))
    return f"{proposal.content.action.value} {units} × {items}, {proposal.content.value_minor / 100:,.2f} EUR"


def _formal(console: Console, house: House, proposal: Proposal) -> None:
    """An approver edits a formal proposal, may not sign the edit, and another person does."""
    line = proposal.content.lines[0]
    fewer = max(line.quantity - max(line.quantity // 10, 1), 1)
    edited = _decide(console, house, proposal, "edit", EDITOR, "keeps a few for a known order", {line.number: fewer})
    try:
        _decide(console, house, edited, "approve", EDITOR, "signs the own edit")
    except DecisionRefusedError as refusal:
        console.print(Text(f"{EDITOR}: refused — {refusal}", style="yellow"))
    else:
        raise DemoError("the last editor could sign the own edit")
    signed = _decide(console, house, edited, "approve", CENTRAL, "formal approval")
    if signed.state is ProposalState.PENDING:
        signed = _decide(console, house, signed, "approve", APPROVER, "second signature")
    if signed.state is not ProposalState.APPROVED:
        raise DemoError(f"the formal proposal is {signed.state.value}, expected approved")


def _show_execution(console: Console, house: House, done: tuple[Execution, ...], automatic: Proposal) -> None:
    posted = [run for run in done if run.receipts]
    with house.database.read() as connection:
        for run in posted:
            by = list_approvals(connection, EVERYTHING, run.proposal_id)[-1].by
            for receipt in run.receipts:
                console.print(f"  {receipt.erp_reference}  {receipt.key}  {run.proposal_id}  approved by {by}")
    holds = len(done) - len(posted)
    console.print(f"{len(posted)} proposals posted to the ERP; {holds} accepted holds need no document.")
    if automatic.proposal_id not in {run.proposal_id for run in posted}:
        raise DemoError(f"the automatic proposal {automatic.proposal_id} got no receipt")


def _next_day(console: Console, house: House, tables: Tables) -> None:
    with house.database.read() as connection:
        rows = list_outbox(connection, EVERYTHING, states=(DocumentState.EXECUTED,))
        before = sum(held.quantity for held in list_reservations(connection, EVERYTHING, states=("posted",)))
    posted = [
        PostedDocument(row.key, line.item, row.document.origin, row.document.destination, line.quantity)
        for row in rows
        if row.document.action is ActionKind.TRANSFER
        for line in row.document.lines
    ]
    house.advance(24)
    with progress() as tell:
        deliver(house, next_day(tables, posted), "day-2", tell, with_refused=False)
        sweep = house.desk.sweep(tell)
    with house.database.read() as connection:
        after = sum(held.quantity for held in list_reservations(connection, EVERYTHING, states=("posted",)))
    console.print(
        f"{before} units were posted and in flight; the feeds show {before - after} of them, {after} are still ours "
        f"to count.\nSecond sweep: {sweep.found} found = {sweep.shown} shown + {sweep.automatic} automatic + "
        f"{sweep.held_back} held back."
    )
    if after:
        raise DemoError(f"{after} posted units were not absorbed although the feeds carry their keys")


def _prove(console: Console, house: House) -> None:
    with house.database.read() as connection:
        result = verify(connection, house.database.anchor)
        plans = sorted({p.content.plan_run_id for p in list_proposals(connection, EVERYTHING)})
    if not result.sound:
        raise DemoError(f"the audit chain is broken: {result.problem}")
    console.print(
        f"audit verify: {result.entries} entries, every link holds, {result.not_anchored} not anchored.", style="green"
    )
    replays = [replay for plan in plans for replay in house.desk.replay(plan)]
    different = [replay.plan_run_id for replay in replays if not replay.same]
    if different:
        raise DemoError(f"plans {', '.join(different)} do not replay")
    proposals = sum(len(replay.proposal_ids) for replay in replays)
    console.print(
        f"replay: {len(replays)} plans worked out again, {proposals} proposals, identical quantities.", style="green"
    )


def _where_next(console: Console) -> None:
    console.print()
    console.print(Rule("Where to go next", align="left", style="bold"))
    for command, what in (
        ("evenkeel cases", "the list a planner works through"),
        ("evenkeel cases CASE", "one case in full, with the command that decides it"),
        ("evenkeel why P-3435 PL-NORTH", "why there is, or is not, a case"),
        ("evenkeel trace CASE", "the whole story, step by step"),
        ("evenkeel brief --format html --output brief.html", "the same brief as a page"),
        ("evenkeel audit verify", "the proof again"),
    ):
        console.print(Text(f"  {what}:", style="dim"))
        console.print(f"    EVENKEEL_HOME=.demo .venv/bin/{command} --as gita.central", soft_wrap=True)
