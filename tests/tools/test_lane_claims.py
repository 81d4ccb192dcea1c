"""Lanes are shared across plans: who comes later sees what is left and is told who was first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from agent import sweep_graph
from inventory.capacity import CapacityKind, taken_capacity
from inventory.capacity_holds import list_capacity_holds
from inventory.ledger import ledger_rows
from inventory.proposals import find_plan_run
from inventory.records import EVERYTHING, PlanRun, Proposal, ProposalState
from tests.worlds import Network, World, two_sites_one_lane
from tools.lane_claims import LaneBudget, lane_claims, lane_limit
from tools.replay import replay_plan

ROAD = "DC>NORTH/truck"


@dataclass(frozen=True)
class Narrow(Network):
    """A network in which every lane carries so many units a day."""

    carries: float = 1e9

    def frames(self, as_of: datetime, transfers: Iterable[dict[str, object]] = ()) -> dict[str, pl.DataFrame]:
        """Contract tables, with the capacity of the lanes."""
        frames = super().frames(as_of, transfers)
        frames["lanes"] = frames["lanes"].with_columns(capacity_per_day=pl.lit(self.carries))
        return frames


def narrow(carries: float, *, twice: bool = False) -> Narrow:
    """The two sites; with `twice` a second item is short there as well."""
    wide = two_sites_one_lane()
    places = wide.item_sites
    if twice:
        places = (*places, *(replace(place, item="NUT") for place in places))
    return Narrow(places, wide.lanes, carries=carries)


def house(folder: Path, network: Network) -> World:
    world = World(folder / "home", network, rollout="guided").furnish()
    world.desk.sweep()
    return world


def run_of(world: World, proposal: Proposal) -> PlanRun:
    with world.database.read() as connection:
        return find_plan_run(connection, EVERYTHING, proposal.content.plan_run_id)


def taken(world: World) -> int:
    with world.database.read() as connection:
        return sum(taken_capacity(connection, CapacityKind.LANE, world.clock().date()).values())


def test_a_draft_holds_its_lane_and_the_days_budget_of_it(tmp_path: Path) -> None:
    world = house(tmp_path, narrow(500.0))
    proposal = world.the_proposal(ProposalState.PENDING)
    (line,) = proposal.content.lines
    with world.database.read() as connection:
        held = {(hold.slot.kind, hold.slot.key): hold.amount for hold in list_capacity_holds(connection)}
    assert held == {
        (CapacityKind.LANE, ROAD): line.quantity,
        (CapacityKind.LANE_MOVES, "DC>NORTH"): 1,
        (CapacityKind.LANE_VALUE, "DC>NORTH"): proposal.content.value_minor,
    }
    world.decide(proposal, "reject", "pia")
    assert taken(world) == 0


def test_a_later_plan_sees_what_an_earlier_one_left_of_the_lane_and_is_told_who_was_first(tmp_path: Path) -> None:
    first = narrow(60.0, twice=True)
    plenty = first.with_stock({("NUT", "NORTH"): 500})
    world = house(tmp_path, replace(first, item_sites=plenty.item_sites))
    early = world.the_proposal(ProposalState.PENDING)
    used = sum(line.quantity for line in early.content.lines)
    assert 0 < used <= 60
    world.clock.forward(hours=1)
    world.deliver(first)
    world.desk.sweep()
    newest = world.proposals()[-1]
    run = run_of(world, newest)
    assert run.lane_room == {ROAD: 60.0 - used}
    later = sum(line.quantity for line in newest.content.lines if line.origin)
    assert newest.proposal_id != early.proposal_id
    assert used + later <= 60
    assert run.won_by == {newest.content.case_id: early.content.case_id}
    assert f"{early.content.case_id} was promised {used} first" in run.lost_to[newest.content.case_id]
    with world.database.read() as connection:
        assert replay_plan(world.toolbox, connection, run.plan_run_id).same


def test_a_lane_that_carries_less_by_a_new_snapshot_voids_what_no_longer_fits_with_a_diff(tmp_path: Path) -> None:
    world = house(tmp_path, narrow(500.0))
    units = taken(world)
    world.clock.forward(hours=1)
    world.deliver(narrow(float(units - 1)))
    (proposal,) = world.proposals()
    assert proposal.state is ProposalState.VOID
    assert f"drafted on 500 units, now {units - 1} units" in proposal.reason
    assert taken(world) == 0
    with world.database.read() as connection:
        assert sum(row.reserved for row in ledger_rows(connection, EVERYTHING)) == 0


def test_an_edit_takes_its_own_room_and_no_more_than_there_is(tmp_path: Path) -> None:
    world = house(tmp_path, narrow(500.0))
    edited = world.decide(world.the_proposal(ProposalState.PENDING), "edit", "pia", quantities={1: 20})
    assert [line.quantity for line in edited.content.lines] == [20]
    assert taken(world) == 20


@pytest.mark.parametrize(("moves", "value"), [(0, 10**9), (10, 1)])
def test_what_passes_the_daily_budget_of_a_lane_gets_no_draft_today(tmp_path: Path, moves: int, value: int) -> None:
    world = World(tmp_path / "home", narrow(500.0), rollout="guided").furnish()
    budget = LaneBudget(moves, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_graph, "lane_budgets", lambda toolbox, connection: lambda origin, destination: budget)
        sweep = world.desk.sweep()
    assert world.proposals() == []
    assert taken(world) == 0
    assert sweep.found == 1
    world.desk.sweep()
    assert len(world.proposals(ProposalState.PENDING)) == 1, "it is planned anew at the next look"


def test_lines_that_move_nothing_claim_nothing_and_value_is_shared_by_units(tmp_path: Path) -> None:
    world = house(tmp_path, narrow(500.0))
    content = world.the_proposal(ProposalState.PENDING).content
    (line,) = content.lines
    lanes = world.toolbox.lanes(world.toolbox.snapshot())
    lines = (line.model_copy(update={"quantity": 10}), line.model_copy(update={"number": 2, "quantity": 5}))
    two = content.model_copy(update={"lines": lines, "value_minor": 100})
    claims = lane_claims(two, lanes, lambda origin, destination: LaneBudget(7, 900))
    assert [(claim.slot.kind.value, claim.amount, claim.limit, claim.line) for claim in claims] == [
        ("lane", 10, 500, 1), ("lane_moves", 1, 7, 1), ("lane_value", 67, 900, 1),
        ("lane", 5, 500, 2), ("lane_moves", 1, 7, 2), ("lane_value", 34, 900, 2),
    ]  # fmt: skip
    nothing = content.model_copy(update={"lines": (line.model_copy(update={"quantity": 0}),)})
    assert lane_claims(nothing, lanes, None) == []
    assert lane_limit(lanes, ROAD) == 500
    assert lane_limit(lanes, "DC>NOWHERE/truck") == 0
