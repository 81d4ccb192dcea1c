"""Why something was not proposed: the rules replayed, case or no case, until the first that stops it."""

from __future__ import annotations

from datetime import timedelta

from agent.case_views import HELD_BACK, NO_REASON
from agent.gate_facts import Place
from agent.gate_sums import ACTED
from agent.ruling import policy_book
from inventory.cases import CaseRow, cases_at
from inventory.chronicle import list_sweeps
from inventory.proposals import find_plan_run, list_proposals
from inventory.records import ActionKind, Option, PlanRun, Proposal
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Source
from tools.capabilities.facts import of_id, of_units, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.solving import solve, standing
from tools.capabilities.telling import Row, data_source, doubts, known, listing, look_at, narrowed
from tools.lot_rules import LotRules
from tools.needs import donor_floor, spare_units
from tools.outlook import Outlook
from tools.plain_words import exact_money
from tools.plan import LIVE
from tools.why import WhyStep, explain_why

OF_SURPLUS = (ActionKind.MARKDOWN, ActionKind.RETURN_TO_SUPPLIER)
"""Actions for what there is too much of."""
NOT_YET = "Nothing stops it for {{item}} at {{site}}: the next sweep takes it up."
STEPS = ("check", "passed", "detail")


def why_not(asking: Asking, asked: a.WhyNot) -> Answer:
    """Detection, options, donors, worth, plan and queue in the order the house asks them."""
    outlook, row = look_at(asking, asked.item, asked.site)
    case = next(iter(cases_at(asking.connection, asking.scope, asked.item, asked.site)), None)
    proposal = _newest(asking, case)
    run = find_plan_run(asking.connection, asking.scope, proposal.content.plan_run_id) if proposal else None
    steps = [*_detected(asking, outlook, row, asked, case)]
    if all(step.passed for step in steps):
        steps += [*_optioned(asking, outlook, row, asked), *_planned(asking, asked, case, proposal, run)]
    stopped = next((step for step in steps if not step.passed), None)
    rows: list[Row] = [
        {
            "check": of_words(step.check),
            "passed": of_words("yes" if step.passed else "no"),
            "detail": of_words(step.detail),
        }
        for step in steps
    ]
    found, trouble = listing("check", "Rules in their order", STEPS, rows), doubts(asking, asked.site)
    facts = known(
        {
            "item": of_id("item", asked.item),
            "site": of_id("site", asked.site),
            "action": of_words(asked.action.value.replace("_", " ")) if asked.action else None,
            "case": of_id("reference", case.case.case_id) if case else None,
            "proposal": of_id("reference", proposal.proposal_id) if proposal else None,
            "stopped_at": of_words(stopped.check) if stopped else None,
            "because": of_words(stopped.detail) if stopped else None,
            "short": of_units(outlook.short_units(row)),
        }
    )
    what = "{{action}}" if asked.action else "anything"
    sources = [data_source(asking)]
    if run is not None:
        sources.append(Source(kind="plan_run", reference=run.plan_run_id, as_of=run.at))
    return Answer(
        capability="why_not",
        facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,),
        sources=tuple(sources),
        template=f"Why not {what} for {{{{item}}}} at {{{{site}}}}: the rule that stops it is “{{{{stopped_at}}}}” — "
        "{{because}}."
        if stopped
        else ("It is proposed for {{item}} at {{site}}: {{proposal}} does so." if proposal else NOT_YET),
        notes=(*trouble.notes, *narrowed(asking)),
    )


def _newest(asking: Asking, case: CaseRow | None) -> Proposal | None:
    if case is None:
        return None
    known_ = list_proposals(asking.connection, asking.scope, case_id=case.case.case_id)
    return known_[-1] if known_ else None


def _detected(asking: Asking, outlook: Outlook, row: int, asked: a.WhyNot, case: CaseRow | None) -> list[WhyStep]:
    """Whether there is a trouble at all: an open case says so, else the detector's own rules."""
    if case is not None:
        words = f"{case.case.kind.value.replace('_', ' ')}, {case.state.value.replace('_', ' ')}"
        return [WhyStep(check="a case is open", passed=True, detail=f"{case.case.case_id}: {words}")]
    if asked.action in OF_SURPLUS:
        return [_in_excess(asking, outlook, row)]
    found = explain_why(asking.toolbox, asking.connection, asking.scope, asked.item, asked.site)
    return list(found.steps)


def _in_excess(asking: Asking, outlook: Outlook, row: int) -> WhyStep:
    thresholds, arrays = asking.toolbox.thresholds(asking.connection), outlook.arrays
    at = {"site": arrays.sites[row], "item_class": arrays.item_class[row]}
    share = thresholds.value("excess", "leftover_share", **at)
    least = thresholds.value("excess", "minimum_money", **at)
    left = float(outlook.excess.expected_leftover[row])
    worth, held = left * float(arrays.cost[row]), max(float(arrays.on_hand[row]), 1e-9)
    return WhyStep(
        check="there is too much of it",
        passed=left / held >= share and worth >= least,
        detail=f"{left:.0f} of {held:.0f} units are expected to be left, worth {worth:,.2f}; from {share:.0%} and "
        f"{least:,.2f} on it is excess",
    )


def _optioned(asking: Asking, outlook: Outlook, row: int, asked: a.WhyNot) -> list[WhyStep]:
    """Whether the option exists, is possible, can be chosen without a person, and is worth most."""
    waiting = standing(asking, asked.item, asked.site)
    table = waiting.options if waiting else solve(asking, outlook, row)
    best = next(option for option in table if option.chosen)
    if asked.action is None:
        return [_worth_doing(best)]
    here = [option for option in table if option.action is asked.action]
    steps = [
        WhyStep(
            check="it is one of the options here",
            passed=bool(here),
            detail=f"{len(here)} of {len(table)} options are of that kind"
            + ("" if here else f"; it has no surplus above its level and {_kinds(table)} are offered"),
        )
    ]
    if asked.action is ActionKind.TRANSFER:
        steps += _donors(asking, outlook, row, asked)
    if not here:
        return steps
    first = max(here, key=lambda option: (option.chosen, option.feasible, option.net_value_minor))
    steps.append(
        WhyStep(
            check="it is possible", passed=first.feasible,
            detail=first.binding_constraint or f"{first.quantity} units from {first.source or 'here'}",
        )
    )  # fmt: skip
    if first.feasible:
        steps += [_chosen_alone(first), _best_of_all(asking, first, best)]
    return steps


def _worth_doing(best: Option) -> WhyStep:
    hold = best.action is ActionKind.HOLD
    return WhyStep(
        check="something is worth more than to hold",
        passed=not hold,
        detail=best.flip_point or "holding is best"
        if hold
        else f"{best.action.value.replace('_', ' ')} of {best.quantity} is worth {best.net_value_minor / 100:,.2f}",
    )


def _kinds(table: tuple[Option, ...]) -> str:
    return ", ".join(sorted({option.action.value.replace("_", " ") for option in table if option.feasible}))


def _donors(asking: Asking, outlook: Outlook, row: int, asked: a.WhyNot) -> list[WhyStep]:
    """Each lane the asker may see: whether its donor is above its floor, and when the lane was last used."""
    arrays, toolbox = outlook.arrays, asking.toolbox
    barred = LotRules(toolbox.snapshot()).no_place(asked.item, asked.site)
    if barred:
        return [WhyStep(check="the site may have it", passed=False, detail=barred)]
    lanes = [
        lane
        for lane in toolbox.lanes(toolbox.snapshot()).get(asked.site, ())
        if asking.scope.allows(lane.origin, arrays.item_class[row])
    ]
    able, said = False, []
    for lane in lanes:
        donor = arrays.row_of.get((asked.item, lane.origin))
        if donor is None:
            said.append(f"{lane.origin} does not keep it")
            continue
        spare = spare_units(outlook, donor)
        able |= spare >= lane.lot
        said.append(
            f"{lane.origin} has {float(arrays.free[donor]):.0f} free, keeps {donor_floor(outlook, donor)}, can give "
            f"{spare // lane.lot * lane.lot}"
        )
    return [
        WhyStep(check="a site has units above its floor and a lane", passed=able, detail="; ".join(said) or "no lane"),
        _rested(asking, asked, arrays.item_class[row]),
    ]


def _rested(asking: Asking, asked: a.WhyNot, item_class: str) -> WhyStep:
    """The cool-down stops no proposal, it only asks for a planner; so it is told and passed."""
    policy = policy_book(asking.connection, at=asking.toolbox.now()).at(Place(site=asked.site, item_class=item_class))
    days = policy.thrash.cool_down_days
    since = asking.toolbox.now() - timedelta(days=days)
    moved = [
        proposal
        for proposal in list_proposals(asking.connection, asking.scope, states=ACTED)
        if proposal.created_at >= since
        and any((x.item, x.destination) == (asked.item, asked.site) and x.origin for x in proposal.content.lines)
    ]
    detail = f"nothing moved here within {days} days"
    if moved:
        detail = f"{moved[-1].proposal_id} moved it here within {days} days, so a planner would decide"
    return WhyStep(check="item and lane have rested", passed=True, detail=detail)


def _chosen_alone(option: Option) -> WhyStep:
    detail = "it can be carried out from here"
    if not option.executable:
        detail = "a person carries it out, so it is never proposed by itself; choose it on the proposal's page"
    return WhyStep(check="it may be chosen without a person", passed=option.executable, detail=detail)


def _best_of_all(asking: Asking, option: Option, best: Option) -> WhyStep:
    minimum = asking.toolbox.thresholds(asking.connection).value("planning", "minimum_net_benefit")
    worth, other = option.net_value_minor / 100, best.net_value_minor / 100
    if option.chosen:
        detail = f"it is the best, worth {worth:,.2f}"
    elif best.action is ActionKind.HOLD:
        detail = f"it is worth {worth:,.2f}, and a move must be worth {minimum:,.2f}; holding is better"
    else:
        detail = f"it is worth {worth:,.2f}; {best.action.value.replace('_', ' ')} is worth {other:,.2f}"
    return WhyStep(check="it is worth most", passed=option.chosen, detail=detail)


def _planned(
    asking: Asking, asked: a.WhyNot, case: CaseRow | None, proposal: Proposal | None, run: PlanRun | None
) -> list[WhyStep]:
    """What the joint plan and the queue made of the case."""
    if case is None:
        return []
    known_, steps = case.case.case_id, []
    if run is not None and known_ in run.lost_to:
        steps.append(WhyStep(check="the joint plan left it the units", passed=False, detail=run.lost_to[known_]))
    sweep = next(iter(list_sweeps(asking.connection, asking.scope, limit=1)), None)
    fate, _, reason = (sweep.dispositions.get(known_, "") if sweep else "").partition(":")
    if fate == HELD_BACK:
        steps.append(WhyStep(check="it is shown", passed=False, detail=reason or NO_REASON))
    if proposal is not None:
        mine = [
            line.action for line in proposal.content.lines if (line.item, line.destination) == (asked.item, asked.site)
        ]
        live = proposal.state in LIVE
        meant = asked.action is None or asked.action in (proposal.content.action, *mine)
        state = proposal.state.value.replace("_", " ")
        why = f" ({proposal.reason})" if proposal.reason else ""
        action = proposal.content.action.value.replace("_", " ")
        value = exact_money(proposal.content.value_minor, proposal.content.currency)
        steps.append(
            WhyStep(
                check="it is what the proposal says", passed=live and meant,
                detail=f"{proposal.proposal_id} proposes {action}, {value}, and is {state}{why}",
            )
        )  # fmt: skip
    return steps


CAPABILITIES: tuple[Capability, ...] = (capability("why_not", why_not),)
