"""Sharing units out: in order, first-expiring lots first, all of a proposal or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

from inventory.allotment import Allotment, Wish, allot
from inventory.database import Database
from inventory.ledger_refresh import StockLine, refresh_ledger

AS_OF = datetime(2024, 4, 8, 6, 0, tzinfo=UTC)


def shared(database: Database, *wishes: Wish) -> Allotment:
    """What wishes get of 5 old and 10 fresh boards in LYON and 3 in GHENT."""
    stock = [
        StockLine("BOARD", "LYON", "FRESH", date(2024, 9, 1), 10, 0),
        StockLine("BOARD", "LYON", "OLD", date(2024, 5, 1), 5, 0),
        StockLine("BOARD", "GHENT", "", None, 3, 0),
    ]
    with database.write("test", AS_OF) as transaction:
        refresh_ledger(transaction, stock, AS_OF)
        return allot(transaction.connection, wishes)


def of(proposal: str, line: int, site: str, quantity: int) -> Wish:
    return Wish(proposal, line, "BOARD", site, "OSLO", quantity)


def test_first_expiring_lots_go_first(database: Database) -> None:
    allotted = shared(database, of("prop-a", 1, "LYON", 7))

    assert [(take.lot, take.quantity) for take in allotted.takes] == [("OLD", 5), ("FRESH", 2)]
    assert not allotted.refused


def test_a_later_proposal_sees_only_what_is_left(database: Database) -> None:
    allotted = shared(database, of("prop-a", 1, "LYON", 12), of("prop-b", 1, "LYON", 4), of("prop-c", 1, "LYON", 3))

    assert {take.wish.proposal_id for take in allotted.takes} == {"prop-a", "prop-c"}
    assert allotted.refused == {
        "prop-b": "item BOARD at site LYON: 4 units asked for proposal prop-b, only 3 free",
    }


def test_a_proposal_that_cannot_have_all_gives_everything_back(database: Database) -> None:
    allotted = shared(database, of("prop-a", 1, "LYON", 15), of("prop-a", 2, "GHENT", 4), of("prop-b", 1, "LYON", 15))

    assert set(allotted.refused) == {"prop-a"}
    assert sum(take.quantity for take in allotted.takes if take.wish.proposal_id == "prop-b") == 15


def test_a_site_that_keeps_none_gives_none(database: Database) -> None:
    assert set(shared(database, of("prop-a", 1, "PARIS", 1)).refused) == {"prop-a"}
