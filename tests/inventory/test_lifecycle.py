"""The life of a proposal: the design's arrows and no others, each won once and written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from inventory.audit import entries
from inventory.database import Database
from inventory.errors import LostRaceError, StoreError
from inventory.lifecycle import ARROWS, EVENTS, move
from inventory.proposals import find_proposal
from inventory.records import EVERYTHING, Proposal, ProposalState, Tier
from inventory.tables import LIVE_STATES, proposals
from tests.inventory.worlds import NOW, draft

DESIGN = """
draft    | pending void superseded
pending  | approved rejected expired snoozed void superseded pending
snoozed  | pending void
approved | leased recalled expired void
leased   | sent approved
sent     | executed failed in_doubt
in_doubt | executed failed incident
"""
ALLOWED = {
    (ProposalState(line.split("|")[0].strip()), ProposalState(to))
    for line in DESIGN.strip().splitlines()
    for to in line.split("|")[1].split()
}
FORBIDDEN = [(left, right) for left in ProposalState for right in ProposalState if (left, right) not in ALLOWED]


@pytest.fixture
def drafted(database: Database) -> Proposal:
    with database.write("evenkeel", NOW) as transaction:
        return draft(transaction, 1)


def put(database: Database, proposal: Proposal, state: ProposalState) -> Proposal:
    """The proposal as if it stood in that state."""
    with database.write("evenkeel", NOW) as transaction:
        transaction.connection.execute(update(proposals).values(state=state.value, state_version=7))
    return proposal.model_copy(update={"state": state, "state_version": 7})


def test_the_arrows_are_those_of_the_design() -> None:
    assert {(left, right) for left, targets in ARROWS.items() for right in targets} == ALLOWED


def test_every_state_that_can_be_entered_has_its_own_event_in_the_past_tense() -> None:
    assert set(EVENTS) == {right for _, right in ALLOWED}
    assert len(set(EVENTS.values())) == len(EVENTS)
    assert all(name.startswith("proposal.") and name.endswith(("ed", "sent")) for name in EVENTS.values())


def test_the_states_that_count_as_live_are_those_with_a_way_out() -> None:
    assert set(LIVE_STATES) == {state.value for state in ARROWS}


def test_every_arrow_moves_the_row_and_writes_its_event(database: Database, drafted: Proposal) -> None:
    for left, right in sorted(ALLOWED):
        standing = put(database, drafted, left)
        with database.write("ines", NOW) as transaction:
            moved = move(transaction, standing, right, reason="because")
        with database.read() as connection:
            assert find_proposal(connection, EVERYTHING, drafted.proposal_id) == moved
            last = list(entries(connection))[-1]
        assert (moved.state, moved.state_version, moved.reason) == (right, 8, "because")
        assert (last.event, last.actor, last.subject_id) == (EVENTS[right], "ines", drafted.proposal_id)
        assert last.data == {"from": left, "to": right, "digest": drafted.digest, "reason": "because", "set": {}}


def test_every_other_arrow_is_refused_and_changes_nothing(database: Database, drafted: Proposal) -> None:
    assert len(FORBIDDEN) == 15 * 15 - 24
    for left, right in FORBIDDEN:
        standing = put(database, drafted, left)
        with (
            pytest.raises(StoreError, match=f"no way from {left} to {right}"),
            database.write("ines", NOW) as transaction,
        ):
            move(transaction, standing, right)
        with database.read() as connection:
            assert find_proposal(connection, EVERYTHING, drafted.proposal_id) == standing


def test_the_second_mover_with_the_same_read_loses(database: Database, drafted: Proposal) -> None:
    with database.write("ines", NOW) as transaction:
        move(transaction, drafted, ProposalState.PENDING)
    with (
        pytest.raises(LostRaceError, match=r"no longer draft \(version 1\)"),
        database.write("wout", NOW) as transaction,
    ):
        move(transaction, drafted, ProposalState.VOID)
    with database.read() as connection:
        assert [entry.event for entry in entries(connection)][-1] == "proposal.queued"


def test_a_return_to_the_same_state_does_not_revive_an_old_read(database: Database, drafted: Proposal) -> None:
    """Pending, snoozed, pending again: what was read before the snooze is stale although the state is equal."""
    with database.write("ines", NOW) as transaction:
        first = move(transaction, drafted, ProposalState.PENDING)
        move(transaction, move(transaction, first, ProposalState.SNOOZED), ProposalState.PENDING)
    with pytest.raises(LostRaceError), database.write("wout", NOW) as transaction:
        move(transaction, first, ProposalState.APPROVED)


def test_a_move_sets_the_columns_that_belong_to_it(database: Database, drafted: Proposal) -> None:
    with database.write("ines", NOW) as transaction:
        pending = move(transaction, drafted, ProposalState.PENDING, tier=Tier.FORMAL)
        approved = move(transaction, pending, ProposalState.APPROVED, not_before=NOW + timedelta(minutes=15))
        leased = move(transaction, approved, ProposalState.LEASED, lease_until=NOW + timedelta(minutes=20), fencing=3)
    with database.read() as connection:
        assert find_proposal(connection, EVERYTHING, drafted.proposal_id) == leased
        row = connection.execute(select(proposals)).one()
    assert (leased.tier, leased.not_before) == (Tier.FORMAL, NOW + timedelta(minutes=15))
    assert (row.lease_until, row.fencing) == (NOW + timedelta(minutes=20), 3)
