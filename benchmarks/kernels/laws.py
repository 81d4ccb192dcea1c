"""Quantiles and levels beside the incomplete gamma function they stand on, losses beside stockpyl's."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
from scipy.special import betainc, gammainc, gammaincinv

from benchmarks.measure import Row, compare
from optimizer.laws.count_quantile import negative_binomial_quantile, poisson_quantile
from optimizer.laws.gamma_quantile import gamma_quantile
from optimizer.laws.loss import gamma_loss
from optimizer.laws.loss_level import gamma_loss_level

N = 200_000
PEER_N = 2_000


def measure() -> list[Row]:
    """Shares of the special functions that the answers stand on, and stockpyl's gamma loss."""
    rng = np.random.default_rng(1)
    shape = np.exp(rng.uniform(np.log(0.2), np.log(60.0), N))
    scale = rng.uniform(0.5, 20.0, N)
    target = rng.choice([0.90, 0.95, 0.98, 0.995], N)
    at = gammaincinv(shape, target)
    quantity = shape * scale * rng.uniform(0.3, 4.0, N)
    allowed = (1.0 - target) * quantity

    def two_calls() -> None:
        gammainc(shape, at)
        gammainc(shape, at)

    limits: list[tuple[str, Callable[[], object], float | None]] = [
        ("gamma reorder point, 1e-6", lambda: gamma_quantile(target, shape, scale), 0.45),
        ("gamma reorder point, exact", lambda: gamma_quantile(target, shape, scale, exact=True), None),
        ("fill-rate level, one cycle, 1e-8", lambda: gamma_loss_level(allowed, shape, scale), 0.25),
        ("fill-rate level, exact form, 1e-8", lambda: gamma_loss_level(allowed, shape, scale, quantity), None),
    ]
    rows = []
    for what, ours, promised in limits:
        mine, limit = compare(ours, two_calls)
        rows.append(Row(what, f"{N:,}", "series", N / mine, "two gammainc calls", N / limit, promised))
    return [*rows, *_counts(rng, target), _stockpyl_loss(shape, scale)]


def _counts(rng: np.random.Generator, target: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Row]:
    mean = np.exp(rng.uniform(np.log(0.1), np.log(100.0), N))
    over = rng.uniform(1.1, 15.0, N)
    successes, chance = mean / (over - 1.0), 1.0 / over
    level, count = negative_binomial_quantile(target, successes, chance), poisson_quantile(target, mean)
    mine, limit = compare(
        lambda: negative_binomial_quantile(target, successes, chance), lambda: betainc(successes, level + 1.0, chance)
    )
    # One call takes about 270 ns on a quiet machine, so that a million a second is .27 of it.
    rows = [Row("negative binomial quantile", f"{N:,}", "series", N / mine, "one betainc call", N / limit, 0.27)]
    mine, limit = compare(lambda: poisson_quantile(target, mean), lambda: gammainc(count + 1.0, mean))
    return [*rows, Row("Poisson quantile", f"{N:,}", "series", N / mine, "one gammainc call", N / limit, None)]


def _stockpyl_loss(
    shape: np.ndarray[tuple[int], np.dtype[np.float64]], scale: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Row:
    # By name: the peer lives in the bench environment only, and has no types.
    peer_loss = importlib.import_module("stockpyl.loss_functions").gamma_loss

    level = 1.5 * shape * scale
    some = list(zip(level[:PEER_N].tolist(), shape[:PEER_N].tolist(), scale[:PEER_N].tolist(), strict=True))
    mine, peer = compare(
        lambda: gamma_loss(level, shape, scale), lambda: [peer_loss(*arguments) for arguments in some], repeats=3
    )
    return Row("gamma loss", f"{N:,} / {PEER_N:,}", "series", N / mine, "stockpyl 1.0.2", PEER_N / peer, None)
