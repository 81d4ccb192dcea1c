"""Guaranteed service: textbook trees, enumeration, the pitfalls of the method."""

import doctest
import tracemalloc
from types import ModuleType

import numpy as np
import pytest

import optimizer.echelons.guaranteed_service
import optimizer.echelons.min_plus
import optimizer.echelons.supply_tree
from optimizer.arguments import FloatArray
from optimizer.echelons.guaranteed_service import guaranteed_service
from optimizer.echelons.min_plus import min_plus
from optimizer.echelons.supply_tree import SupplyTree, supply_tree
from tests.optimizer.echelon_worlds import RandomTree, golden_tree, random_tree


def enumerated_cost(world: RandomTree, pooling_exponent: float) -> FloatArray:
    """Least cost over every combination of service times, item by item, from the definition alone."""
    tree = world.tree
    quotes, waits = np.zeros((tree.stages, 1), dtype=np.int64), np.zeros((tree.stages, 1), dtype=np.int64)
    for stage in tree.downstream_first[::-1].tolist():
        waits[stage] = np.max([np.full(quotes.shape[1], world.inbound[stage]), *quotes[list(tree.suppliers[stage])]], 0)
        most = np.minimum(waits[stage] + world.time[stage], world.limit[stage]).astype(np.int64)
        copies = np.repeat(np.arange(quotes.shape[1]), most + 1)
        quotes, waits = quotes[:, copies], waits[:, copies]
        quotes[stage] = np.concatenate([np.arange(quote + 1) for quote in most])
    covered = waits + world.time[:, None] - quotes

    def pooled(item: int, stage: int) -> float:
        parts = [world.demand_sd[item, stage], *(pooled(item, customer) for customer in tree.customers[stage])]
        return float(np.sum(np.power(parts, pooling_exponent)) ** (1.0 / pooling_exponent))

    best = []
    for item in range(2):
        weight = np.array([world.holding_cost[item, k] * pooled(item, k) for k in range(tree.stages)])
        best.append((weight[:, None] * np.sqrt(covered)).sum(axis=0).min())
    return np.array(best)


@pytest.mark.parametrize("module", [optimizer.echelons.guaranteed_service, optimizer.echelons.supply_tree])
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


TOLERANCE = {"G1a": 1e-8, "G1c": 1e-8, "G2": 1e-10, "G3": 1e-10, "G4a": 1e-8, "G6": 0.01, "G8a": 0.01, "G8d": 0.01}


@pytest.mark.parametrize("case", TOLERANCE)
def test_cost_of_published_trees(case: str) -> None:
    world = golden_tree(case)
    assert world.solve().cost[0] == pytest.approx(world.answer["cost"], rel=0.0, abs=TOLERANCE[case])


@pytest.mark.parametrize("case", ["G1a", "G1c", "G2", "G3", "G4a", "G6"])
def test_published_service_times_cost_what_is_published(case: str) -> None:
    world = golden_tree(case)
    quoted = np.array([world.answer["S"][name] for name in world.names], dtype=np.float64)
    # Each stage forced to quote at most what was published: no cheaper plan is lost.
    times = world.tree
    bounded = supply_tree(times.edges, times.processing_time, quoted, inbound_service_time=times.inbound_service_time)
    plan = guaranteed_service(bounded, world.holding_cost, world.demand_sd, world.safety_factor, pooling_exponent=2.0)
    assert plan.cost[0] == pytest.approx(world.answer["cost"], rel=0.0, abs=max(TOLERANCE[case], 1e-9))


def test_bulldozer_holds_its_stock_where_it_was_published() -> None:
    world = golden_tree("G6")
    plan = world.solve()
    held = {name: cost for name, cost in zip(world.names, plan.holding_cost[0], strict=True) if cost > 0.0}
    assert {name: round(cost) for name, cost in held.items()} == world.answer["stage_cost"]


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_tree_program_equals_enumeration_on_200_random_trees(first: int) -> None:
    for seed in range(first, first + 20):
        world = random_tree(seed)
        exponent = 1.0 + (seed % 3) / 2.0
        plan = guaranteed_service(world.tree, world.holding_cost, world.demand_sd, 1.0, pooling_exponent=exponent)
        assert plan.cost == pytest.approx(enumerated_cost(world, exponent), rel=1e-11), seed


@pytest.mark.parametrize("seed", range(40))
def test_every_plan_keeps_its_promises(seed: int) -> None:
    world = random_tree(seed)
    plan = guaranteed_service(world.tree, world.holding_cost, world.demand_sd, 1.0, pooling_exponent=2.0)
    for supplier, customer in world.tree.edges.tolist():
        assert (plan.inbound_service_time[:, customer] >= plan.service_time[:, supplier]).all()
    assert (plan.service_time <= world.limit).all()
    assert (plan.inbound_service_time >= world.inbound).all()
    assert (plan.covered_time >= 0).all()
    expected = plan.inbound_service_time + world.time - plan.service_time
    assert np.array_equal(plan.covered_time, expected)
    assert plan.cost == pytest.approx(plan.holding_cost.sum(axis=1))


@pytest.mark.parametrize(("size", "others", "shift"), [(7, 4, -3), (4, 9, -6), (1, 5, 0), (6, 6, 2), (5, 1, -4)])
def test_table_and_loop_of_the_least_sum_agree_with_its_definition(
    size: int, others: int, shift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(size)
    own, values = rng.uniform(0.0, 9.0, (size + others + max(shift, 0), 3)), rng.uniform(0.0, 9.0, (others, 3))
    expected = np.full((size, 3), np.inf)
    for x in range(size):
        for y in range(max(0, -x - shift), others):
            expected[x] = np.minimum(expected[x], own[x + y + shift] + values[y])
    assert np.array_equal(min_plus(own, values, size, shift), expected)
    monkeypatch.setattr(optimizer.echelons.min_plus, "_SMALL_TABLE", 0)
    assert np.array_equal(min_plus(own, values, size, shift), expected)


def test_pitfall_e_ties_of_service_times_share_one_cost() -> None:
    # Two stages of one price: half of the cover upstream or all of it downstream is not the same, but with no
    # time at the upper stage every quote of it is. The shortest is taken.
    tree = supply_tree([[0, 1]], [0, 4], [np.inf, 0])
    plan = guaranteed_service(tree, [[1.0, 1.0]], [[0.0, 3.0]], 1.0, pooling_exponent=2.0)
    assert plan.cost[0] == pytest.approx(6.0)
    assert plan.service_time[0].tolist() == [0, 0]


def many_items(items: int) -> tuple[SupplyTree, FloatArray, FloatArray]:
    rng = np.random.default_rng(5)
    world = golden_tree("G8a")
    holding = world.holding_cost * rng.uniform(0.5, 2.0, (items, world.tree.stages))
    return world.tree, holding, world.demand_sd * rng.uniform(0.5, 2.0, (items, 1))


def test_pitfall_e_tables_are_chunked_by_items() -> None:
    tree, holding, sd = many_items(1200)
    tracemalloc.start()
    guaranteed_service(tree, holding, sd, 1.645, pooling_exponent=2.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # One square table (inbound, service) for all items would alone be 1200 x 151 x 158 x 8 bytes = 229 MB.
    assert peak < 40e6


def test_answers_do_not_depend_on_the_block_nor_on_the_order_of_items(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, holding, sd = many_items(60)
    whole = guaranteed_service(tree, holding, sd, 1.645, pooling_exponent=2.0)
    backwards = guaranteed_service(tree, holding[::-1], sd[::-1], 1.645, pooling_exponent=2.0)
    monkeypatch.setattr(optimizer.echelons.guaranteed_service, "_CELLS", 1)
    alone = guaranteed_service(tree, holding, sd, 1.645, pooling_exponent=2.0)
    for name in ("service_time", "cost", "safety_stock"):
        assert np.array_equal(getattr(whole, name), getattr(alone, name))
        assert np.array_equal(getattr(whole, name), getattr(backwards, name)[::-1])


def test_units_of_money_and_of_demand_only_scale_the_answer() -> None:
    tree, holding, sd = many_items(20)
    plan = guaranteed_service(tree, holding, sd, 1.645, pooling_exponent=2.0)
    cents = guaranteed_service(tree, 64.0 * holding, sd / 16.0, 1.645, pooling_exponent=2.0)
    assert np.array_equal(plan.service_time, cents.service_time)
    assert np.array_equal(4.0 * plan.cost, cents.cost)


def test_renumbering_the_stages_renumbers_the_answer() -> None:
    for seed in range(20):
        world = random_tree(seed)
        tree, stages = world.tree, world.tree.stages
        new = np.random.default_rng(seed).permutation(stages)
        old = np.argsort(new)
        other = supply_tree(
            new[tree.edges],
            tree.processing_time[old],
            world.limit[old],
            inbound_service_time=tree.inbound_service_time[old],
        )
        plan = guaranteed_service(tree, world.holding_cost, world.demand_sd, 1.0, pooling_exponent=2.0)
        renamed = guaranteed_service(
            other, world.holding_cost[:, old], world.demand_sd[:, old], 1.0, pooling_exponent=2.0
        )
        assert renamed.cost == pytest.approx(plan.cost, rel=1e-12)


def test_pitfall_e_service_time_bounds_on_internal_stages_bind() -> None:
    free, bounded = golden_tree("G8a"), golden_tree("G8d")
    plan = bounded.solve()
    quotes = dict(zip(bounded.names, plan.service_time[0].tolist(), strict=True))
    assert quotes["Imager"] == quotes["Transfer"] == 0
    assert plan.cost[0] > free.solve().cost[0] * 1.1


def test_pitfall_e_pooling_exponent_is_explicit_and_orders_the_cost() -> None:
    tree = supply_tree([[0, 1], [0, 2]], [9, 1, 1], [0, 0, 0])
    arguments = (tree, [[1.0, 2.0, 2.0]], [[0.0, 3.0, 4.0]], 1.0)
    with pytest.raises(TypeError, match="pooling_exponent"):
        guaranteed_service(*arguments)  # type: ignore[call-arg]  # leaving it out is the point
    pooled = guaranteed_service(*arguments, pooling_exponent=2.0)
    linear = guaranteed_service(*arguments, pooling_exponent=1.0)
    assert pooled.safety_stock[0, 0] == pytest.approx(5.0 * 3.0)
    assert linear.safety_stock[0, 0] == pytest.approx(7.0 * 3.0)
    with pytest.raises(ValueError, match=r"pooling_exponent must be in \[1, 2\], got 3"):
        guaranteed_service(*arguments, pooling_exponent=3.0)


def test_units_of_the_supplier_in_one_of_the_customer_scale_its_demand() -> None:
    tree = supply_tree([[0, 1]], [4, 1], [0, 0], units_per_edge=[3.0])
    plan = guaranteed_service(tree, [[1.0, 1.0]], [[0.0, 5.0]], 1.0, pooling_exponent=2.0)
    assert plan.safety_stock[0].tolist() == [30.0, 5.0]


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0, 1], [1, 2], [0, 2]], r"arc 0 -> 2 closes the cycle 0 - 1 - 2 - 0"),
        ([[0, 1], [1, 0], [1, 2]], r"arc 1 -> 0 closes the cycle 1 - 0 - 1"),
        ([[0, 1], [2, 2]], r"arc 2 -> 2 leads to itself"),
        ([[0, 1]], r"no path from stage 0 to stages \[2\]"),
        ([[0, 1], [0, 1], [1, 2]], r"arc 0 -> 1 closes the cycle"),
    ],
)
def test_pitfall_e_what_is_no_tree_is_refused_with_its_arcs_named(edges: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        supply_tree(edges, [1, 1, 1], [np.inf, np.inf, 0])


def test_a_stage_without_customers_needs_a_limit() -> None:
    with pytest.raises(ValueError, match=r"service_limit must be finite at a stage without customers, at index \(1,\)"):
        supply_tree([[0, 1]], [1, 1], [np.inf, np.inf])


def test_a_single_stage_covers_its_own_time() -> None:
    tree = supply_tree(np.empty((0, 2)), [9], [0])
    plan = guaranteed_service(tree, [[2.0]], [[5.0]], [1.0], pooling_exponent=2.0)
    assert plan.cost.tolist() == [30.0]


def test_no_items_give_no_plans() -> None:
    tree = supply_tree([[0, 1]], [1, 1], [9, 0])
    assert guaranteed_service(tree, np.empty((0, 2)), np.empty((0, 2)), 1.0, pooling_exponent=2.0).cost.shape == (0,)
