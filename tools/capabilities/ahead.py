"""What is expected: stock by day with its band, and demand by week with its band."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from inventory.contract import REFUSE_BELOW_WEEKS
from tools.assemble import outlook_class
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Column, Table
from tools.capabilities.facts import of_date, of_days, of_id, of_share, of_units, of_weeks, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import data_source, doubts, known, listing, look_at
from tools.columns import FloatArray
from tools.forecast_days import by_day
from tools.outlook import Outlook

LIKELY = 0.5
"""Probability of being out from which a day counts as the day of running out."""
BAND = 1.2816
"""Standard normal quantile of .9: eight outcomes of ten lie in the band."""
WEEKS = 8
"""Weeks told when nobody says how many."""


def projection(asking: Asking, asked: a.Projection) -> Answer:
    """Stock by day from today, after what is decided, and the first day it is more likely out than not."""
    outlook, row = look_at(asking, asked.item, asked.site)
    arrays, ahead = outlook.arrays, outlook.projection
    most = ahead.expected_on_hand.shape[1]
    window = int(outlook.window_days[row])
    days = min(asked.days or max(window, 14), most)
    chance = ahead.stockout_probability[row, :days]
    low, high = _stock_band(outlook, row, days)
    out = np.flatnonzero(chance >= LIKELY)
    trouble = doubts(asking, asked.site)
    late = arrays.today + timedelta(days=days - 1)
    facts = known(
        {
            "item": of_id("item", asked.item),
            "site": of_id("site", asked.site),
            "free": of_units(float(arrays.free[row])),
            "on_order": of_units(float(outlook.on_order[row])),
            "demand_per_day": of_units(float(outlook.demand.mean_per_day[row])),
            "horizon": of_days(days),
            "last_day": of_date(late),
            "runs_out_on": of_date(arrays.today + timedelta(days=int(out[0]))) if out.size else None,
            "runs_out_in": of_days(int(out[0])) if out.size else None,
            "highest_chance": of_share(float(chance.max())),
            "worst_day": of_date(arrays.today + timedelta(days=int(np.argmax(chance)))),
            "short": of_units(float(ahead.expected_short_units[row, :days].max())),
            "expected_at_end": of_units(float(ahead.expected_on_hand[row, days - 1])),
            "low_at_end": of_units(float(low[-1])),
            "high_at_end": of_units(float(high[-1])),
            "asked_days": of_days(asked.days) if asked.days and asked.days > most else None,
        }
    )
    template = (
        "{{item}} at {{site}} is more likely out than not from {{runs_out_on}}, in {{runs_out_in}}; {{short}} are "
        "expected short at worst within {{horizon}}."
        if out.size
        else "{{item}} at {{site}} is not expected to run out by {{last_day}}: the chance is at most "
        "{{highest_chance}}, on {{worst_day}}. On {{last_day}} {{expected_at_end}} are expected, between "
        "{{low_at_end}} and {{high_at_end}}."
    )
    capped = ("The projection looks {{horizon}} ahead, not {{asked_days}}.",) if "asked_days" in facts else ()
    rows = tuple(
        (
            (arrays.today + timedelta(days=day)).isoformat(), round(float(ahead.expected_on_hand[row, day]), 1),
            round(float(low[day]), 1), round(float(high[day]), 1), round(100 * float(chance[day]), 1),
            round(float(ahead.expected_short_units[row, day]), 1),
        )
        for day in range(days)
    )  # fmt: skip
    columns = (
        Column(name="day"), Column(name="expected", unit="units"), Column(name="low", unit="units"),
        Column(name="high", unit="units"), Column(name="chance_out", unit="%"), Column(name="short", unit="units"),
    )  # fmt: skip
    table = Table(title=f"Stock of {asked.item} at {asked.site} by day", columns=columns, rows=rows)
    return Answer(
        capability="projection", facts={**facts, **trouble.facts}, tables=(table,), sources=(data_source(asking),),
        template=template, notes=(*capped, *_unplanned(outlook, row), *trouble.notes),
    )  # fmt: skip


def _stock_band(outlook: Outlook, row: int, days: int) -> tuple[FloatArray, FloatArray]:
    """Ends of the band of stock by day: spread of demand and of arrivals so far, taken as normal, never below zero."""
    demand, arrivals = by_day(outlook.plan, days), outlook.arrivals
    mine = np.flatnonzero(arrivals.series == row)
    reached = np.minimum(np.cumsum(arrivals.arrival_probability[mine], axis=1)[:, :days], 1.0)
    units = arrivals.quantity[mine][:, None]
    asked_for = np.cumsum(demand.mean[row] + demand.known[row])
    level = float(outlook.arrays.free[row]) + (units * reached).sum(axis=0) - asked_for
    spread = BAND * np.sqrt(np.cumsum(demand.variance[row]) + (units**2 * reached * (1.0 - reached)).sum(axis=0))
    return np.maximum(level - spread, 0.0), np.maximum(level + spread, 0.0)


def _unplanned(outlook: Outlook, row: int) -> tuple[str, ...]:
    if outlook.planned[row]:
        return ()
    return ("Mathematics gives no quantity here, because too little demand is known.",)


def forecast(asking: Asking, asked: a.ForecastAhead) -> Answer:
    """Demand by week from today with its band, known demand included, and what it rests on."""
    outlook, row = look_at(asking, asked.item, asked.site)
    plan, today = outlook.plan, outlook.arrays.today
    weeks = min(asked.weeks or WEEKS, plan.mean_per_week.shape[1])
    mean, sd = plan.mean_per_week[row, :weeks], np.sqrt(plan.variance_per_week[row, :weeks])
    whole = plan.over(0, 7 * weeks)
    spread = BAND * float(np.sqrt(whole.variance[row]))
    rows = [
        {
            "starts": of_date(today + timedelta(weeks=week)),
            "expected": of_units(float(mean[week])),
            "low": of_units(float(max(mean[week] - BAND * sd[week], 0.0))),
            "high": of_units(float(mean[week] + BAND * sd[week])),
            "known": of_units(float(plan.known_per_week[row, week])),
        }
        for week in range(weeks)
    ]
    found = listing("week", f"Demand of {asked.item} at {asked.site}", tuple(rows[0]), rows, limit=len(rows))
    trouble, history = doubts(asking, asked.site), int(outlook.history_weeks[row])
    shift = outlook.shift
    facts = {
        "item": of_id("item", asked.item),
        "site": of_id("site", asked.site),
        "weeks": of_weeks(weeks),
        "total": of_units(float(whole.mean[row])),
        "total_low": of_units(max(float(whole.mean[row]) - spread, 0.0)),
        "total_high": of_units(float(whole.mean[row]) + spread),
        "average": of_units(float(mean.mean())),
        "known_total": of_units(float(plan.known_per_week[row, :weeks].sum())),
        "demand_class": of_words(outlook_class(outlook, row)),
        "history": of_weeks(history),
        "recent": of_units(float(shift.recent_mean_per_period[row])),
        "before": of_units(float(shift.baseline_mean_per_period[row])),
    }
    template = (
        "{{item}} at {{site}} is expected to sell {{total}} in {{weeks}}, between {{total_low}} and {{total_high}}: "
        "about {{average}} a week. Demand is {{demand_class}}, {{history}} of it are known; lately {{recent}} a week "
        "were sold, {{before}} before."
    )
    short = ("Too little history is known to trust this.",) if history < REFUSE_BELOW_WEEKS else ()
    return Answer(
        capability="forecast", facts={**facts, **found.facts, **trouble.facts}, tables=(found.table,),
        sources=(data_source(asking),), template=template, notes=(*short, *trouble.notes),
    )  # fmt: skip


CAPABILITIES: tuple[Capability, ...] = (capability("projection", projection), capability("forecast", forecast))
