"""Shows an answer sentence by sentence, each only after it was found to hold nothing but words and facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from agent.grounding import check_prose, fill

_END = re.compile(r"(?:[.!?][)\"'”’]*(?=\s)|\n)")


@dataclass
class Speaker:
    """Collects words until a sentence ends, checks it, and shows it.

    Parameters
    ----------
    facts
        What fills the slots; grows while tools answer.
    known_ids
        Ids that may be named only through a slot.
    show
        Called with each sentence that passed, slots filled.
    """

    facts: Mapping[str, str]
    known_ids: Iterable[str]
    show: Callable[[str], None]
    said: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    """Slots that were shown."""
    broken: bool = False
    """Whether a sentence did not pass; nothing is shown from then on."""
    _waiting: str = ""

    def hear(self, words: str) -> None:
        """Some more words."""
        self._waiting += words
        while match := _END.search(self._waiting):
            sentence, self._waiting = self._waiting[: match.end()], self._waiting[match.end() :]
            self._speak(sentence)

    def finish(self) -> None:
        """There are no more words."""
        rest, self._waiting = self._waiting, ""
        self._speak(rest)

    def _speak(self, sentence: str) -> None:
        template = sentence.strip()
        if not template or self.broken:
            return
        if check_prose(template, self.facts, frozenset(self.known_ids)):
            self.broken = True
            return
        self.used.update(re.findall(r"\{\{([a-z][a-z0-9_]*)\}\}", template))
        text = fill(template, self.facts)
        self.said.append(text)
        self.show(text)
