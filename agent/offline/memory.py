"""What earlier turns of a conversation named, and which question a short follow-up continues."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_POINTS = re.compile(
    r"\b(?:it|its|that|this|those|these|they|them|their|same|one|ones|still|instead|again|there|here|he|she)\b"
    r"|^(?:and|what about|how about|or|also|ok|so|then)\b"
)
_EXPLETIVE = re.compile(
    r"\b(?:is|are|was|were|be|will) there\b|\bthere (?:is|are|was|were|a|an|any)\b"
    r"|\b(?:what|how|is|when) (?:\w+ )?it (?:take|need)s?\b"
)
_EVERYWHERE = re.compile(
    r"\b(?:everywhere|all (?:the )?(?:other )?(?:sites|locations|warehouses|stores)|every site|each site|other sites"
    r"|whole (?:network|company)|in total|altogether|overall|network[- ]?wide|company[- ]?wide|across)\b"
)


@dataclass(frozen=True)
class Call:
    """A question put to a tool."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """An earlier turn: what was said and which calls were made; none when Evenkeel asked back or talked."""

    said: str
    calls: tuple[Call, ...] = ()


@dataclass
class Memory:
    """Earlier turns, oldest first."""

    turns: list[Turn] = field(default_factory=list)

    def last(self, name: str) -> Any:
        """The newest value of an argument, ``None`` if nobody named it."""
        for turn in reversed(self.turns):
            for call in reversed(turn.calls):
                if call.arguments.get(name) is not None:
                    return call.arguments[name]
        return None

    @property
    def newest(self) -> Turn | None:
        """The turn before this one."""
        return self.turns[-1] if self.turns else None

    def with_calls(self, said: str, calls: list[Call]) -> Memory:
        """This memory and what was understood a moment ago in the same message."""
        return Memory([*self.turns, Turn(said, tuple(calls))]) if calls else self


def points_back(text: str) -> bool:
    """Whether words point at something said before."""
    return bool(_POINTS.search(_EXPLETIVE.sub(" ", text)))


def everywhere(text: str) -> bool:
    """Whether all sites are meant."""
    return bool(_EVERYWHERE.search(text))
