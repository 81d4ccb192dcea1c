"""The reference company: drawn once, the same for everyone, and planned from the past alone."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.company.columns import Runs
from benchmarks.company.planning import Evenkeel, Fit, lot_days
from benchmarks.company.world import COST_OF_GOODS, ITEMS, YEAR, Company, company, perfect_orders
from optimizer.simulation.network import simulate
from optimizer.simulation.planner import Orders, View
from optimizer.simulation.tally import Outcome
from optimizer.simulation.world import Inbound, World

FIT = Fit(100.0, 0.1, 8)
SEED, SMALL = 11, 256


@pytest.fixture(scope="module")
def small() -> tuple[Company, Runs, Outcome]:
    """A company of one block of items, warmed up."""
    drawn = company(SEED, SMALL)
    runs = Runs(drawn, SEED)
    return drawn, runs, runs.warm_up(FIT)


def _orders_until(day: int, drawn: Company, runs: Runs, warm: Outcome) -> np.ndarray:
    """Everything the new policy orders in the measured year before a day."""
    planner = Evenkeel(
        drawn.demand[: 2 * YEAR], warm.supply, drawn.supplier, drawn.unit_cost,
        np.broadcast_to(runs.abc == "A", runs.rate.shape), FIT,
    )  # fmt: skip
    placed = []

    def watched(view: View) -> Orders:
        orders = planner(view)
        empty = np.zeros(view.on_hand.shape)
        placed.append([empty if part is None else part for part in (orders.replenish, orders.expedite)])
        return orders

    days = slice(2 * YEAR, 2 * YEAR + day + 1)
    due = Inbound(warm.due_site, warm.due_item, warm.due_quantity, warm.due_day)
    simulate(
        World(
            drawn.demand[days], drawn.lead_time_days[days], warm.on_hand - warm.backordered, drawn.unit_cost,
            unmet="backordered", inbound=due, expedite_days=np.full(runs.rate.shape, 5),
        ),
        watched,
    )  # fmt: skip
    return np.array(placed[:day])


def test_what_happens_later_changes_nothing_the_new_policy_ordered_before(
    small: tuple[Company, Runs, Outcome],
) -> None:
    drawn, runs, warm = small
    day = 64
    demand, lead = drawn.demand.copy(), drawn.lead_time_days.copy()
    demand[2 * YEAR + day - 1 :] = 50.0
    # A lead time is drawn for the day an order is placed; the later ones are the future's.
    lead[2 * YEAR + day - 1 :] = 1
    other = replace(drawn, demand=demand, lead_time_days=lead)
    honest = _orders_until(day, drawn, runs, warm)
    np.testing.assert_array_equal(honest, _orders_until(day, other, runs, warm))
    assert honest.sum() > 0.0


def test_the_company_is_the_same_for_the_same_seed_and_sells_what_was_published(
    small: tuple[Company, Runs, Outcome],
) -> None:
    drawn, _, _ = small
    np.testing.assert_array_equal(company(SEED, SMALL).demand, drawn.demand)
    sold = float((drawn.demand[2 * YEAR :].sum(axis=(0, 1)) * drawn.unit_cost).sum())
    assert sold == pytest.approx(COST_OF_GOODS * SMALL / ITEMS)
    assert drawn.lead_time_days.mean() == pytest.approx(38.0, abs=1.0)
    assert drawn.lead_time_days.std() == pytest.approx(11.0, abs=1.0)


def test_two_policies_are_judged_by_the_same_customer_orders() -> None:
    rng = np.random.default_rng(2)
    demand = rng.poisson(0.7, (12, 2, 40)).astype(np.float64)
    assert perfect_orders(3, demand, np.ones(demand.shape, dtype=np.bool_), 5) == 1.0
    served = rng.random(demand.shape) < 0.9
    alone, many = perfect_orders(3, demand, served, 1), perfect_orders(3, demand, served, 5)
    assert alone == pytest.approx(served[demand > 0.0].mean())
    assert many < alone
    assert many == perfect_orders(3, demand, served | (demand == 0.0), 5)


def test_a_slow_item_is_ordered_for_longer() -> None:
    assert lot_days(np.array(["A", "B", "C"]), FIT).tolist() == [100.0, 200.0, 400.0]
