"""Proposals on file: one alive per case, found by a clear beginning, signed by their exact digest."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database
from inventory.errors import NotFoundError
from inventory.lifecycle import ARROWS, move
from inventory.proposals import (
    find_approval,
    find_explanation,
    find_plan_run,
    find_proposal,
    find_situation,
    insert_approval,
    insert_plan_run,
    insert_proposal,
    list_approvals,
    list_proposals,
    list_rulings,
    next_version,
    save_citations,
    save_explanation,
    save_ruling,
    save_situation,
)
from inventory.record import digest
from inventory.records import (
    EVERYTHING,
    Approval,
    Explanation,
    LedgerRow,
    PlanRun,
    Proposal,
    ProposalState,
    Ruling,
    Situation,
)
from inventory.tables import LIVE_STATES
from tests.inventory.record_examples import EXAMPLES
from tests.inventory.worlds import (
    BOARD,
    GHENT,
    GHENT_PLANNER,
    LYON,
    NOW,
    PORTO,
    PORTO_PLANNER,
    REGULATED_ONLY,
    STANDARD_ONLY,
    a_case,
    a_finding,
    a_proposal,
    an_approval,
    open_case,
)


def save(database: Database, proposal: Proposal) -> Proposal:
    with database.write("evenkeel", NOW) as transaction:
        insert_proposal(transaction, proposal)
    return proposal


@pytest.fixture
def drafted(database: Database) -> Proposal:
    open_case(database)
    return save(database, a_proposal())


def sign(database: Database, approval: Approval) -> Approval:
    with database.write(approval.by, approval.at) as transaction:
        insert_approval(transaction, approval)
    return approval


def test_a_proposal_comes_back_as_it_was_drafted(database: Database, drafted: Proposal) -> None:
    with database.read() as connection:
        found = find_proposal(connection, EVERYTHING, drafted.proposal_id)
        told = next(entry for entry in entries(connection) if entry.event == "proposal.drafted")
    assert found == drafted
    assert found.digest == drafted.digest
    assert told.data["digest"] == drafted.digest
    assert told.data["content"] == drafted.content.model_dump(mode="json")


def test_a_case_has_one_live_proposal(database: Database, drafted: Proposal) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        save(database, a_proposal(version=2))
    with database.read() as connection:
        assert list_proposals(connection, EVERYTHING) == [drafted]


def test_a_proposal_blocks_the_next_exactly_as_long_as_it_may_act(database: Database) -> None:
    paths = {ProposalState.DRAFT: [ProposalState.DRAFT]}
    for state, targets in ARROWS.items():
        for target in sorted(targets):
            paths.setdefault(target, [*paths[state], target])
    assert set(paths) == set(ProposalState)
    for number, (state, path) in enumerate(sorted(paths.items())):
        case_id = f"case-{number}"
        open_case(database, a_case(case_id, about=f"{BOARD}@{case_id}"))
        with database.write("evenkeel", NOW) as transaction:
            proposal = a_proposal(case_id)
            insert_proposal(transaction, proposal)
            for target in path[1:]:
                proposal = move(transaction, proposal, target)
        if state.value in LIVE_STATES:
            with pytest.raises(IntegrityError):
                save(database, a_proposal(case_id, version=2))
        else:
            save(database, a_proposal(case_id, version=2))


def test_a_version_number_is_used_once(database: Database, drafted: Proposal) -> None:
    with database.write("evenkeel", NOW) as transaction:
        move(transaction, drafted, ProposalState.VOID)
        assert next_version(transaction.connection, EVERYTHING, "case-larch") == 2
        assert next_version(transaction.connection, EVERYTHING, "case-unknown") == 1
    with pytest.raises(IntegrityError):
        save(database, a_proposal(name="prop-other"))


def test_a_proposal_needs_its_case(database: Database) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        save(database, a_proposal("case-unknown"))


def test_a_proposal_is_found_by_the_beginning_of_its_id_when_only_one_fits(database: Database) -> None:
    for name in ("prop-ab", "prop-abc", "prop-b"):
        open_case(database, a_case(f"case-{name}", about=f"{BOARD}@{name}"))
        save(database, a_proposal(f"case-{name}", name=name))
    with database.read() as connection:
        assert find_proposal(connection, EVERYTHING, "prop-b").proposal_id == "prop-b"
        assert find_proposal(connection, EVERYTHING, "prop-ab").proposal_id == "prop-ab", "a whole id beats a beginning"
        for unclear, number in (("prop-a", 2), ("prop", 3), ("oak", 0), ("prop_b", 0), ("%", 0)):
            with pytest.raises(NotFoundError, match=f"{number} found that evenkeel may see, expected one"):
                find_proposal(connection, EVERYTHING, unclear)


def test_proposals_are_listed_oldest_first_by_state_and_case(database: Database) -> None:
    for number, name in enumerate(("prop-z", "prop-b", "prop-a")):
        open_case(database, a_case(f"case-{name}", about=f"{BOARD}@{name}"))
        created = NOW + timedelta(hours=min(number, 1))
        save(database, a_proposal(f"case-{name}", name=name, created_at=created))
    with database.write("ines", NOW) as transaction:
        move(transaction, find_proposal(transaction.connection, EVERYTHING, "prop-b"), ProposalState.PENDING)
    with database.read() as connection:
        assert [p.proposal_id for p in list_proposals(connection, EVERYTHING)] == ["prop-z", "prop-a", "prop-b"]
        pending = list_proposals(connection, EVERYTHING, states=[ProposalState.PENDING])
        assert [p.proposal_id for p in pending] == ["prop-b"]
        assert [p.proposal_id for p in list_proposals(connection, EVERYTHING, case_id="case-prop-z")] == ["prop-z"]


def test_an_approval_counts_for_the_exact_digest_only(database: Database, drafted: Proposal) -> None:
    sign(database, an_approval(drafted, by="wout", digest="0" * 64))
    with database.read() as connection:
        assert find_approval(connection, EVERYTHING, drafted) is None
    signed = sign(database, an_approval(drafted, by="ines"))
    edited = drafted.model_copy(update={"content": drafted.content.model_copy(update={"value_minor": 1})})
    with database.read() as connection:
        assert find_approval(connection, EVERYTHING, drafted) == signed
        assert find_approval(connection, EVERYTHING, edited) is None
        assert len(list_approvals(connection, EVERYTHING, drafted.proposal_id)) == 2


@pytest.mark.parametrize(
    "decision", [word for word in get_args(Approval.model_fields["decision"].annotation) if word != "approve"]
)
def test_only_the_decision_to_approve_is_an_approval(database: Database, drafted: Proposal, decision: str) -> None:
    sign(database, Approval.model_validate({**dict(an_approval(drafted)), "decision": decision}))
    with database.read() as connection:
        assert find_approval(connection, EVERYTHING, drafted) is None


def test_the_newest_of_two_signatures_is_found(database: Database, drafted: Proposal) -> None:
    later = sign(database, an_approval(drafted, by="ada", at=NOW + timedelta(hours=1)))
    sign(database, an_approval(drafted, by="zoe"))
    with database.read() as connection:
        assert find_approval(connection, EVERYTHING, drafted) == later


def test_one_person_signs_one_decision_once(database: Database, drafted: Proposal) -> None:
    sign(database, an_approval(drafted))
    with pytest.raises(IntegrityError):
        sign(database, an_approval(drafted, at=NOW + timedelta(hours=1)))


def test_rulings_add_up_and_stay_in_order(database: Database, drafted: Proposal) -> None:
    ruling = EXAMPLES[Ruling]
    assert isinstance(ruling, Ruling)
    later = ruling.model_copy(update={"at": NOW + timedelta(hours=1), "policy_version": 5})
    for one in (ruling, later):
        with database.write("evenkeel", NOW) as transaction:
            save_ruling(transaction, drafted.proposal_id, one)
    with database.read() as connection:
        assert list_rulings(connection, EVERYTHING, drafted.proposal_id) == [ruling, later]


def test_words_and_facts_are_kept_beside_the_proposal_and_never_change_its_digest(
    database: Database, drafted: Proposal
) -> None:
    situation, explanation = EXAMPLES[Situation], EXAMPLES[Explanation]
    assert isinstance(situation, Situation)
    assert isinstance(explanation, Explanation)
    words = explanation.model_copy(update={"proposal_id": drafted.proposal_id})
    with database.read() as connection:
        assert find_situation(connection, EVERYTHING, drafted.proposal_id) is None
        assert find_explanation(connection, EVERYTHING, drafted.proposal_id) is None
    with database.write("evenkeel", NOW) as transaction:
        save_situation(transaction, drafted.proposal_id, situation)
        save_citations(transaction, drafted.proposal_id, words.citations)
        save_explanation(transaction, words)
    with database.read() as connection:
        assert find_situation(connection, EVERYTHING, drafted.proposal_id) == situation
        assert find_explanation(connection, EVERYTHING, drafted.proposal_id) == words
        assert find_proposal(connection, EVERYTHING, drafted.proposal_id) == drafted
        last = list(entries(connection))[-1]
    assert last.event == "proposal.explained"
    assert last.data == {"source": "model", "digest": digest(words), "citations": ["SOP-12@v2#3"]}


def test_a_plan_run_is_kept_whole_and_told_narrowed(database: Database) -> None:
    example = EXAMPLES[PlanRun]
    assert isinstance(example, PlanRun)
    row = example.ledger[0]
    run = example.model_copy(
        update={"ledger": (row, LedgerRow(**{**dict(row), "site": PORTO})), "lost_to": {"case-1": "x", "case-2": "y"}}
    )
    open_case(database, a_case("case-1", findings=(a_finding(PORTO),)))
    open_case(database, a_case("case-2", about=f"{BOARD}@{GHENT}", findings=(a_finding(GHENT),)))
    with database.write("evenkeel", NOW) as transaction:
        insert_plan_run(transaction, run)
    with database.read() as connection:
        assert find_plan_run(connection, EVERYTHING, "plan-1") == run
        mine = find_plan_run(connection, GHENT_PLANNER, "plan-1")
        with pytest.raises(NotFoundError, match="plan-2"):
            find_plan_run(connection, EVERYTHING, "plan-2")
        theirs = find_plan_run(connection, PORTO_PLANNER, "plan-1")
    assert (mine.case_ids, mine.lines, mine.committed_inbound, mine.ledger) == (("case-2",), (), (), ())
    assert (mine.needs, mine.reliefs, mine.lost_to) == ((("case-2", BOARD, GHENT),), (1.25,), {"case-2": "y"})
    assert (theirs.case_ids, len(theirs.lines), len(theirs.committed_inbound)) == (("case-1",), 1, 1)
    assert [row.site for row in theirs.ledger] == [PORTO]
    assert LYON not in {row.site for row in theirs.ledger}


def test_a_plan_run_without_surplus_sites_is_told_narrowed_too(database: Database) -> None:
    example = EXAMPLES[PlanRun]
    assert isinstance(example, PlanRun)
    open_case(database, a_case("case-1"))
    with database.write("evenkeel", NOW) as transaction:
        insert_plan_run(transaction, example.model_copy(update={"reliefs": ()}))
    with database.read() as connection:
        assert find_plan_run(connection, PORTO_PLANNER, "plan-1").case_ids == ("case-1",)


def test_a_proposal_is_shown_to_whoever_may_see_its_case(database: Database, drafted: Proposal) -> None:
    sign(database, an_approval(drafted))
    with database.read() as connection:
        for scope in (PORTO_PLANNER, STANDARD_ONLY):
            assert list_proposals(connection, scope) == [drafted]
            assert find_proposal(connection, scope, drafted.proposal_id) == drafted
        for scope in (GHENT_PLANNER, REGULATED_ONLY):
            assert list_proposals(connection, scope) == []
            for reader in (find_proposal, find_situation, find_explanation, list_rulings, list_approvals):
                with pytest.raises(NotFoundError, match=f"0 found that {scope.user} may see"):
                    reader(connection, scope, drafted.proposal_id)
