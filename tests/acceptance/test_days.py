"""Day after day: the same trouble stays one case, and is closed when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.cases import CaseRow, list_cases
from inventory.chronicle import list_sweeps
from inventory.records import EVERYTHING, CaseKind, CaseState, Sweep
from service.bootstrap import House
from service.demo.set_up import deliver, fresh_home, settle_in
from service.demo.tomorrow import next_day
from tests.worlds import World, two_sites_one_lane

pytestmark = pytest.mark.acceptance
DAYS = 10


def quiet(step: str, done: int, of: int) -> None:
    """Progress nobody watches."""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[House]:
    """A demo home of its own."""
    house = fresh_home(tmp_path / "demo")
    yield house
    house.close()


def all_cases(world: World | House) -> list[CaseRow]:
    """Every case there ever was."""
    with world.database.read() as connection:
        return list_cases(connection, EVERYTHING, states=tuple(CaseState))


def assert_all_accounted_for(sweep: Sweep) -> None:
    """Shown, held back and automatic are all that was found, each held back with its reason."""
    assert sweep.shown + sweep.held_back + sweep.automatic == sweep.found == len(sweep.dispositions)
    for disposition in sweep.dispositions.values():
        kind, _, reason = disposition.partition(":")
        assert kind in ("shown", "automatic", "held_back")
        assert bool(reason) == (kind == "held_back"), disposition


def assert_new_only_after_two_sweeps_without_it(cases: list[CaseRow], found: list[set[str]]) -> None:
    """One trouble is one case; another case of the same identity is opened only when two sweeps had not found it.

    Parameters
    ----------
    found
        Ids of the cases each sweep found, oldest sweep first.
    """
    identity = {row.case.case_id: (row.case.kind, row.case.scope, row.case.cause) for row in cases}
    last: dict[tuple[CaseKind, str, str], tuple[int, str]] = {}
    for number, case_ids in enumerate(found):
        assert len({identity[case_id] for case_id in case_ids}) == len(case_ids), "a trouble is found once a sweep"
        for case_id in sorted(case_ids):
            before, known = last.get(identity[case_id], (number, case_id))
            assert case_id == known or number - before > 2, (identity[case_id], before, number)
            last[identity[case_id]] = (number, case_id)


def test_ten_daily_sweeps_of_one_trouble_are_one_case_and_two_without_it_close_it(tmp_path: Path) -> None:
    world = World(tmp_path / "world", two_sites_one_lane(), rollout="guided").furnish()
    for day in range(DAYS):
        if day:
            world.clock.forward(days=1)
            world.deliver()
        assert_all_accounted_for(world.desk.sweep())
        assert_all_accounted_for(world.desk.sweep())
    (case,) = all_cases(world)
    assert (case.state, case.times_found) == (CaseState.OPEN, DAYS)
    plenty = world.network.with_stock({("BOLT", "NORTH"): 160})
    for state in (CaseState.OPEN, CaseState.CLOSED):
        world.clock.forward(days=1)
        world.deliver(plenty)
        world.desk.sweep()
        world.desk.sweep()
        (case,) = all_cases(world)
        assert case.state is state
    assert case.reason == "cleared"


def test_ten_daily_sweeps_of_the_demo_open_each_trouble_once_and_account_for_every_case(demo: House) -> None:
    tables, _ = settle_in(demo, quiet)
    demo.desk.sweep()
    for day in range(2, DAYS + 1):
        demo.advance(24)
        tables = next_day(tables)
        deliver(demo, tables, f"day-{day}", quiet, with_refused=False)
        demo.desk.sweep()
    with demo.database.read() as connection:
        sweeps = list_sweeps(connection, EVERYTHING, limit=DAYS + 1)
    assert len(sweeps) == DAYS
    for sweep in sweeps:
        assert sweep.found > 0
        assert_all_accounted_for(sweep)
    assert_new_only_after_two_sweeps_without_it(all_cases(demo), [set(sweep.dispositions) for sweep in sweeps[::-1]])
