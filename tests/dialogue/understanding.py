"""Reading the committed utterances and judging what the chat makes of them, without a database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agent.chat.conversation import messages_of
from agent.chat.listening import understood
from agent.chat.outcome import Outcome
from agent.chat.vetting import Grounds, Vetting
from agent.offline.directory import Directory
from agent.offline.model import OfflineChatModel
from inventory.conversations import PutQuestion, SaidTurn
from inventory.records import Scope
from service.demo.company import AS_OF, generate
from service.demo.people import PEOPLE
from tools.capabilities.catalogue import SPECIFICATIONS

FOLDER = Path(__file__).parent
IDS = frozenset({"item", "site", "origin", "destination", "supplier", "case", "reference", "on", "arrive_by"})


@dataclass(frozen=True)
class Tables:
    """The demo's tables, in the place of a snapshot."""

    tables: Mapping[str, Any]

    def table(self, name: str) -> Any:
        """A table by name."""
        return self.tables[name]


@cache
def demo_directory() -> Directory:
    """Names of the demo company."""
    return Directory.of(Tables(generate()))  # type: ignore[arg-type]  # only `table` of a snapshot is read


def lines(name: str) -> list[dict[str, Any]]:
    """The lines of a committed file."""
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


def scope_of(user: str) -> Scope:
    """What a person of the demo may see."""
    sites = next(person.sites for person in PEOPLE if person.user == user)
    return Scope(user=user, sites=None if sites is None else frozenset(sites), item_classes=None)


def understand(line: Mapping[str, Any], model: BaseChatModel | None = None) -> Outcome:
    """What the chat makes of a line: a model's calls, vetted, with no tool asked."""
    today = date.fromisoformat(line["today"])
    turns = [
        SaidTurn(
            said=turn["said"],
            said_at=AS_OF,
            questions=tuple(PutQuestion(name=call["name"], arguments=call["arguments"]) for call in turn["tools"]),
        )
        for turn in line.get("context", ())
    ]
    said = [*(turn.said for turn in turns), line["said"]]
    vetting = Vetting(demo_directory().names, scope_of(line["user"]), Grounds.of(said, (), today))
    answering = model or OfflineChatModel(directory=demo_directory(), today=today)
    return understood(answering, messages_of(turns, line["said"], today), vetting, SPECIFICATIONS)


def meets(expected: Mapping[str, Any], outcome: Outcome) -> bool:
    """Whether an outcome is as a line of ``utterances.jsonl`` expects it."""
    if "any_of" in expected:
        return any(meets(each, outcome) for each in expected["any_of"])
    if outcome.refusals or outcome.problems:
        return False
    if "clarify" in expected:
        return not outcome.calls and outcome.clarify is not None and outcome.clarify.argument == expected["clarify"]
    if expected.get("smalltalk"):
        return outcome.smalltalk is not None and not outcome.calls and outcome.clarify is None
    return outcome.clarify is None and same_calls(expected["tools"], calls_of(outcome))


def is_refused(line: Mapping[str, Any], outcome: Outcome) -> bool:
    """Whether a prompt is refused as a line of ``must_refuse.jsonl`` asks, with no call but those allowed."""
    reasons = {line["reason"], *line.get("or_reason", ())}
    allowed = line.get("also_tools", ())
    extra = [call for call in calls_of(outcome) if not any(same_call(each, call) for each in allowed)]
    return bool(reasons & set(outcome.refusals)) and not extra


def calls_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The calls as plain data."""
    return [{"name": call.name, "arguments": call.arguments} for call in outcome.calls]


def same_calls(wanted: Sequence[Mapping[str, Any]], made: Sequence[Mapping[str, Any]]) -> bool:
    """Whether exactly the wanted calls were made, in any order."""
    left = list(made)
    for want in wanted:
        match = next((call for call in left if same_call(want, call)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def same_call(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether a call has the wanted name and equal arguments, as the README says."""
    want, have = dict(wanted["arguments"]), dict(made["arguments"])
    for name in ("question", "name"):
        needed = want.pop(f"{name}_has", None)
        if needed is not None and not all(_folded(word) in _folded(have.get(name)) for word in needed):
            return False
        if needed is not None:
            have.pop(name, None)
    return wanted["name"] == made["name"] and set(want) == set(have) and all(_same(n, want[n], have[n]) for n in want)


def _same(name: str, wanted: Any, made: Any) -> bool:
    return bool(wanted == made) if name in IDS else bool(_folded(wanted) == _folded(made))


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold().replace("_", " ").replace("-", " ")
    return float(value) if isinstance(value, int | float) else ("" if value is None else value)
