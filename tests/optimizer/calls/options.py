"""Good calls of option pricing."""

from functools import partial, update_wrapper
from typing import Any

import numpy as np

from optimizer.options.arrival import shifted_arrival
from optimizer.options.choice import chosen_rows
from optimizer.options.curve import option_curve
from optimizer.options.flip import flip_points
from optimizer.options.markdown import markdown_lift, marked_down
from optimizer.options.pricing import price_options
from optimizer.options.rows import OptionRows
from optimizer.options.shortage import expected_shortage_curve, marginal_savings
from optimizer.options.substitution import substitution
from optimizer.options.worlds import Worlds
from tests.optimizer.calls import Call

N, DAYS = 3, 8
STOCK, MEAN, SD = np.array([10.0, -2.0, 30.0]), np.array([2.0, 1.0, 4.0]), np.array([1.0, 2.0, 3.0])
HORIZON, PLACE = np.array([8, 7, 5]), np.arange(N)
LAW = np.zeros((N, DAYS))
LAW[:, [2, 4]] = 0.5
MONEY = np.array([1.0, 2.0, 0.5])
WORLD = {"on_hand": STOCK, "mean_per_day": MEAN, "sd_per_day": SD, "horizon_days": HORIZON}
RATES = {
    "quantity": np.array([0.0, 6.0, 12.0]),
    "arrival_probability": LAW,
    "unit_cost": MONEY,
    "fixed_cost": MONEY,
    "penalty_per_unit": 9.0 * MONEY,
    "holding_cost_per_unit_day": 0.01 * MONEY,
    "duty_per_unit": MONEY,
    "freight_per_unit": MONEY,
    "freight": MONEY,
    "handling_per_unit": MONEY,
    "write_off_per_unit": MONEY,
    "elsewhere_cost": MONEY,
    "served_elsewhere": 0.1 * MONEY,
    "credit": MONEY,
    "sale_value": MONEY,
    "baseline_sale_value": MONEY,
}


def _worlds() -> Worlds:
    return Worlds(STOCK, MEAN, SD, HORIZON)


def _rows() -> OptionRows:
    return OptionRows(worlds=_worlds(), world=PLACE, baseline=PLACE, **RATES)


def _priced(**arguments: Any) -> object:
    """Options from plain arrays, priced."""
    worlds = Worlds(**{name: arguments.pop(name) for name in WORLD})
    return price_options(OptionRows(worlds=worlds, **arguments))


def _marked_down(discount: Any, elasticity: Any) -> object:
    return marked_down(_worlds(), discount, elasticity)


def _named(function: Any, like: Any) -> Any:
    return update_wrapper(partial(function), like)


CALLS: tuple[Call, ...] = (
    Call(Worlds, {**WORLD, "known_demand": np.ones((N, DAYS))}, negative=frozenset({"on_hand"})),
    Call(
        _named(_priced, price_options),
        {**WORLD, "world": PLACE, "baseline": PLACE, **RATES},
        negative=frozenset({"on_hand", "sale_value", "baseline_sale_value"}),
    ),
    Call(option_curve, {"rows": _rows(), "lot_units": np.array([2.0, 3.0, 4.0]), "lots": 4}),
    Call(
        chosen_rows,
        {
            "net_value": np.array([0.0, 3.0, 1.0]),
            "case": np.array([0, 0, 0]),
            "eligible": np.array([True, True, False]),
        },
        negative=frozenset({"net_value"}),
    ),
    Call(shifted_arrival, {"arrival_probability": LAW, "delay_days": MONEY}, negative=frozenset({"delay_days"})),
    Call(
        flip_points,
        {"evaluate": lambda value: (value > 0.4).astype(np.int64), "low": np.zeros(N), "high": np.ones(N)},
        negative=frozenset({"low", "high"}),
        alone=frozenset({"low", "high"}),
        # NaN is an answer: none in range.
        any_value=frozenset({"low", "high"}),
    ),
    Call(substitution, {"short": MONEY, "acceptance": np.array([0.2, 0.5, 1.0]), "substitute": _worlds()}),
    Call(markdown_lift, {"discount": np.array([0.1, 0.2, 0.3]), "elasticity": MONEY}),
    Call(_named(_marked_down, marked_down), {"discount": np.array([0.1, 0.2, 0.3]), "elasticity": MONEY}),
    Call(
        expected_shortage_curve,
        {"available": STOCK, "demand_mean": MEAN, "demand_variance": SD, "lot_units": MONEY, "lots": 4},
        negative=frozenset({"available"}),
    ),
    Call(marginal_savings, {"curve": np.array([[3.0, 2.0, 1.5]])}, negative=frozenset({"curve"})),
)
