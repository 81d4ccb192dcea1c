"""The worker: sends what is due, minds the kill switch, stands by, stops when told, backs off when the ERP fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import func, select

from agent.decisions import Decision
from inventory.audit import entries
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.outbox import list_outbox
from inventory.people import find_user
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING, DocumentState, ProposalState, ReasonCode
from inventory.tables import daily_jobs
from inventory.tasks import list_tasks
from inventory.workers import LEASE, beat, worker_state
from service.bootstrap import House, open_home
from service.settings import Settings
from service.watch import operations_alarms
from service.worker import LONGEST_PAUSE, Worker, pause_after
from service.worker_erp import WatchedErp
from tests.service.doors import PLANNER, Doors, a_transfer
from tools.erp.faults import Fault, FaultKind
from tools.erp.simulated import SimulatedErp

S = ProposalState


def erp_of(house: House) -> SimulatedErp:
    return SimulatedErp(house.layout.erp, clock=house.clock)


def states(house: House, *wanted: ProposalState) -> int:
    with house.database.read() as connection:
        return len(list_proposals(connection, EVERYTHING, states=wanted))


@pytest.fixture
def due(house: House) -> House:
    """A house where what policy and a person approved may be sent: two holds and two transfers."""
    for planner, destination in (("ben.planner", "WH-SOUTH"), ("anna.planner", "DC-WEST")):
        proposal = a_transfer(house, destination)
        with house.database.read() as connection:
            user = find_user(connection, EVERYTHING, planner)
        decision = Decision(
            proposal_id=proposal.proposal_id, digest_prefix=proposal.digest, verb="approve", reason=ReasonCode.AGREE
        )
        house.desk.decide(decision, user)
    house.advance(5)
    assert states(house, S.APPROVED) == 4
    return house


def a_worker(house: House, said: list[str] | None = None, **more: object) -> Worker:
    said = [] if said is None else said
    return Worker(house, said.append, every=timedelta(seconds=0.05), **more)  # type: ignore[arg-type]


def test_one_round_does_everything_and_says_so(due: House) -> None:
    said: list[str] = []
    waiting = states(due, S.APPROVED)
    assert a_worker(due, said).run(once=True) == ""
    assert states(due, S.APPROVED) == 0
    assert states(due, S.EXECUTED) == waiting
    assert sum("executed" in line for line in said) == waiting
    assert any(line.startswith("audit of 2024-04-08") for line in said)
    assert any(line.startswith("retention of 2024-04-08") for line in said)


def test_a_second_round_repeats_no_news_and_no_daily_job(due: House) -> None:
    said: list[str] = []
    worker = a_worker(due, said)
    worker.round()
    told = len(said)
    worker.round()
    assert len(said) == told
    due.advance(24)
    worker.round()
    assert sum(line.startswith("audit of") for line in said) == 2


def test_two_workers_by_mistake_are_harmless(due: House) -> None:
    """The second stands by; and were both at work, each thing is still done once."""
    said: list[str] = []
    first, second = a_worker(due, holder="first"), a_worker(due, said, holder="second")
    waiting = states(due, S.APPROVED)
    with due.database.write("evenkeel", due.machine()) as transaction:
        beat(transaction, "first")
    second.round()
    assert states(due, S.APPROVED) == waiting
    assert "first is at work" in said[0]
    houses = [open_home(due.settings) for _ in range(2)]
    at_once = [a_worker(house, holder=f"w{number}") for number, house in enumerate(houses)]
    for worker in at_once:
        worker._beat = lambda: None  # type: ignore[method-assign]  # both believe to be alone
    threads = [Thread(target=worker.round) for worker in at_once]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for house in houses:
        house.close()
    first.round()
    documents = [posting.key for posting in erp_of(due).open_documents() if posting.key]
    assert len(documents) == len(set(documents)) > 0
    assert states(due, S.APPROVED, S.LEASED, S.SENT) == 0
    with due.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(daily_jobs)).scalar_one() == 2
        assert sum(entry.event == "audit.checked" for entry in entries(connection)) == 1


def test_the_place_is_taken_over_after_a_lease(due: House) -> None:
    now = due.machine()
    with due.database.write("evenkeel", now) as transaction:
        beat(transaction, "killed")
    due.machine = lambda: now + LEASE
    a_worker(due, holder="next").round()
    assert states(due, S.APPROVED) == 0


def test_the_kill_switch_binds_at_once_and_lifting_it_lets_go_on(due: House) -> None:
    said: list[str] = []
    worker = a_worker(due, said)
    with due.database.write("gita.central", due.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)
    worker.round()
    assert states(due, S.EXECUTED) == 0
    assert any("kill switch is on" in line for line in said)
    with due.database.write("admin", due.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, False)
    worker.round()
    assert states(due, S.APPROVED) == 0


def test_a_round_ends_when_the_erp_cannot_be_reached_and_the_next_goes_on(due: House) -> None:
    erp_of(due).faults.add(Fault(kind=FaultKind.UNREACHABLE, times=1))
    worker = a_worker(due)
    assert "no connection" in worker.round()
    with due.database.read() as connection:
        assert any("no connection" in words for words in operations_alarms(due, connection))
    assert worker.round() == ""
    assert states(due, S.APPROVED, S.SENT) == 0


def test_it_waits_twice_as_long_each_time_and_never_too_long() -> None:
    every = timedelta(seconds=10)
    assert [pause_after(failures, every).total_seconds() for failures in range(5)] == [10, 20, 30, 30, 30]
    assert timedelta(seconds=60) >= LONGEST_PAUSE + LEASE, "what a killed worker left is taken up within a minute"


def test_a_worker_told_to_stop_posts_nothing_more(due: House) -> None:
    stop = Event()
    posted: list[str] = []
    erp = erp_of(due)
    worker = a_worker(due, stop=stop)
    real = erp.post

    def post_and_be_told(document):  # type: ignore[no-untyped-def]
        posted.append(document.key)
        stop.set()
        return real(document)

    erp.post = post_and_be_told  # type: ignore[method-assign]
    worker._erp = WatchedErp(erp, stop)
    worker.run(once=True)
    assert len(posted) == 1, "the document in hand was finished, and no other begun"
    assert states(due, S.APPROVED) >= 1
    a_worker(due).run(once=True)
    assert states(due, S.APPROVED, S.SENT) == 0


def test_a_worker_without_an_erp_hands_every_document_to_a_person(home: Path) -> None:
    house = open_home(Settings(home=home, erp="none"))
    proposal = a_transfer(house)
    decision = {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": "approve"}
    with house.database.read() as connection:
        planner = find_user(connection, EVERYTHING, PLANNER)
    house.desk.decide(Decision.model_validate(decision), planner)
    house.advance(5)
    said: list[str] = []
    assert a_worker(house, said).run(once=True) == ""
    assert "no ERP is configured: every document is a task for a person" in said[0]
    with house.database.read() as connection:
        rows = list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)
        tasks = [task for task in list_tasks(connection, EVERYTHING) if task.proposal_id == proposal.proposal_id]
    assert [(row.state, row.key) for row in rows] == [(DocumentState.SENT, task.key) for task in tasks]
    assert tasks
    house.close()


def test_a_silent_worker_is_an_alarm_and_one_that_worked_once_is_not(due: House) -> None:
    def alarms() -> list[str]:
        with due.database.read() as connection:
            return operations_alarms(due, connection)

    a_worker(due).run(once=True)
    assert alarms() == []
    a_worker(due, holder="w").round()
    now = due.machine()
    due.machine = lambda: now + timedelta(minutes=7)
    assert alarms() == ["worker w was last heard of 7 minutes ago: start one with evenkeel worker"]


def test_the_doctor_and_the_brief_tell_of_a_worker_in_trouble(doors: Doors, house: House) -> None:
    with house.database.write("evenkeel", house.machine()) as transaction:
        beat(transaction, "w", trouble="heads: no such folder")
    assert "heads: no such folder" in " ".join(doors.knock("doctor").stdout.split())
    assert "worker w: heads: no such folder" in doors.answer("brief", "--as", "hugo.manager")["alarms"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_cleanly_when_it_is_told_to(home: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "worker", "--every", "0.2", "--as", "hugo.manager"],
        env={**os.environ, "EVENKEEL_HOME": str(home)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        heard = _until(process.stdout.readline, "retention of")
        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert " begins" in heard[0]
    assert rest.rstrip().endswith("ends")
    house = open_home(Settings(home=home))
    with house.database.read() as connection:
        known = worker_state(connection)
    house.close()
    assert known is not None
    assert known.lease_until == known.beat_at, "its place is free at once"


def test_a_killed_worker_is_followed_within_a_minute(due: House) -> None:
    """SIGKILL in the middle of sending; the next one begins by finding out."""
    home = due.layout.home
    due.close()
    process = subprocess.run(
        [sys.executable, "-m", "service.cli", "worker", "--once", "--as", "hugo.manager"],
        env={**os.environ, "EVENKEEL_HOME": str(home), "EVENKEEL_CRASH_AT": "dispatch.before_receipt"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert process.returncode == -signal.SIGKILL
    house = open_home(Settings(home=home))
    begun, now = time.monotonic(), house.machine()
    house.machine = lambda: now + LEASE
    house.advance(LEASE.total_seconds() / 3600 + 0.001)
    worker = a_worker(house, holder="next")
    worker.round()
    assert time.monotonic() - begun + LEASE.total_seconds() < 60
    assert states(house, S.APPROVED, S.LEASED, S.SENT, S.IN_DOUBT) == 0
    documents = [posting.key for posting in erp_of(house).open_documents() if posting.key]
    assert len(documents) == len(set(documents))
    house.close()
    shutil.rmtree(home)


def _until(read: Callable[[], str], words: str) -> list[str]:
    lines = [read()]
    while words not in lines[-1]:
        assert lines[-1], lines
        lines.append(read())
    return lines
