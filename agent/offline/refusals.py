"""What must be refused, told by what is asked and never by a word that merely occurs."""

from __future__ import annotations

import re
from functools import cache

from agent.offline import words
from agent.offline.clauses import clauses, cores, is_question, sentences

REASONS = ("secret", "out_of_field", "ignore_rule", "change_rights", "invented_quantity", "approve")
"""In the order they are looked for: going round a rule weighs more than what is done then."""
QUESTIONS_TOO = frozenset({"secret", "out_of_field", "invented_quantity"})
"""Reasons that hold for a question as well as for a request."""


_SUPPOSED = re.compile(r"\bwhat (?:would|will|happens|changes|breaks|then|if)\b")


@cache
def _patterns(reason: str, kind: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(words.expanded(each)) for each in words.table("refusals")[reason][kind])


def refused(masked: str) -> dict[str, str]:
    """Reasons to refuse a message, each with the clause that asks for it.

    Parameters
    ----------
    masked
        The message with a mark for every mention.
    """
    found: dict[str, str] = {}
    for sentence in sentences(masked):
        for reason in REASONS:
            if reason == "invented_quantity" and _SUPPOSED.search(sentence):
                continue  # *say demand jumps 60 %, what would break* supposes, and states nothing
            clause = next((part for part in clauses(sentence) if _asks(reason, part)), None)
            if clause is not None:
                found.setdefault(reason, sentence)
                break
    return found


def _asks(reason: str, clause: str) -> bool:
    for text in cores(clause):
        if any(pattern.search(text) for pattern in _patterns(reason, "order")):
            return True  # what opens like a preamble may be the order itself: *okay all proposals*
    if any(pattern.search(text) for pattern in _patterns(reason, "any")):
        return reason in QUESTIONS_TOO or not is_question(text)
    return False
