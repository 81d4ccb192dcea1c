"""What items share: a lane's capacity, what a site can receive and handle on a day; counted by hand and by force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from inventory.proposals import find_plan_run, find_situation
from inventory.records import EVERYTHING, ActionKind, Option, PlanRun, ProposalLine, ProposalState
from optimizer.transfers.check import violations
from optimizer.transfers.solve import solve_transfers
from optimizer.transfers.value import plan_value
from tests.tools.networks import Amended, add_rows, amended, look, order, set_column
from tests.worlds import MONDAY, ItemSite, Lane, Network, World
from tools.lanes import Lane as Way
from tools.limits import Limits, SiteDays, site_days
from tools.needs import Need, joint_problem, wanted_units
from tools.planning import JointPlan, PlanParameters, solve_needs
from tools.replay import replay_plan

WAY = Way("DC", "NORTH", "truck", 2.0, 0.5, 0.5, 8.0, 40.0, 10, "1234567")
LEAVES, ARRIVES = MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)
"""Picked on Monday, on the road on Tuesday, there on Thursday."""
PARAMETERS = PlanParameters(minimum_net_benefit=5.0, node_limit=2000, hard_kill_seconds=None)


def stated(**capacity: dict[str, float]) -> Amended:
    """Two items short at both stores, plenty of them at DC; lots of ten; sites with these capacities per day."""
    items = ("BOLT", "NUT")
    network = Network(
        item_sites=tuple(
            place
            for item, price in zip(items, (25.0, 32.0), strict=True)
            for place in (
                ItemSite(item, "DC", weekly=5, on_hand=400, price=price),
                ItemSite(item, "NORTH", weekly=20, on_hand=4, price=price),
                ItemSite(item, "SOUTH", weekly=16, on_hand=2, price=price),
            )
        ),
        lanes=(Lane("DC", "NORTH", lot=10), Lane("DC", "SOUTH", lot=10)),
    )
    edits = [
        set_column("sites", pl.col("site").replace_strict(by_site, default=None, return_dtype=pl.Float64).alias(name))
        for name, by_site in capacity.items()
    ]
    return amended(network, *edits)


def furnished(folder: Path, network: Network) -> World:
    return World(folder / "home", network, rollout="guided").furnish()


def planned(world: World, parameters: PlanParameters = PARAMETERS) -> tuple[JointPlan, Limits, list[Need]]:
    outlook, _ = look(world)
    snapshot = world.toolbox.snapshot()
    rows = [row for row, site in enumerate(outlook.arrays.sites) if site != "DC"]
    needs = [Need(f"case-{row}", row, wanted_units(outlook, row)) for row in rows]
    limits = Limits.of(world.toolbox.lanes(snapshot), site_days(snapshot, []))
    plan = solve_needs(outlook, needs, world.toolbox.lanes(snapshot), parameters, limits=limits)
    return plan, limits, needs


def sent(plan: JointPlan, destination: str = "") -> int:
    return sum(move.units for need in plan.needs for move in need.moves if destination in ("", move.lane.destination))


def test_a_site_takes_in_what_it_states_less_what_is_booked_for_the_day() -> None:
    days = SiteDays(
        MONDAY, receiving={"NORTH": 50.0}, labor={"NORTH": 70.0, "DC": 90.0},
        arriving={("NORTH", ARRIVES): 20.0, ("NORTH", LEAVES): 999.0, ("DC", LEAVES): 15.0},
        leaving={("NORTH", ARRIVES): 5.0, ("DC", LEAVES): 25.0, ("DC", ARRIVES): 999.0},
    )  # fmt: skip
    limits = Limits.of({"NORTH": (WAY,)}, days)

    assert limits.room == {
        "lane DC>NORTH/truck": 40.0,
        f"receiving at NORTH on {ARRIVES}": 50.0 - 20.0,
        f"labor at DC on {LEAVES}": 90.0 - 15.0 - 25.0,
        f"labor at NORTH on {ARRIVES}": 70.0 - 20.0 - 5.0,
    }
    assert limits.stops(WAY) == ()
    assert limits.after([(WAY.name, 21)]).stops(WAY) == (f"receiving at NORTH on {ARRIVES}",)
    assert limits.overfull([(WAY.name, 31)]) == {WAY.name}
    assert limits.overfull([(WAY.name, 30)]) == set()


def test_more_is_booked_than_there_is_room_leaves_none_and_unstated_is_no_limit() -> None:
    full = SiteDays(MONDAY, receiving={"NORTH": 5.0}, arriving={("NORTH", ARRIVES): 8.0})
    assert Limits.of({"NORTH": (WAY,)}, full).room[f"receiving at NORTH on {ARRIVES}"] == 0.0
    free = replace(WAY, capacity_per_day=None)
    assert Limits.of({"NORTH": (free,)}, SiteDays(MONDAY, receiving={"SOUTH": 1.0})).groups == {free.name: ()}


def test_feeds_and_decided_lines_book_the_day_they_name(tmp_path: Path) -> None:
    """30 of 45 ordered are to come, 7 are on a truck, 12 are bought and 9 sent on by us; the overdue have no day."""
    network = stated(receiving_capacity_per_day={"NORTH": 100.0}, labour_capacity_per_day={"NORTH": 80.0})
    truck = {"transfer_id": "T-1", "line": 1, "item": "NUT", "origin": "DC", "destination": "NORTH", "quantity": 7,
             "expected_date": ARRIVES, "status": "in_transit", "shipped_date": MONDAY - timedelta(days=1)}  # fmt: skip
    part = pl.when(pl.col("order_id") == "PO-1").then(15).otherwise(pl.col("received_quantity"))
    network = replace(
        network,
        edits=(
            *network.edits,
            order("PO-1", "BOLT", "NORTH", 45, ordered_ago=9, promised_in=3),
            order("PO-2", "BOLT", "NORTH", 60, ordered_ago=39, promised_in=-3),
            add_rows("transfers", truck),
            set_column("purchase_orders", part.alias("received_quantity")),
        ),
    )
    world = furnished(tmp_path, network)

    def line(action: ActionKind, origin: str, destination: str, units: int, on: date) -> ProposalLine:
        return ProposalLine(number=1, action=action, item="BOLT", origin=origin, destination=destination,
                            quantity=units, cost_minor=0, ship_on=on, arrive_on=ARRIVES)  # fmt: skip

    decided = [
        line(ActionKind.PURCHASE, "", "NORTH", 12, MONDAY),
        line(ActionKind.TRANSFER, "NORTH", "SOUTH", 9, ARRIVES),
        line(ActionKind.HOLD, "", "NORTH", 0, MONDAY),
    ]
    limits = Limits.of({"NORTH": (WAY,)}, site_days(world.toolbox.snapshot(), decided))

    assert limits.room[f"receiving at NORTH on {ARRIVES}"] == 100 - (45 - 15) - 7 - 12
    assert limits.room[f"labor at NORTH on {ARRIVES}"] == 80 - (45 - 15) - 7 - 12 - 9


@pytest.mark.parametrize(
    ("capacity", "most"),
    [
        ({"receiving_capacity_per_day": {"NORTH": 55.0}}, {"NORTH": 50}),
        ({"labour_capacity_per_day": {"DC": 88.0}}, {"NORTH": 80, "SOUTH": 80, "": 80}),
        ({"receiving_capacity_per_day": {"NORTH": 60.0, "SOUTH": 20.0}, "labour_capacity_per_day": {"DC": 70.0}},
         {"NORTH": 60, "SOUTH": 20, "": 70}),
    ],
)  # fmt: skip
def test_the_joint_plan_is_the_best_that_docks_and_hands_allow(
    tmp_path: Path, capacity: dict[str, dict[str, float]], most: dict[str, int]
) -> None:
    """Every division in whole lots is tried; limits are counted here, not by the groups of the problem."""
    world = furnished(tmp_path, stated(**capacity))
    plan, limits, needs = planned(world)
    outlook, _ = look(world)
    lanes = world.toolbox.lanes(world.toolbox.snapshot())
    joint = joint_problem(outlook, needs, lanes, limits)
    ends = [choice.lane.destination for choice in joint.choices]

    def allowed(units: Sequence[int]) -> bool:
        return all(
            sum(sent for sent, end in zip(units, ends, strict=True) if site in ("", end)) <= room
            for site, room in most.items()
        )

    every = list(product(*(range(0, need.units + 1, 10) for need in needs)))
    best = max(plan_value(joint.problem, np.array(units)) for units in every if allowed(units))
    solved = solve_transfers(joint.problem)

    assert best < max(plan_value(joint.problem, np.array(units)) for units in every), "the limit binds"
    assert allowed(solved.units.tolist())
    assert solved.objective == pytest.approx(best, rel=1e-4)
    assert sent(plan) > 0
    assert all(sent(plan, site) <= room for site, room in most.items()), "what suppliers serve is left out of the plan"


def test_in_two_passes_docks_hold_too(tmp_path: Path) -> None:
    world = furnished(tmp_path, stated(receiving_capacity_per_day={"NORTH": 55.0}))
    plan, _, _ = planned(world, replace(PARAMETERS, joint_needs=0))
    assert plan.solver_path.startswith("alone")
    assert "|" in plan.solver_path, "the items that meet at the dock were decided again"
    assert sent(plan, "NORTH") == 50


def test_a_plan_over_a_dock_does_not_pass_the_check(tmp_path: Path) -> None:
    world = furnished(tmp_path, stated(receiving_capacity_per_day={"NORTH": 55.0}))
    _, limits, needs = planned(world)
    outlook, _ = look(world)
    joint = joint_problem(outlook, needs, world.toolbox.lanes(world.toolbox.snapshot()), limits)
    units = np.where([choice.lane.destination == "NORTH" for choice in joint.choices], 30, 0)

    assert violations(joint.problem, units) == ("lane group 0 is over its capacity",)
    assert violations(joint.problem, np.where(np.arange(units.size) == 0, units, 0)) == ()


def test_the_decision_record_names_the_dock_and_repeats(tmp_path: Path) -> None:
    world = furnished(tmp_path, stated(receiving_capacity_per_day={"NORTH": 55.0}))
    world.desk.sweep()
    pending = world.proposals(ProposalState.PENDING)
    run = _run(world, pending[0].content.plan_run_id)
    moved = sum(line.line.quantity for line in run.lines if (line.line.action, line.line.destination) ==
                (ActionKind.TRANSFER, "NORTH"))  # fmt: skip
    assert moved == 50
    arrives = {line.line.arrive_on for line in run.lines if line.line.action is ActionKind.TRANSFER}
    (on,) = arrives
    cut = [o for o in _transfers(world) if o.site == "NORTH" and o.binding_constraint != "the need itself"]
    assert {o.binding_constraint for o in cut} == {f"no room left: receiving at NORTH on {on}"}
    assert all("no room" not in o.binding_constraint for o in _transfers(world) if o.site == "SOUTH")
    with world.database.read() as connection:
        replay = replay_plan(world.toolbox, connection, run.plan_run_id)
    assert (replay.same, replay.differences) == (True, ())


def _run(world: World, plan_run_id: str) -> PlanRun:
    with world.database.read() as connection:
        return find_plan_run(connection, EVERYTHING, plan_run_id)


def _transfers(world: World) -> list[Option]:
    found = []
    with world.database.read() as connection:
        for proposal in world.proposals(ProposalState.PENDING):
            situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
            assert situation is not None
            found += [option for option in situation.options if option.action is ActionKind.TRANSFER]
    return found
