"""The worker's place and the jobs of a day: one at a time, taken over when nobody is heard of, done once."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from inventory.database import Database
from inventory.errors import LostRaceError
from inventory.workers import JOB_LIMIT, LEASE, beat, begin_job, finish_job, job_note, leave, worker_state

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LEAP_DAY = date(2024, 2, 29)


def test_a_second_worker_waits_until_the_first_is_not_heard_of(database: Database) -> None:
    with database.write("evenkeel", NOON) as transaction:
        beat(transaction, "first")
    with pytest.raises(LostRaceError, match="first is at work"), database.write("evenkeel", NOON + LEASE / 2) as second:
        beat(second, "second")
    with database.write("evenkeel", NOON + LEASE) as transaction:
        beat(transaction, "second", trouble="heads: no such folder", erp_skew_seconds=-3)
    with database.read() as connection:
        known = worker_state(connection)
    assert known is not None
    assert (known.holder, known.trouble, known.erp_skew_seconds) == ("second", "heads: no such folder", -3)
    assert not known.silent(NOON + LEASE + timedelta(minutes=5))
    assert known.silent(NOON + LEASE + timedelta(minutes=5, seconds=1))


def test_a_place_given_up_is_free_at_once_and_one_never_held_is_left_alone(database: Database) -> None:
    with database.write("evenkeel", NOON) as transaction:
        beat(transaction, "first")
        leave(transaction, "second")
    with pytest.raises(LostRaceError), database.write("evenkeel", NOON) as transaction:
        beat(transaction, "second")
    with database.write("evenkeel", NOON) as transaction:
        leave(transaction, "first")
        beat(transaction, "second")
        leave(transaction, "second", for_good=True)
        assert worker_state(transaction.connection) is None


def test_a_job_of_a_day_is_done_once(database: Database) -> None:
    def begins(holder: str, at: datetime, day: date = LEAP_DAY) -> bool:
        with database.write("evenkeel", at) as transaction:
            return begin_job(transaction, "audit", day, holder)

    assert begins("first", NOON)
    assert not begins("second", NOON + JOB_LIMIT / 2)
    assert begins("second", NOON + JOB_LIMIT), "whoever began it an hour ago has died"
    with database.write("evenkeel", NOON + JOB_LIMIT) as transaction:
        finish_job(transaction, "audit", LEAP_DAY, "first", "too late")
        finish_job(transaction, "audit", LEAP_DAY, "second", "sound")
    assert not begins("third", NOON + 10 * JOB_LIMIT)
    assert begins("third", NOON + timedelta(days=1), LEAP_DAY + timedelta(days=1))
    with database.read() as connection:
        assert job_note(connection, "audit", LEAP_DAY) == "sound"
        assert job_note(connection, "audit", LEAP_DAY + timedelta(days=1)) is None


def test_of_eight_workers_at_once_one_gets_the_place_and_one_the_job(database: Database) -> None:
    places: list[str] = []
    jobs: list[str] = []
    ready = threading.Barrier(8)

    def work(holder: str) -> None:
        ready.wait()
        try:
            with database.write("evenkeel", NOON) as transaction:
                beat(transaction, holder)
            places.append(holder)
        except LostRaceError:
            pass
        with database.write("evenkeel", NOON) as transaction:
            if begin_job(transaction, "audit", LEAP_DAY, holder):
                jobs.append(holder)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 1
    assert len(jobs) == 1
