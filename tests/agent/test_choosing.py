"""A person chooses another priced option: of whatever kind, it becomes a version that is signed and carried out."""

from __future__ import annotations

import polars as pl
import pytest

from agent.deciding.request import Decision, incomplete
from agent.errors import DecisionRefusedError
from inventory.errors import NotEnoughStockError
from inventory.ledger import ledger_rows, list_reservations
from inventory.log_report import examine_log
from inventory.people import save_user
from inventory.proposals import find_explanation, find_situation, list_rulings
from inventory.records import EVERYTHING, ActionKind, Option, Proposal, ProposalState, Tier, User
from tests.agent.conftest import Copy
from tests.invariants import assert_house_in_order
from tests.tools.networks import Amended, add_rows, amended, set_column
from tests.worlds import ItemSite, Lane, Network, World
from tools.action_kinds import problems
from tools.chosen_options import EXPRESS
from tools.erp.simulated import KnownOrder, StockRow
from tools.errors import ToolInputError

S, A = ProposalState, ActionKind
SHORT, SURPLUS = ("BOLT", "NORTH"), ("NUT", "NORTH")
PRICE, ORDER_COST = 4.0, 20.0
CHOICES = (
    (SHORT, A.TRANSFER_AND_PURCHASE), (SHORT, A.PURCHASE), (SHORT, A.PULL_IN), (SHORT, A.SPLIT), (SHORT, A.SUBSTITUTE),
    (SHORT, A.REALLOCATE), (SURPLUS, A.MARKDOWN), (SURPLUS, A.RETURN_TO_SUPPLIER),
)  # fmt: skip


def a_store_with_every_way_out() -> Amended:
    """BOLT runs out at NORTH; the DC, another channel, a substitute, an open order could help. NUT lies idle."""
    network = Network(
        item_sites=(
            ItemSite("BOLT", "DC", weekly=10, on_hand=70, flags="consumable", cost=PRICE, price=10.0),
            ItemSite("BOLT", "NORTH", weekly=20, on_hand=4, flags="consumable", cost=PRICE, price=10.0),
            ItemSite("BOLT", "WEB", weekly=4, on_hand=200, flags="consumable", cost=PRICE, price=10.0),
            ItemSite("NUT", "NORTH", weekly=4, on_hand=300, flags="consumable", cost=PRICE, price=10.0),
        ),
        lanes=(Lane("DC", "NORTH"), Lane("WEB", "NORTH", fixed_cost=5_000.0)),
        open_orders=(("PO-9", "BOLT", "NORTH", 60, 3, 15),),
    )
    kind = pl.when(pl.col("site") == "DC").then(pl.lit("dc")).otherwise(pl.lit("channel")).alias("kind")
    return amended(
        network,
        set_column("sites", kind),
        set_column("supplier_items", pl.lit(5).alias("expedite_lead_time_days")),
        set_column("supplier_items", pl.lit(1.5).alias("expedite_price_factor")),
        add_rows("substitutes", {"item": "BOLT", "substitute": "NUT", "acceptance": 0.5, "needs_consent": False}),
    )


@pytest.fixture(scope="module")
def waiting(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The store and the surplus each wait for a person; the ERP knows stock and the open order."""
    network = a_store_with_every_way_out()
    world = World(tmp_path_factory.mktemp("choosing") / "home", network, rollout="guided").furnish()
    with world.database.write("root", world.clock()) as transaction:
        for number in (1, 2):
            roles = ("central", "finance", "manager")
            save_user(transaction, User(user_id=f"boss{number}", name="Boss", roles=roles, value_limit_minor=10**9))
        save_user(transaction, User(user_id="bert", name="Bert Buyer", roles=("buyer",), value_limit_minor=10**9))
    world.erp.load_stock(StockRow(item=p.item, site=p.site, on_hand=p.on_hand) for p in network.item_sites)
    world.erp.load_orders(
        [
            KnownOrder.model_validate(
                {
                    "reference": "PO-9", "action": "purchase", "lines": [{"item": "BOLT", "quantity": 60}],
                    "destination": "NORTH", "supplier": "SUP", "ordered_on": "2024-04-05", "arrive_on": "2024-04-23",
                }
            )
        ]
    )  # fmt: skip
    world.desk.sweep()
    return world


def about(world: World, place: tuple[str, str]) -> Proposal:
    """The proposal that waits about an item at a site."""
    return next(
        p for p in world.proposals(S.PENDING) if (p.content.lines[0].item, p.content.lines[0].destination) == place
    )


def options_of(world: World, proposal: Proposal) -> tuple[Option, ...]:
    with world.database.read() as connection:
        situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    assert situation is not None
    return situation.options


def number_of(world: World, proposal: Proposal, action: ActionKind, mode: str = "") -> int:
    """The number a person reads beside an option."""
    return next(
        at
        for at, option in enumerate(options_of(world, proposal), start=1)
        if option.action is action and option.feasible and (not mode or option.mode == mode) and not option.chosen
    )


def choose(world: World, place: tuple[str, str], action: ActionKind, mode: str = "") -> tuple[Option, Proposal]:
    """Choose an option as pia would; the option, and the version that carries it out."""
    before = about(world, place)
    number = number_of(world, before, action, mode)
    after = world.decide(before, "choose", "pia", option=number)
    return options_of(world, before)[number - 1], after


def signed(world: World, proposal: Proposal) -> Proposal:
    """Signed by as many people as it takes."""
    for user_id in ("bert", "boss1", "boss2"):
        user = User(user_id=user_id, name=user_id, roles=())
        if proposal.state is S.PENDING:
            try:
                proposal = world.desk.decide(decision(proposal), user)
            except DecisionRefusedError:
                continue
    return proposal


def decision(proposal: Proposal, verb: str = "approve", **more: object) -> Decision:
    return Decision.model_validate(
        {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": verb, **more}
    )


@pytest.mark.parametrize(("place", "action"), CHOICES, ids=lambda value: getattr(value, "value", ""))
def test_an_option_of_every_kind_can_be_chosen_signed_and_carried_out(
    waiting: World, a_copy: Copy, place: tuple[str, str], action: ActionKind
) -> None:
    world = a_copy(waiting)
    before = about(world, place)
    option, after = choose(world, place, action)
    content = after.content

    assert (after.state, after.requested_by, content.version) == (S.PENDING, "pia", before.content.version + 1)
    assert after.tier not in (Tier.AUTO, Tier.ADVICE), "a person chose it: a person signs it"
    assert content.action is action
    assert problems(content) == ()
    (old,) = world.proposals(S.SUPERSEDED)
    number = number_of(world, old, action)
    assert (old.proposal_id, old.reason) == (before.proposal_id, f"option {number} ({action.value}) chosen by pia")
    (priced,) = [each for each in options_of(world, after) if each.chosen]
    assert (priced.action, priced.source, priced.quantity) == (option.action, option.source, option.quantity)
    with world.database.read() as connection:
        words = find_explanation(connection, EVERYTHING, after.proposal_id)
        assert list_rulings(connection, EVERYTHING, after.proposal_id)
    assert words is not None
    assert "highest net value" not in words.text or priced.net_value_minor > 0
    assert_house_in_order(world)

    approved = signed(world, after)
    assert approved.state is S.APPROVED, approved.reason
    world.clock.forward(hours=1)
    done = {execution.proposal_id: execution for execution in world.desk.execute()}
    assert done[after.proposal_id].state is S.EXECUTED
    assert_house_in_order(world)
    with world.database.read() as connection:
        assert examine_log(connection, world.database.anchor).alarms == ()


def test_what_is_bought_costs_the_goods_too_and_what_leaves_a_shelf_is_at_stake(waiting: World, a_copy: Copy) -> None:
    world = a_copy(waiting)
    option, after = choose(world, SHORT, A.PURCHASE)
    (line,) = after.content.lines
    assert line.cost_minor == after.content.value_minor == 100 * (option.quantity * PRICE + ORDER_COST)

    option, after = choose(a_copy(waiting), SHORT, A.REALLOCATE)
    (line,) = after.content.lines
    assert after.content.value_minor == line.cost_minor + 100 * option.quantity * PRICE


def test_an_express_order_pays_the_surcharge(waiting: World, a_copy: Copy) -> None:
    option, after = choose(a_copy(waiting), SHORT, A.EXPEDITE, mode="new order")
    (line,) = after.content.lines
    assert (line.action, line.mode) == (A.PURCHASE, EXPRESS)
    assert line.cost_minor == 100 * (option.quantity * PRICE * 1.5 + ORDER_COST)


def test_a_pair_leaves_on_the_lanes_day_and_holds_the_donors_units(waiting: World, a_copy: Copy) -> None:
    world = a_copy(waiting)
    _, after = choose(world, SHORT, A.TRANSFER_AND_PURCHASE)
    moved, bought = after.content.lines
    assert (moved.action, moved.origin, bought.action, bought.supplier) == (A.TRANSFER, "DC", A.PURCHASE, "SUP")
    assert moved.cost_minor == 100 * (moved.quantity * 0.5 + 8.0)
    assert moved.ship_on > world.clock().date(), "a lane departs after picking"
    with world.database.read() as connection:
        (held,) = list_reservations(connection, EVERYTHING, proposal_id=after.proposal_id)
        reserved = sum(row.reserved for row in ledger_rows(connection, EVERYTHING))
    assert (held.site, held.quantity, held.state, reserved) == ("DC", moved.quantity, "held", moved.quantity)


@pytest.mark.parametrize(("place", "action"), [(SHORT, A.REALLOCATE), (SURPLUS, A.RETURN_TO_SUPPLIER)])
def test_units_that_no_transfer_feed_shows_are_free_again_once_the_stock_shows_them_gone(
    waiting: World, a_copy: Copy, place: tuple[str, str], action: ActionKind
) -> None:
    world = a_copy(waiting)
    _, after = choose(world, place, action)
    signed(world, after)
    world.clock.forward(hours=1)
    world.desk.execute()
    world.clock.forward(hours=2)
    world.deliver_from_erp()
    with world.database.read() as connection:
        (held,) = list_reservations(connection, EVERYTHING, proposal_id=after.proposal_id)
        assert held.state == "absorbed"
        assert sum(row.in_flight for row in ledger_rows(connection, EVERYTHING)) == 0
    assert_house_in_order(world)


def test_who_chose_does_not_sign(waiting: World, a_copy: Copy) -> None:
    world = a_copy(waiting)
    _, after = choose(world, SHORT, A.PULL_IN)
    with pytest.raises(DecisionRefusedError, match="pia"):
        world.decide(after, "approve", "pia")


def test_a_choice_whose_units_are_gone_changes_nothing(waiting: World, a_copy: Copy) -> None:
    world = a_copy(waiting)
    before = about(world, SHORT)
    number = number_of(world, before, A.REALLOCATE)
    world.clock.forward(hours=1)
    world.deliver(world.network.with_stock({("BOLT", "WEB"): 0}))
    with pytest.raises(NotEnoughStockError):
        world.decide(before, "choose", "pia", option=number)
    assert about(world, SHORT) == before
    assert_house_in_order(world)


@pytest.mark.parametrize(
    ("action", "words"),
    [(A.HOLD, "reject the proposal"), (A.PARAMETER_CHANGE, "cannot be carried out"), (None, "no number 99")],
)
def test_what_cannot_be_chosen_is_refused_and_leaves_the_proposal(
    waiting: World, a_copy: Copy, action: ActionKind | None, words: str
) -> None:
    world = a_copy(waiting)
    before = about(world, SHORT)
    with pytest.raises(ToolInputError, match=words):
        world.decide(before, "choose", "pia", option=number_of(world, before, action) if action else 99)
    assert about(world, SHORT) == before


def test_what_is_proposed_already_is_approved_not_chosen(waiting: World, a_copy: Copy) -> None:
    world = a_copy(waiting)
    before = about(world, SHORT)
    (at,) = [number for number, option in enumerate(options_of(world, before), start=1) if option.chosen]
    with pytest.raises(ToolInputError, match="approve it"):
        world.decide(before, "choose", "pia", option=at)


def test_a_choice_needs_a_number_a_reason_and_words() -> None:
    given = {"proposal_id": "prop-1", "digest_prefix": "0123456789ab", "verb": "choose"}
    why = {"reason": "strategy", "text": "as agreed"}
    assert "say why" in incomplete(Decision.model_validate({**given, "option": 2}))
    assert "--option N" in incomplete(Decision.model_validate({**given, **why}))
    assert incomplete(Decision.model_validate({**given, **why, "option": 2})) == ""
    assert "goes with choose" in incomplete(Decision.model_validate({**given, "verb": "approve", "option": 2}))
