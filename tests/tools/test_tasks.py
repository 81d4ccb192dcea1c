"""Every kind of action is carried out, by the ERP or by a person whose word counts once; and people rule on doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.cases import find_case
from inventory.doubts import DOUBT_LIMIT, alarms, list_doubts
from inventory.errors import AccessError, LostRaceError
from inventory.ledger import commit_reservations, hold, ledger_rows, list_reservations
from inventory.lifecycle import move
from inventory.log_report import examine_log
from inventory.outbox import enqueue, list_outbox, list_receipts
from inventory.proposals import insert_approval, insert_proposal
from inventory.record import short_id
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Approval,
    CaseState,
    DocumentState,
    OutboxRow,
    Proposal,
    ProposalState,
    User,
)
from inventory.tasks import Task, list_tasks
from tests.contenders import together
from tests.tools.conftest import Copy
from tests.worlds import World
from tools.action_kinds import KINDS, effects, goods_travel, problems, takes_stock
from tools.actions import dispatch, documents_of, reconcile, reserved_lots
from tools.doubt import rule_on_doubt
from tools.erp.faults import Fault, FaultKind
from tools.erp.simulated import KnownOrder, SimulatedErp, StockRow
from tools.errors import ToolInputError
from tools.tasks import TASK_TIME, answer

S = ProposalState
WANDA = User(user_id="wanda", name="Wanda Warehouse", roles=("warehouse_manager",))
BERT = User(user_id="bert", name="Bert Buyer", roles=("buyer",))
MAGDA = User(user_id="magda", name="Magda Manager", roles=("manager",))
AUDITOR = User(user_id="iris", name="Iris Auditor", roles=("auditor", "manager"))
UNITS = 6
LINES: dict[ActionKind, dict[str, object]] = {
    ActionKind.TRANSFER: {},
    ActionKind.REALLOCATE: {},
    ActionKind.PURCHASE: {"origin": "", "supplier": "SUP"},
    ActionKind.SUBSTITUTE: {"origin": "", "item": "NUT", "destination": "DC", "mode": "BOLT"},
    ActionKind.RETURN_TO_SUPPLIER: {"origin": "", "destination": "DC", "supplier": "SUP", "mode": ""},
    ActionKind.STATUS_CHANGE: {"origin": "", "destination": "DC", "mode": "unrestricted-blocked"},
    ActionKind.MARKDOWN: {"origin": "", "mode": "20"},
    ActionKind.PARAMETER_CHANGE: {"origin": "", "mode": "reorder_point"},
    ActionKind.COUNT_REQUEST: {"origin": "", "mode": ""},
}
"""What the line of each kind says otherwise than that of a transfer; an order change names its order."""


def a_line(kind: ActionKind) -> dict[str, object]:
    return LINES.get(kind, {"origin": "", "supplier": "SUP", "order_id": "PO-1", "mode": ""})


def approved(world: World, kind: ActionKind) -> Proposal:
    """A proposal of a kind, drafted in place of the pending one, signed and enqueued."""
    pending = world.the_proposal(S.PENDING)
    world.decide(pending, "reject", "pia", reason="strategy")
    world.erp.load_stock([StockRow(item="NUT", site=site, on_hand=9) for site in ("DC", "NORTH")])
    world.erp.load_orders([an_open_order()])
    line = pending.content.lines[0].model_copy(update={"action": kind, "quantity": UNITS, **a_line(kind)})
    content = pending.content.model_copy(update={"version": 2, "action": kind, "lines": (line,)})
    draft = pending.model_copy(
        update={
            "content": content, "proposal_id": short_id("prop", content.case_id, "2"), "state": S.DRAFT,
            "state_version": 1,
        }
    )  # fmt: skip
    with world.database.write("evenkeel", world.clock()) as transaction:
        insert_proposal(transaction, draft)
        place = takes_stock(line)
        if place is not None:
            hold(
                transaction, proposal_id=draft.proposal_id, line=1, item=place[0], site=place[1],
                destination=line.destination, quantity=UNITS,
            )  # fmt: skip
        approval = Approval(
            approval_id="appr-1", proposal_id=draft.proposal_id, proposal_digest=draft.digest, decision="approve",
            by="ada", kind="person", reason="agree", at=world.clock(),
        )  # fmt: skip
        insert_approval(transaction, approval)
        proposal = move(transaction, move(transaction, draft, S.PENDING), S.APPROVED)
        commit_reservations(transaction, draft.proposal_id)
        lots = reserved_lots(transaction.connection, draft.proposal_id)
        enqueue(transaction, draft.proposal_id, documents_of(proposal, approval, lots))
    return proposal


def an_open_order() -> KnownOrder:
    return KnownOrder.model_validate(
        {
            "reference": "PO-1", "action": "purchase", "lines": [{"item": "BOLT", "quantity": 10}],
            "destination": "NORTH", "supplier": "SUP", "ordered_on": "2024-03-01", "arrive_on": "2024-04-30",
        }
    )  # fmt: skip


def without(world: World, kind: ActionKind) -> World:
    """The world with an ERP that has no document of a kind."""
    world.erp = SimulatedErp(world.erp.books.path, clock=world.clock, actions=set(KINDS) - {kind})
    world.toolbox.erp = world.erp
    return world


def the_document(world: World, proposal: Proposal) -> OutboxRow:
    with world.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)
    return row


def the_task(world: World) -> Task:
    with world.database.read() as connection:
        (task,) = list_tasks(connection, EVERYTHING)
    return task


def state_of(world: World, proposal: Proposal) -> tuple[ProposalState, CaseState]:
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, proposal.content.case_id)
    (now,) = [known for known in world.proposals() if known.proposal_id == proposal.proposal_id]
    return now.state, case.state


def promised(world: World) -> int:
    with world.database.read() as connection:
        return sum(row.reserved + row.in_flight for row in ledger_rows(connection, EVERYTHING))


def assert_log_tells_the_rows(world: World) -> None:
    with world.database.read() as connection:
        found = examine_log(connection, world.database.anchor)
    assert found.sound, found.alarms


def handed_over(world: World, kind: ActionKind) -> Proposal:
    """A proposal of a kind whose document became a task."""
    proposal = approved(without(world, kind), kind)
    assert dispatch(world.toolbox, proposal.proposal_id).state is S.SENT
    return proposal


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_erp_carries_out_every_kind_it_has_a_document_for(guided: World, a_copy: Copy, kind: ActionKind) -> None:
    world = a_copy(guided)
    proposal = approved(world, kind)
    done = dispatch(world.toolbox, proposal.proposal_id)
    row = the_document(world, proposal)

    assert (done.state, row.state, len(world.erp.orders_with(row.key))) == (S.EXECUTED, DocumentState.EXECUTED, 1)
    assert [receipt.found_by for receipt in done.receipts] == ["answer"]
    waits = CaseState.IN_TRANSIT if goods_travel(proposal.content) else CaseState.WAITING
    assert state_of(world, proposal) == (S.EXECUTED, waits)
    assert promised(world) == (UNITS if takes_stock(proposal.content.lines[0]) else 0)
    assert_log_tells_the_rows(world)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_the_erp_has_no_document_for_is_a_task_and_a_persons_word_closes_it_once(
    guided: World, a_copy: Copy, kind: ActionKind
) -> None:
    world = a_copy(guided)
    proposal = handed_over(world, kind)
    task, row = the_task(world), the_document(world, proposal)
    assert (task.key, task.role, task.action) == (row.key, KINDS[kind].role, kind)
    assert proposal.content.lines[0].item in task.text
    world.clock.forward(hours=1)
    reconcile(world.toolbox)
    assert (the_document(world, proposal).state, world.erp.orders_with(row.key)) == (DocumentState.SENT, ())

    done = answer(world.toolbox, task.task_id, MAGDA, "done", reference="MAIL-17", text="done by phone")
    assert done.state is S.EXECUTED
    (receipt,) = done.receipts
    assert (receipt.erp_reference, receipt.found_by, receipt.key) == ("MAIL-17", "person", row.key)
    with pytest.raises(LostRaceError, match="done already, by magda"):
        answer(world.toolbox, task.task_id, MAGDA, "refused", text="no")
    assert the_task(world).done_by == "magda"
    assert promised(world) == (UNITS if takes_stock(proposal.content.lines[0]) else 0)
    assert world.erp.orders_with(row.key) == ()
    assert_log_tells_the_rows(world)


def test_of_two_answers_at_once_one_counts(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = handed_over(world, ActionKind.PURCHASE)
    task = the_task(world)

    def say(reference: str) -> str:
        try:
            answer(world.toolbox, task.task_id, BERT, "done", reference=reference)
        except LostRaceError:
            return "lost"
        return reference

    said = together(lambda: say("A-1"), lambda: say("A-2"))
    with world.database.read() as connection:
        (receipt,) = list_receipts(connection, EVERYTHING, proposal_id=proposal.proposal_id)
    assert sorted(said) == sorted(["lost", receipt.erp_reference])


def test_a_refused_task_frees_the_units_and_opens_the_case(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = handed_over(world, ActionKind.TRANSFER)
    assert promised(world) == UNITS
    answer(world.toolbox, the_task(world).task_id, WANDA, "refused", text="the truck is full")

    assert state_of(world, proposal) == (S.FAILED, CaseState.OPEN)
    assert promised(world) == 0
    with world.database.read() as connection:
        reason = find_case(connection, EVERYTHING, proposal.content.case_id).reason
    assert reason == "wanda could not carry it out: the truck is full"
    assert_log_tells_the_rows(world)


@pytest.mark.parametrize(("ruling", "state"), [("executed", S.EXECUTED), ("reason", S.FAILED)])
def test_a_task_in_doubt_waits_for_a_ruling(guided: World, a_copy: Copy, ruling: str, state: ProposalState) -> None:
    world = a_copy(guided)
    proposal = handed_over(world, ActionKind.TRANSFER)
    answer(world.toolbox, the_task(world).task_id, WANDA, "in_doubt", text="the driver does not answer")
    key = the_document(world, proposal).key
    assert state_of(world, proposal)[0] is S.IN_DOUBT
    reconcile(world.toolbox)
    assert state_of(world, proposal)[0] is S.IN_DOUBT, "no ERP knows of it"

    said = {ruling: "TO-77"} if ruling == "executed" else {ruling: "the goods are still there"}
    assert rule_on_doubt(world.toolbox, key[:12], WANDA, **said).state is state
    with pytest.raises(ToolInputError, match="nothing to rule on"):
        rule_on_doubt(world.toolbox, key, WANDA, **said)
    assert promised(world) == (UNITS if state is S.EXECUTED else 0)
    assert_log_tells_the_rows(world)


@pytest.mark.parametrize("user", [BERT, AUDITOR, WANDA.model_copy(update={"active": False})])
def test_only_the_role_of_a_task_or_who_oversees_it_may_answer(guided: World, a_copy: Copy, user: User) -> None:
    world = a_copy(guided)
    proposal = handed_over(world, ActionKind.TRANSFER)
    with pytest.raises(AccessError, match="may not answer for task"):
        answer(world.toolbox, the_task(world).task_id, user, "done", reference="X-1")

    assert (the_task(world).state, state_of(world, proposal)[0]) == ("open", S.SENT)


@pytest.mark.parametrize(("what", "said"), [("done", {"text": "done"}), ("refused", {}), ("in_doubt", {"text": " "})])
def test_an_answer_says_what_is_needed_to_believe_it(
    guided: World, a_copy: Copy, what: str, said: dict[str, str]
) -> None:
    world = a_copy(guided)
    handed_over(world, ActionKind.TRANSFER)
    with pytest.raises(ToolInputError, match="say w"):
        answer(world.toolbox, the_task(world).task_id, WANDA, what, **said)  # type: ignore[arg-type]


def test_an_overdue_task_is_an_alarm(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    handed_over(world, ActionKind.COUNT_REQUEST)
    task = the_task(world)
    assert world.clock() < task.due_at <= world.clock() + TASK_TIME
    with world.database.read() as connection:
        assert alarms(connection, EVERYTHING, task.due_at) == []
        (alarm,) = alarms(connection, EVERYTHING, task.due_at + timedelta(seconds=1))
    assert alarm.startswith(f"task {task.task_id} for warehouse manager was due")


def in_doubt(world: World) -> OutboxRow:
    """A transfer whose answer was lost by an ERP without keys, and which cannot be found yet."""
    world.erp.faults.add(Fault(kind=FaultKind.LOSE_ANSWER))
    world.decide(world.the_proposal(), "approve", "pia")
    dispatch(world.toolbox, world.the_proposal().proposal_id)
    return the_document(world, world.the_proposal())


def test_doubt_that_lasts_is_an_alarm(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided, native_key=False)
    row = in_doubt(world)
    with world.database.read() as connection:
        fresh = list_doubts(connection, EVERYTHING, world.clock() + DOUBT_LIMIT)
        stale = list_doubts(connection, EVERYTHING, world.clock() + DOUBT_LIMIT + timedelta(seconds=1))
    assert [(doubt.key, doubt.dead) for doubt in (*fresh, *stale)] == [(row.key, False), (row.key, True)]


def test_a_persons_word_does_not_stand_against_what_the_erp_shows(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided, native_key=False)
    row = in_doubt(world)
    (posting,) = world.erp.orders_with(row.key)
    with pytest.raises(ToolInputError, match=f"is in the ERP as {posting.reference}, not absent"):
        rule_on_doubt(world.toolbox, row.key, WANDA, reason="I saw nothing")
    with pytest.raises(ToolInputError, match=f"as {posting.reference}, not TO-9"):
        rule_on_doubt(world.toolbox, row.key, WANDA, executed="TO-9")

    assert rule_on_doubt(world.toolbox, row.key, WANDA, executed=posting.reference).state is S.EXECUTED
    with world.database.read() as connection:
        (held,) = list_reservations(connection, EVERYTHING)
    assert (held.state, held.key) == ("posted", row.key)


def test_a_late_document_of_a_ruled_out_one_is_not_posted_again(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided, native_key=False)
    world.erp.faults.add(Fault(kind=FaultKind.LOSE_REQUEST))
    world.decide(world.the_proposal(), "approve", "pia")
    proposal = world.the_proposal()
    dispatch(world.toolbox, proposal.proposal_id)
    row = the_document(world, proposal)

    assert rule_on_doubt(world.toolbox, row.key, WANDA, reason="the shift leader looked").state is S.FAILED
    world.clock.forward(hours=1)
    reconcile(world.toolbox)
    dispatch(world.toolbox, proposal.proposal_id)
    assert world.erp.orders_with(row.key) == ()
    assert_log_tells_the_rows(world)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_what_it_touches_and_how_it_is_undone(guided: World, kind: ActionKind) -> None:
    content = guided.the_proposal().content
    line = content.lines[0].model_copy(update={"action": kind, **a_line(kind)})
    said = effects(kind, content.model_copy(update={"action": kind, "lines": (line,)}))
    spec = KINDS[kind]

    assert problems(content.model_copy(update={"lines": (line,)})) == ()
    assert spec.reversal
    assert spec.undone_by in (None, *KINDS)
    assert said.reversible or spec.undone_by in (None, ActionKind.PURCHASE)
    assert (said.valuation_change_minor > 0) is (
        kind in (ActionKind.MARKDOWN, ActionKind.RETURN_TO_SUPPLIER, ActionKind.STATUS_CHANGE)
    )
    assert said.changes_customer_commitment is (kind in (ActionKind.SUBSTITUTE, ActionKind.REALLOCATE))
    assert said.changes_supplier_commitment is (bool(line.order_id) or kind is ActionKind.RETURN_TO_SUPPLIER)


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        (ActionKind.TRANSFER, {"origin": "NORTH"}, "needs two sites, not NORTH twice"),
        (ActionKind.TRANSFER, {"origin": ""}, "needs its origin"),
        (ActionKind.PURCHASE, {"supplier": ""}, "needs its supplier"),
        (ActionKind.CANCEL, {"order_id": ""}, "needs its order_id"),
        (ActionKind.SUBSTITUTE, {"mode": "NUT"}, "does not stand in for itself"),
        (ActionKind.MARKDOWN, {"mode": "100"}, "percent off, 1 to 99"),
        (ActionKind.STATUS_CHANGE, {"mode": "blocked"}, "mode is FROM-TO"),
        (ActionKind.STATUS_CHANGE, {"mode": "blocked-blocked"}, "mode is FROM-TO"),
        (ActionKind.PARAMETER_CHANGE, {"mode": "colour"}, "mode is one of"),
        (ActionKind.PARAMETER_CHANGE, {"mode": "service_target", "quantity": 10_000}, "below 10000"),
        (ActionKind.COUNT_REQUEST, {"supplier": "SUP"}, "has no supplier, got SUP"),
    ],
)
def test_a_line_that_cannot_be_carried_out_is_refused_by_name(
    guided: World, kind: ActionKind, change: dict[str, object], sentence: str
) -> None:
    content = guided.the_proposal().content
    line = content.lines[0].model_copy(update={"action": kind, **a_line(kind), **change})
    (problem,) = problems(content.model_copy(update={"lines": (line,)}))
    assert problem.startswith("line 1 (")
    assert sentence in problem
