"""Sums the gate holds limits against: what a lane saw in a day whatever the item, and what budgets have left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from agent.gate_facts import GateFacts, Place, RuledFacts
from agent.gate_sums import ACTED, lane_value, lanes_of
from agent.ruling import gather_facts, places_of, policy_book, rule
from inventory.proposals import list_proposals, list_rulings
from inventory.record import load
from inventory.records import EVERYTHING, ActionKind, PolicyVersion, Proposal, ProposalState, Tier
from inventory.rulebook import find_policy, insert_policy
from tests.agent.conftest import Copy
from tests.tools.networks import add_rows, amended, set_column
from tests.worlds import MONDAY, ItemSite, Lane, Network, World, two_sites_one_lane

S = ProposalState


def two_items_one_lane() -> Network:
    """Two items that both run out at NORTH while DC has plenty of each; each move alone may run by itself."""
    return Network(
        item_sites=tuple(
            ItemSite(item, site, weekly=weekly, on_hand=on_hand, flags="consumable", cost=4.0, price=10.0)
            for item in ("BOLT", "SCREW")
            for site, weekly, on_hand in (("DC", 10, 300), ("NORTH", 20, 4))
        ),
        lanes=(Lane("DC", "NORTH"),),
    )


def transfers(world: World) -> list[Proposal]:
    moves = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    return sorted(moves, key=lambda p: (p.tier is not Tier.AUTO, p.proposal_id))


def facts_kept(world: World, proposal: Proposal) -> RuledFacts:
    with world.database.read() as connection:
        return load(RuledFacts, list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1].facts)


def test_another_item_on_the_same_lane_counts_against_the_limit(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_items_one_lane()).furnish()
    world.desk.sweep()
    first, second = transfers(world)

    assert (first.tier, second.tier) == (Tier.AUTO, Tier.PLANNER)
    assert first.content.lines[0].item != second.content.lines[0].item
    assert max(first.content.value_minor, second.content.value_minor) <= 500_00
    assert facts_kept(world, second).facts.lane_value_24h_minor == first.content.value_minor
    with world.database.read() as connection:
        ruling = list_rulings(connection, EVERYTHING, second.proposal_id)[-1]
    assert "on this lane in the last 24 hours" in next(r.reason for r in ruling.fired if r.rule == "allow_list")
    world.database.dispose()


def test_a_draft_of_yesterday_counts_from_the_moment_it_is_signed(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = transfers(world)
    world.clock.forward(hours=23)
    world.decide(proposal, "approve", "pia")
    sums = []
    for hours in (2, 21.9, 0.2):
        world.clock.forward(hours=hours)
        with world.database.read() as connection:
            acted = list_proposals(connection, EVERYTHING, states=ACTED)
            sums.append(lane_value(world.clock(), connection, acted, lanes_of(proposal.content)))
    assert sums == [proposal.content.value_minor, proposal.content.value_minor, 0]


def test_a_ruling_keeps_the_facts_and_places_it_was_made_on(guided: World) -> None:
    (proposal,) = transfers(guided)
    kept = facts_kept(guided, proposal)
    with guided.database.read() as connection:
        policy = policy_book(connection).enterprise
        again = gather_facts(guided.toolbox, connection, guided.desk.gate, proposal, policy)
        places = places_of(guided.toolbox, connection, proposal)

    assert kept == RuledFacts(facts=again, places=places)
    assert {(place.site, place.item_class, place.channel) for place in places} == {
        ("DC", "consumable", ""), ("NORTH", "consumable", ""),
    }  # fmt: skip


def with_layer(world: World, layer: str) -> None:
    """Adopt the policy in force with one layer more."""
    with world.database.write("root", world.clock()) as transaction:
        newest = find_policy(transaction.connection, EVERYTHING, "approval")
        content = f"{newest.content}\n[[layer]]\n{layer}\n"
        fields = {"content": content, "version": newest.version + 1, "effective_at": world.clock()}
        insert_policy(transaction, PolicyVersion.model_validate({**newest.model_dump(), **fields}))


@pytest.mark.parametrize(
    ("layer", "tier"),
    [
        ('site = "NORTH"\nauto.transfer.consumable = 100', Tier.PLANNER),
        ('site = "DC"\nauto.transfer.consumable = "never"', Tier.PLANNER),
        ('site = "SOUTH"\nauto.transfer.consumable = 100', Tier.AUTO),
        ('item_class = "consumable"\ntwo_people_above = 1\n', Tier.FORMAL),
        ('item_class = "regulated"\ntwo_people_above = 1\n', Tier.AUTO),
        ('channel = "web"\nitem_classes.consumable = "formal"', Tier.FORMAL),
        ('channel = "shop"\nitem_classes.consumable = "formal"', Tier.AUTO),
        ('region = "EAST"\nitem_classes.consumable = "planner"', Tier.PLANNER),
        ('region = "WEST"\nitem_classes.consumable = "planner"', Tier.AUTO),
    ],
)
def test_a_proposal_is_ruled_by_the_strictest_layer_it_touches(
    automatic_in_the_east: World, a_copy: Copy, layer: str, tier: Tier
) -> None:
    world = a_copy(automatic_in_the_east)
    with_layer(world, layer)
    (proposal,) = transfers(world)
    with world.database.read() as connection:
        ruling, policy = rule(world.toolbox, connection, world.desk.gate, proposal)
    assert (ruling.tier, ruling.policy_version, policy.version) == (tier, 2, 2)


@pytest.fixture(scope="module")
def automatic_in_the_east(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One transfer policy signed; NORTH lies in the east and sells on the web."""
    network = amended(
        two_sites_one_lane(),
        set_column(
            "sites", pl.when(pl.col("site") == "NORTH").then(pl.lit("EAST")).otherwise(pl.lit("MID")).alias("region")
        ),
        set_column(
            "demand", pl.when(pl.col("site") == "NORTH").then(pl.lit("web")).otherwise(pl.lit("")).alias("channel")
        ),
    )
    world = World(tmp_path_factory.mktemp("east") / "home", network).furnish()
    world.desk.sweep()
    yield world
    world.database.dispose()


def test_places_name_region_and_channels(automatic_in_the_east: World) -> None:
    world = automatic_in_the_east
    (proposal,) = transfers(world)
    with world.database.read() as connection:
        places = places_of(world.toolbox, connection, proposal, channels=True)
    assert places == (
        Place(region="EAST", site="NORTH", item_class="consumable", channel="web"),
        Place(region="MID", site="DC", item_class="consumable"),
    )


def test_a_purchase_is_held_against_the_budget_of_its_site(tmp_path: Path) -> None:
    poor, rich = (bought_under(tmp_path / name, budget) for name, budget in (("poor", 50.0), ("rich", 1_000_000.0)))

    assert (poor.budget_minor, rich.budget_minor) == (50_00, 1_000_000_00)
    assert poor.budget_spend_minor == rich.budget_spend_minor > 50_00
    assert poor.budget_committed_minor == 7 * 4 * 100, "seven were ordered this month at four each"


def bought_under(folder: Path, budget: float) -> GateFacts:
    """Facts of a purchase for NORTH, to which no lane leads, under a budget for the month."""
    alone = replace(two_sites_one_lane(), lanes=(Lane("NORTH", "DC"),))
    network = amended(
        replace(alone, open_orders=(("PO-7", "BOLT", "NORTH", 7, 5, 60),)),
        add_rows(
            "budgets",
            {"site": "NORTH", "kind": "purchase", "period_start": MONDAY.replace(day=1),
             "period_end": MONDAY.replace(day=30), "amount": budget},
        ),
    )  # fmt: skip
    world = World(folder / "home", network).furnish()
    world.desk.sweep()
    (proposal,) = [p for p in world.proposals() if p.content.action is ActionKind.PURCHASE]
    kept = facts_kept(world, proposal).facts
    with world.database.read() as connection:
        (ruling,) = list_rulings(connection, EVERYTHING, proposal.proposal_id)
    over = kept.budget_committed_minor + kept.budget_spend_minor > (kept.budget_minor or 0)
    assert ruling.needs_roles == (("finance",) if over else ())
    assert over == (budget == 50.0)
    world.database.dispose()
    return kept


def test_a_day_is_exactly_twenty_four_hours(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = transfers(world)
    lanes, told = lanes_of(proposal.content), []
    signed = proposal.model_copy(update={"state": S.APPROVED})
    for since in (timedelta(hours=24), timedelta(hours=24, microseconds=1)):
        with world.database.read() as connection:
            told.append(lane_value(proposal.created_at + since, connection, [signed], lanes))
    assert told == [proposal.content.value_minor, 0]
