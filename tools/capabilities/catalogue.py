"""Every question that may be asked: its name, what it is for, what it may do, and what it takes.

The functions behind them are in :mod:`tools.capabilities` and :mod:`agent.capabilities`;
``agent.capabilities.registry`` joins the two. None of them writes a fact, none approves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.capabilities import arguments as a

Effect = Literal["read", "whatif", "suggest"]


@dataclass(frozen=True)
class Specification:
    """One question: what a person, a model or a program is told about it."""

    name: str
    description: str
    arguments: type[a.Arguments]
    effect: Effect = "read"


SPECIFICATIONS: tuple[Specification, ...] = (
    Specification(
        "stock_position",
        "Stock of an item: on hand, allocated, free, in transit, on order and days of cover, at one site or compared.",
        a.ItemMaybeSite,
    ),
    Specification(
        "who_can_give",
        "Which sites have surplus of an item they could send to a site without going short, how much and when.",
        a.WhoCanGive,
    ),
    Specification(
        "projection", "Stock of an item at a site by day, with its band, and when it runs out.", a.Projection
    ),
    Specification("forecast", "Expected demand of an item at a site, by week, with its band.", a.ForecastAhead),
    Specification("options", "Everything that could be done for an item at a site, priced and compared.", a.Place),
    Specification("why", "Why an item at a site is short, or why there is a case about it.", a.Place),
    Specification(
        "why_not",
        "Why an action, or anything at all, was not proposed: the rules until the first that stops.",
        a.WhyNot,
    ),
    Specification(
        "what_if",
        "What would change: supplier_slips (days), demand_surge (percent), part_deliveries (percent that comes), "
        "site_shutdown (site, days), lane_closed (origin, destination, days), service_target_changed (percent).",
        a.WhatIfAsked,
        "whatif",
    ),
    Specification("find_rules", "What the written rules say: SOPs, supplier terms, site instructions.", a.FindRules),
    Specification(
        "past_decision",
        "A decision of the past: what was recommended, on which data, who decided and what was executed.",
        a.PastDecision,
    ),
    Specification("held_back", "Which exceptions were found and not shown on a day, and why.", a.OnDay),
    Specification("summary", "A day in short for a role: cases, money, decisions and results.", a.SummaryFor),
    Specification("list_cases", "Open cases, by site, kind, supplier or item.", a.ListCases),
    Specification("show_case", "One case: what is wrong, what is proposed and where it stands.", a.ShowCase),
    Specification(
        "prefill_proposal",
        "A proposal form with computed lines, for a person to submit to the gate; it stores and reserves nothing.",
        a.PrefillProposal,
        "suggest",
    ),
    Specification("supplier_record", "How reliable a supplier is: lead times, late orders, record.", a.SupplierRecord),
    Specification("lead_time", "How long an item, a supplier or a site's replenishment takes.", a.MaybeSupply),
    Specification("open_orders", "What is on the way: open purchase orders and transfers.", a.MaybeSupply),
    Specification("excess", "What is too much: excess units and money, slow movers.", a.MaybePlace),
    Specification("expiring", "Lots that expire within some days.", a.Expiring),
    Specification("substitutes", "What can replace an item.", a.OfItem),
    Specification("item_facts", "What an item is: class, price, cost, pack, shelf life, family.", a.OfItem),
    Specification("segment", "Segment of an item at a site: ABC, XYZ, service target and method.", a.Place),
    Specification("lane", "Cost, days and capacity of the lane from one site to another.", a.LaneOf),
    Specification("frozen_stock", "Stock that is frozen: how much, why, by whom, until when.", a.MaybePlace),
    Specification("data_health", "Whether the data can be trusted: age and problems of each feed.", a.MaybeSite),
    Specification("waiting_approvals", "Proposals that wait for approval, for a role or at a site.", a.ForRole),
    Specification("automatic_actions", "What policy released without a person on a day.", a.OnDayMaybeSite),
    Specification(
        "who_approves", "Who must approve an action or a value; at least one of them is needed.", a.WhoApproves
    ),
    Specification("tier_preview", "Which tier an action would get from the approval policy, and why.", a.TierPreview),
    Specification("policy_value", "A figure of the policies in force, such as minimum net benefit.", a.PolicyValue),
    Specification("kpis", "Inventory value, fill rate, turns, expedite spend, forecast bias.", a.Kpis),
    Specification("overrides", "Who overruled what in the last days, and why.", a.Overrides),
    Specification("tasks", "What people must carry out by hand, for a role or at a site.", a.ForRole),
    Specification(
        "compare_policies", "Which sites have different targets for the same class of items.", a.ClassMaybeSite
    ),
)
"""In the order they are shown."""

SPECIFICATION_OF: dict[str, Specification] = {specification.name: specification for specification in SPECIFICATIONS}
