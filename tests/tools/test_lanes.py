"""When a shipment leaves and when it arrives, by calendar and by chance."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import norm

from tests.worlds import MONDAY
from tools.lanes import Lane


def lane(calendar: str = "1234567", days: float = 2.0, spread: float = 0.5) -> Lane:
    return Lane("DC", "NORTH", "truck", days, spread, 0.5, 8.0, None, 1, calendar)


@pytest.mark.parametrize(
    ("today", "calendar", "leaves"),
    [
        (MONDAY, "1234567", MONDAY + timedelta(days=1)),
        (MONDAY, "1", MONDAY + timedelta(days=7)),
        (MONDAY + timedelta(days=4), "12345", MONDAY + timedelta(days=7)),
        (MONDAY + timedelta(days=3), "12345", MONDAY + timedelta(days=4)),
        (MONDAY, "35", MONDAY + timedelta(days=2)),
    ],
)
def test_a_shipment_leaves_on_the_first_day_of_the_calendar_after_picking(
    today: date, calendar: str, leaves: date
) -> None:
    assert lane(calendar).departs(today) == leaves


def test_arrival_is_certain_where_transit_does_not_vary() -> None:
    law = lane(spread=0.0).arrival_law(MONDAY, 10)

    assert law.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert lane(spread=0.0).arrives(MONDAY, 0.9) == lane(spread=0.0).arrives(MONDAY, 0.1) == MONDAY + timedelta(days=3)


def test_arrival_follows_normal_transit_rounded_up_to_days() -> None:
    """Scipy's own normal law, from the day of departure on."""
    law = lane(days=3.0, spread=1.0).arrival_law(MONDAY, 12)
    by_day = norm.cdf(np.arange(12) - 1, loc=3.0, scale=1.0)

    assert law[:2].tolist() == [0.0, 0.0]
    assert np.cumsum(law)[2:] == pytest.approx(by_day[2:], abs=1e-9)
    assert law.sum() <= 1.0


def test_a_later_quantile_is_never_earlier() -> None:
    days = [lane(days=3.0, spread=1.0).arrives(MONDAY, probability) for probability in (0.1, 0.5, 0.9, 0.99)]

    assert days == sorted(days)
    assert days[1] == MONDAY + timedelta(days=1 + 3)
