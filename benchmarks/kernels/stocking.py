"""Stocking policies beside stockpyl's, the same instances on both sides."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

from benchmarks.measure import Row, compare
from optimizer.stocking.lot_sizing import lot_sizes
from optimizer.stocking.newsvendor import newsvendor_normal, newsvendor_poisson
from optimizer.stocking.order_up_to import order_up_to_poisson
from optimizer.stocking.reorder_poisson import reorder_poisson
from optimizer.stocking.reorder_quantity import reorder_eil, reorder_eoqb, reorder_loss

_PEER = "stockpyl 1.0.2"


def measure() -> list[Row]:
    """Items per second of each policy, against a loop over stockpyl's function of the same name."""
    # By name: the peer lives in the bench environment only, and has no types.
    newsvendor, rq, ss, wagner_whitin = (
        importlib.import_module(f"stockpyl.{module}") for module in ("newsvendor", "rq", "ss", "wagner_whitin")
    )

    rng = np.random.default_rng(2)
    n = 100_000
    mean, sd = rng.uniform(5.0, 70.0, n), rng.uniform(1.0, 15.0, n)
    holding, penalty = rng.uniform(0.5, 2.0, n), rng.uniform(4.0, 20.0, n)
    year = mean * 20.0
    few = 20_000
    demand = rng.integers(0, 100, (few, 12)).astype(np.float64)

    def normal(i: int) -> object:
        return newsvendor.newsvendor_normal(holding[i], penalty[i], mean[i], sd[i])

    def poisson(i: int) -> object:
        return newsvendor.newsvendor_poisson(holding[i], penalty[i], mean[i])

    def eil(i: int) -> object:
        return rq.r_q_eil_approximation(0.225, 7.5, 8.0, year[i], 150.0, 1.0 / 12.0)

    def eoqb(i: int) -> object:
        return rq.r_q_eoqb_approximation(0.225, 7.5, 8.0, year[i], 150.0, 1.0 / 12.0)

    def loss(i: int) -> object:
        return rq.r_q_loss_function_approximation(0.225, 7.5, 8.0, year[i], 150.0, 1.0 / 12.0)

    def exact(i: int) -> object:
        return rq.r_q_poisson_exact(20.0, 150.0, 100.0, mean[i] / 20.0, 2.0)

    def band(i: int) -> object:
        return ss.s_s_discrete_exact(1.0, 9.0, 64.0, True, float(round(mean[i])))

    def lots(i: int) -> object:
        return wagner_whitin.wagner_whitin(12, 1.0, 200.0, demand[i].tolist())

    rounded = np.round(mean)
    jobs: list[tuple[str, int, Callable[[], object], int, Callable[[int], object], float | None]] = [
        ("newsvendor, normal", n, lambda: newsvendor_normal(mean, sd, holding, penalty), 1_000, normal, 1_000.0),
        ("newsvendor, Poisson", n, lambda: newsvendor_poisson(mean, holding, penalty), 1_000, poisson, 100.0),
        ("(r, Q), EIL", n, lambda: reorder_eil(0.225, 7.5, 8.0, year, 150.0, 1.0 / 12.0), 200, eil, 100.0),
        ("(r, Q), EOQ + B", n, lambda: reorder_eoqb(0.225, 7.5, 8.0, year, 150.0, 1.0 / 12.0), 100, eoqb, 100.0),
        ("(r, Q), loss function", n, lambda: reorder_loss(0.225, 7.5, 8.0, year, 150.0, 1.0 / 12.0), 100, loss, 100.0),
        ("(r, Q), Poisson exact", n, lambda: reorder_poisson(20.0, 150.0, 100.0, mean / 20.0, 2.0), 100, exact, 100.0),
        ("(s, S), Poisson exact", few, lambda: order_up_to_poisson(1.0, 9.0, 64.0, rounded[:few]), 20, band, 100.0),
        ("Wagner-Whitin, 12 periods", few, lambda: lot_sizes(demand, 200.0, 1.0), 500, lots, None),
    ]
    rows = []
    for what, size, ours, peer_size, peer, target in jobs:
        mine, theirs = compare(ours, _loop(peer, peer_size), repeats=3)
        rows.append(Row(what, f"{size:,} / {peer_size:,}", "items", size / mine, _PEER, peer_size / theirs, target))
    return rows


def _loop(peer: Callable[[int], object], count: int) -> Callable[[], object]:
    return lambda: [peer(i) for i in range(count)]
