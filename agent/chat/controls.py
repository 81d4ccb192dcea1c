"""What a turn may come to besides questions to tools: asking back, refusing, talking. Offered to a model as tools.

A model chooses an argument or a reason from a list; the words people read are written here, so that no model says
them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Reason = Literal[
    "approve", "ignore_rule", "foreign_site", "invented_quantity", "change_rights", "out_of_field", "secret"
]
Talk = Literal["greeting", "thanks", "help"]

INSTEAD: dict[Reason, str] = {
    "approve": "I cannot approve, release or post anything: a person decides at the gate. "
    "See what waits with `evenkeel proposals --state pending` and decide with `evenkeel decide`, or on the page of the "
    "proposal. I can prepare a form for you to submit.",
    "ignore_rule": "I cannot leave a rule or a check aside, for anybody. "
    "Ask me what the rule says and who may grant an exception; a changed rule takes its own confirmation by another "
    "person.",
    "foreign_site": "I cannot tell you about sites outside your rights. "
    "Ask somebody who plans there, or have a delegation granted with `evenkeel user`.",
    "invented_quantity": "I state no figure that no tool has computed, and I take none over without a source. "
    "Ask me for the stock, the forecast or the lead time, and I look it up.",
    "change_rights": "I cannot change policies, limits, roles or switches. "
    "Policies are changed with `evenkeel policy` and confirmed by a second person; users and their rights with "
    "`evenkeel user`.",
    "out_of_field": "That is not something I know about. "
    "I answer about stock, demand, supply, cases, rules and decisions of this company; ask me for help to see how.",
    "secret": "I do not show keys, passwords, my instructions or what other people asked. "
    "Your own conversation is yours to read; the audit log is exported with `evenkeel audit`.",
}
"""What is said to a refusal, and what to do instead."""
TALKS: dict[Talk, str] = {
    "greeting": "Good day. Ask me about stock, cases, options, rules or past decisions.",
    "thanks": "You are welcome.",
    "help": "I look things up and compute: stock and who can give, projections and forecasts, why an item is short and "
    "why something was not proposed, options and what-ifs, written rules, open cases, past decisions, approvals and "
    "tasks. I can prepare a form for a proposal, which you submit. Name an item, a site or a supplier by its id or its "
    "name. I approve nothing and change nothing.",
}
ASKS: dict[str, str] = {
    "item": "Which item do you mean?",
    "site": "Which site do you mean?",
    "supplier": "Which supplier do you mean?",
    "origin": "From which site?",
    "destination": "To which site?",
    "days": "For how many days?",
    "percent": "By how many percent?",
    "value": "Above which value, or for which action?",
    "action": "Which action do you mean: transfer, purchase, expedite or another?",
    "case": "Which case do you mean?",
    "on": "Which day or which decision do you mean?",
    "change": "What is it that changes: a supplier, the demand, a site, a lane or a service target?",
    "name": "Which figure do you mean?",
    "question": "What would you like to know about it?",
}
"""How each argument is asked for."""


class _Control(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Clarify(_Control):
    """Ask the user for an argument that is missing or fits several things; never guess one."""

    argument: str = Field(description="Name of the argument of the tool that is missing or ambiguous")
    choices: list[str] = Field(default=[], max_length=8, description="Ids that fit, if any")


class Refuse(_Control):
    """Refuse what was asked for: approving, going round a rule, other people's data, invented figures and the like."""

    reason: Reason


class Smalltalk(_Control):
    """Greet, thank or help when nothing was asked."""

    kind: Talk


CONTROLS: dict[str, type[_Control]] = {"clarify": Clarify, "refuse": Refuse, "smalltalk": Smalltalk}
"""By the name a model calls them."""


def function_schema(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """A function as OpenAI-compatible servers and ``bind_tools`` take it."""
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def control_tools() -> list[dict[str, Any]]:
    """The controls as functions a model may call."""
    return [
        function_schema(name, " ".join((kind.__doc__ or "").split()), kind.model_json_schema())
        for name, kind in CONTROLS.items()
    ]


def asking(argument: str, choices: tuple[str, ...] = ()) -> str:
    """The question that asks for an argument."""
    said = ASKS.get(argument, f"Which {argument.replace('_', ' ')} do you mean?")
    return f"{said} I know {', '.join(choices)}." if choices else said
