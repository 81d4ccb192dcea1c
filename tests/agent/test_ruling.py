"""What the gate is told about a proposal, gathered from the store as it is at that moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from agent.gate_facts import GateFacts
from agent.ruling import gather_facts, policy_in_force, rule
from inventory.chronicle import KILL_SWITCH, save_feed_health, set_switch
from inventory.proposals import list_rulings
from inventory.records import EVERYTHING, ActionKind, Proposal, ProposalState, Tier
from tests.agent.conftest import Copy
from tests.tools.networks import add_rows, amended, only_recent, set_column
from tests.worlds import Lane, Network, World, two_sites_one_lane

S = ProposalState


def facts_of(world: World, proposal: Proposal) -> GateFacts:
    with world.database.read() as connection:
        policy = policy_in_force(connection)
        return gather_facts(world.toolbox, connection, world.desk.gate, proposal, policy)


def fired(world: World, proposal: Proposal) -> dict[str, Tier]:
    with world.database.read() as connection:
        ruling, _ = rule(world.toolbox, connection, world.desk.gate, proposal)
    return {rule.rule: rule.tier for rule in ruling.fired}


def only(world: World, *states: ProposalState) -> Proposal:
    (proposal,) = [p for p in world.proposals(*states) if p.content.action is ActionKind.TRANSFER]
    return proposal


def swept(folder: Path, network: Network, **gate: str) -> World:
    world = World(folder / "home", network, **gate).furnish()  # type: ignore[arg-type]  # settings by name
    world.desk.sweep()
    return world


def test_facts_are_what_the_world_says(guided: World) -> None:
    facts = facts_of(guided, only(guided))

    assert facts.action is ActionKind.TRANSFER
    assert (facts.units, facts.item_classes, facts.customer_tier) == (78, ("consumable",), "standard")
    assert facts.donor_cover_ratio_after == pytest.approx((300 - 78) / 45, abs=0.01)
    assert (facts.site_health, facts.snapshot_age_hours) == (1.0, 0.5)
    assert (facts.history_weeks, facts.item_age_days) == (30, 828)
    assert (facts.new_lane, facts.data_problem_open, facts.infeasible, facts.kill_switch) == (False,) * 4
    assert (facts.override_rate, facts.auto_value_today_minor, facts.lane_value_24h_minor) == (0.0, 0, 0)
    assert facts.missing == ()
    assert (facts.rollout_mode, facts.erp_native_key) == ("guided", True)


@pytest.mark.parametrize(
    ("kinds", "reversible"),
    [
        ((ActionKind.TRANSFER,), True),
        ((ActionKind.PURCHASE, ActionKind.PULL_IN), True),
        ((ActionKind.STATUS_CHANGE,), True),
        ((ActionKind.EXPEDITE,), False),
        ((ActionKind.CANCEL,), False),
        ((ActionKind.PURCHASE, ActionKind.SPLIT), False),
        ((ActionKind.MARKDOWN,), False),
    ],
)
def test_what_cannot_be_turned_back_is_what_its_kind_says(
    guided: World, kinds: tuple[ActionKind, ...], reversible: bool
) -> None:
    proposal = only(guided)
    (line,) = proposal.content.lines
    lines = tuple(line.model_copy(update={"number": at, "action": kind}) for at, kind in enumerate(kinds, start=1))
    content = proposal.content.model_copy(update={"action": kinds[0], "lines": lines})
    assert facts_of(guided, proposal.model_copy(update={"content": content})).reversible is reversible


def test_a_ruling_names_every_rule_the_digest_and_the_policy_version(guided: World) -> None:
    proposal = only(guided)
    with guided.database.read() as connection:
        (ruling,) = list_rulings(connection, EVERYTHING, proposal.proposal_id)

    assert (ruling.tier, ruling.proposal_digest, ruling.policy_version) == (Tier.PLANNER, proposal.digest, 1)
    assert {rule.rule for rule in ruling.fired} == {"rollout", "allow_list"}
    assert ruling.aggregates["value_minor"] == proposal.content.value_minor


@pytest.mark.parametrize(("hours", "tier"), [(0, None), (25, Tier.PLANNER), (80, Tier.ADVICE)])
def test_old_data_asks_for_more(automatic: World, a_copy: Copy, hours: int, tier: Tier | None) -> None:
    world = a_copy(automatic)
    world.clock.forward(hours=hours)

    assert fired(world, only(world)).get("freshness") is tier


def test_a_site_of_unknown_health_is_advice(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    with world.database.write("root", world.clock()) as transaction:
        save_feed_health(transaction, world.toolbox.snapshot().snapshot_id, [])

    assert facts_of(world, only(world)).missing == ("feed health",)
    assert fired(world, only(world))["missing_fact"] is Tier.ADVICE


def test_the_kill_switch_is_advice(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)

    assert fired(world, only(world))["kill_switch"] is Tier.ADVICE


def test_the_first_move_on_a_lane_is_a_persons(tmp_path: Path) -> None:
    unknown = set_column("transfers", pl.lit("NORTH").alias("origin"))
    other_way = set_column("transfers", pl.lit("DC").alias("destination"))
    world = swept(tmp_path, amended(two_sites_one_lane(), unknown, other_way))

    assert only(world).state is S.PENDING
    assert fired(world, only(world))["new_lane"] is Tier.PLANNER


def test_a_new_item_is_a_persons(tmp_path: Path) -> None:
    world = swept(tmp_path, amended(two_sites_one_lane(), only_recent("BOLT", 10)))

    assert facts_of(world, only(world)).history_weeks == 10
    assert fired(world, only(world))["new_item"] is Tier.PLANNER


def test_a_strategic_customers_stock_needs_formal_approval(tmp_path: Path) -> None:
    network = amended(
        two_sites_one_lane(),
        add_rows("customers", {"customer": "ACME", "name": "Acme", "tier": "strategic", "penalty_share": 0.0}),
        add_rows(
            "commitments",
            {"customer": "ACME", "item": "BOLT", "site": "DC", "protected_quantity": 5, "until": None},
        ),
    )

    assert only(swept(tmp_path, network)).tier is Tier.FORMAL


def test_an_erp_without_keys_leaves_nothing_to_policy(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic, native_key=False)

    assert fired(world, only(world))["erp_key"] is Tier.PLANNER


@pytest.mark.parametrize("rollout", ["shadow", "recommend"])
def test_a_roll_out_that_executes_nothing_gives_advice(automatic: World, a_copy: Copy, rollout: str) -> None:
    world = a_copy(automatic, rollout=rollout)

    assert fired(world, only(world))["rollout"] is Tier.ADVICE


def both_ways() -> Network:
    """A lane to NORTH and one back."""
    return replace(two_sites_one_lane(), lanes=(Lane("DC", "NORTH"), Lane("NORTH", "DC")))


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Policy moved BOLT from DC to NORTH this morning, and it has been posted."""
    world = swept(tmp_path_factory.mktemp("moved"), both_ways())
    world.clock.forward(hours=1)
    world.desk.execute()
    assert only(world).state is S.EXECUTED
    return world


def after(world: World, days: int, stock: dict[tuple[str, str], int]) -> Proposal:
    """The transfer proposed some days later on other stock, the first one received meanwhile."""
    (document,) = world.erp.open_documents()
    world.erp.receive(document.reference, world.clock() + timedelta(hours=1))
    world.clock.forward(days=days)
    world.deliver(both_ways().with_stock(stock), world.erp.export_transfers())
    world.desk.sweep()
    return max(
        (p for p in world.proposals() if p.content.action is ActionKind.TRANSFER), key=lambda p: p.created_at
    )  # fmt: skip


def test_moving_the_same_item_again_within_the_cool_down_is_a_persons(moved: World, a_copy: Copy) -> None:
    world = a_copy(moved)
    again = after(world, 3, {("BOLT", "DC"): 222, ("BOLT", "NORTH"): 3})

    assert (again.state, again.tier) == (S.PENDING, Tier.PLANNER)
    assert facts_of(world, again).cool_down_active
    assert fired(world, again)["cool_down"] is Tier.PLANNER


def test_after_the_cool_down_policy_may_move_it_again(moved: World, a_copy: Copy) -> None:
    world = a_copy(moved)
    again = after(world, 8, {("BOLT", "DC"): 222, ("BOLT", "NORTH"): 3})

    assert (again.state, again.tier) == (S.APPROVED, Tier.AUTO)


def test_undoing_a_recent_move_needs_formal_approval(moved: World, a_copy: Copy) -> None:
    world = a_copy(moved)
    back = after(world, 3, {("BOLT", "DC"): 1, ("BOLT", "NORTH"): 400})

    assert back.content.lanes == ("NORTH>DC",)
    assert facts_of(world, back).reverse_of_recent
    assert fired(world, back)["reverse_move"] is Tier.FORMAL


def test_what_the_lane_saw_within_a_day_is_added_up(moved: World, a_copy: Copy) -> None:
    world = a_copy(moved)
    first = only(world)
    world.erp.receive(world.erp.open_documents()[0].reference, world.clock() + timedelta(minutes=30))
    world.clock.forward(hours=3)
    world.deliver(both_ways().with_stock({("BOLT", "DC"): 222, ("BOLT", "NORTH"): 0}), world.erp.export_transfers())
    world.desk.sweep()
    second = only(world, S.PENDING)
    facts = facts_of(world, second)

    assert facts.lane_value_24h_minor == first.content.value_minor
    assert facts.auto_value_today_minor == first.content.value_minor
    with world.database.read() as connection:
        ruling, _ = rule(world.toolbox, connection, world.desk.gate, second)
    assert ruling.aggregates["summed_value_minor"] == first.content.value_minor + second.content.value_minor
