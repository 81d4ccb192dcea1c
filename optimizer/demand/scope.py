"""Which series prediction applies to, by which route, and why not for the others.

Rules
-----
1. Reasons are checked in the order of `Exclusion`; the first that holds is given.
2. Under `LAUNCH_DAYS` of age an item with an analog is predicted by it, however little was seen; its route says so.
   Any other item needs `MIN_WEEKS` of usable history.
3. Under `FULL_WEEKS` prediction applies, and confidence in it is lower.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import BoolArray, flags, non_negative, observed, same_length, shaped, whole
from optimizer.demand.launch import LAUNCH_DAYS

MIN_WEEKS = 8
FULL_WEEKS = 78


class Exclusion(IntEnum):
    """Why no prediction is made."""

    NONE = 0
    ENGINEERED_TO_ORDER = 1
    """Made to a customer's drawing: its demand is the order book."""
    BAD_MASTER_DATA = 2
    """Unit, cost or lead time cannot be true, so neither could any quantity drawn from them."""
    ENDED = 3
    """Past its last day on sale."""
    NO_HISTORY = 4
    """Never observed, and no analog to borrow from."""
    SHORT_HISTORY = 5
    """Fewer than eight usable weeks, and no analog to borrow from."""


class Route(IntEnum):
    """How a series is predicted."""

    NOT_PREDICTED = 0
    HISTORY = 1
    ANALOG = 2


class Fault(IntFlag):
    """What is wrong with the master data of an item-site; several may be."""

    NONE = 0
    COST = 1
    LEAD_TIME = 2
    ORDER_MULTIPLE = 4


@dataclass(frozen=True)
class PredictionScope:
    """Answer per series, shape ``(n,)``.

    Parameters
    ----------
    exclusion
        int8 values of `Exclusion`; 0 where prediction applies.
    route
        int8 values of `Route`.
    low_confidence
        Predicted, but by analog or from less than `FULL_WEEKS`.
    """

    exclusion: NDArray[np.int8]
    route: NDArray[np.int8]
    low_confidence: BoolArray

    @property
    def applies(self) -> BoolArray:
        """Whether prediction applies, shape ``(n,)``."""
        return np.asarray(self.exclusion == Exclusion.NONE)


def prediction_scope(
    usable_weeks: ArrayLike,
    age_weeks: ArrayLike,
    *,
    engineered_to_order: ArrayLike,
    bad_master_data: ArrayLike,
    ended: ArrayLike,
    has_analog: ArrayLike,
) -> PredictionScope:
    """Whether and how each series is predicted.

    Parameters
    ----------
    usable_weeks
        Shape ``(n,)``, weeks observed, whole numbers, not negative.
    age_weeks
        Shape ``(n,)``, weeks since launch, negative when unknown (then the item is not young).
    engineered_to_order, bad_master_data, ended, has_analog
        Shape ``(n,)``, booleans.

    Raises
    ------
    ValueError
        If an array is of another length or type, or weeks are negative.

    Examples
    --------
    >>> no = np.zeros(2, dtype=bool)
    >>> scope = prediction_scope([3, 104], [3, -1], engineered_to_order=no, bad_master_data=no, ended=no, has_analog=no)
    >>> [Exclusion(code).name for code in scope.exclusion]
    ['SHORT_HISTORY', 'NONE']
    """
    usable, age = whole("usable_weeks", usable_weeks), whole("age_weeks", age_weeks)
    non_negative("usable_weeks", usable)
    ordered, bad = flags("engineered_to_order", engineered_to_order), flags("bad_master_data", bad_master_data)
    over, analog = flags("ended", ended), flags("has_analog", has_analog)
    n = same_length(
        usable_weeks=usable,
        age_weeks=age,
        engineered_to_order=ordered,
        bad_master_data=bad,
        ended=over,
        has_analog=analog,
    )
    shaped("usable_weeks", usable, n)
    young = (age >= 0) & (age * 7 < LAUNCH_DAYS) & analog
    exclusion = np.select(
        [ordered, bad, over, ~young & (usable == 0), ~young & (usable < MIN_WEEKS)],
        [
            Exclusion.ENGINEERED_TO_ORDER,
            Exclusion.BAD_MASTER_DATA,
            Exclusion.ENDED,
            Exclusion.NO_HISTORY,
            Exclusion.SHORT_HISTORY,
        ],
        Exclusion.NONE,
    ).astype(np.int8)
    applies = exclusion == Exclusion.NONE
    route = np.where(applies, np.where(young, Route.ANALOG, Route.HISTORY), Route.NOT_PREDICTED).astype(np.int8)
    return PredictionScope(exclusion, route, applies & (young | (usable < FULL_WEEKS)))


def master_data_faults(
    cost: ArrayLike, lead_time_days: ArrayLike, order_multiple: ArrayLike, *, longest_lead_time_days: float = 730.0
) -> NDArray[np.int8]:
    """Faults of each series' master data, shape ``(n,)``, int8 sums of `Fault`; NaN is a missing value.

    A cost that is missing or zero, a lead time that is missing or longer than `longest_lead_time_days`, and a multiple
    that is zero are faults; a missing multiple is none.

    Raises
    ------
    ValueError
        If an array is negative, infinite or of another length: such values are refused by the import, not judged here.
    """
    price, lead = observed("cost", cost), observed("lead_time_days", lead_time_days)
    multiple = observed("order_multiple", order_multiple)
    n = same_length(
        cost=price.astype(np.float64),
        lead_time_days=lead.astype(np.float64),
        order_multiple=multiple.astype(np.float64),
    )
    shaped("cost", price, n)
    faults = np.where(price > 0.0, 0, Fault.COST)
    faults |= np.where(lead <= longest_lead_time_days, 0, Fault.LEAD_TIME)
    faults |= np.where(multiple == 0.0, Fault.ORDER_MULTIPLE, 0)
    return faults.astype(np.int8)
