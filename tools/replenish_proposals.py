"""From quantities to what people sign: one case and one proposal per supplier or lane, planner and item class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from scipy.special import ndtr

from inventory.record import short_id
from inventory.records import (
    ActionKind,
    Case,
    CaseKind,
    Finding,
    MoneyAtRisk,
    Option,
    ProposalLine,
    ReplenishmentLine,
    Situation,
    SituationFact,
    Tier,
    strictest,
)
from tools.columns import FloatArray, IntArray
from tools.money import to_minor
from tools.replenish import Limit, Orders
from tools.stock_rows import StockRows
from tools.stocking_policy import TIERS, StockingTerms

P90 = 1.2816
"""Standard normal quantile of .9."""
LONGEST_SCOPE = 96
ARGUED = 12
"""Lines of a proposal whose figures are kept with it; the others are on its lines."""


@dataclass(frozen=True)
class Recommended:
    """One line with what it rests on."""

    line: ReplenishmentLine
    ship_on: date
    tier: Tier
    """The segment's least tier."""
    option: Option
    fact: SituationFact


@dataclass(frozen=True)
class Group:
    """What one person decides at once."""

    case: Case
    members: tuple[Recommended, ...]
    lines: tuple[ProposalLine, ...]

    @property
    def value_minor(self) -> int:
        """Goods and the cost of moving them."""
        return sum(member.line.value_minor for member in self.members)

    @property
    def tier(self) -> Tier:
        """The strictest of the segments' least tiers."""
        return strictest(*(member.tier for member in self.members))

    def situation(self, as_of: datetime) -> Situation:
        """The figures behind the proposal, most valuable lines first."""
        ranked = sorted(self.members, key=lambda m: (-m.option.net_value_minor, m.line.item, m.line.site))
        return Situation(
            case_id=self.case.case_id,
            snapshot_id=self.case.snapshot_id,
            as_of=as_of,
            money_at_risk_minor=self.case.money_at_risk.total,
            facts=tuple(member.fact for member in ranked[:ARGUED]),
            options=tuple(member.option for member in ranked),
        )


def recommended(rows: StockRows, terms: StockingTerms, cell: IntArray, orders: Orders) -> list[Recommended]:
    """The lines of a run, by source, destination and item."""
    some = np.flatnonzero(orders.quantity > 0).tolist()
    confidence = _confidence(rows, orders)
    some.sort(key=lambda row: (_source(rows, row), rows.sites[row], rows.items[row]))
    # A lane is paid once for what leaves on it together.
    paid: set[str] = set()
    return [_recommended(rows, terms, cell, orders, float(confidence[row]), row, paid) for row in some]


def _recommended(
    rows: StockRows, terms: StockingTerms, cell: IntArray, orders: Orders, confidence: float, row: int, paid: set[str]
) -> Recommended:
    quantity, lane = int(orders.quantity[row]), orders.lanes.get(row) if rows.source_site[row] else None
    goods = to_minor(quantity * float(rows.cost[row])) if lane is not None else 0
    if lane is not None:
        fixed = 0.0 if lane.name in paid else lane.fixed_cost
        paid.add(lane.name)
        cost = to_minor(quantity * lane.unit_cost + fixed)
        ship, p50, p90 = lane.departs(rows.today), lane.arrives(rows.today, 0.5), lane.arrives(rows.today, 0.9)
        parts = {"freight": cost}
    else:
        bought, ordering = to_minor(quantity * float(rows.price[row])), to_minor(float(rows.order_cost[row]))
        cost, parts, ship = bought + ordering, {"price": bought, "handling": ordering}, rows.today
        lead, spread = float(rows.lead_mean[row]), float(rows.lead_sd[row])
        p50, p90 = (rows.today + timedelta(days=round(days)) for days in (lead, lead + P90 * spread))
    avoided, margin = float(orders.avoided[row]), float(np.nan_to_num(rows.margin[row]))
    # Goods that are bought are still owned: what an order costs is placing, moving and keeping it.
    keeping = quantity * float(np.nan_to_num(rows.holding_per_day[row])) * float(terms.review_days[row])
    spent = cost - parts.get("price", 0) + to_minor(keeping)
    action = ActionKind.PURCHASE if lane is None else ActionKind.TRANSFER
    limits, clauses = _limits(rows, orders, row)
    line = ReplenishmentLine(
        action=action,
        item=rows.items[row],
        site=rows.sites[row],
        source=_source(rows, row),
        mode=lane.mode if lane else "",
        quantity=quantity,
        wanted=int(orders.wanted[row]),
        position=round(float(orders.position[row]), 3),
        order_up_to_level=round(float(orders.level[row]), 3),
        limited_by=limits,
        cost_minor=cost,
        value_minor=cost + goods,
        shortage_avoided_units=round(avoided, 3),
        shortage_avoided_minor=to_minor(avoided * margin),
        arrive_on=p50,
        planner=rows.planner[row],
        item_class=rows.item_class[row],
        segment=int(cell[row]),
    )
    asked = float(orders.asked[row])
    option = Option(
        action=action, item=line.item, site=line.site, source=line.source, mode=line.mode, quantity=quantity,
        arrives_p50=p50, arrives_p90=max(p50, p90), cost_minor=cost, shortage_avoided_units=line.shortage_avoided_units,
        shortage_avoided_minor=line.shortage_avoided_minor,
        service_after=round(1.0 - min(float(orders.short_after[row]) / asked, 1.0), 4) if asked > 0 else 1.0,
        net_value_minor=line.shortage_avoided_minor - spent, confidence=round(confidence, 3), chosen=True,
        binding_constraint=", ".join(limits), clauses=clauses, cost_parts_minor=parts,
    )  # fmt: skip
    measures = {
        "position": line.position,
        "order_up_to_level": line.order_up_to_level,
        "free": round(float(rows.free[row]), 4),
        "on_hand": round(float(rows.on_hand[row]), 4),
        "demand_per_day": round(float(rows.mean_per_day[row]), 4),
        "lead_time_mean_days": round(float(rows.lead_mean[row]), 4),
        "service_target": round(float(terms.service_target[row]), 4),
        "history_weeks": float(rows.history_weeks[row]),
    }
    fact = SituationFact(item=line.item, site=line.site, measures=measures, words={"item_class": line.item_class})
    return Recommended(line, ship, TIERS[int(terms.tier[row])], option, fact)


def _limits(rows: StockRows, orders: Orders, row: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What changed a quantity, in words, and the clauses among it."""
    flags = [flag for flag in Limit(int(orders.limits[row])) if flag.name and flag is not Limit.RULE]
    words = tuple(str(flag.name).lower().replace("_", " ") for flag in flags)
    rule = int(orders.rule[row])
    if rule < 0 or rows.bounds is None:
        return words, ()
    return (*words, rows.bounds.words(rule)), rows.bounds.passages([rule])


def _source(rows: StockRows, row: int) -> str:
    return rows.source_site[row] or rows.supplier[row]


def _confidence(rows: StockRows, orders: Orders) -> FloatArray:
    """Probability that anything is needed, were mean demand only as well known as its history lets it be."""
    mean, weeks = rows.mean_per_day, np.maximum(rows.history_weeks, 1)
    spread = np.divide(rows.sd_per_day, mean * np.sqrt(7.0 * weeks), out=np.full(mean.shape, 1.0), where=mean > 0.0)
    # The level moves with the mean: an order is needed while the level stays above the position.
    gap = 1.0 - np.divide(orders.position, orders.level, out=np.ones_like(mean), where=orders.level > 0.0)
    return np.asarray(ndtr(gap / np.maximum(spread, 1e-6)))


def grouped(found: Iterable[Recommended], snapshot_id: str, day: date, currency: str, version: int) -> list[Group]:
    """Cases and proposal lines: by supplier or lane, planner and item class, most money at risk first."""
    members: dict[tuple[str, ...], list[Recommended]] = defaultdict(list)
    for one in found:
        line = one.line
        ends = (line.source, line.site) if line.action is ActionKind.TRANSFER else (line.source,)
        members[(*ends, line.planner or "nobody", line.item_class)].append(one)
    groups = [_group(key, those, snapshot_id, day, currency, version) for key, those in sorted(members.items())]
    return sorted(groups, key=lambda group: (-group.case.money_at_risk.total, group.case.scope))


def _group(
    key: tuple[str, ...], members: Sequence[Recommended], snapshot_id: str, day: date, currency: str, version: int
) -> Group:
    scope, cause = "/".join(key), f"review:{day.isoformat()}/{snapshot_id[-8:]}"
    scope = scope if len(scope) <= LONGEST_SCOPE else short_id("group", *key)
    case_id = short_id("case", CaseKind.REPLENISHMENT.value, scope, cause)
    lines = tuple(_proposal_line(number, one) for number, one in enumerate(members, start=1))
    case = Case(
        case_id=case_id,
        kind=CaseKind.REPLENISHMENT,
        scope=scope,
        cause=cause,
        findings=tuple(_finding(one.line, cause, version) for one in members),
        item_classes=tuple(one.line.item_class for one in members),
        money_at_risk=MoneyAtRisk(margin=sum(one.line.shortage_avoided_minor for one in members), currency=currency),
        bites_on=min(one.line.arrive_on for one in members),
        planner=members[0].line.planner,
        opened_on=day,
        snapshot_id=snapshot_id,
    )
    return Group(case, tuple(members), lines)


def _finding(line: ReplenishmentLine, cause: str, version: int) -> Finding:
    return Finding(
        kind=CaseKind.REPLENISHMENT,
        item=line.item,
        site=line.site,
        supplier=line.source if line.action is ActionKind.PURCHASE else "",
        cause=cause,
        bites_on=line.arrive_on,
        quantity=line.quantity,
        threshold="order_up_to_level",
        threshold_value=line.order_up_to_level,
        threshold_version=version,
        measures={"position": line.position, "wanted": float(line.wanted)},
    )


def _proposal_line(number: int, one: Recommended) -> ProposalLine:
    line = one.line
    moved = line.action is ActionKind.TRANSFER
    return ProposalLine(
        number=number,
        action=line.action,
        item=line.item,
        destination=line.site,
        origin=line.source if moved else "",
        supplier="" if moved else line.source,
        mode=line.mode,
        quantity=line.quantity,
        cost_minor=line.cost_minor,
        ship_on=one.ship_on,
        arrive_on=line.arrive_on,
    )
