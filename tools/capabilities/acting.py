"""What could be done about an item at a site, priced and compared, and why it is in trouble."""

from __future__ import annotations

from inventory.proposals import find_situation
from inventory.records import ActionKind, Option
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact, Source
from tools.capabilities.facts import of_count, of_date, of_days, of_id, of_money, of_share, of_units, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.solving import Standing, solve, standing
from tools.capabilities.telling import Listing, Row, currency_of, data_source, doubts, known, listing, look_at, narrowed
from tools.why import explain_why

OPTIONS = (
    "action", "quantity", "source", "arrives", "arrives_late", "cost", "avoided", "service", "net_value", "confidence",
    "possible", "binding", "carried_out",
)  # fmt: skip
CHECKS = ("check", "passed", "detail")
DRIVERS = ("name", "units", "money", "days_of_cover")


def option_row(option: Option, currency: str) -> Row:
    """An option as facts."""
    source: Fact | None = None
    if option.source:
        gives = option.action in (ActionKind.TRANSFER, ActionKind.REALLOCATE)
        source = of_id("site", option.source, "origin") if gives else of_words(option.source)
    return {
        "action": of_words(option.action.value.replace("_", " ")),
        "quantity": of_units(option.quantity),
        "source": source,
        "arrives": None if option.arrives_p50 is None else of_date(option.arrives_p50),
        "arrives_late": None if option.arrives_p90 is None else of_date(option.arrives_p90),
        "cost": of_money(option.cost_minor, currency),
        "avoided": of_units(option.shortage_avoided_units),
        "service": of_share(option.service_after),
        "net_value": of_money(option.net_value_minor, currency),
        "confidence": of_share(option.confidence),
        "possible": of_words("yes" if option.feasible else "no"),
        "binding": of_words(option.binding_constraint) if option.binding_constraint else None,
        "carried_out": of_words("from here" if option.executable else "by a person"),
    }


def options(asking: Asking, asked: a.Place) -> Answer:
    """Every option, the best first: as they stand in the proposal that waits, else solved anew."""
    outlook, row = look_at(asking, asked.item, asked.site)
    waiting = standing(asking, asked.item, asked.site)
    table = waiting.options if waiting else solve(asking, outlook, row)
    currency, trouble = currency_of(asking), doubts(asking, asked.site)
    possible = [option for option in table if option.feasible]
    ranked = [*possible, *(option for option in table if not option.feasible)]
    found = listing(
        "option", f"Options for {asked.item} at {asked.site}", OPTIONS, [option_row(o, currency) for o in ranked]
    )
    facts = known(
        {
            "item": of_id("item", asked.item),
            "site": of_id("site", asked.site),
            "option_count": of_count(len(possible), "option"),
            "impossible_count": of_count(len(table) - len(possible), "option"),
            "free": of_units(float(outlook.arrays.free[row])),
            "short": of_units(outlook.short_units(row)),
            **_standing_facts(waiting),
            **_best_facts(ranked, currency),
        }
    )
    return Answer(
        capability="options",
        facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,),
        sources=(data_source(asking), *_standing_sources(waiting)),
        template=_options_words(ranked),
        notes=(
            *(("The proposal {{proposal}} about it is {{proposal_state}}.",) if waiting else ()),
            *trouble.notes,
            *narrowed(asking),
        ),
    )


def _standing_facts(waiting: Standing | None) -> dict[str, Fact | None]:
    if waiting is None:
        return {}
    return {
        "proposal": of_id("reference", waiting.proposal.proposal_id),
        "proposal_state": of_words(waiting.proposal.state.value.replace("_", " ")),
    }


def _standing_sources(waiting: Standing | None) -> tuple[Source, ...]:
    if waiting is None:
        return ()
    content = waiting.proposal.content
    return (
        Source(kind="proposal", reference=waiting.proposal.proposal_id, version=content.version),
        Source(kind="plan_run", reference=content.plan_run_id),
    )


def _best_facts(ranked: list[Option], currency: str) -> dict[str, Fact | None]:
    first = ranked[0]
    second = next((option for option in ranked[1:] if option.feasible), None)
    return {
        "flip": of_words(first.flip_point) if first.flip_point else None,
        "second_action": of_words(second.action.value.replace("_", " ")) if second else None,
        "second_net_value": of_money(second.net_value_minor, currency) if second else None,
        "gap": of_money(abs(first.net_value_minor - second.net_value_minor), currency) if second else None,
    }


def _options_words(ranked: list[Option]) -> str:
    first = ranked[0]
    if first.action is ActionKind.HOLD:
        said = "For {{item}} at {{site}} nothing is better than to hold."
    else:
        source = " from {{option_1_source}}" if first.source else ""
        arrival = ", usually there by {{option_1_arrives}}" if first.arrives_p50 else ""
        said = (
            "For {{item}} at {{site}} the best of {{option_count}} is {{option_1_action}}: {{option_1_quantity}}"
            + source + arrival + ". It costs {{option_1_cost}}, avoids {{option_1_avoided}} short and is worth "
            "{{option_1_net_value}} net, with {{option_1_confidence}} confidence."
        )  # fmt: skip
    second = next((option for option in ranked[1:] if option.feasible), None)
    if second:
        said += " Next comes {{second_action}}, worth {{second_net_value}}, which is {{gap}} apart."
    return said + (" What would change the answer: {{flip}}." if first.flip_point else "")


def why(asking: Asking, asked: a.Place) -> Answer:
    """The checks a case passes, in order, and what drives the shortfall where a case is open."""
    outlook, row = look_at(asking, asked.item, asked.site)
    found = explain_why(asking.toolbox, asking.connection, asking.scope, asked.item, asked.site)
    waiting, currency = standing(asking, asked.item, asked.site), currency_of(asking)
    rows: list[Row] = [
        {
            "check": of_words(step.check),
            "passed": of_words("yes" if step.passed else "no"),
            "detail": of_words(step.detail),
        }
        for step in found.steps
    ]
    checks = listing("check", "Checks on the way to a case", CHECKS, rows)
    drivers = _drivers(asking, waiting, currency)
    trouble = doubts(asking, asked.site)
    facts = known(
        {
            "item": of_id("item", asked.item),
            "site": of_id("site", asked.site),
            "case": of_id("reference", found.case_id) if found.case_id else None,
            "verdict": of_words(found.verdict),
            "short": of_units(outlook.short_units(row)),
            "free": of_units(float(outlook.arrays.free[row])),
            "on_order": of_units(float(outlook.on_order[row])),
            "overdue": of_units(float(outlook.overdue[row])),
            "a_week": of_units(float(outlook.demand.mean_per_day[row]) * 7),
            "window": of_days(int(outlook.window_days[row])),
        }
    )
    main = drivers.told("the main reason is [name], [units] worth [money]", most=1) if drivers else ""
    template = (
        "{{item}} at {{site}}: {{verdict}}. Free are {{free}}, {{on_order}} on order, and it sells {{a_week}} a week; "
        "{{short}} are expected short before a normal order is there, in {{window}}."
        + (f" Of what is short, {main}." if main else "")
    )
    return Answer(
        capability="why",
        facts={**facts, **checks.facts, **(drivers.facts if drivers else {}), **trouble.facts},
        tables=(checks.table, *((drivers.table,) if drivers else ())),
        sources=(data_source(asking), *_standing_sources(waiting)),
        template=template,
        notes=trouble.notes,
    )


def _drivers(asking: Asking, waiting: Standing | None, currency: str) -> Listing | None:
    situation = find_situation(asking.connection, asking.scope, waiting.proposal.proposal_id) if waiting else None
    if situation is None or not situation.drivers:
        return None
    rows: list[Row] = [
        {
            "name": of_words(driver.name.replace("_", " ")),
            "units": of_units(driver.units),
            "money": of_money(driver.money_minor, currency),
            "days_of_cover": of_days(round(driver.days_of_cover, 1)),
        }
        for driver in sorted(situation.drivers, key=lambda driver: (-driver.money_minor, driver.name))
    ]
    return listing("driver", "What drives the shortfall", DRIVERS, rows)


CAPABILITIES: tuple[Capability, ...] = (capability("options", options), capability("why", why))
