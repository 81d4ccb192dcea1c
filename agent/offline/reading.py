"""One thing named in a clause, and the clause with what it names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agent.offline.dates import Day
from tools.capabilities.names import LookUp

TOKEN = re.compile(r"[^\W\d_]+(?:[-/][^\W\d_]+)*|\d+")
"""A word, or a run of digits."""


@dataclass(frozen=True)
class Mention:
    """One thing named."""

    mark: str
    start: int
    end: int
    said: str
    id: str = ""
    """The id, empty when several or none fit."""
    value: float = 0.0
    unit: str = ""
    choices: tuple[str, ...] = ()
    """What fits, where it is not plain."""
    before: str = ""
    """Words just before it."""
    after: str = ""
    day: Day | None = None


@dataclass
class Reading:
    """A clause with its mentions."""

    text: str
    """Folded and corrected words."""
    mentions: list[Mention] = field(default_factory=list)

    def of(self, mark: str) -> list[Mention]:
        """Mentions of a kind, in order."""
        return sorted((m for m in self.mentions if m.mark == mark), key=lambda m: m.start)

    def free(self, start: int, end: int) -> bool:
        """Whether nothing was found there yet."""
        return all(end <= m.start or m.end <= start for m in self.mentions)

    def add(self, mark: str, start: int, end: int, **more: object) -> None:
        """Take a span, unless it is taken."""
        if not self.free(start, end):
            return
        before = " ".join(self.text[:start].split()[-4:])
        after = " ".join(self.text[end:].split()[:3])
        self.mentions.append(
            Mention(mark, start, end, self.text[start:end], before=before, after=after, **more)  # type: ignore[arg-type]
        )

    @property
    def masked(self) -> str:
        """The text with a mark for every mention."""
        out, at = [], 0
        for mention in sorted(self.mentions, key=lambda m: m.start):
            out += [self.text[at : mention.start], f" {mention.mark} "]
            at = mention.end
        text = " ".join("".join([*out, self.text[at:]]).split())
        return re.sub(r" (?=[?!.,;:])", "", re.sub(r"(?<=[A-Z]) ?'s\b", "", text))


def choices_of(found: LookUp) -> tuple[str, ...]:
    """Ids that fit well enough to be asked about."""
    return tuple(candidate.id for candidate in found.candidates if candidate.score >= 0.6)
