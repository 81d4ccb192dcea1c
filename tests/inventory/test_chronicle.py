"""What happened over time: sweeps, feeds, figures, outcomes, overrides and switches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.chronicle import (
    KILL_SWITCH,
    insert_override,
    insert_sweep,
    list_feed_health,
    list_kpi_points,
    list_outcomes,
    list_overrides,
    list_sweeps,
    save_feed_health,
    save_outcome,
    set_switch,
    switch_is_on,
)
from inventory.database import Database
from inventory.proposals import insert_proposal
from inventory.records import EVERYTHING, FeedHealth, KpiPoint, Outcome, Override, ReasonCode, Sweep
from tests.inventory.worlds import (
    BOARD,
    GHENT,
    GHENT_PLANNER,
    NOW,
    PORTO,
    PORTO_PLANNER,
    REGULATED_ONLY,
    STANDARD_ONLY,
    a_case,
    a_finding,
    a_proposal,
    open_case,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def two_cases(database: Database) -> Database:
    """``case-porto`` and ``case-ghent``, each with a proposal of the same name."""
    for site, item_class in ((PORTO, "standard"), (GHENT, "regulated")):
        name = f"case-{site.lower()}"
        open_case(
            database, a_case(name, about=f"{BOARD}@{site}", findings=(a_finding(site),), item_classes=(item_class,))
        )
        with database.write("evenkeel", NOW) as transaction:
            insert_proposal(transaction, a_proposal(name, name=f"prop-{site.lower()}"))
    return database


def a_sweep(number: int = 1) -> Sweep:
    return Sweep(
        sweep_id=f"sweep-{number}",
        snapshot_id="snap-1",
        item_sites=1_000,
        findings=12,
        found=2,
        shown=1,
        automatic=0,
        held_back=1,
        cleared=3,
        dispositions={"case-porto": "shown", "case-ghent": "held_back:queue"},
        started_at=NOW,
        finished_at=NOW + HOUR,
        seconds={"detect": 0.5},
    )


def a_point(site: str = "", *, name: str = "fill_rate", hours: int = 0) -> KpiPoint:
    return KpiPoint(sweep_id="sweep-1", name=name, site=site, value=0.9, at=NOW + hours * HOUR)


def an_outcome(site: str = "porto", *, observed: float | None = None) -> Outcome:
    return Outcome(
        proposal_id=f"prop-{site}",
        case_id=f"case-{site}",
        state="open" if observed is None else "observed",
        predicted={"units_short": 0.5},
        observed={} if observed is None else {"units_short": observed},
        opened_at=NOW,
        observed_at=None if observed is None else NOW + HOUR,
    )


def save(database: Database, outcome: Outcome) -> None:
    with database.write("evenkeel", NOW) as transaction:
        save_outcome(transaction, outcome)


def test_sweeps_are_told_newest_first_with_the_dispositions_the_reader_may_see(two_cases: Database) -> None:
    for number in (1, 2, 3):
        with two_cases.write("evenkeel", NOW) as transaction:
            insert_sweep(transaction, a_sweep(number), [])
    with two_cases.read() as connection:
        assert list_sweeps(connection, EVERYTHING, limit=2) == [a_sweep(3), a_sweep(2)]
        for scope, case_id in (
            (PORTO_PLANNER, "case-porto"),
            (GHENT_PLANNER, "case-ghent"),
            (STANDARD_ONLY, "case-porto"),
            (REGULATED_ONLY, "case-ghent"),
        ):
            assert [set(sweep.dispositions) for sweep in list_sweeps(connection, scope)] == [{case_id}] * 3


def test_a_sweep_is_kept_once_with_all_its_figures_or_not_at_all(database: Database) -> None:
    with database.write("evenkeel", NOW) as transaction:
        insert_sweep(transaction, a_sweep(), [a_point()])
    with pytest.raises(IntegrityError), database.write("evenkeel", NOW) as transaction:
        insert_sweep(transaction, a_sweep(), [a_point(name="cost")])
    with database.read() as connection:
        assert list_sweeps(connection, EVERYTHING) == [a_sweep()]
        assert list_kpi_points(connection, EVERYTHING) == [a_point()]
        assert [entry.event for entry in entries(connection)] == ["sweep.finished"]


def test_figures_come_by_time_and_a_site_reader_sees_no_totals(database: Database) -> None:
    points = [a_point(PORTO, hours=2), a_point(), a_point(GHENT), a_point(PORTO, name="cost")]
    with database.write("evenkeel", NOW) as transaction:
        insert_sweep(transaction, a_sweep(), points)
    with database.read() as connection:
        assert list_kpi_points(connection, EVERYTHING) == [points[3], points[1], points[2], points[0]]
        assert list_kpi_points(connection, EVERYTHING, name="cost") == [points[3]]
        assert list_kpi_points(connection, PORTO_PLANNER) == [points[3], points[0]]


def test_feed_health_of_a_snapshot_is_replaced_not_piled_up(database: Database) -> None:
    def health(feed: str, site: str, score: float) -> FeedHealth:
        return FeedHealth(feed=feed, site=site, as_of=NOW, age_hours=1.0, score=score, problems=("gap",))

    for score in (0.5, 0.75):
        with database.write("evenkeel", NOW) as transaction:
            save_feed_health(transaction, "snap-1", [health("stock", PORTO, score), health("demand", GHENT, score)])
    with database.read() as connection:
        assert list_feed_health(connection, EVERYTHING, "snap-1") == [
            health("demand", GHENT, 0.75),
            health("stock", PORTO, 0.75),
        ]
        assert list_feed_health(connection, PORTO_PLANNER, "snap-1") == [health("stock", PORTO, 0.75)]
        assert list_feed_health(connection, EVERYTHING, "snap-2") == []


def test_an_outcome_is_opened_once_observed_once_and_then_final(two_cases: Database) -> None:
    for outcome in (an_outcome(), an_outcome(), an_outcome(observed=2.0), an_outcome(observed=9.0), an_outcome()):
        save(two_cases, outcome)
    with two_cases.read() as connection:
        assert list_outcomes(connection, EVERYTHING) == [an_outcome(observed=2.0)]
        assert list_outcomes(connection, EVERYTHING, state="open") == []
        told = [entry.event for entry in entries(connection, subject_id="prop-porto")]
    assert told[1:] == ["outcome.open", "outcome.observed"]


def test_outcomes_and_overrides_are_shown_to_whoever_may_see_the_case(two_cases: Database) -> None:
    for site in ("porto", "ghent"):
        save(two_cases, an_outcome(site))
        override = Override(
            proposal_id=f"prop-{site}",
            case_id=f"case-{site}",
            by="ines",
            decision="reject",
            reason=ReasonCode.STRATEGY,
            text="Kept for the fair",
            at=NOW,
        )
        with two_cases.write("ines", NOW) as transaction:
            insert_override(transaction, override)
    with two_cases.read() as connection:
        assert len(list_outcomes(connection, EVERYTHING)) == len(list_overrides(connection, EVERYTHING)) == 2
        for scope, case_id in (
            (PORTO_PLANNER, "case-porto"),
            (GHENT_PLANNER, "case-ghent"),
            (STANDARD_ONLY, "case-porto"),
            (REGULATED_ONLY, "case-ghent"),
        ):
            assert [outcome.case_id for outcome in list_outcomes(connection, scope)] == [case_id]
            assert [one.case_id for one in list_overrides(connection, scope)] == [case_id]


def test_a_switch_never_turned_is_off_and_every_turn_is_told(database: Database) -> None:
    seen = []
    for on in (True, True, False):
        with database.write("mette", NOW) as transaction:
            seen.append(switch_is_on(transaction.connection, KILL_SWITCH))
            set_switch(transaction, KILL_SWITCH, on)
    with database.read() as connection:
        assert [*seen, switch_is_on(connection, KILL_SWITCH)] == [False, True, True, False]
        assert not switch_is_on(connection, "another")
        told = [(entry.event, entry.actor, entry.subject_id) for entry in entries(connection)]
    assert told == [(f"switch.{word}", "mette", KILL_SWITCH) for word in ("set", "set", "lifted")]
