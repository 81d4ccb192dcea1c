"""SKELETON while being filled in."""
from dataclasses import dataclass
from collections.abc import Callable, Hashable
import numpy as np
from optimizer.arguments import FloatArray, IntArray
from optimizer.demand_law import DemandLaw
from optimizer.projection import InboundSchedule

@dataclass(frozen=True)
class OptionRows:
    """One row is one option of one case."""
    quantity: FloatArray  # (r,) units, 0 = hold
    arrival_probability: FloatArray  # (r, H) pmf of arrival day, H = horizon_days; column 0 = today
    unit_cost: FloatArray  # (r,) money per unit of quantity beyond what would be paid anyway
    fixed_cost: FloatArray  # (r,) money once if quantity > 0
    penalty_per_unit: FloatArray  # (r,) money per short unit
    holding_cost_per_unit_day: FloatArray  # (r,)
    on_hand: FloatArray  # (r,) available units
    mean_per_day: FloatArray  # (r,)
    sd_per_day: FloatArray  # (r,)
    inbound: InboundSchedule | None = None  # what comes anyway; `series` indexes the rows

@dataclass(frozen=True)
class OptionValues:  # all (r,)
    cost: FloatArray
    expected_short_before: FloatArray
    expected_short_after: FloatArray
    shortage_avoided_units: FloatArray
    shortage_avoided_value: FloatArray
    service_after: FloatArray
    expected_leftover: FloatArray
    net_value: FloatArray
    break_even_penalty: FloatArray  # penalty per unit at which net value is 0; inf if nothing is avoided

@dataclass(frozen=True)
class RankingConfidence:  # all (cases,)
    best_row: IntArray
    confidence: FloatArray

def price_options(rows: OptionRows, *, law: DemandLaw = "gamma") -> OptionValues:
    raise NotImplementedError
def ranking_confidence(rows: OptionRows, case: IntArray, *, draws: int, generator: np.random.Generator,
    mean_error_cv: float = 0.15, sd_error_cv: float = 0.2, delay_sd_days: float = 1.5, law: DemandLaw = "gamma",
) -> RankingConfidence:
    raise NotImplementedError
def flip_point(evaluate: Callable[[float], Hashable], low: float, high: float, *, tolerance: float = 1e-6, samples: int = 16) -> float | None:
    """Value nearest to low at which evaluate(x) differs from evaluate(low); None: none in range."""
    raise NotImplementedError
