"""Dividing too little: units conserved, rules as stated, enumeration and linear programs agree."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from optimizer.arguments import IntArray
from optimizer.transfers.rationing import (
    Rationing,
    bounded_shares,
    channel_shares,
    fair_shares,
    linear_rationing,
    tiered_shares,
)


def _claims(seed: int, rows: int = 60, receivers: int = 4) -> tuple[IntArray, IntArray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 40, rows), rng.integers(0, 20, (rows, receivers))


def _all_rules(available: IntArray, claim: IntArray, scale: float = 1.0) -> list[Rationing]:
    rng = np.random.default_rng(9)
    shape = claim.shape
    tier = rng.integers(0, 3, shape[1])
    return [
        fair_shares(available, claim),
        linear_rationing(available, claim, np.tile(scale * np.array([0.5, 1.0, 2.0, 1.5]), (shape[0], 1))),
        tiered_shares(available, claim, tier),
        bounded_shares(available, claim, np.tile(scale * np.array([4.0, 1.0, 3.0, 2.0]), (shape[0], 1)), 0.25),
        channel_shares(available, claim, np.tile([1, 2, 3, 4], (shape[0], 1)), tier),
    ]


def test_units_are_conserved_and_nobody_gets_more_than_claimed() -> None:
    available, claim = _claims(1, 500)
    for rule, given in enumerate(_all_rules(available, claim)):
        assert (given.units >= 0).all()
        assert (given.units <= claim).all()
        np.testing.assert_array_equal(given.units.sum(axis=1) + given.left, available)
        if rule < 4:
            np.testing.assert_array_equal(given.left, np.maximum(available - claim.sum(axis=1), 0))


def test_rows_are_divided_by_themselves_and_currency_does_not_matter() -> None:
    available, claim = _claims(2, 80)
    order = np.random.default_rng(0).permutation(80)
    for plain, shuffled, dear in zip(
        _all_rules(available, claim),
        _all_rules(available[order], claim[order]),
        _all_rules(available, claim, 8.0),
        strict=True,
    ):
        np.testing.assert_array_equal(shuffled.units, plain.units[order])
        np.testing.assert_array_equal(dear.units, plain.units)


def test_fair_shares_are_the_whole_numbers_nearest_to_proportional() -> None:
    available, claim = _claims(3, 150, 3)
    given = fair_shares(available, claim)
    for row in range(len(claim)):
        total = min(available[row], claim[row].sum())
        ideal = claim[row] * total / max(claim[row].sum(), 1)
        plans = (
            [p for p in product(*(range(c + 1) for c in claim[row])) if sum(p) == total]
            if claim[row].max() < 12
            else []
        )
        if plans:
            nearest = min(((np.array(plan) - ideal) ** 2).sum() for plan in plans)
            assert ((given.units[row] - ideal) ** 2).sum() == pytest.approx(nearest)
        assert (np.abs(given.units[row] - ideal) < 1.0).all()


def test_linear_rationing_shares_the_shortage_in_proportion() -> None:
    given = linear_rationing([60], [[50, 30, 20]], [[1.0, 1.0, 2.0]])
    np.testing.assert_array_equal(given.units, [[40, 20, 0]])
    less = linear_rationing([30], [[50, 30, 20]], [[1.0, 1.0, 2.0]])
    np.testing.assert_array_equal(less.units, [[25, 5, 0]])
    available, claim = _claims(4, 200)
    part = np.random.default_rng(4).uniform(0.1, 2.0, claim.shape)
    units = linear_rationing(available, claim, part).units
    for row in range(200):
        missing = claim[row].sum() - min(available[row], claim[row].sum())
        low, high = 0.0, 1e3
        for _ in range(80):
            theta = 0.5 * (low + high)
            cut = np.minimum(part[row] * theta, claim[row]).sum()
            low, high = (theta, high) if cut < missing else (low, theta)
        assert (np.abs(units[row] - np.maximum(claim[row] - part[row] * high, 0.0)) < 1.0 + 1e-6).all()


def test_commitments_come_first() -> None:
    given = tiered_shares([10], [[8, 4, 4]], [0, 1, 1])
    np.testing.assert_array_equal(given.units, [[8, 1, 1]])
    np.testing.assert_array_equal(tiered_shares([5], [[8, 4, 4]], [1, 0, 2]).units, [[1, 4, 0]])


def test_bounded_shares_equal_the_linear_program_before_rounding() -> None:
    rng = np.random.default_rng(6)
    for spread in (0.0, 0.1, 0.4, 1.0):
        claim = rng.integers(1, 5, (40, 4)) * 10_000
        available, value = (claim.sum(axis=1) * rng.uniform(0.1, 1.1, 40)).astype(int), rng.uniform(1, 9, (40, 4))
        given = bounded_shares(available, claim, value, spread)
        for row in range(40):
            total = float(min(available[row], claim[row].sum()))
            one = np.eye(4)
            floor = np.hstack([-one, claim[row][:, None].astype(float)])
            cap = np.hstack([one, -claim[row][:, None].astype(float)])
            best = linprog(
                np.append(-value[row], 0.0),
                A_ub=np.vstack([floor, cap]),
                b_ub=np.concatenate([np.zeros(4), spread * claim[row]]),
                A_eq=np.append(np.ones(4), 0.0)[None],
                b_eq=[total],
                bounds=[(0.0, float(c)) for c in claim[row]] + [(0.0, 1.0)],
            )
            assert (given.units[row] * value[row]).sum() == pytest.approx(-float(best.fun or 0.0), rel=2e-4), (
                spread,
                row,
            )


def test_no_fill_is_further_from_another_than_the_spread_and_a_unit_allows() -> None:
    available, claim = _claims(7, 300)
    value = np.random.default_rng(7).uniform(1, 9, claim.shape)
    for spread in (0.0, 0.2, 0.5):
        given = bounded_shares(available, claim, value, spread)
        slack = 1.0 / np.maximum(claim, 1)
        for a, b in product(range(4), repeat=2):
            both = (claim[:, a] > 0) & (claim[:, b] > 0)
            apart = (given.fill[:, a] - given.fill[:, b])[both]
            assert (apart <= spread + (slack[:, a] + slack[:, b])[both] + 1e-9).all()


def test_channels_keep_what_is_protected_for_them() -> None:
    given = channel_shares([10], [[2, 20]], [[5, 2]], [0, 1])
    np.testing.assert_array_equal(given.units, [[2, 5]])
    assert given.left.tolist() == [3]
    scarce = channel_shares([4], [[9, 9]], [[3, 3]], [0, 1])
    np.testing.assert_array_equal(scarce.units, [[3, 1]])
    np.testing.assert_array_equal(channel_shares([10], [[9, 9]], [[0, 0]], [1, 0]).units, [[1, 9]])


def test_rationing_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match=r"spread must be in \[0, 1\], got 2"):
        bounded_shares([1], [[1]], [[1.0]], 2)
    with pytest.raises(ValueError, match=r"fraction must be positive, it is zero at index \(0, 1\)"):
        linear_rationing([1], [[1, 1]], [[1.0, 0.0]])
    with pytest.raises(ValueError, match=r"claim must be whole units, got 0.5 at index \(0, 0\)"):
        fair_shares([1], [[0.5]])
    with pytest.raises(ValueError, match="claim must have shape"):
        fair_shares([1], np.zeros((1, 0)))
    with pytest.raises(ValueError, match="tier must have shape"):
        tiered_shares([1], [[1, 1]], [0])
