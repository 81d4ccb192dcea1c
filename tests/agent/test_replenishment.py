"""The daily replenishment run: what it recommends, who must agree, and that it never says the same thing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update

from agent.replenishment import replenish
from inventory.audit import entries
from inventory.cases import list_cases
from inventory.ledger import list_reservations
from inventory.proposals import find_plan_run, find_situation, list_proposals, list_rulings
from inventory.record import canonical_record
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseKind,
    CaseState,
    PlanRun,
    Proposal,
    ProposalState,
    ReplenishmentRun,
    Tier,
)
from inventory.replenishments import run_of_plan
from inventory.segments import segment_frame
from inventory.tables import plan_runs
from tests.tools.networks import Amended, amended, copy_of, replenished_by, set_column
from tests.worlds import ItemSite, Lane, Network, World
from tools.replenish_replay import replay_run

S = ProposalState


def a_dc_and_two_stores(stock: int = 400) -> Amended:
    """NUT is sent from DC to two stores; BELT is bought by DC; FULL has plenty; all quiet enough to need no case."""
    network = Network(
        item_sites=(
            ItemSite("BELT", "DC", weekly=10, on_hand=45),
            ItemSite("FULL", "DC", weekly=10, on_hand=120),
            ItemSite("NUT", "DC", weekly=1, on_hand=stock),
            ItemSite("NUT", "NORTH", weekly=20, on_hand=26),
            ItemSite("NUT", "SOUTH", weekly=20, on_hand=26),
        ),
        lanes=(Lane("DC", "NORTH"), Lane("DC", "SOUTH")),
    )
    stores = (replenished_by("DC", item="NUT", site=site) for site in ("NORTH", "SOUTH"))
    belt = pl.col("item") == "BELT"
    return amended(
        network,
        *stores,
        set_column("supplier_items", pl.when(belt).then(30).otherwise(1).alias("minimum_order_quantity")),
        set_column("supplier_items", pl.when(belt).then(10).otherwise(1).alias("order_multiple")),
    )


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The network furnished, not swept."""
    return World(tmp_path_factory.mktemp("stocked") / "home", a_dc_and_two_stores(), rollout="guided").furnish()


@pytest.fixture
def world(stocked: World, tmp_path: Path) -> Iterator[World]:
    """A copy of it."""
    copied = copy_of(stocked, tmp_path / "home")
    yield copied
    copied.database.dispose()


def run(world: World, *, shadow: bool = False, budget: float | None = None) -> ReplenishmentRun:
    """Today's run."""
    return replenish(world.toolbox, world.desk.drafter, world.desk.gate, shadow=shadow, budget=budget)


def ours(world: World, *states: ProposalState) -> list[Proposal]:
    """Proposals of replenishment cases."""
    with world.database.read() as connection:
        known = (CaseState.OPEN, CaseState.WAITING, CaseState.DECIDED, CaseState.IN_TRANSIT, CaseState.CLOSED,
                 CaseState.EXECUTING)  # fmt: skip
        mine = {
            row.case.case_id
            for row in list_cases(connection, EVERYTHING, states=known)
            if row.case.kind is CaseKind.REPLENISHMENT
        }
        return [p for p in list_proposals(connection, EVERYTHING, states=states) if p.content.case_id in mine]


def audit_length(world: World) -> int:
    with world.database.read() as connection:
        return sum(1 for _ in entries(connection))


def test_a_store_fed_by_a_site_gets_a_transfer_and_the_site_itself_an_order(world: World) -> None:
    made = {(line.item, line.site): line for line in run(world).lines}
    assert made[("NUT", "NORTH")].action is ActionKind.TRANSFER
    assert made[("NUT", "NORTH")].source == "DC"
    assert made[("BELT", "DC")].action is ActionKind.PURCHASE
    assert made[("BELT", "DC")].source == "SUP"
    assert ("FULL", "DC") not in made


def test_orders_respect_minimum_and_multiple_and_say_what_changed_them(world: World) -> None:
    line = next(line for line in run(world).lines if line.item == "BELT")
    assert line.quantity >= 30
    assert line.quantity % 10 == 0
    assert line.quantity >= line.wanted
    assert set(line.limited_by) <= {"minimum", "multiple"}


def test_every_line_waits_behind_the_gate_with_its_figures(world: World) -> None:
    made = run(world)
    proposals = {p.proposal_id: p for p in ours(world)}
    assert proposals
    assert {line.proposal_id for line in made.lines} == set(proposals)
    for proposal in proposals.values():
        assert proposal.state is S.PENDING
        assert proposal.tier in (Tier.PLANNER, Tier.FORMAL)
        with world.database.read() as connection:
            (ruling,) = list_rulings(connection, EVERYTHING, proposal.proposal_id)
            situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
        assert ruling.proposal_digest == proposal.digest
        assert not [fired for fired in ruling.fired if fired.rule == "missing_fact"]
        assert situation is not None
        assert sum(option.quantity for option in situation.options) == sum(
            line.quantity for line in proposal.content.lines
        )
        assert all(sum(option.cost_parts_minor.values()) == option.cost_minor for option in situation.options)


def test_transfers_are_reserved_at_the_giving_site(world: World) -> None:
    made = run(world)
    with world.database.read() as connection:
        held = list_reservations(connection, EVERYTHING, states=("held",))
    moved = {(line.item, line.site): line.quantity for line in made.lines if line.action is ActionKind.TRANSFER}
    assert {(one.item, one.destination): one.quantity for one in held} == moved
    assert moved


def test_too_little_at_the_giving_site_is_shared_fairly(tmp_path: Path) -> None:
    world = World(tmp_path / "home", a_dc_and_two_stores(stock=12), rollout="guided").furnish()
    lines = {line.site: line for line in run(world).lines if line.action is ActionKind.TRANSFER}
    assert set(lines) == {"NORTH", "SOUTH"}
    assert sum(line.quantity for line in lines.values()) <= 12
    assert abs(lines["NORTH"].quantity - lines["SOUTH"].quantity) <= 1
    assert all("rationing" in line.limited_by for line in lines.values())
    world.database.dispose()


def test_asked_again_the_same_day_it_shows_the_same_run_and_writes_nothing(world: World) -> None:
    first = run(world)
    before, proposals = audit_length(world), world.proposals()
    assert run(world) == first
    assert audit_length(world) == before
    assert world.proposals() == proposals


def test_a_run_cut_short_before_the_gate_is_finished_when_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import agent.replenishment

    with monkeypatch.context() as patch:
        patch.setattr(agent.replenishment, "_finish", lambda *_: None)
        run(world)
    assert {p.state for p in ours(world)} == {S.DRAFT}
    run(world)
    assert {p.state for p in ours(world)} == {S.PENDING}


def test_shadow_keeps_the_recommendation_and_writes_nothing_else(world: World) -> None:
    made = run(world, shadow=True)
    assert made.lines
    assert {line.proposal_id for line in made.lines} == {""}
    assert world.proposals() == []
    with world.database.read() as connection:
        assert list_cases(connection, EVERYTHING) == []
        assert list_reservations(connection, EVERYTHING) == []
        assert segment_frame(connection, EVERYTHING).is_empty()
    assert {(line.item, line.site, line.quantity) for line in run(world).lines} == {
        (line.item, line.site, line.quantity) for line in made.lines
    }, "a run in shadow does not stand in the way of the real one"


def test_a_rollout_in_shadow_cannot_be_talked_out_of_it(tmp_path: Path, stocked: World) -> None:
    world = copy_of(stocked, tmp_path / "shadow", rollout="shadow")
    assert run(world).shadow
    assert world.proposals() == []
    world.database.dispose()


def test_an_item_site_with_an_open_case_is_left_to_the_sweep(tmp_path: Path) -> None:
    network = a_dc_and_two_stores().with_stock({("NUT", "NORTH"): 2})
    world = World(tmp_path / "home", network, rollout="guided").furnish()
    world.desk.sweep()
    with world.database.read() as connection:
        troubled = {(f.item, f.site) for row in list_cases(connection, EVERYTHING) for f in row.case.findings}
    assert ("NUT", "NORTH") in troubled
    made = run(world)
    assert not {(line.item, line.site) for line in made.lines} & troubled
    assert made.set_aside["an open case: the sweep decides"] >= 1
    world.database.dispose()


def test_what_nobody_decided_is_replaced_the_next_day_and_what_was_approved_is_not_ordered_twice(world: World) -> None:
    first = run(world)
    buying = next(p for p in ours(world) if p.content.action is ActionKind.PURCHASE)
    world.decide(buying, "approve", "pia")
    world.clock.forward(days=7)
    world.deliver()
    second = run(world)
    assert set(second.superseded) == {p.proposal_id for p in ours(world, S.SUPERSEDED)}
    assert set(second.superseded) == {line.proposal_id for line in first.lines} - {buying.proposal_id}
    again = [line for line in second.lines if (line.item, line.site) == ("BELT", "DC")]
    bought = sum(line.quantity for line in buying.content.lines)
    assert not again or again[0].position >= bought
    with world.database.read() as connection:
        held = list_reservations(connection, EVERYTHING, states=("held",))
    assert {one.proposal_id for one in held} <= {line.proposal_id for line in second.lines}


def test_between_reviews_nothing_is_due(world: World) -> None:
    run(world)
    world.clock.forward(days=1)
    world.deliver()
    assert run(world).set_aside["not due for review"] == 5


def test_an_approved_order_is_posted_once(world: World) -> None:
    run(world)
    buying = next(p for p in ours(world) if p.content.action is ActionKind.PURCHASE)
    world.decide(buying, "approve", "pia")
    world.clock.forward(hours=6)
    done = {execution.proposal_id: execution for execution in world.desk.execute()}
    assert done[buying.proposal_id].state is S.EXECUTED
    assert len(done[buying.proposal_id].receipts) == 1
    assert buying.proposal_id not in {execution.proposal_id for execution in world.desk.execute()}


def test_a_person_may_change_a_quantity_and_the_gate_rules_anew(world: World) -> None:
    run(world)
    buying = next(p for p in ours(world) if p.content.action is ActionKind.PURCHASE)
    edited = world.decide(buying, "edit", "pia", quantities={1: 70})
    assert edited.state is S.PENDING
    assert edited.content.lines[0].quantity == 70
    assert edited.tier is not Tier.ADVICE


def test_a_sweep_does_not_clear_what_it_does_not_look_for(world: World) -> None:
    run(world)
    for _ in range(2):
        world.clock.forward(hours=2)
        world.deliver()
        world.desk.sweep()
    assert {p.state for p in ours(world)} == {S.PENDING}


def test_a_budget_that_binds_is_kept_and_named(world: World) -> None:
    free = next(line for line in run(world, shadow=True).lines if line.item == "BELT")
    made = run(world, budget=free.cost_minor / 100.0 - 30.0)
    spent = sum(line.cost_minor for line in made.lines if line.action is ActionKind.PURCHASE)
    assert spent < free.cost_minor


def test_a_run_is_worked_out_again_from_its_record_to_the_same_lines(tmp_path: Path) -> None:
    for number, stock in enumerate((400, 12)):
        world = World(tmp_path / f"home{number}", a_dc_and_two_stores(stock=stock), rollout="guided").furnish()
        made = run(world, budget=400.0)
        assert made.lines
        # What happens later must not matter.
        world.clock.forward(days=2)
        world.deliver(a_dc_and_two_stores().with_stock({("NUT", "NORTH"): 500, ("BELT", "DC"): 0}))
        with world.database.read() as connection:
            plan = find_plan_run(connection, EVERYTHING, made.plan_run_id)
            kept = run_of_plan(connection, made.plan_run_id)
            assert kept == made
            again = replay_run(world.toolbox, connection, plan, made)
            assert (again.lines, again.differences) == (len(made.lines), ())
            more = tuple(line.model_copy(update={"quantity": line.quantity + 1}) for line in made.lines)
            changed = replay_run(world.toolbox, connection, plan, made.model_copy(update={"lines": more}))
            assert len(changed.differences) == len(made.lines), "a line that was changed is found"
        world.database.dispose()


def forged(world: World, plan_run_id: str, change: Callable[[PlanRun], PlanRun]) -> tuple[str, ...]:
    """What a replay says once the record of a plan was changed behind its back."""
    with world.database.write("root", world.clock()) as transaction:
        plan = change(find_plan_run(transaction.connection, EVERYTHING, plan_run_id))
        here = plan_runs.c.plan_run_id == plan_run_id
        transaction.connection.execute(update(plan_runs).where(here).values(body=canonical_record(plan)))
    (replay,) = World(world.folder, world.network, world.clock, rollout="guided").desk.replay(plan_run_id)
    assert not replay.same
    return replay.differences


def test_a_stored_run_replays_to_the_same_quantities_by_plan_and_by_proposal(world: World) -> None:
    made = run(world)
    world.clock.forward(days=1)
    (replay,) = world.desk.replay(made.plan_run_id)
    assert (replay.same, replay.differences, replay.solver_path) == (True, (), "replenishment")
    mine = {proposal.proposal_id for proposal in ours(world)}
    assert set(replay.proposal_ids) == mine
    for proposal_id in sorted(mine):
        (again,) = world.desk.replay(proposal_id)
        assert again.same, again.differences


def test_a_replay_names_the_stock_that_is_not_as_it_was(world: World) -> None:
    """Seven units less on the shelf are seven less of position and, in a lot of one, seven more to order."""
    made = run(world)
    line = next(line for line in made.lines if line.action is ActionKind.TRANSFER and not line.limited_by)

    here = (line.item, line.site)

    def stolen(plan: PlanRun) -> PlanRun:
        rows = tuple(
            row.model_copy(update={"on_hand": row.on_hand - 7}) if (row.item, row.site) == here else row
            for row in plan.ledger
        )
        return plan.model_copy(update={"ledger": rows})

    named = {said.split(":")[0]: said for said in forged(world, made.plan_run_id, stolen)}
    said = named[f"{line.item} at {line.site}"]
    assert f"position recorded {line.position:g}, now {line.position - 7:g}" in said
    assert f"recorded {line.quantity} from {line.source}, now " in said
    assert not any(place.startswith("BELT") for place in named), "what does not rest on it is not named"


def test_a_replay_names_the_order_under_way_that_was_not_recorded(world: World) -> None:
    made = run(world)
    line = next(line for line in made.lines if line.item == "BELT" and line.action is ActionKind.PURCHASE)

    def under_way(plan: PlanRun) -> PlanRun:
        bought = next(one.line for one in plan.lines if one.line.item == "BELT")
        more = bought.model_copy(update={"quantity": 9, "arrive_on": world.clock().date() + timedelta(days=1)})
        return plan.model_copy(update={"committed_inbound": (*plan.committed_inbound, more)})

    (said,) = [said for said in forged(world, made.plan_run_id, under_way) if said.startswith(f"BELT at {line.site}")]
    assert f"position recorded {line.position:g}, now {line.position + 9:g}" in said
