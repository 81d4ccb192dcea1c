"""The sentences of the template draft. They hold words and slots, never a figure, and they are all there is.

Sentences about the third line or the second driver are written once; :func:`numbered` gives their slots a prefix.
"""

from __future__ import annotations

import re
from enum import StrEnum

from agent.draft_focus import Weakness
from agent.grounding import SLOT
from inventory.records import ActionKind, CaseKind

CAUSE = {
    CaseKind.PROJECTED_STOCKOUT: (
        "{{finding_1_item}} at {{finding_1_site}} is projected to run short from {{finding_1_bites_on}}, "
        "by {{finding_1_quantity}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.EXCESS: (
        "{{finding_1_item}} at {{finding_1_site}} holds {{finding_1_quantity}} more than it can use, counted from "
        "{{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.SUPPLIER_DELAY: (
        "{{supplier}} delivers late and leaves {{quantity}} short at {{finding_count}}, the earliest from "
        "{{bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.DEMAND_SHIFT: (
        "Demand for {{finding_1_item}} at {{finding_1_site}} has shifted; from {{finding_1_bites_on}} stock is off by "
        "{{finding_1_quantity}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.IMBALANCE: (
        "{{finding_1_item}} lies in the wrong places: {{finding_1_site}} is off by {{finding_1_quantity}} from "
        "{{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.OBSOLESCENCE: (
        "{{finding_1_item}} at {{finding_1_site}} is losing its use: {{finding_1_quantity}} are expected to be left "
        "from {{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.LEAD_TIME_DRIFT: (
        "{{supplier}} delivers after another time than it did; {{finding_count}} rest on the old one from "
        "{{bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.FORECAST_BIAS: (
        "The forecast of {{finding_1_item}} at {{finding_1_site}} has been off to one side, by "
        "{{finding_1_quantity}} as of {{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.POLICY_INCONSISTENCY: (
        "The same thing is kept by different rules or targets, {{finding_1_site}} among them as of "
        "{{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.RECURRING: (
        "The same trouble with {{finding_1_item}} at {{finding_1_site}} keeps coming back, {{finding_1_quantity}} "
        "as of {{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
    CaseKind.REPLENISHMENT: (
        "Replenishment is due: {{quantity}} at {{finding_count}}, the earliest from {{bites_on}}, with "
        "{{money_at_risk}} at risk without it."
    ),
    CaseKind.DATA_PROBLEM: (
        "The records of {{finding_1_item}} at {{finding_1_site}} do not agree: {{finding_1_quantity}} in doubt as of "
        "{{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    ),
}
"""What is wrong, where, from when and what it may cost."""

LINE = {
    ActionKind.TRANSFER: (
        "- Transfer {{quantity}} of {{item}} from {{origin}} to {{destination}}, leaving {{ship_on}}, {{arrival}}."
    ),
    ActionKind.PURCHASE: "- Buy {{quantity}} of {{item}} from {{supplier}} for {{destination}}, {{arrival}}.",
    ActionKind.EXPEDITE: "- Expedite {{quantity}} of {{item}} ({{order}}) to {{destination}}, {{arrival}}.",
    ActionKind.TRANSFER_AND_PURCHASE: "- Transfer now and buy later: {{quantity}} of {{item}} for {{destination}}.",
    ActionKind.PULL_IN: "- Have {{quantity}} of {{item}} ({{order}}) come earlier to {{destination}}, {{arrival}}.",
    ActionKind.PUSH_OUT: "- Have {{quantity}} of {{item}} ({{order}}) come later to {{destination}}, {{arrival}}.",
    ActionKind.SPLIT: "- Split the order {{order}}: {{quantity}} of {{item}} ahead to {{destination}}, {{arrival}}.",
    ActionKind.SUBSTITUTE: "- Let another item stand in for {{quantity}} of {{item}} at {{destination}}.",
    ActionKind.REALLOCATE: "- Give {{quantity}} of {{item}} from channel {{origin}} to channel {{destination}}.",
    ActionKind.MARKDOWN: "- Mark {{item}} at {{destination}} down, {{quantity}} of it.",
    ActionKind.RETURN_TO_SUPPLIER: (
        "- Send {{quantity}} of {{item}} back to {{supplier}}, out of the stock of {{destination}}."
    ),
    ActionKind.PARAMETER_CHANGE: "- Change the parameters of {{item}} at {{destination}}.",
    ActionKind.HOLD: "- Hold {{item}} at {{destination}}: move and buy nothing.",
    ActionKind.CORRECTION: "- Correct the record of {{item}} at {{destination}}: {{quantity}} in doubt.",
}
"""What is proposed, a line each."""

OPTION = {
    ActionKind.TRANSFER: "Transfer {{quantity}} from {{source}} to {{destination}}",
    ActionKind.PURCHASE: "Buy {{quantity}} from {{source}}",
    ActionKind.EXPEDITE: "Expedite {{quantity}} from {{source}}",
    ActionKind.TRANSFER_AND_PURCHASE: "Transfer now and buy later, {{quantity}} in all",
    ActionKind.PULL_IN: "Have {{quantity}} on order come earlier",
    ActionKind.PUSH_OUT: "Have {{quantity}} on order come later",
    ActionKind.SPLIT: "Split the open order, {{quantity}} of it ahead",
    ActionKind.SUBSTITUTE: "Let another item stand in for {{quantity}}",
    ActionKind.REALLOCATE: "Give {{quantity}} from another channel",
    ActionKind.MARKDOWN: "Mark {{quantity}} down",
    ActionKind.RETURN_TO_SUPPLIER: "Send {{quantity}} back to the supplier",
    ActionKind.PARAMETER_CHANGE: "Change the parameters",
    ActionKind.HOLD: "Hold",
    ActionKind.CORRECTION: "Correct the record",
}
"""The name of an option that was not proposed."""

IMPOSSIBLE = {
    ActionKind.TRANSFER: "Transfer from another site",
    ActionKind.PURCHASE: "Buy",
    ActionKind.EXPEDITE: "Expedite",
    ActionKind.TRANSFER_AND_PURCHASE: "Transfer now and buy later",
    ActionKind.PULL_IN: "Have an open order come earlier",
    ActionKind.PUSH_OUT: "Have an open order come later",
    ActionKind.SPLIT: "Split an open order",
    ActionKind.SUBSTITUTE: "Let another item stand in",
    ActionKind.REALLOCATE: "Give from another channel",
    ActionKind.MARKDOWN: "Mark down",
    ActionKind.RETURN_TO_SUPPLIER: "Send back to the supplier",
    ActionKind.PARAMETER_CHANGE: "Change the parameters",
    ActionKind.HOLD: "Hold",
    ActionKind.CORRECTION: "Correct the record",
}
"""The name of an option that cannot be had, without the units it does not have."""

WEAKNESS = {
    Weakness.INFEASIBLE: "not possible ({{binding}}).",
    Weakness.BY_HAND: "worth {{gap}} more, but a person would have to carry it out.",
    Weakness.NOT_ASKED_FOR: "worth {{gap}} more, but a person asked for another.",
    Weakness.LEAVES_RISK: "moves nothing and gives up {{gap}} of net value.",
    Weakness.BETTER_ALONE: "taken alone worth {{gap}} more, but the joint plan over all open cases decided otherwise.",
    Weakness.NO_GAIN: "does not pay; its net value is {{net_value}}.",
    Weakness.TOO_LATE: "may come as late as {{arrives_p90}}, after the trouble starts, and is worth {{gap}} less.",
    Weakness.CHEAPER_BUT_WEAKER: "cheaper by {{cost_gap}}, but worth {{gap}} less in all.",
    Weakness.DEARER: "costs {{cost_gap}} more and is worth {{gap}} less.",
    Weakness.LESS_WORTH: "costs the same and is worth {{gap}} less.",
    Weakness.TIE: "worth the same; the fixed order of options decided.",
}
"""Why it was not proposed."""


class Sentence(StrEnum):
    """Everything else a draft may say."""

    FEED_PROBLEM = (
        "The data of {{finding_1_site}} cannot be trusted as of {{finding_1_bites_on}}, with {{money_at_risk}} at risk."
    )
    STOCK_UNKNOWN = (
        "What {{finding_1_item}} has at {{finding_1_site}} is not known as of {{finding_1_bites_on}}, with "
        "{{money_at_risk}} at risk."
    )
    FINDINGS = "Where it hurts:"
    FINDING = "- {{item}} at {{site}}: {{quantity}} from {{bites_on}}"
    FEED_FINDING = "- the data of {{site}}, from {{bites_on}}"
    MORE_FINDINGS = "- and {{findings_more}}"
    REASON = "Cause: {{reason}}."
    NOTE = "Evidence: {{note}}."

    DRIVERS = "Why it happens:"
    DRIVER = "- {{name}}: {{units}}, {{days}} of cover, {{money}}"
    OTHER_DRIVERS = (
        "- smaller reasons: {{other_drivers_units}}, {{other_drivers_days}} of cover, {{other_drivers_money}}"
    )
    DRIVER_SUM = "Together they make {{drivers_units}}, {{drivers_days}} of cover and {{drivers_money}}."

    PROPOSED = "Proposed:"
    PROPOSED_LARGEST = "Proposed, {{line_count}} in all, the largest of them:"
    NOTHING_PROPOSED = "Nothing is proposed for execution."
    EDITED = "{{requested_by}} changed this version; the worth below is that of the plan, {{planned_quantity}}."
    CHOSEN = "{{requested_by}} chose this instead of what was planned."
    COST_ONLY = "It costs {{cost}}."
    WORTH = (
        "It costs {{cost}}, avoids {{avoided_units}} of shortage ({{avoided_money}}) and is worth {{net_value}} net."
    )
    WORTH_WITHOUT_SHORTAGE = "It costs {{cost}} and is worth {{net_value}} net."
    HOLD_WORTH = "Holding costs nothing and leaves {{money_at_risk}} at risk."
    AFTERWARDS = "Afterwards {{service_after}} of demand is expected to be met."
    DONOR = "The giving site keeps {{donor_cover}} of cover."
    PLAN_NOTE = "About the plan: {{plan_note}}."

    MOST_VALUABLE = "The most valuable line, {{lead_item}} at {{lead_site}}, in detail."
    WHY_BEST = "Why this: of {{option_count}} looked at it has the highest net value."
    WHY_BEST_FROM_HERE = (
        "Why this: of what can be carried out without a person's own hand it has the highest net value; "
        "{{option_count}} were looked at."
    )
    WHY_JOINT = "Why this: the joint plan over all open cases chose it, though taken alone it is not the best."
    WHY_EQUAL = "Why this: of {{option_count}} looked at none has a higher net value."
    WHY_CHOSEN = "Why this: a person asked for it."
    WHY_ONLY = "Why this: no other option was found."
    WHY_INFEASIBLE = "Why this: no option meets the constraints, so holding is all that is left."
    WHY_CORRECTION = "Why this: quantities cannot be planned on records that disagree; the books come before the goods."

    OTHERS = "Why not the others, for {{lead_item}} at {{lead_site}}:"
    BINDING = "What limits it: {{lead_binding}}."
    FLIP = "What would change the answer: {{flip_point}}."
    NO_FLIP = "What would change the answer: nothing in the range looked at."
    FLIP_UNKNOWN = "What would change the answer was not examined."
    BREAK_EVEN = "It stays worth doing while a unit short costs more than {{break_even}}."

    RULES = "Rules that apply:"
    RULE = "- {{title}} ({{document}}), {{version}}, {{clause}}, in force since {{effective_from}}"
    NO_RULES = "No written rule was found that applies."

    CONFIDENCE = "Confidence: {{confidence}}."
    LOWERED_BY_HISTORY = "History is short ({{history}}), which lowers it."
    LOWERED_BY_ARRIVAL = "The arrival is uncertain ({{arrival_spread}} between usual and late), which lowers it."
    LOWERED_BY_HEALTH = "The data is not sound (health {{health}}), which lowers it."
    AS_OF = "Data as of {{as_of}}."


def numbered(sentence: str, prefix: str) -> str:
    """The sentence with every slot prefixed: ``{{item}}`` becomes ``{{line_2_item}}``."""
    return SLOT.sub(lambda slot: f"{{{{{prefix}_{slot.group(1)}}}}}", sentence)


def _words() -> frozenset[str]:
    sentences = (*CAUSE.values(), *LINE.values(), *OPTION.values(), *IMPOSSIBLE.values(), *WEAKNESS.values(), *Sentence)
    return frozenset(
        word.casefold() for sentence in sentences for word in re.findall(r"[A-Za-z]+", SLOT.sub(" ", sentence))
    )


VOCABULARY = _words()
"""Every word the sentences use. A site may be called HOLD: that must not make our own word an id."""
