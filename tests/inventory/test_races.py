"""Six races, twenty rounds each: one winner, nobody over-promised, one unbroken chain."""

from __future__ import annotations

from functools import partial

from sqlalchemy.exc import IntegrityError

from inventory.audit import count, verify
from inventory.cases import insert_cases, list_cases
from inventory.database import Database
from inventory.errors import LostRaceError
from inventory.ledger import ledger_rows, list_reservations
from inventory.ledger_refresh import StockLine
from inventory.lifecycle import move
from inventory.outbox import enqueue, list_outbox, move_document
from inventory.proposals import find_proposal, insert_proposal, list_proposals
from inventory.records import EVERYTHING, DocumentState, OutboxRow, Proposal, ProposalState
from tests.inventory.races import ROUNDS, hold_in_parts, race, race_processes
from tests.inventory.worlds import BOARD, LYON, NOW, PORTO, a_case, a_document, a_proposal, draft, open_case, stock

ITEMS = [f"BOARD-{number:02}" for number in range(ROUNDS)]


def hold_80(item: str, database: Database, number: int) -> int:
    return hold_in_parts(database, item, f"prop-{number}-{item}", 1, 80)


def assert_chain_holds(database: Database) -> None:
    with database.read() as connection:
        result = verify(connection, database.anchor)
    assert result.sound, result.problem
    assert result.not_anchored == 0


def a_hundred_of_each(database: Database) -> None:
    stock(database, *[StockLine(item=item, site=LYON, lot="", expiry=None, on_hand=100, allocated=0) for item in ITEMS])


def proposals_for(database: Database, contenders: int) -> None:
    """One proposal per contender and item, ``prop-<contender>-<item>``."""
    with database.write("evenkeel", NOW) as transaction:
        for contender in range(contenders):
            for item in ITEMS:
                case_id = f"case-{contender}-{item}"
                insert_cases(transaction, [a_case(case_id, about=f"{item}@{PORTO}-{contender}")])
                insert_proposal(transaction, a_proposal(case_id, name=f"prop-{contender}-{item}"))


def assert_all_hundred_are_promised_once(database: Database) -> None:
    with database.read() as connection:
        rows = ledger_rows(connection, EVERYTHING)
        kept = list_reservations(connection, EVERYTHING)
    assert [(row.item, row.reserved) for row in rows] == [(item, 100) for item in ITEMS]
    for item in ITEMS:
        assert sum(one.quantity for one in kept if one.item == item) == 100
    assert_chain_holds(database)


def test_eight_threads_that_each_want_80_of_100_units_in_parts_share_100(database: Database) -> None:
    a_hundred_of_each(database)
    proposals_for(database, 8)

    def contend(own: Database, number: int) -> list[int]:
        return [hold_in_parts(own, item, f"prop-{number}-{item}", 2, 40 - 20 * (number % 2)) for item in ITEMS]

    held = race(database, 8, contend)
    assert [sum(of_item) for of_item in zip(*held, strict=True)] == [100] * ROUNDS
    assert_all_hundred_are_promised_once(database)


def test_two_processes_that_each_want_80_of_100_units_in_parts_share_100(database: Database) -> None:
    a_hundred_of_each(database)
    proposals_for(database, 2)
    race_processes(database.where, database.anchor.path, ITEMS, ["prop-0", "prop-1"], 8, 10)
    assert_all_hundred_are_promised_once(database)


def test_of_two_claims_on_80_of_100_units_one_is_refused(database: Database) -> None:
    a_hundred_of_each(database)
    proposals_for(database, 2)
    for item in ITEMS:
        held = race(database, 2, partial(hold_80, item))
        assert sorted(held) == [0, 80]
    assert_chain_holds(database)


def test_of_two_movers_with_the_same_read_one_loses(database: Database) -> None:
    targets = (ProposalState.VOID, ProposalState.PENDING)
    for number in range(ROUNDS):
        with database.write("evenkeel", NOW) as transaction:
            read = draft(transaction, number)

        def contend(own: Database, contender: int, read: Proposal = read) -> str:
            try:
                with own.write(f"mover-{contender}", NOW) as transaction:
                    move(transaction, read, targets[contender])
            except LostRaceError:
                return "lost"
            return targets[contender].value

        answers = race(database, 2, contend)
        assert answers.count("lost") == 1
        with database.read() as connection:
            after = find_proposal(connection, EVERYTHING, read.proposal_id)
        assert after.state.value in answers
        assert after.state_version == 2
    assert_chain_holds(database)


def test_of_two_cases_with_one_identity_opened_at_once_one_is_refused(database: Database) -> None:
    for number in range(ROUNDS):

        def contend(own: Database, contender: int, number: int = number) -> bool:
            try:
                open_case(own, a_case(f"case-{number}-{contender}", about=f"{BOARD}@{PORTO}-{number}"))
            except IntegrityError:
                return False
            return True

        assert sorted(race(database, 2, contend)) == [False, True]
    with database.read() as connection:
        assert len(list_cases(connection, EVERYTHING)) == count(connection) == ROUNDS
    assert_chain_holds(database)


def test_of_two_proposals_drafted_at_once_for_one_case_one_is_refused(database: Database) -> None:
    for number in range(ROUNDS):
        case_id = f"case-{number}"
        open_case(database, a_case(case_id, about=f"{BOARD}@{PORTO}-{number}"))

        def contend(own: Database, contender: int, case_id: str = case_id) -> bool:
            try:
                with own.write("evenkeel", NOW) as transaction:
                    insert_proposal(transaction, a_proposal(case_id, version=contender + 1))
            except IntegrityError:
                return False
            return True

        assert sorted(race(database, 2, contend)) == [False, True]
    with database.read() as connection:
        assert len(list_proposals(connection, EVERYTHING)) == ROUNDS
    assert_chain_holds(database)


def test_of_two_executors_with_the_same_row_one_sends(database: Database) -> None:
    for number in range(ROUNDS):
        with database.write("evenkeel", NOW) as transaction:
            proposal = draft(transaction, number)
            enqueue(transaction, proposal.proposal_id, [a_document(proposal)])
        with database.read() as connection:
            (row,) = list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)

        def contend(own: Database, contender: int, row: OutboxRow = row) -> bool:
            try:
                with own.write(f"executor-{contender}", NOW) as transaction:
                    move_document(transaction, row, DocumentState.SENT)
            except LostRaceError:
                return False
            return True

        assert sorted(race(database, 2, contend)) == [False, True]
        with database.read() as connection:
            (sent,) = list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)
        assert (sent.state, sent.attempts) == (DocumentState.SENT, 1)
    assert_chain_holds(database)
