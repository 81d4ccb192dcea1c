"""Good calls of the stocking room."""

import numpy as np

from optimizer.laws.lead_time_demand import LeadTimeDemand
from optimizer.stocking.budget import levels_within_budget, lots_within_budget
from optimizer.stocking.curve import best_service_curve, cost_service_curve
from optimizer.stocking.economic_order import economic_order, economic_order_backorders, economic_order_discounts
from optimizer.stocking.fill_rate import fill_rate_exact, fill_rate_one_cycle, reorder_point_for_fill_rate
from optimizer.stocking.levels import reorder_point, stocking_levels, stocking_service
from optimizer.stocking.lot_sizing import lot_sizes
from optimizer.stocking.newsvendor import newsvendor, newsvendor_normal, newsvendor_poisson
from optimizer.stocking.order_quantity import order_quantities, shelf_life_limit
from optimizer.stocking.order_up_to import order_up_to_poisson
from optimizer.stocking.reorder_poisson import reorder_poisson
from optimizer.stocking.reorder_quantity import reorder_eil, reorder_eoqb, reorder_eoqss, reorder_loss
from optimizer.stocking.segments import (
    SegmentCodes,
    constrained_supply,
    life_stages,
    value_classes,
    variability_classes,
)
from tests.optimizer.calls import Call

MEAN = np.array([3.0, 6.0, 80.0])
VARIANCE = np.array([9.0, 6.0, 400.0])
SD = np.array([3.0, 2.0, 20.0])
QUANTITY = np.array([10.0, 24.0, 100.0])
HOLDING = np.array([0.2, 1.0, 0.5])
PENALTY = np.array([4.0, 9.0, 5.0])
FIXED = np.array([20.0, 5.0, 64.0])
TARGET = np.array([0.9, 0.95, 0.98])
UNIT_COST = np.array([1.0, 20.0, 3.0])
LEAD = np.array([1.0, 2.0, 0.5])
DEMAND = LeadTimeDemand(MEAN, VARIANCE)
DAILY = LeadTimeDemand(MEAN / 10.0, VARIANCE / 10.0)
MOMENTS = {"demand_mean": MEAN, "demand_variance": VARIANCE}
COSTS = {"holding_cost": HOLDING, "penalty": PENALTY}
RATES = {**COSTS, "fixed_cost": FIXED, "demand_rate": MEAN, "demand_sd": SD, "lead_time": LEAD}
CLASS = {**MOMENTS, "order_quantity": QUANTITY, "unit_cost": UNIT_COST, "units_per_period": MEAN}
CODES = np.array([0, 1, 1])

CALLS: tuple[Call, ...] = (
    *(
        Call(stocking_levels, {"demand": DEMAND, "order_quantity": QUANTITY, target: TARGET, "law": law})
        for target in ("cycle_service_level", "fill_rate")
        for law in ("gamma", "normal", "count")
    ),
    Call(stocking_service, {"demand": DEMAND, "reorder_point": MEAN, "order_quantity": QUANTITY}),
    Call(
        reorder_point,
        {
            "demand_mean": MEAN,
            "demand_sd": SD,
            "lead_time_mean": LEAD,
            "lead_time_sd": HOLDING,
            "cycle_service_level": 0.95,
        },
    ),
    Call(fill_rate_one_cycle, {"demand": DEMAND, "reorder_point": MEAN, "order_quantity": QUANTITY}),
    Call(
        fill_rate_exact,
        {"demand": DEMAND, "reorder_point": MEAN, "order_quantity": QUANTITY, "review_demand": DAILY},
    ),
    *(
        Call(
            reorder_point_for_fill_rate,
            {"demand": DEMAND, "order_quantity": QUANTITY, "fill_rate": TARGET, "form": form},
        )
        for form in ("one_cycle", "exact")
    ),
    Call(newsvendor_normal, {"demand_mean": MEAN, "demand_sd": SD, **COSTS}),
    Call(newsvendor_poisson, {"demand_mean": MEAN, **COSTS}),
    Call(newsvendor, {**MOMENTS, **COSTS}),
    Call(economic_order, {"fixed_cost": FIXED, "holding_cost": HOLDING, "demand_rate": MEAN}),
    Call(economic_order_backorders, {"fixed_cost": FIXED, **COSTS, "demand_rate": MEAN}),
    Call(
        economic_order_discounts,
        {
            "fixed_cost": FIXED,
            "carrying_rate": HOLDING,
            "demand_rate": MEAN,
            "least_quantity": np.array([[0.0, 40.0]] * 3),
            "unit_cost": np.array([[2.0, 1.8]] * 3),
        },
    ),
    *(Call(function, RATES) for function in (reorder_eil, reorder_eoqb, reorder_eoqss, reorder_loss)),
    Call(reorder_poisson, {name: RATES[name] for name in RATES if name != "demand_sd"}),
    Call(order_up_to_poisson, {**COSTS, "fixed_cost": FIXED, "demand_mean": MEAN, "lead_time_periods": LEAD}),
    Call(
        lot_sizes,
        {
            "demand": np.array([[3.0, 0.0, 5.0], [1.0, 9.0, 4.0]]),
            "fixed_cost": np.array([[20.0], [5.0]]),
            "holding_cost": np.array([[1.0, 1.0, 2.0], [0.5, 0.5, 0.5]]),
            "unit_cost": np.array([[2.0], [3.0]]),
        },
        alone=frozenset({"fixed_cost", "holding_cost", "unit_cost"}),
    ),
    Call(
        order_quantities,
        {
            "inventory_position": MEAN,
            "reorder_point": np.array([5.0, 6.0, 70.0]),
            "order_up_to_level": QUANTITY,
            "minimum": UNIT_COST,
            "multiple": np.array([6.0, 0.0, 12.0]),
            "limit": np.array([np.inf, 100.0, 40.0]),
        },
        negative=frozenset({"inventory_position", "reorder_point", "order_up_to_level"}),
        infinite=frozenset({"limit"}),
    ),
    Call(shelf_life_limit, {"inventory_position": LEAD, **MOMENTS, "waste_risk": TARGET}),
    Call(
        levels_within_budget,
        {**MOMENTS, "unit_cost": UNIT_COST, "weight": PENALTY, "budget": 500.0, "floor": LEAD},
    ),
    Call(
        lots_within_budget,
        {
            "inventory_position": LEAD,
            **MOMENTS,
            "unit_cost": UNIT_COST,
            "weight": PENALTY,
            "lot_size": QUANTITY,
            "budget": 400.0,
            "most_lots": 4,
        },
        negative=frozenset({"inventory_position"}),
    ),
    Call(cost_service_curve, {**CLASS, "targets": TARGET, "carrying_rate": 0.2}, alone=frozenset({"targets"})),
    Call(
        best_service_curve,
        {**CLASS, "budgets": np.array([200.0, 300.0]), "carrying_rate": 0.2},
        alone=frozenset({"budgets"}),
    ),
    Call(value_classes, {"value": MEAN, "cuts": np.array([0.8, 0.95]), "previous": CODES}),
    Call(
        variability_classes,
        {"coefficient_of_variation": MEAN, "cuts": np.array([0.5, 1.0]), "previous": CODES},
        infinite=frozenset({"coefficient_of_variation"}),
    ),
    Call(
        life_stages,
        {
            "age_days": QUANTITY,
            "silent_days": MEAN,
            "recent_demand": MEAN,
            "earlier_demand": SD,
            "ends_within_days": np.array([np.inf, 30.0, 400.0]),
            "previous": CODES,
        },
        infinite=frozenset({"ends_within_days"}),
    ),
    Call(constrained_supply, {"supply": MEAN, "need": SD, "previous": CODES}),
    Call(SegmentCodes, {"value": CODES, "variability": CODES, "stage": CODES, "constrained": CODES}),
)
