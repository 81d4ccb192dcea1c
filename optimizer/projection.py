"""SKELETON while being filled in."""
from dataclasses import dataclass
import numpy as np
from optimizer.arguments import FloatArray, IntArray
from optimizer.demand_law import DemandLaw

@dataclass(frozen=True)
class InboundSchedule:
    series: IntArray  # (k,)
    quantity: FloatArray  # (k,)
    arrival_probability: FloatArray  # (k, H) pmf of arrival day, column 0 = today; rows sum to <= 1 (rest: later)

@dataclass(frozen=True)
class StockProjection:
    expected_on_hand: FloatArray  # (n, H)
    stockout_probability: FloatArray  # (n, H)
    expected_short_units: FloatArray  # (n, H) E[(D_t - supply_t)+], cumulative backorder on the day
    def first_risky_day(self, threshold: float) -> IntArray:  # (n,) -1: none
        raise NotImplementedError

def project_stock(on_hand: FloatArray, mean_per_day: FloatArray, sd_per_day: FloatArray, *, horizon_days: int,
    known_demand: FloatArray | None = None, inbound: InboundSchedule | None = None, law: DemandLaw = "gamma",
) -> StockProjection:
    raise NotImplementedError
