"""Dependent demand: the textbook shovel, total requirements by linear algebra, a unit-by-unit storekeeper, cycles."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer.arguments import FloatArray
from optimizer.demand.explosion import BillOfMaterials, explode, net_requirements
from optimizer.errors import CyclicBillError
from tests.optimizer.golden import golden


def _random_bill(rng: np.random.Generator, items: int, lines: int) -> BillOfMaterials:
    """Products before their components in a hidden order, so that there is no cycle."""
    rank = rng.permutation(items)
    pairs = np.sort(rng.integers(0, items, (lines, 2)), axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    return BillOfMaterials(rank[pairs[:, 0]], rank[pairs[:, 1]], rng.uniform(0.5, 3.0, len(pairs)), items)


def _storekeeper(needed: list[int], arriving: list[int]) -> list[int]:
    """Units to be made per day when every need takes a unit from the shelf if there is one."""
    shelf, made = 0, []
    for need, arrival in zip(needed, arriving, strict=True):
        shelf += arrival
        served = min(shelf, need)
        shelf -= served
        made.append(need - served)
    return made


def test_gross_to_net_equals_the_textbook_shovel() -> None:
    case, answer = golden("demand_structure", "SHOVEL")
    product, component, quantity = (np.array(column) for column in zip(*case["lines"], strict=True))
    bill = BillOfMaterials(product, component, quantity, len(case["items"]))
    needs, receipts = (np.array(case[name], dtype=float)[:, None] for name in ("needs", "receipts"))
    exploded = explode(bill, needs, np.zeros(6, int), on_hand=case["on_hand"], receipts=receipts)
    assert exploded.gross[:, 0].tolist() == answer["gross"]
    assert exploded.net[:, 0].tolist() == answer["net"]


@pytest.mark.parametrize("seed", range(20))
def test_gross_needs_equal_the_total_requirements_of_linear_algebra(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bill = _random_bill(rng, 12, 25)
    technology = np.zeros((12, 12))
    np.add.at(technology, (bill.component, bill.product), bill.quantity_per)
    needs = rng.gamma(1.0, 5.0, (12, 4))
    total = np.linalg.solve(np.eye(12) - technology, needs)
    np.testing.assert_allclose(explode(bill, needs, np.zeros(12, int)).gross, total, rtol=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_low_level_code_is_the_longest_way_down(seed: int) -> None:
    bill = _random_bill(np.random.default_rng(seed), 12, 25)
    code, power = np.zeros(12, int), np.eye(12, dtype=int)
    step = np.zeros((12, 12), int)
    step[bill.product, bill.component] = 1
    for length in range(1, 13):
        power = np.minimum(power @ step, 1)
        code[power.any(axis=0)] = length
    np.testing.assert_array_equal(bill.low_level_codes, code)


@settings(max_examples=150, deadline=None)
@given(arrays(np.int64, (2, 7), elements=st.integers(0, 6)), arrays(np.int64, (2, 7), elements=st.integers(0, 6)))
def test_netting_equals_a_storekeeper_handing_out_single_units(needed: FloatArray, arriving: FloatArray) -> None:
    expected = [_storekeeper(n, a) for n, a in zip(needed.tolist(), arriving.tolist(), strict=True)]
    assert net_requirements(needed, arriving).tolist() == expected


def test_components_are_needed_when_the_product_is_started() -> None:
    bill = BillOfMaterials(np.array([0, 1]), np.array([1, 2]), np.array([2.0, 3.0]), 3)
    needs = np.zeros((3, 10))
    needs[0, 9] = 5.0
    exploded = explode(bill, needs, [4, 2, 1])
    assert np.flatnonzero(exploded.gross[1]).tolist() == [5]
    assert np.flatnonzero(exploded.gross[2]).tolist() == [3]
    assert exploded.gross[2, 3] == 30.0
    assert np.flatnonzero(exploded.started[2]).tolist() == [2]
    assert not exploded.late.any()


def test_a_start_that_lies_in_the_past_is_due_today_and_called_late() -> None:
    bill = BillOfMaterials(np.array([0]), np.array([1]), np.array([1.0]), 2)
    exploded = explode(bill, [[1.0, 2.0, 4.0, 8.0], [0.0, 0.0, 0.0, 0.0]], [2, 10**9])
    assert exploded.started[0].tolist() == [7.0, 8.0, 0.0, 0.0]
    assert exploded.late[0] == 3.0
    assert exploded.late[1] == exploded.started[1, 0] == 15.0


def test_nothing_is_made_or_lost_by_moving_starts() -> None:
    rng = np.random.default_rng(2)
    bill = _random_bill(rng, 30, 60)
    exploded = explode(bill, rng.gamma(1.0, 5.0, (30, 28)), rng.integers(0, 9, 30), on_hand=rng.gamma(1.0, 20.0, 30))
    np.testing.assert_allclose(exploded.started.sum(axis=1), exploded.net.sum(axis=1), rtol=1e-12)


def test_stock_of_a_product_spares_its_components_once() -> None:
    bill = BillOfMaterials(np.array([0]), np.array([1]), np.array([4.0]), 2)
    exploded = explode(bill, [[10.0], [3.0]], [0, 0], on_hand=[6.0, 5.0])
    assert exploded.gross[:, 0].tolist() == [10.0, 19.0]
    assert exploded.net[:, 0].tolist() == [4.0, 14.0]


def test_a_cycle_is_refused_and_its_items_are_named() -> None:
    with pytest.raises(ValueError, match="component must not lead back to its product: 2 → 4 → 3 → 2"):
        BillOfMaterials(np.array([0, 2, 4, 3]), np.array([2, 4, 3, 2]), np.ones(4), 6)


def test_a_cycle_comes_back_whole_from_another_process() -> None:
    with pytest.raises(CyclicBillError) as caught:
        BillOfMaterials(np.array([1, 2]), np.array([2, 1]), np.ones(2), 3)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.cycle, str(again)) == (caught.value.cycle, str(caught.value))
    assert set(again.cycle) == {1, 2}


def test_an_item_made_of_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="1 → 1"):
        BillOfMaterials(np.array([0, 1]), np.array([1, 1]), np.ones(2), 2)


def test_an_item_below_a_cycle_is_not_blamed() -> None:
    with pytest.raises(ValueError, match=r"0 → 1 → 0$|1 → 0 → 1$"):
        BillOfMaterials(np.array([0, 1, 1]), np.array([1, 0, 2]), np.ones(3), 3)


def test_lines_with_the_same_pair_add_up_and_an_empty_bill_asks_for_nothing() -> None:
    twice = BillOfMaterials(np.array([0, 0]), np.array([1, 1]), np.array([1.0, 2.0]), 2)
    assert explode(twice, [[1.0], [0.0]], [0, 0]).gross[1, 0] == 3.0
    empty = BillOfMaterials(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 2)
    assert explode(empty, [[1.0], [0.0]], [0, 0]).gross.tolist() == [[1.0], [0.0]]


def test_explosion_follows_a_renumbering_of_the_items_and_a_change_of_unit() -> None:
    rng = np.random.default_rng(3)
    bill, needs = _random_bill(rng, 20, 40), rng.gamma(1.0, 5.0, (20, 10))
    lead, stock = rng.integers(0, 4, 20), rng.gamma(1.0, 9.0, 20)
    plain = explode(bill, needs, lead, on_hand=stock)
    order = rng.permutation(20)
    place = np.argsort(order)
    other = BillOfMaterials(place[bill.product], place[bill.component], bill.quantity_per, 20)
    moved = explode(other, needs[order], lead[order], on_hand=stock[order])
    np.testing.assert_allclose(moved.gross, plain.gross[order], rtol=1e-9, atol=1e-9)
    scaled = explode(bill, 4.0 * needs, lead, on_hand=4.0 * stock)
    np.testing.assert_array_equal(scaled.net, 4.0 * plain.net)
