"""Who plays VN2: the replenishment decision of this project, and fixed baselines."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import numpy as np

from benchmarks.vn2_game import HOLDING_COST, LEAD_WEEKS, SHORTAGE_COST, Game, Policy, Position, recent_mean
from optimizer.arguments import FloatArray
from optimizer.replenishment.decision import decide
from optimizer.replenishment.outlook import OutlookSettings
from optimizer.replenishment.rolling import OutlookBook
from optimizer.replenishment.terms import ReplenishmentInput

EVIDENCE = (20.0, 20.0, 40.0, 40.0, 40.0, 40.0, 80.0)
"""Units the parent index is worth: everything, department group, department, division, group, product, series."""
LEFT_OVER_COST = 0.10
"""What a unit left over costs beyond its week: demand falls, and orders cannot be negative. Tuned."""
QUANTILE = 0.967421566
"""Standard normal quantile of 1.00 / 1.20 = 0.833."""


def evenkeel(
    game: Game, *, refit_every: int = 8, settings: OutlookSettings | None = None, left_over: float = LEFT_OVER_COST
) -> Policy:
    """The outlook and the decision of the replenishment run."""
    book = OutlookBook(
        game.groups,
        game.store[:, None],
        evidence=EVIDENCE,
        horizon=LEAD_WEEKS + 1,
        refit_every=refit_every,
        settings=settings,
    )
    one = np.ones(len(game.store))

    def orders(visible: FloatArray, position: Position) -> FloatArray:
        law = book.outlook(visible)
        given = ReplenishmentInput(
            demand_mean=law.mean,
            demand_variance=law.variance,
            level_cv=law.level_cv,
            on_hand=position.on_hand,
            inbound=np.stack([position.arriving, position.arriving_next, 0.0 * one], axis=1),
            holding_cost=HOLDING_COST * one,
            shortage_cost=SHORTAGE_COST * one,
            left_over_cost=left_over * one,
            order_multiple=one,
            minimum_order=0.0 * one,
            maximum_order=np.inf * one,
            lead_periods=LEAD_WEEKS,
        )
        return decide(given).order_quantity

    return orders


def last_week(visible: FloatArray, position: Position) -> FloatArray:
    """Order what was sold last week."""
    return np.nan_to_num(visible[:, -1])


def mean_cover(weeks: float) -> Policy:
    """Order up to the 13-week mean times `weeks`, stock and both orders under way counted."""

    def orders(visible: FloatArray, position: Position) -> FloatArray:
        return _up_to(weeks * recent_mean(visible), position)

    return orders


def last_week_cover(weeks: float) -> Policy:
    """Order up to last week's sales times `weeks`."""

    def orders(visible: FloatArray, position: Position) -> FloatArray:
        return _up_to(weeks * np.nan_to_num(visible[:, -1]), position)

    return orders


def _up_to(level: FloatArray, position: Position) -> FloatArray:
    return np.maximum(np.ceil(level - position.on_hand - position.arriving - position.arriving_next - 1e-9), 0.0)


def has_auto_ets() -> bool:
    """Whether the library of the AutoETS baseline is installed here."""
    return importlib.util.find_spec("statsforecast") is not None


def auto_ets(cache: Path) -> Policy:
    """AutoETS per series without season, order so that week 3 starts with the normal 0.833 quantile of its forecast.

    Stock until then falls by the mean forecasts and stops at zero; the quantity is rounded to the nearest unit, which
    did better than rounding up and than ordering up to the quantile of three weeks (both were tried). Weeks out of
    stock carry the last known sales on. Forecasts are held within [0, twice the largest sales] and spreads below that
    bound, because a handful of multiplicative fits explode. Fits are kept in `cache`, one file per week.
    """

    def orders(visible: FloatArray, position: Position) -> FloatArray:
        mean, sd = _ets(visible, cache / f"ets_{visible.shape[1]}.npz")
        most = 2.0 * np.nan_to_num(visible).max(axis=1)[:, None]
        mean = np.clip(np.nan_to_num(mean, posinf=0.0, neginf=0.0), 0.0, most)
        sd = np.clip(np.nan_to_num(sd, posinf=0.0), 0.0, most)
        left = np.maximum(position.on_hand + position.arriving - mean[:, 0], 0.0)
        left = np.maximum(left + position.arriving_next - mean[:, 1], 0.0)
        return np.maximum(np.rint(mean[:, 2] + QUANTILE * sd[:, 2] - left), 0.0)

    return orders


def _ets(visible: FloatArray, path: Path) -> tuple[FloatArray, FloatArray]:
    if not path.exists():
        # By name, so that the module loads where the library is not installed.
        model = importlib.import_module("statsforecast.models").AutoETS(season_length=1)
        mean, sd = np.zeros((len(visible), LEAD_WEEKS + 1)), np.zeros((len(visible), LEAD_WEEKS + 1))
        for i, row in enumerate(visible):
            known = np.flatnonzero(~np.isnan(row))
            if known.size < 4:
                mean[i] = row[known].mean() if known.size else 0.0
                sd[i] = np.sqrt(mean[i])
                continue
            tail = row[known[0] :]
            last = np.maximum.accumulate(np.where(np.isnan(tail), 0, np.arange(tail.size)))
            level = 200.0 / 3.0  # the interval whose upper end is the 0.833 quantile
            answer = model.forecast(y=tail[last], h=LEAD_WEEKS + 1, level=[level])
            upper = next(value for name, value in answer.items() if name.startswith("hi"))
            mean[i], sd[i] = answer["mean"], (upper - answer["mean"]) / QUANTILE
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, mean=mean, sd=sd)
    with np.load(path) as kept:
        return kept["mean"], kept["sd"]
