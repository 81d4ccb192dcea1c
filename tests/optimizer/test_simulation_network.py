"""The network, day by day: hand-worked mornings, books that close, edges, and independence of how work is cut."""

from itertools import pairwise

import numpy as np
import pytest

from optimizer.errors import ConservationError
from optimizer.simulation import stock
from optimizer.simulation.network import simulate
from optimizer.simulation.planner import GivenOrders, OrderPolicy, Orders, View
from optimizer.simulation.ring import ReceiptRing
from optimizer.simulation.service import summarize
from optimizer.simulation.single_stage import simulate_single_stage
from optimizer.simulation.streams import BLOCK_ITEMS, Kind, draw_demand, draw_lead_times, stream
from optimizer.simulation.tally import Outcome, Tally
from optimizer.simulation.world import Inbound, Lanes, World
from tests.optimizer.simulation_worlds import CENTRE_FEEDS_TWO, Watching, levels, one_site, three_sites


def _given(*quantities: float) -> GivenOrders:
    return GivenOrders(np.array(quantities, dtype=np.float64).reshape(-1, 1, 1))


def _net(outcome: Outcome) -> float:
    return float((outcome.on_hand - outcome.backordered)[0, 0])


def test_lead_time_two_arrives_in_the_morning_of_the_second_day() -> None:
    outcome = simulate(one_site([0.0, 4.0, 4.0], lead=2), _given(5.0))
    assert outcome.tally.lost[0, 0, 0] == 4.0
    assert outcome.on_hand[0, 0] == 1.0


def test_pitfall_e_lead_time_zero_serves_the_same_day() -> None:
    outcome = simulate(one_site([4.0], lead=0), _given(5.0))
    assert (outcome.tally.lost[0, 0, 0], outcome.on_hand[0, 0]) == (0.0, 1.0)


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_negative_opening_stock_is_owed_and_settled_first(unmet: str) -> None:
    outcome = simulate(one_site([1.0, 1.0, 1.0], lead=1, opening=-3.0, unmet=unmet), _given(5.0))
    # Day 0 sells nothing; five come, three were owed, and under backorders a fourth.
    assert outcome.tally.served[0, 0, 0] == (2.0 if unmet == "lost" else 1.0)
    assert _net(outcome) == (0.0 if unmet == "lost" else -1.0)


def test_pitfall_h_a_small_integer_lead_time_does_not_wrap_the_ring() -> None:
    ring = ReceiptRing(200, (1, 1))
    ring.add(100, np.array([0]), np.array([190], dtype=np.uint8), np.array([7.0]))
    assert [day for day in range(101, 301) if ring.take(day)[0, 0]] == [290]
    days = 300
    demand, opening = np.ones((days, 1, 1)), np.array([[0.0]])
    policy = OrderPolicy.base_stock(np.array([[400.0]]))
    small, wide = (
        simulate(World(demand, np.full(demand.shape, 190, dtype=kind), opening, np.ones(1)), policy).tally.served
        for kind in (np.uint8, np.int64)
    )
    np.testing.assert_array_equal(small, wide)
    assert small.sum() == days - 190


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
@pytest.mark.parametrize("review_days", [1, 7])
def test_units_are_conserved_over_the_whole_run(unmet: str, review_days: int) -> None:
    world = three_sites(unmet=unmet)
    outcome = simulate(world, levels(world, review_days=review_days))
    bought = outcome.tally.ordered[0, 0]
    net = outcome.on_hand - outcome.backordered
    under_way = outcome.on_order.sum(axis=0)
    owed_by_centre = under_way - _in_transit(outcome, bought, world)
    gone = world.demand.sum(axis=(0, 1)) - outcome.tally.lost.sum(axis=(0, 1))
    np.testing.assert_allclose(
        world.opening.sum(axis=0) + bought - gone, net.sum(axis=0) + under_way - owed_by_centre, atol=1e-9
    )


def _in_transit(outcome: Outcome, bought: np.ndarray, world: World) -> np.ndarray:
    """What was bought and sent but did not arrive: on order less what the centre still owes its shops."""
    shop_orders = outcome.tally.ordered[0, 1:].sum(axis=0)
    net = (outcome.on_hand - outcome.backordered)[1:].sum(axis=0)
    sold = (world.demand.sum(axis=0) - outcome.tally.lost[0])[1:].sum(axis=0)
    received_by_shops = net + sold - world.opening[1:].sum(axis=0)
    centre = outcome.on_hand[0] - outcome.backordered[0]
    centre_sold = world.demand[:, 0].sum(axis=0) - outcome.tally.lost[0, 0]
    centre_received = bought - outcome.on_order[0]
    sent = world.opening[0] + centre_received - centre_sold - centre
    assert (sent <= shop_orders + 1e-9).all()
    return np.asarray(outcome.on_order[0] + sent - received_by_shops)


def test_stock_that_leaks_is_caught_on_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = stock.PlainStock.serve

    def leaking(shelf: stock.PlainStock, day: int, wanted: np.ndarray) -> np.ndarray:
        served = honest(shelf, day, wanted)
        if day == 4:
            shelf.on_hand[0, 0] -= 0.5
        return served

    monkeypatch.setattr(stock.PlainStock, "serve", leaking)
    with pytest.raises(ConservationError, match="day 4, site 0, item 0: net stock"):
        simulate(one_site([1.0] * 9, opening=50.0), _given())


def test_one_site_equals_the_single_stage_kernel_to_the_last_unit() -> None:
    rng, n = np.random.default_rng(8), 60
    demand, lead = rng.poisson(3.0, (150, n)).astype(np.float64), rng.integers(0, 12, (150, n))
    opening, point = rng.normal(20.0, 25.0, n).round(), np.full(n, 25.0)
    for unmet in ("lost", "backordered"):
        fast = simulate_single_stage(
            demand, lead, opening=opening, reorder_point=point, order_up_to_level=point + 35.0,
            multiple=np.full(n, 12.0), unmet=unmet,
        )  # fmt: skip
        policy = OrderPolicy.min_max(point[None], point[None] + 35.0, multiple=12.0)
        world = World(demand[:, None], lead[:, None], opening[None], np.ones(n), unmet=unmet)
        slow = simulate(world, policy)
        for name in ("demand", "served", "on_hand_days", "in_stock_days", "orders"):
            np.testing.assert_array_equal(getattr(fast, name), getattr(slow.tally, name)[0, 0], err_msg=name)
        np.testing.assert_array_equal(fast.closing, (slow.on_hand - slow.backordered)[0])


def test_fill_rate_of_base_stock_under_poisson_demand_is_the_closed_form() -> None:
    """Backorders, lead time 4: P(demand of L days and today so far leaves a unit), one unit a customer."""
    demand = draw_demand(3, np.full((1, 512), 0.5), np.full((1, 512), np.sqrt(0.5)), 1000, law="count")
    world = World(demand, np.full(demand.shape, 4), np.full((1, 512), 5.0), np.ones(512), unmet="backordered")
    outcome = simulate(world, OrderPolicy.base_stock(np.full((1, 512), 5.0)))
    grid = np.arange(60)
    law = np.exp(-0.5 * 4.0 + grid * np.log(2.0) - np.cumsum(np.log(np.maximum(grid, 1))))
    day = np.exp(-0.5 + grid * np.log(0.5) - np.cumsum(np.log(np.maximum(grid, 1))))
    left = np.maximum(5.0 - grid, 0.0)
    served = (law[:, None] * day * np.minimum(left[:, None], grid)).sum()
    rate = outcome.tally.served.sum() / outcome.tally.demand.sum()
    assert rate == pytest.approx(served / 0.5, abs=0.003)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_pitfall_h_any_number_of_partitions_gives_the_same_numbers(parts: int) -> None:
    blocks = 7
    whole = _cut(0, blocks)
    bounds = np.linspace(0, blocks, parts + 1).astype(int)
    pieces = [_cut(int(a), int(b)) for a, b in pairwise(bounds)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=-1), whole)


def _cut(first_block: int, end_block: int) -> np.ndarray:
    items = (end_block - first_block) * BLOCK_ITEMS
    world = three_sites(15, items, first_item=first_block * BLOCK_ITEMS)
    tally = simulate(world, OrderPolicy.min_max(np.full((3, items), 9.0), np.full((3, items), 20.0))).tally
    return np.stack([tally.served, tally.orders, tally.on_hand_days])


def test_a_partition_must_start_on_a_block() -> None:
    with pytest.raises(ValueError, match="first_item must be a multiple of 256, got 7"):
        draw_demand(1, np.ones((1, 3)), np.ones((1, 3)), 2, first_item=7)


def test_streams_of_other_kinds_seeds_and_blocks_differ() -> None:
    keys = [(1, Kind.DEMAND, 0), (1, Kind.LEAD_TIME, 0), (1, Kind.DEMAND, 1), (2, Kind.DEMAND, 0)]
    assert len({float(stream(*key).random()) for key in keys}) == len(keys)


def test_drawn_demand_and_lead_times_have_the_moments_asked_for() -> None:
    mean = np.tile(np.array([[0.3, 4.0]]), (1, 2))
    for law in ("gamma", "count"):
        drawn = draw_demand(9, mean, np.sqrt(3.0 * mean), 20_000, law=law)
        np.testing.assert_allclose(drawn.mean(axis=0), mean, rtol=0.08)
        np.testing.assert_allclose(drawn.var(axis=0), 3.0 * mean, rtol=0.12)
    law_of = np.array([[0.2, 0.0, 0.8], [0.0, 1.0, 0.0]])
    days = draw_lead_times(9, law_of, np.array([[0, 1]]), 20_000)
    shares = [(days[:, 0, 0] == day).mean() for day in range(3)]
    np.testing.assert_allclose(shares, [0.2, 0.0, 0.8], atol=0.012)
    assert (days[:, 0, 1] == 1).all()


def test_permuting_items_permutes_the_answer_and_scaling_units_scales_it() -> None:
    world, order = three_sites(60, 12), np.random.default_rng(1).permutation(12)
    plain = simulate(world, levels(world)).tally
    moved = World(
        world.demand[..., order], world.lead_time_days[..., order], world.opening[:, order], world.unit_cost[order],
        **CENTRE_FEEDS_TWO,
    )  # fmt: skip
    np.testing.assert_array_equal(simulate(moved, levels(moved)).tally.served, plain.served[..., order])
    grams = World(
        world.demand * 1024.0, world.lead_time_days, world.opening * 1024.0, world.unit_cost,
        **CENTRE_FEEDS_TWO,
    )  # fmt: skip
    policy = levels(world)
    in_grams = OrderPolicy.min_max(policy.reorder_point * 1024.0, policy.order_up_to_level * 1024.0)
    np.testing.assert_array_equal(simulate(grams, in_grams).tally.served, plain.served * 1024.0)


def test_a_planner_sees_the_past_only_and_cannot_write_it() -> None:
    world = three_sites(20, 4)
    watching = Watching(levels(world))
    simulate(world, watching)
    late = watching.seen[15]
    assert late.demand.shape == (15, 3, 4)
    orders = late.supply()
    assert (orders.days[~orders.received] == 15 - orders.ordered_day[~orders.received]).all()
    assert (orders.ordered_day + orders.days <= 15).all()
    with pytest.raises(ValueError, match="read-only"):
        late.on_hand[0, 0] = 1.0


def test_site_to_site_orders_wait_for_the_origin_and_ship_when_it_has_stock() -> None:
    lanes = Lanes(np.array([0]), np.array([1]), np.array([1]))
    world = World(
        np.zeros((6, 2, 1)), np.full((6, 2, 1), 2), np.array([[1.0], [0.0]]), np.ones(1),
        lanes=lanes, feeding_lane=np.array([-1, 0]),
    )  # fmt: skip
    wanted = np.zeros((6, 2, 1))
    wanted[0] = [[4.0], [3.0]]
    watching = Watching(GivenOrders(wanted))
    outcome = simulate(world, watching)
    assert [float(view.owed[0, 0]) for view in watching.seen] == [0.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    assert [float(view.on_hand[1, 0]) for view in watching.seen] == [0.0, 1.0, 1.0, 3.0, 3.0, 3.0]
    assert outcome.on_hand[0, 0] == 2.0


def test_a_transfer_never_sends_more_than_is_on_hand() -> None:
    world = three_sites(3, 2)

    def generous(view: View) -> Orders:
        return Orders(transfer=np.full((4, 2), 1000.0))

    outcome = simulate(world, generous)
    assert (outcome.on_hand >= 0.0).all()
    assert outcome.tally.transferred.sum() <= 3 * np.maximum(world.opening, 0.0).sum()


def test_expedites_come_at_their_own_lead_time_and_teach_nothing_about_the_suppliers() -> None:
    world = one_site([0.0, 0.0, 3.0, 0.0], lead=30, expedite_days=np.array([[2]]))
    outcome = simulate(world, lambda view: Orders(expedite=np.array([[3.0 if view.day == 0 else 0.0]])))
    assert outcome.tally.lost.sum() == 0.0
    assert outcome.tally.expedited.sum() == 3.0
    assert len(outcome.supply.days) == 0


def test_opening_receipts_may_repeat_a_cell_and_what_is_left_is_handed_on() -> None:
    inbound = Inbound(np.array([0, 0, 0]), np.array([0, 0, 0]), np.array([2.0, 3.0, 5.0]), np.array([1, 1, 4]))
    outcome = simulate(one_site([0.0] * 3, inbound=inbound), _given())
    assert outcome.on_hand[0, 0] == 5.0
    assert outcome.on_order[0, 0] == 5.0
    assert (outcome.due_quantity.tolist(), outcome.due_day.tolist()) == ([5.0], [1])


def test_a_run_cut_in_two_continues_as_if_it_had_not_been_cut() -> None:
    whole = one_site(list(np.random.default_rng(2).poisson(3.0, 40)), lead=5, opening=10.0, unmet="backordered")
    policy = OrderPolicy.min_max(np.array([[18.0]]), np.array([[30.0]]))
    first = simulate(one_site(whole.demand[:23, 0, 0].tolist(), lead=5, opening=10.0, unmet="backordered"), policy)
    due = Inbound(first.due_site, first.due_item, first.due_quantity, first.due_day)
    rest = one_site(whole.demand[23:, 0, 0].tolist(), lead=5, opening=_net(first), inbound=due, unmet="backordered")
    assert _net(simulate(rest, policy)) == _net(simulate(whole, policy))


def test_what_expires_first_is_sold_first_and_old_stock_is_thrown_away() -> None:
    world = one_site([0.0, 0.0, 1.0, 0.0, 3.0], lead=0, shelf_life_days=np.array([3]))
    outcome = simulate(world, _given(2.0, 2.0))
    # Two of day 0 may be sold until day 2, where one is; two of day 1 until day 3.
    assert outcome.tally.expired[0, 0, 0] == 1.0 + 2.0
    assert outcome.tally.served[0, 0, 0] == 1.0
    assert outcome.tally.lost[0, 0, 0] == 3.0


def test_shelf_life_counts_on_the_way_between_sites() -> None:
    world = three_sites(40, 5, shelf_life_days=np.array([1, 2, 5, 9, 400]))
    outcome = simulate(world, levels(world))
    expired = outcome.tally.expired[0].sum(axis=0)
    assert (expired[:3] > 0.0).all()
    assert expired[4] == 0.0
    # A unit that keeps for a day spends it on the two-day lane to the first shop, which sells its opening stock only.
    assert outcome.tally.served[0, 1, 0] <= max(float(world.opening[1, 0]), 0.0)


def test_stock_that_keeps_for_ever_equals_plain_stock() -> None:
    plain, lasting = three_sites(50, 5), three_sites(50, 5, shelf_life_days=np.full(5, 90))
    for name in ("served", "on_hand_days", "orders"):
        np.testing.assert_allclose(
            getattr(simulate(plain, levels(plain)).tally, name), getattr(simulate(lasting, levels(plain)).tally, name)
        )


def test_orders_of_a_fixed_lot_lift_the_position_just_above_the_reorder_point() -> None:
    policy = OrderPolicy.fixed_quantity(np.full((1, 4), 10.0), np.full((1, 4), 6.0))
    np.testing.assert_array_equal(policy.quantity(np.array([[10.0, 11.0, 4.0, -3.0]])), [[6.0, 0.0, 12.0, 18.0]])


def test_a_multiple_that_only_rounding_misses_is_not_rounded_up() -> None:
    shape = (1, 1)
    policy = OrderPolicy.min_max(np.full(shape, 0.3), np.full(shape, 0.3), multiple=0.1)
    assert policy.quantity(np.zeros(shape))[0, 0] == pytest.approx(0.3, abs=1e-12)


def test_a_planner_that_decides_the_impossible_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="replenish must not be negative"):
        simulate(one_site([1.0]), lambda _: Orders(np.array([[-1.0]])))
    with pytest.raises(ValueError, match="expedite must have shape"):
        simulate(one_site([1.0]), lambda _: Orders(expedite=np.ones(3)))


def test_a_lane_that_feeds_another_site_is_refused() -> None:
    with pytest.raises(ValueError, match="feeding_lane of site 0 does not lead there"):
        three_sites(3, 2, feeding_lane=np.array([0, 0, 1]))


def test_figures_of_sites_add_up_to_the_whole() -> None:
    world = three_sites(30, 6, period=np.repeat([0, 1, 2], 10))
    tally = simulate(world, levels(world)).tally
    sites = summarize(tally, world.unit_cost, np.arange(3)[None, :, None])
    whole = summarize(tally, world.unit_cost)
    assert sites.on_hand_value.sum() == pytest.approx(whole.on_hand_value[0])
    assert (sites.fill_rate * sites.demand).sum() == pytest.approx(whole.fill_rate[0] * whole.demand[0])
    assert isinstance(tally, Tally)
    assert 0.0 < whole.ready_rate[0] < 1.0
