"""PostgreSQL does as SQLite does: one writer, one state for a reader, byte order, wide integers, plain errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from sqlalchemy import Connection, create_engine, select, text, update

from inventory.audit import count
from inventory.conflicts import FIRST_PAUSE_SECONDS, retrying
from inventory.database import Database
from inventory.errors import ConflictError, StoreError
from inventory.ledger import ledger_rows
from inventory.ledger_refresh import StockLine
from inventory.postgres import parse_url, plain_url
from inventory.records import EVERYTHING
from inventory.tables import cases, stock_lines
from tests import postgres
from tests.inventory.worlds import BOARD, LYON, NOW, a_second_process, open_case, stock

SORTED_BY_BYTES = ["#-1", "A-2", "Z-9", "_-3", "a-1", "a-10", "a-2", "É-1", "é-1", "ß-1", "—-1"]


@contextmanager
def by_hand(database: Database) -> Iterator[Connection]:
    """Somebody who repairs the database without asking for the writer's lock."""
    engine = create_engine(parse_url(database.url), isolation_level="SERIALIZABLE")
    with engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


def one_line(item: str, on_hand: int) -> StockLine:
    return StockLine(item=item, site=LYON, lot="", expiry=None, on_hand=on_hand, allocated=0)


def test_a_writer_waits_for_another_and_then_sees_what_it_wrote(database: Database) -> None:
    entered, seen = threading.Event(), list[int]()

    def second() -> None:
        own = a_second_process(database)
        entered.set()
        with own.write("second", NOW) as transaction:
            seen.append(count(transaction.connection))
            transaction.record("case.moved", "case", "case-1")

    thread = threading.Thread(target=second)
    with database.write("first", NOW) as transaction:
        thread.start()
        assert entered.wait(5)
        thread.join(0.3)
        assert thread.is_alive(), "the second writer must wait"
        transaction.record("case.moved", "case", "case-1")
    thread.join(5)
    assert seen == [1]
    with database.read() as connection:
        assert count(connection) == 2


def test_a_reader_sees_one_state_and_keeps_no_writer_waiting(database: Database) -> None:
    with database.read() as connection:
        assert count(connection) == 0
        with database.write("evenkeel", NOW) as transaction:
            transaction.record("case.moved", "case", "case-1")
        assert count(connection) == 0
    with database.read() as connection:
        assert count(connection) == 1


def test_text_is_in_the_order_of_its_bytes(database: Database) -> None:
    stock(database, *[one_line(item, 1) for item in SORTED_BY_BYTES])
    with database.read() as connection:
        found = connection.execute(select(stock_lines.c.item).order_by(stock_lines.c.item)).scalars().all()
        above = connection.execute(select(stock_lines.c.item).where(stock_lines.c.item > "a-10")).scalars().all()
    assert found == sorted(SORTED_BY_BYTES, key=str.encode)
    assert len(above) == 5


def test_integers_and_texts_are_as_wide_as_in_sqlite(database: Database) -> None:
    large, long = 2**62, "x" * 5_000
    stock(database, one_line(BOARD, large))
    open_case(database)
    with database.write("evenkeel", NOW) as transaction:
        transaction.connection.execute(update(cases).values(money_at_risk_minor=large, planner=long))
    with database.read() as connection:
        assert ledger_rows(connection, EVERYTHING)[0].on_hand == large
        row = connection.execute(select(cases.c.money_at_risk_minor, cases.c.planner)).one()
    assert row == (large, long)


def test_a_conflict_with_somebody_who_does_not_wait_is_named_and_the_step_done_again(database: Database) -> None:
    stock(database, one_line(BOARD, 10))
    tries: list[int] = []
    pauses: list[float] = []

    def add_one() -> None:
        with database.write("evenkeel", NOW) as transaction:
            (row,) = ledger_rows(transaction.connection, EVERYTHING)
            if not tries:
                with by_hand(database) as connection:
                    connection.execute(update(stock_lines).values(on_hand=20))
            tries.append(row.on_hand)
            transaction.connection.execute(update(stock_lines).values(on_hand=row.on_hand + 1))
            transaction.record("ledger.corrected", "ledger", "stock")

    retrying(add_one, chance=Random(7), sleep=pauses.append)
    assert tries == [10, 20]
    assert len(pauses) == 1
    assert FIRST_PAUSE_SECONDS / 2 <= pauses[0] <= FIRST_PAUSE_SECONDS * 1.5
    with database.read() as connection:
        assert ledger_rows(connection, EVERYTHING)[0].on_hand == 21
        corrected = "SELECT count(*) FROM audit WHERE event = 'ledger.corrected'"
        assert connection.execute(text(corrected)).scalar_one() == 1, "the attempt that was rolled back left no entry"


def test_a_step_that_conflicts_each_time_is_given_up() -> None:
    tries: list[int] = []

    def never() -> None:
        tries.append(1)
        raise ConflictError("again")

    with pytest.raises(ConflictError):
        retrying(never, chance=Random(7), attempts=5, sleep=lambda _: None)
    assert len(tries) == 5


def test_other_errors_are_not_tried_again() -> None:
    tries: list[int] = []

    def wrong() -> None:
        tries.append(1)
        raise StoreError("no")

    with pytest.raises(StoreError):
        retrying(wrong, chance=Random(7), sleep=lambda _: None)
    assert tries == [1]


def test_a_writer_that_waits_too_long_says_so(database: Database) -> None:
    impatient = postgres.remember(Database(f"{database.url}&options=-c lock_timeout=50", database.anchor))
    with (
        database.write("first", NOW),
        pytest.raises(StoreError, match="another writer has held the database"),
        impatient.write("second", NOW),
    ):
        pytest.fail("it must not get in")


def test_a_writer_that_stopped_half_way_does_not_hold_up_the_others(database: Database) -> None:
    paused = postgres.remember(
        Database(f"{database.url}&options=-c idle_in_transaction_session_timeout=100", database.anchor)
    )
    with paused._writer.connect() as connection:
        connection.begin()
        with database.write("second", NOW) as transaction:
            transaction.record("case.moved", "case", "case-1")
        connection.invalidate()
    with database.read() as connection:
        assert count(connection) == 1


@pytest.mark.parametrize(
    "url", ["mysql://a@b/c", "evenkeel.sqlite3", "postgresql://host", "", "postgresql:///?host=/tmp"]
)
def test_what_is_no_address_of_a_database_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreError) as refused:
        parse_url(url)
    assert "a@b" not in str(refused.value)


def test_an_address_reads_the_same_for_every_driver() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert plain_url(f"{scheme}://ek:s3cret@db/house?host=/run") == "postgresql://ek:s3cret@db/house?host=%2Frun"


def test_a_database_that_cannot_hold_every_text_is_refused(database: Database) -> None:
    url = postgres.new_database(empty=True, encoding="LATIN1")
    narrow = postgres.remember(Database(url, database.anchor))
    with pytest.raises(StoreError, match="LATIN1"):
        narrow.migrate()
