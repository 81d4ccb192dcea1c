"""Clocks that disagree stop what policy alone would release, and nothing else; time orders nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from agent.ruling import Gate, rule
from inventory.audit import entries
from inventory.records import ProposalState, Tier
from inventory.tables import proposals
from inventory.workers import beat
from tests.worlds import World
from tools.clocks import SKEW_LIMIT, clock_problem, erp_problem
from tools.erp.simulated import SimulatedErp

S = ProposalState
OVER = SKEW_LIMIT + timedelta(seconds=1)


def problem(world: World) -> str:
    with world.database.read() as connection:
        return clock_problem(world.toolbox, connection)


def told_by_worker(world: World, skew: timedelta) -> None:
    """The worker has found the ERP's clock so far ahead."""
    with world.database.write("evenkeel", world.toolbox.machine()) as transaction:
        beat(transaction, "w", erp_skew_seconds=round(skew.total_seconds()))


def ruled(world: World) -> Tier:
    proposal = world.the_proposal()
    with world.database.read() as connection:
        return rule(world.toolbox, connection, Gate(rollout="auto", erp_native_key=True), proposal)[0].tier


def an_erp_ahead(world: World, by: timedelta) -> None:
    """The same ERP, whose clock is ahead of ours."""
    world.toolbox.erp = SimulatedErp(world.folder / "erp.sqlite3", clock=lambda: world.clock() + by)


@pytest.mark.parametrize("skew", [SKEW_LIMIT, -SKEW_LIMIT, timedelta(0)])
def test_clocks_within_the_limit_agree(auto: World, skew: timedelta) -> None:
    an_erp_ahead(auto, skew)
    told_by_worker(auto, skew)
    assert erp_problem(auto.toolbox) == problem(auto) == ""
    assert ruled(auto) is Tier.AUTO


@pytest.mark.parametrize("skew", [OVER, -OVER])
def test_a_clock_beyond_the_limit_asks_for_a_person(auto: World, skew: timedelta) -> None:
    told_by_worker(auto, skew)
    assert "31 s" in problem(auto)
    assert ruled(auto) is Tier.PLANNER


def test_what_a_silent_worker_said_counts_no_more(auto: World) -> None:
    told_by_worker(auto, OVER)
    heard = auto.toolbox.machine()
    auto.toolbox.machine = lambda: heard + timedelta(minutes=6)
    assert "ERP" not in problem(auto)


@pytest.mark.parametrize("skew", [OVER, -OVER])
def test_the_clock_of_a_database_server_is_looked_at_too(auto: World, skew: timedelta) -> None:
    auto.toolbox.machine = lambda: datetime.now(UTC) - skew
    if auto.database.is_postgresql:
        assert "the database server's clock is 3" in problem(auto)
        assert ruled(auto) is Tier.PLANNER
    else:
        assert problem(auto) == "", "a file has no clock"


@pytest.mark.parametrize("skew", [OVER, -OVER])
def test_what_policy_approved_waits_while_clocks_disagree_and_goes_on_when_they_agree(
    auto: World, skew: timedelta
) -> None:
    auto.clock.forward(hours=5)
    an_erp_ahead(auto, skew)
    (left,) = auto.desk.execute()
    assert left.state is S.APPROVED
    assert "was approved by policy and waits" in left.note
    an_erp_ahead(auto, timedelta(0))
    (done,) = auto.desk.execute()
    assert done.state is S.EXECUTED


def test_what_a_person_approved_is_executed_whatever_the_clocks_say(guided: World) -> None:
    guided.decide(guided.the_proposal(), "approve", "pia")
    guided.clock.forward(hours=5)
    an_erp_ahead(guided, OVER)
    (done,) = guided.desk.execute()
    assert done.state is S.EXECUTED


def test_a_clock_that_goes_back_is_found_and_reorders_and_expires_nothing_again(guided: World) -> None:
    guided.clock.forward(days=30)
    guided.desk.recover()
    expired = guided.the_proposal()
    assert expired.state is S.EXPIRED
    guided.clock.forward(days=-30)
    assert "newest entry of the log" in problem(guided)
    before = guided.clock()
    guided.desk.recover()
    assert guided.the_proposal() == expired
    with guided.database.write("evenkeel", before) as transaction:
        transaction.record("configuration.changed", "configuration", "house", {"late": "written"})
    with guided.database.read() as connection:
        told = list(entries(connection))
    assert [entry.sequence for entry in told] == list(range(1, len(told) + 1))
    assert told[-1].at < told[-2].at, "it is the last, though its time is not"


def test_a_clock_that_goes_back_holds_what_policy_approved(auto: World) -> None:
    auto.clock.forward(hours=5)
    with auto.database.write("evenkeel", auto.clock() + OVER) as transaction:
        transaction.record("configuration.changed", "configuration", "house", {"from": "a machine ahead"})
    (left,) = auto.desk.execute()
    assert left.state is S.APPROVED
    auto.clock.forward(seconds=2)
    (done,) = auto.desk.execute()
    assert done.state is S.EXECUTED


@pytest.mark.parametrize(
    "local",
    [
        datetime(2025, 3, 30, 1, 59, tzinfo=ZoneInfo("Europe/Berlin")),  # the hour that is left out follows
        datetime(2024, 10, 27, 2, 30, fold=0, tzinfo=ZoneInfo("Europe/Berlin")),  # comes twice
        datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2028, 2, 28, 23, 30, tzinfo=UTC),  # the leap day begins
        datetime(2028, 2, 29, 23, 30, tzinfo=UTC),
        datetime(2024, 12, 31, 23, 30, tzinfo=UTC),
    ],
)
def test_an_expiry_comes_after_so_many_hours_whatever_the_calendar_does(guided: World, local: datetime) -> None:
    """Hours are counted between moments, never between readings of a wall clock."""
    proposal = guided.the_proposal()
    waits = proposal.expires_at - guided.clock()
    moment = local.astimezone(UTC)
    with guided.database.write("root", guided.clock()) as transaction:
        transaction.connection.execute(update(proposals).values(expires_at=local.astimezone(UTC) + waits))
    guided.clock.at = (moment + waits - timedelta(seconds=1)).astimezone(ZoneInfo("America/St_Johns"))
    guided.desk.recover()
    assert guided.the_proposal().state is S.PENDING
    guided.clock.at = (moment + waits + timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Kathmandu"))
    guided.desk.recover()
    assert guided.the_proposal().state is S.EXPIRED
