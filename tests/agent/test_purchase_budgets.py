"""Two drafts never spend one budget: who comes first holds it, who comes second asks its owner and is told who won."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import Executable, delete, update

from agent.approval_policy import packaged_policy_text
from agent.decisions import Decision
from agent.replenishment import replenish
from inventory.audit import entries
from inventory.audit_folds import a_book
from inventory.audit_mirrors import READERS
from inventory.audit_state import differences
from inventory.capacity import CapacityKind, Slot, taken_capacity
from inventory.capacity_holds import list_capacity_holds
from inventory.outbox import list_outbox
from inventory.people import save_user
from inventory.proposals import find_plan_run, list_rulings
from inventory.records import EVERYTHING, ActionKind, Proposal, ProposalState, Ruling, Tier, User
from inventory.tables import capacity, capacity_holds
from tests import worlds
from tests.agent.conftest import Copy
from tests.agent.test_replenishment import a_dc_and_two_stores
from tests.tools.networks import Amended, amended, order, set_column
from tests.tools.test_budget_use import budget
from tests.worlds import ItemSite, Lane, Network, World

S = ProposalState
FINN = User(user_id="finn", name="Finn Finance", roles=("finance",), value_limit_minor=50_000_000)
APRIL = date(2024, 4, 1)


def short_of_two(amount: float) -> Amended:
    """DC runs out of NUT and PIN, which only the supplier has, and may buy for so much in April."""
    network = Network(
        item_sites=(
            ItemSite("NUT", "DC", weekly=20, on_hand=10),
            ItemSite("PIN", "DC", weekly=18, on_hand=10),
            ItemSite("BOLT", "NORTH", weekly=2, on_hand=30),
        ),
        lanes=(Lane("DC", "NORTH"),),
        lead_time_days=7,
    )
    return amended(network, budget("DC", "purchase", amount))


@pytest.fixture(scope="module")
def poor(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """1,000 are enough for either order and not for both."""
    return swept(tmp_path_factory.mktemp("poor"), short_of_two(1_000.0))


def swept(folder: Path, network: Network) -> World:
    world = World(folder / "home", network, rollout="guided").furnish()
    with world.database.write("root", world.clock()) as transaction:
        save_user(transaction, FINN)
    world.desk.sweep()
    return world


def rivals(world: World) -> tuple[Proposal, Proposal]:
    """Who has the budget, and who came too late."""
    first, second = sorted(world.proposals(S.PENDING), key=lambda each: (each.tier or Tier.AUTO).strictness)
    return first, second


def ruling_on(world: World, proposal: Proposal) -> Ruling:
    with world.database.read() as connection:
        return list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1]


def holds(world: World) -> dict[tuple[str, str], int]:
    """Money of the month by proposal and state, of what still counts."""
    with world.database.read() as connection:
        return {
            (hold.proposal_id, hold.state): hold.amount
            for hold in list_capacity_holds(connection)
            if hold.slot.kind is CapacityKind.PURCHASE_BUDGET and hold.state != "released"
        }


def told(world: World, event: str) -> list[str]:
    with world.database.read() as connection:
        return [entry.subject_id for entry in entries(connection) if entry.event == event]


def finn_signs(world: World, proposal: Proposal) -> Proposal:
    seen = {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": "approve"}
    return world.desk.decide(Decision.model_validate(seen), FINN)


def first_difference(world: World) -> str:
    """The first row that is not what the log says; empty when every row is."""
    book = a_book()
    with world.database.read() as connection:
        for entry in entries(connection):
            book.observe(entry)
        return next((found.words for found in differences(book, connection, READERS)), "")


def cost(proposal: Proposal) -> int:
    return sum(line.cost_minor for line in proposal.content.lines)


def test_the_first_draft_holds_the_budget_and_the_second_asks_the_owner_and_hears_who_won(poor: World) -> None:
    first, second = rivals(poor)
    assert (first.tier, second.tier) == (Tier.PLANNER, Tier.FORMAL)
    assert holds(poor) == {(first.proposal_id, "held"): cost(first)}
    ruling = ruling_on(poor, second)
    assert ruling.needs_roles == ("finance",)
    (said,) = [rule.reason for rule in ruling.fired if rule.rule == "over_budget"]
    assert said == (
        f"with this {(cost(first) + cost(second)) // 100:,} EUR of the budget of 1,000 EUR are spent, above 100 %, "
        f"after {first.proposal_id}: finance must agree"
    )
    with poor.database.read() as connection:
        run = find_plan_run(connection, EVERYTHING, second.content.plan_run_id)
    assert run.won_by == {second.content.case_id: first.content.case_id}
    assert run.lost_to[second.content.case_id] == (
        f"the budget is spent: purchase budget of DC from 2024-04-01: {cost(second) / 100:.2f} wanted, "
        f"{(100_000 - cost(first)) / 100:.2f} left; {first.proposal_id} holds {cost(first) / 100:.2f}"
    )


def test_signed_it_is_committed_and_refused_it_is_anybodys(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    first, second = rivals(world)
    world.decide(first, "approve", "pia")
    assert holds(world) == {(first.proposal_id, "committed"): cost(first)}
    other = a_copy(poor)
    other.decide(first, "reject", "pia")
    assert holds(other) == {}
    assert finn_signs(other, second).state is S.APPROVED
    assert holds(other) == {(second.proposal_id, "committed"): cost(second)}
    assert told(other, "budget.overdrawn") == [], "what was refused left enough"
    assert first_difference(other) == ""


def test_expired_it_is_anybodys(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    world.clock.forward(hours=25)
    world.desk.recover()
    assert [each.tier for each in world.proposals(S.PENDING)] == [Tier.FORMAL], "it may wait longer"
    assert holds(world) == {}


def test_the_owner_overdraws_the_budget_and_it_is_on_record(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    first, second = rivals(world)
    assert finn_signs(world, second).state is S.APPROVED
    assert holds(world) == {(first.proposal_id, "held"): cost(first), (second.proposal_id, "committed"): cost(second)}
    assert told(world, "budget.overdrawn") == [second.proposal_id]
    # The first fitted when it was drafted, and does not any more: its signature is not taken as it is.
    assert first_difference(world) == ""
    assert world.decide(first, "approve", "pia").tier is Tier.FORMAL
    assert "over_budget" in {rule.rule for rule in ruling_on(world, first).fired}
    assert holds(world) == {(second.proposal_id, "committed"): cost(second)}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (update(capacity).values(limit_amount=10**9), "capacity purchase_budget DC 2024-04-01"),
        (update(capacity_holds).values(amount=1), "capacity_holds cap-"),
        (delete(capacity_holds), "capacity_holds cap-"),
    ],
)
def test_a_budget_changed_behind_the_log_is_found(poor: World, a_copy: Copy, change: Executable, named: str) -> None:
    world = a_copy(poor)
    assert first_difference(world) == ""
    with world.database.write("root", world.clock()) as transaction:
        transaction.connection.execute(change)
    assert first_difference(world).startswith(named)


def test_a_budget_cut_between_draft_and_click_is_asked_for_again_and_holds_nothing(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    first, _ = rivals(world)
    world.clock.forward(hours=1)
    world.deliver(short_of_two(cost(first) / 100 - 0.01))
    assert world.decide(first, "approve", "pia").tier is Tier.FORMAL
    assert holds(world) == {}


def test_an_edit_holds_what_the_new_version_spends(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    _, second = rivals(world)
    (line,) = second.content.lines
    edited = world.decide(second, "edit", "pia", quantities={line.number: line.quantity // 2})
    assert holds(world)[(edited.proposal_id, "held")] == cost(edited) < cost(second)
    assert "over_budget" not in {rule.rule for rule in ruling_on(world, edited).fired}


def test_signed_in_the_next_period_it_is_spent_there(poor: World, tmp_path: Path) -> None:
    network = short_of_two(1_000.0)
    april = (set_column("budgets", pl.lit(date(2024, 4, 8)).alias("period_end")),)
    later = (budget("DC", "purchase", 5_000.0, date(2024, 4, 9)),)
    world = swept(tmp_path, replace(network, edits=(*network.edits, *april, *later)))
    first, _ = rivals(world)
    world.clock.forward(hours=23)
    world.decide(first, "approve", "pia")
    with world.database.read() as connection:
        taken = taken_capacity(connection, CapacityKind.PURCHASE_BUDGET, APRIL)
    assert taken == {Slot(CapacityKind.PURCHASE_BUDGET, "DC", date(2024, 4, 9)): cost(first)}


def test_an_order_the_feed_shows_is_counted_once(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    first, second = rivals(world)
    world.decide(first, "approve", "pia")
    world.desk.execute()
    assert holds(world) == {(first.proposal_id, "posted"): cost(first)}
    with world.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING, proposal_id=first.proposal_id)
    (line,) = first.content.lines
    world.clock.forward(hours=1)
    feed = short_of_two(1_000.0)
    ours = (
        order("PO-OURS", line.item, "DC", line.quantity, ordered_ago=0, promised_in=7),
        set_column(
            "purchase_orders",
            pl.when(pl.col("order_id") == "PO-OURS").then(pl.lit(row.key)).otherwise(pl.lit("")).alias("our_key"),
        ),
    )
    world.deliver(replace(feed, edits=(*feed.edits, *ours)))
    assert holds(world) == {}
    assert told(world, "budget.ordered") == [first.proposal_id]
    finn_signs(world, second)
    (kept,) = [p for p in world.proposals() if p.proposal_id == second.proposal_id]
    assert kept.state is S.APPROVED
    assert told(world, "budget.overdrawn") == [second.proposal_id], "the goods at their price, and this one besides"
    assert first_difference(world) == ""


def test_a_lower_share_asks_the_owner_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = packaged_policy_text().replace("percent_above = 100", "percent_above = 50")
    monkeypatch.setattr(worlds, "packaged_policy_text", lambda: text)
    world = swept(tmp_path, short_of_two(1_000.0))
    assert {each.tier for each in world.proposals(S.PENDING)} == {Tier.FORMAL}
    assert holds(world) == {}, "each alone is above half of the budget"


def test_sweeping_again_changes_nothing(poor: World, a_copy: Copy) -> None:
    world = a_copy(poor)
    world.clock.forward(hours=1)
    world.deliver()
    world.desk.sweep()
    assert [each.proposal_id for each in rivals(world)] == [each.proposal_id for each in rivals(poor)]
    assert holds(world) == holds(poor)


def test_a_replenishment_run_holds_what_it_orders_and_the_next_one_does_not_add_to_it(tmp_path: Path) -> None:
    network = a_dc_and_two_stores()
    rich = budget("DC", "purchase", 50_000.0)
    world = World(tmp_path / "home", replace(network, edits=(*network.edits, rich)), rollout="guided").furnish()
    for _ in range(2):
        made = replenish(world.toolbox, world.desk.drafter, world.desk.gate)
        bought = [line for line in made.lines if line.action is ActionKind.PURCHASE]
        assert bought
        held: Counter[str] = Counter()
        for (proposal_id, state), money in holds(world).items():
            assert state == "held"
            held[proposal_id] += money
        assert set(held) == {line.proposal_id for line in bought}
        assert sum(held.values()) == sum(line.cost_minor for line in bought)
        assert made.budgets == {"DC": 50_000.0}, "what the run before held is given back first"
        world.clock.forward(hours=1)
        world.deliver()
    assert first_difference(world) == ""
