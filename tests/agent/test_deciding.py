"""What each verb leaves behind: the report of what was read again, questions, tasks handed on, snoozes; and the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.deciding.conditions import condition_of
from agent.deciding.request import Decision, incomplete
from agent.deciding.revalidation import within
from agent.deciding.verbs import OVERRULING, Verb
from agent.errors import DecisionRefusedError
from agent.rights_tasks import task_desk
from inventory.audit import entries
from inventory.audit_folds import a_book
from inventory.audit_mirrors import READERS
from inventory.audit_state import differences
from inventory.cases import find_case
from inventory.errors import LostRaceError
from inventory.handovers import list_handovers
from inventory.people import save_user
from inventory.questions import answer_question, list_questions
from inventory.records import EVERYTHING, CaseState, Proposal, ProposalState, ReasonCode, Scope, User
from inventory.revalidations import RevalidationReport, Verdict, list_revalidations
from inventory.snoozes import Condition, find_snooze
from tests.agent.conftest import Copy
from tests.agent.sequence_worlds import two_items_one_lane
from tests.invariants import assert_house_in_order
from tests.worlds import World, two_stores_one_donor
from tools.errors import ToolInputError

S = ProposalState
DIGEST = "0123456789ab"


def owner(world: World, proposal: Proposal) -> str:
    """Who must act, in words."""
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, proposal.content.case_id).case
        desk = task_desk(connection, world.clock())
        return desk.words(desk.task_of_proposal(case, proposal))


def reports(world: World, proposal: Proposal) -> list[RevalidationReport]:
    with world.database.read() as connection:
        return list_revalidations(connection, EVERYTHING, proposal.proposal_id)


def approve(world: World, proposal: Proposal, user_id: str = "pia") -> RevalidationReport:
    """Approve, and give back what was read again."""
    said = Decision(proposal_id=proposal.proposal_id, digest_prefix=proposal.digest[:12], verb=Verb.APPROVE)
    found = world.desk.decided(said, world.user(user_id)).revalidation
    assert found is not None
    return found


def test_the_report_of_an_approval_names_every_fact_and_is_kept_and_logged(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal(S.PENDING)
    world.clock.forward(hours=1)
    world.deliver(world.network.with_stock({("BOLT", "DC"): 290}))
    report = approve(world, proposal)

    assert (report.verdict, report.by, report.proposal_digest) == (Verdict.HOLDS, "pia", proposal.digest)
    named = {check.name for check in report.checks}
    assert named == {"stock", "price", "policy", "data_age", "counter", "tier"}, "the donor's cover is a counter, too"
    (stock,) = [check for check in report.checks if check.name == "stock"]
    assert stock.words == "BOLT at DC: drafted on 300 free, now 290 free"
    assert report.difference == ""
    assert reports(world, proposal) == [report]
    with world.database.read() as connection:
        log = list(entries(connection, subject_id=proposal.proposal_id))
    (told,) = [entry for entry in log if entry.event == "proposal.revalidated"]
    assert RevalidationReport.model_validate(told.data) == report


def test_a_void_at_the_click_frees_units_and_case_and_sends_nothing(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal(S.PENDING)
    world.clock.forward(hours=1)
    world.deliver(world.network.with_stock({("BOLT", "DC"): 85}))
    report = approve(world, proposal)

    assert report.verdict is Verdict.CHANGED
    gone = world.the_proposal()
    assert (gone.state, gone.reason) == (S.VOID, report.difference)
    assert gone.reason.startswith("BOLT at DC: drafted on 300 free, now 85 free (10 % allowed)")
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, proposal.content.case_id)
    assert (case.state, case.reason) == (CaseState.OPEN, "facts changed")
    assert_house_in_order(world)
    assert world.desk.execute() == ()


def test_what_we_moved_ourselves_is_no_change_of_facts(tmp_path: Path) -> None:
    """Two stores share a donor; the first transfer is out of the door before the second is signed."""
    world = World(tmp_path / "home", two_stores_one_donor(stock=200), rollout="guided").furnish()
    world.desk.sweep()
    first, second = world.proposals(S.PENDING)
    world.decide(first, "approve", "carl")
    world.clock.forward(minutes=1)
    world.desk.execute()
    world.clock.forward(hours=2)
    world.deliver_from_erp()
    report = approve(world, second, "carl")

    assert report.verdict is not Verdict.CHANGED, report.difference
    assert any(check.name == "stock" and check.drafted == check.now == "200 free" for check in report.checks)


def test_the_counters_read_again_are_told(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_items_one_lane(cost=35.0), rollout="guided").furnish()
    world.desk.sweep()
    first, second = (p for p in world.proposals(S.PENDING) if "NORTH" in p.content.sites)
    world.decide(first, "approve", "carl")
    report = approve(world, second)

    assert (report.verdict, report.tier_before, report.tier_now) == (Verdict.STRICTER, "planner", "formal")
    assert report.difference == "tier: drafted on planner, now formal"
    assert any(check.name == "counter" and check.drafted == "0" for check in report.checks)


@given(drafted=st.integers(-5, 10_000), now=st.integers(-5, 10_000), percent=st.integers(0, 100))
def test_a_tolerance_is_monotone_and_lets_a_rise_pass(drafted: int, now: int, percent: int) -> None:
    if now >= max(drafted, 0):
        assert within(drafted, now, percent)
    if not within(drafted, now, percent):
        assert not within(drafted, now - 1, percent), "less left is never better"
        assert not within(drafted, now, percent - 1), "a tighter tolerance is never looser"
    if drafted >= 0:
        assert within(drafted, now, percent) == (now >= drafted - drafted * percent / 100)


def test_an_escalation_by_hand_changes_the_owner_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    assert owner(world, world.the_proposal(S.PENDING)) == "planner: pia"
    raised = world.decide(world.the_proposal(S.PENDING), "escalate", "pia")
    assert owner(world, raised) == "approver: ada"
    world.clock.forward(hours=30)
    assert world.desk.recover().escalated == (), "what a person escalated is not escalated again"


def test_a_task_handed_on_has_that_person_as_owner_until_it_escalates(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.decide(world.the_proposal(S.PENDING), "delegate", "pia", to="otto", text="your store")
    assert owner(world, proposal) == "planner: otto"
    world.decide(proposal, "delegate", "otto", to="carl")
    assert owner(world, proposal) == "central: carl"
    world.clock.forward(hours=8)
    assert world.desk.recover().escalated == (proposal.proposal_id,)
    assert owner(world, proposal) == "approver: ada"
    with world.database.read() as connection:
        assert list_handovers(connection, EVERYTHING)[proposal.proposal_id].number == 2
        assert list_handovers(connection, Scope(user="x", sites=frozenset({"SOUTH"}))) == {}


def test_a_task_handed_to_somebody_locked_out_goes_back_to_the_role(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.decide(world.the_proposal(S.PENDING), "delegate", "pia", to="otto")
    with world.database.write("root", world.clock()) as transaction:
        save_user(transaction, world.user("otto").model_copy(update={"active": False}))
    assert owner(world, proposal) == "planner: pia"


def test_a_question_is_put_to_the_requester_and_answered_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    edited = world.decide(world.the_proposal(S.PENDING), "edit", "otto", quantities={1: 40})
    asked = world.decide(edited, "ask", "ada", to="requester", text="why forty?")
    assert asked == edited, "it stays as it is"
    with world.database.read() as connection:
        (question,) = list_questions(connection, EVERYTHING, edited.proposal_id)
    assert (question.asked_of, question.is_open, question.proposal_digest) == ("otto", True, edited.digest)
    world.decide(edited, "approve", "pia")
    world.decide(edited, "answer", "otto", text="a fair", question_id=question.question_id)
    with world.database.read() as connection:
        (answered,) = list_questions(connection, EVERYTHING, edited.proposal_id)
    assert (answered.answer, answered.answered_by, answered.is_open) == ("a fair", "otto", False)
    with pytest.raises(LostRaceError), world.database.write("otto", world.clock()) as transaction:
        answer_question(transaction, question, answered_by="otto", answer="no, two fairs")


def test_a_snooze_keeps_what_it_waits_for_and_what_woke_it(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal(S.PENDING)
    world.decide(proposal, "snooze", "pia", when=condition_of("stock BOLT@NORTH above 10"))
    with world.database.read() as connection:
        asleep = find_snooze(connection, EVERYTHING, proposal.proposal_id)
    assert asleep is not None
    assert (asleep.woken_at, asleep.until) == (None, world.clock() + timedelta(days=30))
    world.clock.forward(hours=1)
    world.deliver(world.network.with_stock({("BOLT", "NORTH"): 11}))
    assert world.desk.recover().expired == (proposal.proposal_id,)
    with world.database.read() as connection:
        awake = find_snooze(connection, EVERYTHING, proposal.proposal_id)
    assert awake is not None
    assert (awake.woken_at, awake.woken_by) == (world.clock(), "stock of BOLT at NORTH is 11")
    assert world.the_proposal(S.VOID).reason == "the snooze is over: stock of BOLT at NORTH is 11; planned anew"


def test_an_order_that_arrives_wakes_and_one_that_vanishes_does_too(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (order,) = {row for row in world.toolbox.snapshot().table("purchase_orders")["order_id"].to_list()[:1]}
    with pytest.raises(DecisionRefusedError, match="was received"):
        world.decide(world.the_proposal(S.PENDING), "snooze", "pia", when=condition_of(f"order {order} received"))
    world.clock.forward(hours=1)
    world.deliver(replace(world.network, open_orders=(("PO-7", "BOLT", "DC", 10, 3, 4),)))
    proposal = world.the_proposal(S.PENDING)
    world.decide(proposal, "snooze", "pia", when=condition_of("order PO-7 received"))
    assert world.desk.recover().expired == ()
    world.clock.forward(hours=1)
    world.deliver()
    assert world.desk.recover().expired == (proposal.proposal_id,)
    assert "no order or transfer PO-7" in world.the_proposal(S.VOID).reason


def test_after_every_verb_the_log_accounts_for_every_row(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    first = world.the_proposal(S.PENDING)
    world.decide(first, "ask", "ada", text="why?")
    world.decide(first, "answer", "pia", text="so")
    world.decide(first, "delegate", "pia", to="otto")
    edited = world.decide(first, "edit", "otto", quantities={1: 40})
    world.decide(edited, "escalate", "pia")
    approve(world, world.the_proposal(S.PENDING), "ada")
    other = a_copy(guided)
    other.decide(other.the_proposal(S.PENDING), "snooze", "pia", until=other.clock() + timedelta(hours=1))
    other.clock.forward(hours=1)
    other.desk.recover()
    for house in (world, other):
        with house.database.read() as connection:
            book = a_book()
            for entry in entries(connection):
                book.observe(entry)
            assert list(differences(book, connection, READERS)) == []


NAMES = st.from_regex(r"[A-Za-z0-9._/#:+\-]{1,20}", fullmatch=True)
CONDITIONS = st.one_of(
    st.builds(
        lambda kind, item, site, units: Condition(kind=kind, item=item, site=site, units=units),
        st.sampled_from(("stock_below", "stock_above")), NAMES, NAMES, st.integers(0, 10**9),
    ),
    st.builds(
        lambda kind, item, supplier, price: Condition(kind=kind, item=item, supplier=supplier, price_minor=price),
        st.sampled_from(("price_below", "price_above")), NAMES, NAMES, st.integers(0, 10**9),
    ),
    st.builds(lambda order: Condition(kind="order_received", order_id=order), NAMES),
    st.builds(
        lambda minutes: Condition(
            kind="data_after", after=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        ),
        st.integers(0, 10**6),
    ),
)  # fmt: skip


@given(condition=CONDITIONS)
def test_a_condition_reads_back_from_its_words(condition: Condition) -> None:
    assert condition_of(condition.words) == condition


@pytest.mark.parametrize(
    "text",
    ["", "stock BOLT below 5", "stock BOLT@NORTH below -1", "stock BOLT@NORTH under 5", "order received",
     "data after tomorrow", "data after 2024-02-30", "price BOLT from SUP above 4.505", "stock BOLT@NORTH below ٣"],
)  # fmt: skip
def test_what_is_no_condition_is_answered_with_the_forms(text: str) -> None:
    with pytest.raises(ToolInputError, match="is no condition"):
        condition_of(text)


@pytest.mark.parametrize(
    "fields",
    [{"kind": "stock_below", "item": "BOLT", "units": 1}, {"kind": "order_received"},
     {"kind": "order_received", "order_id": "PO", "units": 1}, {"kind": "data_after", "item": "BOLT"}],
)  # fmt: skip
def test_a_condition_has_exactly_its_fields(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="missing or too much"):
        Condition.model_validate(fields)


def said(verb: str, **more: Any) -> Decision:
    return Decision.model_validate({"proposal_id": "prop-1", "digest_prefix": DIGEST, "verb": verb, **more})


@pytest.mark.parametrize(
    ("decision", "match"),
    [
        (said("approve", to="pia"), "to goes with ask and delegate"),
        (said("approve", quantities={1: 2}), "quantities goes with edit"),
        (said("edit", until=datetime(2024, 4, 9, tzinfo=UTC)), "until goes with snooze"),
        (said("reject", question_id="ques-1"), "question id goes with answer"),
        (said("delegate"), "needs the person"),
        (said("ask"), "needs words"),
        (said("answer", text=" "), "needs words"),
    ],
)
def test_what_a_decision_lacks_is_named(decision: Decision, match: str) -> None:
    assert match in incomplete(decision)


@pytest.mark.parametrize("verb", OVERRULING)
@pytest.mark.parametrize("reason", ReasonCode)
def test_deciding_otherwise_takes_a_reason_other_than_agreeing_and_words(verb: Verb, reason: ReasonCode) -> None:
    more = {"option": 2} if verb is Verb.CHOOSE else {}
    assert bool(incomplete(said(verb, reason=reason, text="because", **more))) is (reason is ReasonCode.AGREE)
    assert incomplete(said(verb, reason=reason, text="\n ", **more))


def test_a_batch_is_not_empty_not_double_and_approves(guided: World) -> None:
    proposal = guided.the_proposal(S.PENDING)
    one = Decision(proposal_id=proposal.proposal_id, digest_prefix=proposal.digest[:12], verb=Verb.APPROVE)
    other = one.model_copy(update={"verb": Verb.ESCALATE})
    for batch, match in (
        ([], "1 to 50"),
        ([one] * 51, "1 to 50"),
        ([one, one], "twice"),
        ([other], "a batch approves"),
    ):
        with pytest.raises(ToolInputError, match=match):
            guided.desk.approve_all(batch, guided.user("pia"))
    assert guided.the_proposal(S.PENDING) == proposal


def test_who_is_not_stored_decides_with_the_record_they_came_with(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    ghost = User(user_id="ghost", name="Ghost", roles=("warehouse_manager",))
    proposal = world.the_proposal(S.PENDING)
    decision = said("escalate").model_copy(
        update={"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12]}
    )
    with pytest.raises(
        DecisionRefusedError, match=r"ghost \(warehouse_manager\) may not decide.*it is with planner: pia"
    ):
        world.desk.decide(decision, ghost)
