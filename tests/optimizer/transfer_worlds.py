"""Small transfer problems: the textbook cases and random ones, with an enumeration to compare with."""

from dataclasses import replace
from itertools import product

import numpy as np

from optimizer.arguments import IntArray
from optimizer.options.shortage import expected_shortage_curve, marginal_savings
from optimizer.transfers.solve import TransferProblem, plan_value
from tests.optimizer.golden import golden


def textbook_problem(case: str) -> tuple[TransferProblem, float]:
    """Problem of a golden case and the cost of moving nothing."""
    world, _ = golden("transshipment", case)
    receivers, donors = np.array(world["receivers"], float), np.array(world["donors"], float)
    cost = np.array(world["unit_cost"], float)
    stock, mean, penalty = receivers.T
    pieces = 30
    need = expected_shortage_curve(stock, mean, mean, 1, pieces, law="count")
    has, donor_mean, donor_penalty, keep = donors.T
    most = int((has - keep).max())
    kept = expected_shortage_curve(has - most, donor_mean, donor_mean, 1, most, law="count")
    before = (penalty * need[:, 0]).sum() + (donor_penalty * kept[:, -1]).sum()
    donor, receiver = (axis.ravel() for axis in np.indices(cost.shape))
    lanes = cost.size
    problem = TransferProblem(
        need_series=np.arange(len(receivers)),
        need_piece_units=np.ones((len(receivers), pieces)),
        need_piece_value=penalty[:, None] * marginal_savings(need),
        need_capacity=np.full(len(receivers), 1000),
        donor_series=100 + np.arange(len(donors)),
        donor_available=(has - keep).astype(int),
        donor_piece_units=np.ones((len(donors), most)),
        donor_piece_cost=donor_penalty[:, None] * -np.diff(kept)[:, ::-1],
        lane_donor=donor,
        lane_need=receiver,
        lane_unit_cost=cost.ravel(),
        lane_fixed_cost=np.zeros(lanes),
        lane_lot=np.full(lanes, world["lot"]),
        lane_load_per_unit=np.ones(lanes),
        lane_group=np.full(lanes, -1),
        group_capacity=np.zeros(0),
    )
    return problem, float(before)


def random_problem(seed: int, *, needs: int | None = None, donors: int | None = None) -> TransferProblem:
    """A problem of up to two needs and two donors (unless said otherwise), every feature in use at times."""
    rng = np.random.default_rng(seed)
    n, d = needs or int(rng.integers(1, 3)), donors or int(rng.integers(1, 3))
    donor, need = (axis.ravel() for axis in np.indices((d, n)))
    lanes = len(donor)
    return TransferProblem(
        need_series=np.arange(n),
        need_piece_units=rng.integers(0, 5, (n, 3)).astype(float),
        need_piece_value=-np.sort(-rng.uniform(0, 10, (n, 3)), axis=1),
        need_capacity=rng.integers(0, 14, n),
        donor_series=n + np.arange(d),
        donor_available=rng.integers(0, 9, d),
        donor_piece_units=rng.integers(0, 5, (d, 2)).astype(float),
        donor_piece_cost=np.sort(rng.uniform(0, 3, (d, 2)), axis=1),
        lane_donor=donor,
        lane_need=need,
        lane_unit_cost=rng.uniform(0, 3, lanes),
        lane_fixed_cost=rng.choice([0.0, 4.0, 9.0], lanes),
        lane_lot=rng.integers(1, 4, lanes),
        lane_load_per_unit=rng.uniform(0.5, 1.5, lanes),
        lane_group=rng.integers(-1, 2, lanes),
        group_capacity=rng.uniform(1, 9, 2),
    )


def many_items(items: int, seed: int) -> TransferProblem:
    """Unconnected items of two donors and two needs each, over four shared lanes with tight capacity."""
    parts = [random_problem(seed * 1000 + k, needs=2, donors=2) for k in range(items)]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in TransferProblem.__dataclass_fields__
        if name != "group_capacity"
    }
    joined["lane_donor"] += np.repeat(np.arange(items) * 2, 4)
    joined["lane_need"] += np.repeat(np.arange(items) * 2, 4)
    joined["need_series"] = np.arange(2 * items)
    joined["donor_series"] = np.arange(2 * items) + 2 * items
    joined["lane_group"] = np.tile(np.arange(4), items)
    return TransferProblem(group_capacity=np.full(4, 0.8 * items), **joined)


def shared_items(items: int, seed: int, *, lot: int = 1, fixed: float = 0.0, tight: float = 0.5) -> TransferProblem:
    """Items of three donors and two needs, one lot size, on six lanes that share capacity, a dock and a labor budget.

    Groups are the lanes, then the dock of the first need's site, then the labor of the first donor's site. `tight` is
    the part of all surplus the lanes can carry; `fixed` is paid per item and lane used.
    """
    rng = np.random.default_rng(seed)
    donor, need = (axis.ravel() for axis in np.indices((3, 2)))
    lane = np.arange(6 * items)
    item = np.repeat(np.arange(items), 6)
    donor, need = np.tile(donor, items), np.tile(need, items)
    has = rng.integers(3, 9, 3 * items) * lot
    docks, labor = lane[need == 0], lane[donor == 0]
    return TransferProblem(
        need_series=np.arange(2 * items),
        need_piece_units=np.full((2 * items, 8), float(lot)),
        need_piece_value=-np.sort(-rng.uniform(0, 20, (2 * items, 8)), axis=1),
        need_capacity=rng.integers(4, 12, 2 * items) * lot,
        donor_series=2 * items + np.arange(3 * items),
        donor_available=has,
        donor_piece_units=np.full((3 * items, 4), 2.0 * lot),
        donor_piece_cost=np.sort(rng.uniform(0, 4, (3 * items, 4)), axis=1),
        lane_donor=item * 3 + donor,
        lane_need=item * 2 + need,
        lane_unit_cost=rng.uniform(0.2, 3.0, 6 * items),
        lane_fixed_cost=np.full(6 * items, fixed),
        lane_lot=np.full(6 * items, lot),
        lane_load_per_unit=rng.uniform(0.5, 1.5, 6 * items),
        lane_group=np.tile(np.arange(6), items),
        group_capacity=np.append(np.full(6, tight * has.sum() / 6), [0.45 * has.sum(), 0.8 * has.sum()]),
        member_lane=np.concatenate([docks, labor]),
        member_group=np.concatenate([np.full(len(docks), 6), np.full(len(labor), 7)]),
        member_load_per_unit=np.concatenate([np.ones(len(docks)), rng.uniform(0.5, 2.0, len(labor))]),
        group_fixed_cost=np.zeros(8),
    )


def with_trucks(problem: TransferProblem, cost: float) -> TransferProblem:
    """The same problem where every lane's truck costs money once, whoever rides on it."""
    trucks = np.isin(np.arange(problem.groups), problem.lane_group)
    return replace(problem, group_fixed_cost=np.where(trucks, cost, 0.0))


def enumerate_best(problem: TransferProblem) -> float:
    """Most money any feasible plan saves, by trying them all with loops of its own."""
    ranges = [
        range(0, int(problem.donor_available[problem.lane_donor[lane]]) + 1, int(problem.lane_lot[lane]))
        for lane in range(problem.lanes)
    ]
    best = 0.0
    for units in product(*ranges):
        if _feasible(problem, units):
            best = max(best, _money(problem, units))
    return best


def _feasible(problem: TransferProblem, units: tuple[int, ...]) -> bool:
    given, received, load = [0] * problem.donors, [0] * problem.needs, [0.0] * len(problem.group_capacity)
    for lane, sent in enumerate(units):
        given[problem.lane_donor[lane]] += sent
        received[problem.lane_need[lane]] += sent
        if problem.lane_group[lane] >= 0:
            load[problem.lane_group[lane]] += sent * problem.lane_load_per_unit[lane]
    for lane, group, each in zip(problem.member_lane, problem.member_group, problem.member_load_per_unit, strict=True):
        load[group] += units[lane] * each
    return (
        all(g <= a for g, a in zip(given, problem.donor_available, strict=True))
        and all(r <= c for r, c in zip(received, problem.need_capacity, strict=True))
        and all(x <= c + 1e-9 for x, c in zip(load, problem.group_capacity, strict=True))
    )


def _money(problem: TransferProblem, units: tuple[int, ...]) -> float:
    """Money unit by unit, pieces walked one after the other."""
    total = 0.0
    rides = [*enumerate(problem.lane_group), *zip(problem.member_lane, problem.member_group, strict=True)]
    opened = {group for lane, group in rides if units[lane] and group >= 0}
    total -= sum(problem.opening_cost[group] for group in opened)
    given, received = [0] * problem.donors, [0] * problem.needs
    for lane, sent in enumerate(units):
        given[problem.lane_donor[lane]] += sent
        received[problem.lane_need[lane]] += sent
        total -= sent * problem.lane_unit_cost[lane] + (problem.lane_fixed_cost[lane] if sent else 0.0)
    for need, count in enumerate(received):
        worth = np.repeat(problem.need_piece_value[need], problem.need_piece_units[need].astype(int))
        total += worth[:count].sum()
    for donor, count in enumerate(given):
        price = np.repeat(problem.donor_piece_cost[donor], problem.donor_piece_units[donor].astype(int))
        last = problem.donor_piece_cost[donor, -1]
        total -= price[:count].sum() + last * max(0, count - len(price))
    return float(total)


def scaled(problem: TransferProblem, factor: float) -> TransferProblem:
    """The same problem in another currency."""
    names = ("need_piece_value", "donor_piece_cost", "lane_unit_cost", "lane_fixed_cost", "group_fixed_cost")
    return replace(problem, **{name: factor * getattr(problem, name) for name in names})


def value_of(problem: TransferProblem, units: list[int]) -> float:
    """Money saved by units written by hand."""
    array: IntArray = np.array(units, dtype=np.int64)
    return plan_value(problem, array)
