"""What stands between a model's tool calls and the tools.

- A tool that is not in the registry is not called.
- An item, site or supplier is looked up by code; what fits several or nothing is asked back.
- A number must have been said by the user or computed by a tool in this conversation, in whatever notation; a day
  must follow from the user's words.
- A site outside the user's rights is refused, whether or not there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from agent.chat.controls import CONTROLS, Clarify, Reason, Refuse, Smalltalk
from agent.chat.outcome import Clarification, Outcome, ToolCall
from agent.offline.dates import days_in
from agent.offline.numbers import numbers_in
from agent.offline.spelling import folded
from inventory.records import Scope
from tools.capabilities.catalogue import SPECIFICATION_OF
from tools.capabilities.names import NameKind, Names
from tools.capabilities.registry import SITES

NAMED: dict[str, NameKind] = {
    "item": "item", "site": "site", "origin": "site", "destination": "site", "supplier": "supplier",
}  # fmt: skip
DATES = ("on", "arrive_by")


@dataclass(frozen=True)
class Grounds:
    """What numbers and days of this conversation an argument may hold."""

    numbers: frozenset[float]
    days: frozenset[date]

    @classmethod
    def of(cls, said: Iterable[str], computed: Iterable[str | int | float], today: date) -> Grounds:
        """Grounds from the user's messages and from what tools computed.

        Parameters
        ----------
        said
            The user's own messages in this conversation.
        computed
            Values of facts tools answered with.
        """
        numbers: set[float] = set()
        days: set[date] = {today}
        for text in said:
            numbers |= numbers_in(text)
            for day in days_in(folded(text), today):
                days |= set(day.readings)
        numbers |= {float((day - today).days) for day in days if day > today}
        for value in computed:
            if isinstance(value, str):
                numbers |= numbers_in(value)
                days |= _iso(value)
            else:
                numbers |= {round(float(value), 6), float(round(value))}
        return cls(frozenset(numbers), frozenset(days))


def _iso(value: str) -> set[date]:
    try:
        return {date.fromisoformat(value)}
    except ValueError:
        return set()


@dataclass(frozen=True)
class Vetting:
    """Who asks, in which names, on what grounds."""

    names: Names
    scope: Scope
    grounds: Grounds

    def outcome(self, calls: Iterable[Mapping[str, Any]], text: str = "") -> Outcome:
        """What a model's calls and words come to.

        Parameters
        ----------
        calls
            ``name``, ``args`` and ``id`` of each call, as LangChain gives them.
        """
        vetted: list[ToolCall] = []
        refusals: list[Reason] = []
        problems: list[tuple[str, str]] = []
        clarify: Clarification | None = None
        talk = None
        for call in calls:
            name, arguments, call_id = str(call["name"]), dict(call["args"]), str(call.get("id") or "")
            try:
                found = self._control(name, arguments) if name in CONTROLS else self._tool(name, arguments, call_id)
            except _Stopped as stopped:
                problems.append((call_id, str(stopped)))
                continue
            if isinstance(found, ToolCall):
                vetted.append(found)
            elif isinstance(found, Clarification):
                clarify = clarify or found
            elif isinstance(found, Refuse):
                refusals.append(found.reason)
            else:
                talk = found.kind
        return Outcome(
            calls=() if clarify else tuple(vetted),
            clarify=clarify,
            refusals=tuple(dict.fromkeys(refusals)),
            smalltalk=talk,
            problems=tuple(problems),
            text=text,
        )

    def _control(self, name: str, arguments: dict[str, Any]) -> Clarification | Refuse | Smalltalk:
        try:
            control = CONTROLS[name].model_validate(arguments)
        except ValidationError as error:
            raise _Stopped(f"{name}: {error.errors()[0]['msg']}") from error
        if isinstance(control, Clarify):
            return Clarification(argument=control.argument, choices=self._visible(control))
        assert isinstance(control, (Refuse, Smalltalk))
        return control

    def _visible(self, control: Clarify) -> tuple[str, ...]:
        """Choices that exist and that the user may see."""
        kind = NAMED.get(control.argument)
        if kind is None:
            return ()
        known = set(self.names.ids(kind))
        return tuple(
            choice
            for choice in control.choices
            if choice in known and (kind != "site" or self.scope.sites is None or choice in self.scope.sites)
        )

    def _tool(self, name: str, arguments: dict[str, Any], call_id: str) -> ToolCall | Clarification | Refuse:
        specification = SPECIFICATION_OF.get(name)
        if specification is None:
            raise _Stopped(f"there is no tool {name!r}")
        given = {key: value for key, value in arguments.items() if value is not None}
        for argument, kind in NAMED.items():
            if argument in given:
                found = self._named(kind, argument, str(given[argument]), given)
                if isinstance(found, Clarification):
                    return found
                given[argument] = found
        if self.scope.sites is not None and any(
            argument in given and given[argument] not in self.scope.sites for argument in SITES
        ):
            return Refuse(reason="foreign_site")
        try:
            checked = specification.arguments.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            if first["type"] == "missing":
                return Clarification(argument=where)
            raise _Stopped(f"{name}: {where}: {first['msg']}") from error
        self._grounded(name, {key: getattr(checked, key) for key in given})
        told = checked.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        return ToolCall(name=name, arguments=told, call_id=call_id)

    def _named(self, kind: NameKind, argument: str, said: str, given: Mapping[str, Any]) -> str | Clarification:
        """The id that is meant, or what must be asked."""
        site = str(given.get("site", "")) if kind == "item" else ""
        found = self.names.look_up(kind, said, scope=self.scope)
        if found.ambiguous and site:
            found = self.names.look_up(kind, said, site=site, scope=self.scope)
        if found.best is not None:
            return found.best.id
        choices = tuple(candidate.id for candidate in found.candidates)
        if kind == "site" and self.scope.sites is not None:
            choices = tuple(choice for choice in choices if choice in self.scope.sites)
        return Clarification(argument=argument, choices=choices)

    def _grounded(self, name: str, arguments: Mapping[str, Any]) -> None:
        for argument, value in arguments.items():
            if isinstance(value, date):
                if value not in self.grounds.days:
                    raise _Stopped(f"{name}: the day {value.isoformat()} in {argument} was not said by the user")
            elif _is_number(value) and not self._known(float(value)):
                raise _Stopped(
                    f"{name}: the number {value:g} in {argument} was neither said by the user nor computed by a tool "
                    "in this conversation; leave it out or ask the user"
                )

    def _known(self, value: float) -> bool:
        """Whether it was said; a share written with two decimals stands for what it rounds: a third is 33.33 %."""
        return round(value, 6) in self.grounds.numbers or any(
            abs(value - known) <= 0.005 for known in self.grounds.numbers if known != round(known)
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Stopped(Exception):
    """A call that is not let through; the message is told to the model."""
