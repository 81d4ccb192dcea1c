"""One joint plan: a unit is promised once, donors keep their floor, and every plan repeats itself."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update

from inventory.audit import entries
from inventory.cases import list_cases
from inventory.ledger import ledger_rows, list_reservations
from inventory.proposals import find_plan_run, find_situation
from inventory.record import canonical_record
from inventory.records import EVERYTHING, ActionKind, CaseKind, PlanRun, Proposal, ProposalState
from inventory.tables import plan_runs, stock_lines
from tests.tools.networks import add_rows, amended, copy_of, look, one_trouble_each, set_column
from tests.worlds import MONDAY, ItemSite, Lane, Network, World, two_sites_one_lane, two_stores_one_donor
from tools.detect import detect
from tools.lanes import Lane as Way
from tools.needs import donor_floor
from tools.plan import needs_of
from tools.replay import replay_plan, replay_proposal
from tools.toolbox import Toolbox
from tools.triage import group_findings


def swept(folder: Path, network: Network) -> World:
    """A world in which people decide, looked at once."""
    world = World(folder / "home", network, rollout="guided").furnish()
    world.desk.sweep()
    return world


@pytest.fixture(scope="module")
def scarce(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The donor has 100, keeps 45, and two stores want 80 each."""
    return swept(tmp_path_factory.mktemp("scarce"), two_stores_one_donor(stock=100))


def run_of(world: World, proposal: Proposal | None = None) -> PlanRun:
    with world.database.read() as connection:
        return find_plan_run(connection, EVERYTHING, (proposal or world.proposals()[-1]).content.plan_run_id)


def moved(proposals: list[Proposal]) -> int:
    return sum(line.quantity for p in proposals for line in p.content.lines if line.action is ActionKind.TRANSFER)


def reserved(world: World) -> int:
    with world.database.read() as connection:
        return sum(row.reserved for row in ledger_rows(connection, EVERYTHING))


def test_the_second_store_sees_only_what_is_left(scarce: World) -> None:
    by_store = {p.content.lines[0].destination: p for p in scarce.proposals()}
    north, south = by_store["NORTH"], by_store["SOUTH"]
    outlook, _ = look(scarce)
    floor = donor_floor(outlook, outlook.arrays.row_of[("PUMP", "DC")])

    assert north.content.action is ActionKind.TRANSFER
    assert north.content.lines[0].quantity == 100 - floor == 55
    assert south.content.action is ActionKind.PURCHASE, "what is left would not help"


def test_the_loser_is_told_who_won_and_how_many_units(scarce: World) -> None:
    north, south = sorted(scarce.proposals(), key=lambda p: p.content.lines[0].destination)
    lost = run_of(scarce).lost_to

    assert set(lost) == {south.content.case_id}
    assert lost[south.content.case_id].startswith(f"{north.content.case_id} takes 55 units of PUMP for NORTH")


def test_nobody_is_said_to_have_lost_where_the_donor_has_units_left(tmp_path: Path) -> None:
    world = swept(tmp_path, two_stores_one_donor(stock=300))
    outlook, _ = look(world)
    floor = donor_floor(outlook, outlook.arrays.row_of[("PUMP", "DC")])

    assert 300 - moved(world.proposals()) > floor + 50
    assert run_of(world).lost_to == {}


@pytest.mark.parametrize("stock", [40, 130])
def test_donors_keep_their_floor_whatever_they_have(tmp_path: Path, stock: int) -> None:
    world = swept(tmp_path, two_stores_one_donor(stock=stock))
    outlook, _ = look(world)
    floor = donor_floor(outlook, outlook.arrays.row_of[("PUMP", "DC")])

    assert stock - moved(world.proposals()) >= min(stock, floor)
    assert reserved(world) == moved(world.proposals()), "reservations equal planned units"


def test_a_floor_covers_what_was_promised_to_customers(tmp_path: Path) -> None:
    """DC would keep 45; 90 are promised to a customer there."""
    promised = (
        add_rows("customers", {"customer": "ACME", "name": "Acme", "tier": "standard", "penalty_share": 0.1}),
        add_rows(
            "commitments",
            {"customer": "ACME", "item": "PUMP", "site": "DC", "protected_quantity": 90, "until": None},
        ),
    )
    world = swept(tmp_path, amended(two_stores_one_donor(stock=130), *promised))

    assert 130 - moved(world.proposals()) >= 90


def test_reservations_name_the_lines_they_belong_to(scarce: World) -> None:
    (north,) = [p for p in scarce.proposals() if p.content.action is ActionKind.TRANSFER]
    with scarce.database.read() as connection:
        held = list_reservations(connection, EVERYTHING)

    assert [(r.proposal_id, r.line, r.site, r.destination, r.quantity, r.state) for r in held] == [
        (north.proposal_id, 1, "DC", "NORTH", 55, "held")
    ]


def test_transfers_move_whole_lots(tmp_path: Path) -> None:
    world = swept(tmp_path, replace(two_sites_one_lane(), lanes=(Lane("DC", "NORTH", lot=12),)))
    (proposal,) = world.proposals()

    assert proposal.content.action is ActionKind.TRANSFER
    assert proposal.content.lines[0].quantity % 12 == 0


def test_a_transfer_leaves_after_picking_and_costs_freight(guided: World) -> None:
    """One day of picking, two of transit, 0.50 a unit and 8 a shipment; a unit costs 4."""
    (line,) = guided.proposals()[0].content.lines

    assert (line.ship_on, line.arrive_on) == (MONDAY + timedelta(days=1), MONDAY + timedelta(days=3))
    assert line.cost_minor == line.quantity * 50 + 800
    assert guided.proposals()[0].content.value_minor == line.cost_minor + line.quantity * 400


def test_pending_proposals_stay_as_they_are_when_little_changes(guided: World, tmp_path: Path) -> None:
    world = copy_of(guided, tmp_path / "copy")
    before = world.proposals()
    world.clock.forward(hours=4)
    world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): 5}))
    world.desk.sweep()

    assert world.proposals() == before
    assert reserved(world) == moved(before)


def test_a_proposal_is_superseded_once_the_money_at_risk_has_grown(tmp_path: Path) -> None:
    world = swept(tmp_path, two_sites_one_lane().with_stock({("BOLT", "NORTH"): 50}))
    (old,) = world.proposals(ProposalState.PENDING)
    world.clock.forward(hours=4)
    world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): 0}))
    world.desk.sweep()
    (new,) = world.proposals(ProposalState.PENDING)
    (gone,) = world.proposals(ProposalState.SUPERSEDED)

    assert (gone.proposal_id, gone.reason) == (old.proposal_id, "the money at risk has grown")
    assert (new.content.case_id, new.content.version) == (old.content.case_id, 2)
    assert moved([new]) > moved([old])
    assert reserved(world) == moved([new]), "the old one gave its units back"
    with world.database.read() as connection:
        events = [entry.event for entry in entries(connection)]
    start = events.index("proposal.superseded")
    told = [event for event in events[start : events.index("plan.made", start) + 1] if "capacity" not in event]
    assert told[:2] == ["proposal.superseded", "reservation.released"]
    assert told[-1] == "plan.made"
    assert "proposal.drafted" in told, "one transaction"


def test_looking_again_at_the_same_moment_changes_nothing(scarce: World, tmp_path: Path) -> None:
    world = copy_of(scarce, tmp_path / "copy")
    before = world.proposals()
    sweeps = [world.desk.sweep() for _ in range(3)]

    assert world.proposals() == before
    assert len({sweep.sweep_id for sweep in sweeps}) == 3


class _Rival(Toolbox):
    """A toolbox in whose house somebody allocates the donor's units between reading and writing."""

    def lanes(self, snapshot: object) -> dict[str, tuple[Way, ...]]:
        with self.database.write("rival", self.now()) as transaction:
            transaction.connection.execute(
                update(stock_lines).where(stock_lines.c.site == "DC").values(allocated=stock_lines.c.on_hand - 60)
            )
        return super().lanes(self.snapshot())


def test_units_taken_while_it_was_planned_are_not_promised_again(tmp_path: Path) -> None:
    """Two stores plan on 85 free units; meanwhile only 15 above the floor are left."""
    world = World(tmp_path / "home", two_stores_one_donor(stock=130), rollout="guided").furnish()
    rival = _Rival(world.database, world.snapshots, tmp_path / "none", world.clock, world.clock)
    world.desk.toolbox = rival
    world.desk.sweep()
    run = run_of_newest(world)

    assert world.proposals() == []
    assert reserved(world) == 0
    assert set(run.lost_to) == set(run.case_ids)
    assert all("were taken while this was planned" in why for why in run.lost_to.values())

    world.desk.toolbox = world.toolbox
    world.clock.forward(hours=1)
    world.desk.sweep()
    assert len(world.proposals(ProposalState.PENDING)) == 2, "the losers are planned again at the next look"


def run_of_newest(world: World) -> PlanRun:
    with world.database.read() as connection:
        made = [entry for entry in entries(connection) if entry.event == "plan.made"]
        return find_plan_run(connection, EVERYTHING, made[-1].subject_id)


def test_plans_repeat_to_the_same_lines_in_a_new_process(scarce: World, tmp_path: Path) -> None:
    world = copy_of(scarce, tmp_path / "copy")
    run = run_of(world)
    with world.database.read() as connection:
        replay = replay_plan(world.toolbox, connection, run.plan_run_id)

    assert (replay.same, replay.differences) == (True, ())
    assert replay.solver_path == run.solver_path == "milp+milp"
    assert set(replay.proposal_ids) == {p.proposal_id for p in world.proposals()}


def test_a_plan_repeats_after_the_world_has_moved_on(guided: World, tmp_path: Path) -> None:
    world = copy_of(guided, tmp_path / "copy")
    world.clock.forward(days=3)
    world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): 90, ("BOLT", "DC"): 20}))
    with world.database.read() as connection:
        replay = replay_proposal(world.toolbox, connection, EVERYTHING, world.proposals()[0].proposal_id)

    assert replay.same


def test_a_plan_whose_solver_was_killed_says_so_and_repeats_the_fallback(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_sites_one_lane(), rollout="guided").furnish()
    world.toolbox.hard_kill_seconds = 1e-6
    world.desk.sweep()
    (proposal,) = world.proposals()
    again = copy_of(world, tmp_path / "copy")
    with again.database.read() as connection:
        replay = replay_plan(again.toolbox, connection, proposal.content.plan_run_id)

    assert run_of(world).solver_path == "greedy_fallback"
    assert moved([proposal]) > 0
    assert (replay.same, replay.solver_path) == (True, "greedy_fallback")


def test_replay_tells_a_plan_that_does_not_repeat(guided: World, tmp_path: Path) -> None:
    """The record of a plan is changed behind its back; the replay finds which quantity."""
    world = copy_of(guided, tmp_path / "copy")
    run = run_of(world)
    line = run.lines[0].line
    forged = run.model_copy(
        update={"lines": (run.lines[0].model_copy(update={"line": line.model_copy(update={"quantity": 9})}),)}
    )
    with world.database.write("root", world.clock()) as transaction:
        transaction.connection.execute(update(plan_runs).values(body=canonical_record(forged)))
    with world.database.read() as connection:
        replay = replay_plan(world.toolbox, connection, run.plan_run_id)

    assert not replay.same
    assert f"recorded 9 of BOLT DC>NORTH, now {line.quantity} of BOLT DC>NORTH" in replay.differences[0]


def test_excess_and_data_problems_need_no_units_and_a_new_item_gets_none(troubled: World) -> None:
    outlook, thresholds = look(troubled)
    cases = group_findings(detect(outlook, thresholds), outlook, thresholds, troubled.toolbox.snapshot())
    wanting = {case.kind for case in cases if needs_of(case, outlook, thresholds)}
    short = next(case for case in cases if case.kind is CaseKind.PROJECTED_STOCKOUT)
    newborn = short.model_copy(update={"findings": (short.findings[0].model_copy(update={"item": "NEW"}),)})

    assert wanting == {
        CaseKind.PROJECTED_STOCKOUT, CaseKind.SUPPLIER_DELAY, CaseKind.IMBALANCE, CaseKind.DEMAND_SHIFT,
    }  # fmt: skip
    assert needs_of(newborn, outlook, thresholds) == []


def test_every_kind_of_case_gets_one_proposal_and_surplus_is_held(tmp_path: Path) -> None:
    world = swept(tmp_path, one_trouble_each())
    with world.database.read() as connection:
        kinds = {row.case.case_id: row.case.kind for row in list_cases(connection, EVERYTHING)}
    actions = {kinds[p.content.case_id]: p.content.action for p in world.proposals()}

    assert len(world.proposals()) == len(kinds) == 5
    assert actions[CaseKind.EXCESS] is ActionKind.HOLD
    assert actions[CaseKind.IMBALANCE] is ActionKind.TRANSFER
    assert actions[CaseKind.PROJECTED_STOCKOUT] is ActionKind.PURCHASE, "nobody else keeps the item"


def test_an_open_order_is_pulled_in_where_that_is_worth_most(tmp_path: Path) -> None:
    """No lane helps, a new order takes three weeks, and the open one can be here in two days for little."""
    network = amended(
        Network(
            (
                ItemSite("CORE", "DC", weekly=1, on_hand=9, cost=40.0, price=140.0),
                ItemSite("CORE", "NORTH", weekly=20, on_hand=4, cost=40.0, price=140.0),
            ),
            (Lane("DC", "NORTH"),),
            open_orders=(("PO-9", "CORE", "NORTH", 80, 2, 19),),
        ),
        set_column("supplier_items", pl.lit(2).alias("expedite_lead_time_days")),
        set_column("supplier_items", pl.lit(1.1).alias("expedite_price_factor")),
        set_column("supplier_items", pl.lit(50.0).alias("expedite_fixed_cost")),
    )
    world = swept(tmp_path, network)
    (proposal,) = [p for p in world.proposals() if p.content.lines[0].destination == "NORTH"]
    (line,) = proposal.content.lines

    assert (line.action, line.order_id, line.supplier, line.quantity) == (ActionKind.EXPEDITE, "PO-9", "SUP", 80)
    assert line.cost_minor == round(80 * 40.0 * 0.1 * 100) + 5_000, "only the premium is paid"
    assert proposal.tier is not None
    assert proposal.tier.value == "planner", "an expedite cannot be turned back"


def test_units_a_winner_gives_back_are_planned_for_the_loser(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_stores_one_donor(stock=100), rollout="guided").furnish()
    world.desk.sweep()
    run = run_of(world)
    ((loser, winner),) = run.won_by.items()
    before = {proposal.content.case_id: proposal for proposal in world.proposals(ProposalState.PENDING)}

    world.decide(before[winner], "reject", "pia", reason="strategy")
    world.desk.sweep()

    after = {proposal.content.case_id: proposal for proposal in world.proposals(ProposalState.PENDING)}
    units = [sum(line.quantity for line in found[loser].content.lines if line.origin) for found in (before, after)]
    assert winner not in after
    assert units[1] > units[0]
    world.desk.sweep()
    assert {p.content.case_id: p for p in world.proposals(ProposalState.PENDING)} == after


def test_the_option_table_prints_the_worth_the_plan_decided_on(scarce: World) -> None:
    planned = {line.case_id: line.net_value_minor for line in run_of(scarce).lines}
    with scarce.database.read() as connection:
        for proposal in scarce.proposals(ProposalState.PENDING):
            situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
            assert situation is not None
            (chosen,) = (option for option in situation.options if option.chosen)
            assert chosen.net_value_minor == planned[proposal.content.case_id]


def test_a_plan_looks_at_what_could_stand_in_and_the_card_prices_it(tmp_path: Path) -> None:
    """SCREW stands in for BOLT at NORTH, for four of five customers; nothing stands in that NORTH does not keep."""
    network = two_sites_one_lane()
    places = (*network.item_sites, ItemSite("SCREW", "NORTH", weekly=5, on_hand=400, cost=4.0, price=10.0))
    substitutes = [
        {"item": "BOLT", "substitute": "SCREW", "acceptance": 0.8, "needs_consent": False},
        {"item": "BOLT", "substitute": "BOLT-XL", "acceptance": 1.0, "needs_consent": False},
    ]
    elsewhere = ItemSite("BOLT-XL", "DC", weekly=5, on_hand=400, cost=4.0, price=10.0)
    named = amended(replace(network, item_sites=(*places, elsewhere)), add_rows("substitutes", *substitutes))
    world = swept(tmp_path, named)
    (proposal,) = [p for p in world.proposals() if p.content.lines[0].item == "BOLT"]
    with world.database.read() as connection:
        situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    assert situation is not None
    short = situation.facts[0].measures["expected_short_units"]
    (option,) = [option for option in situation.options if option.action is ActionKind.SUBSTITUTE]

    assert {("SCREW", "NORTH"), ("BOLT-XL", "NORTH")} <= set(run_of(world, proposal).places)
    assert (option.feasible, option.source, option.executable, option.chosen) == (True, "SCREW", False, False)
    assert option.quantity == math.ceil(0.8 * short)
    with world.database.read() as connection:
        assert replay_plan(world.toolbox, connection, proposal.content.plan_run_id).same
