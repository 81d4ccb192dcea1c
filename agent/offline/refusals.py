"""What must be refused, told by what is asked and never by a word that merely occurs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from agent.offline import words
from agent.offline.clauses import clauses, cores, is_question, sentences
from agent.offline.requests import orders

REASONS = ("secret", "ignore_rule", "change_rights", "invented_quantity", "approve", "out_of_field")
"""In the order they are looked for: going round a rule weighs more than what is done then."""
QUESTIONS_TOO = frozenset({"secret", "out_of_field", "invented_quantity"})
"""Reasons that hold for a question as well as for a request."""


_MEANWHILE = re.compile(
    r"\b(?:before|after|over|at|by|during|until|till|around|since|for) (?:the |my |our |your )?"
    r"(?:lunch|dinner|breakfast|holidays?|vacation|weather|match|election|news)\b"
)
"""When something is done says nothing of what is asked."""
_SUPPOSING = re.compile(
    r"^(?:ok |so |and |now )*(?:suppos|assum|imagin|pretend|say|let us (?:say|suppose|assume))\w*\b"
)
_SUPPOSED = re.compile(
    r"\bwhat (?:would|will|happens|changes|breaks|then|if)\b"
    rf"|{_SUPPOSING.pattern}.*, ?(?:what|which|who|how|where|when)\b.*\?$"
)
"""Words that make a sentence a supposition, which states nothing and asks for nothing to be done."""
_POINTING = re.compile(r"\b(?:it|them|that|this|those)\b")


@cache
def _patterns(reason: str, kind: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(words.expanded(each)) for each in words.table("refusals")[reason].get(kind, ()))


def refused(masked: str) -> dict[str, str]:
    """Reasons to refuse a message, each with the clause that asks for it.

    Parameters
    ----------
    masked
        The message with a mark for every mention.
    """
    found: dict[str, str] = {}
    told = sentences(masked)
    for sentence, after in zip(told, [*told[1:], ""], strict=True):
        supposed = _SUPPOSED.search(sentence) or (_SUPPOSING.match(sentence) and after.endswith("?"))
        for reason in REASONS:
            if supposed and reason in ("invented_quantity", "ignore_rule"):
                continue  # *say demand jumps 60 %, what would break* states nothing
            if any(_asks(reason, part) for clause in clauses(sentence) for part in _resolved(clause, sentence)):
                found.setdefault(reason, sentence)
                break
    return found


@cache
def _topics() -> re.Pattern[str]:
    return re.compile(words.expanded(r"\b(?:{guard}|{knob}|{kpi}|{autonomy})\b"))


def _resolved(clause: str, sentence: str) -> Iterator[str]:
    """The clause, and with what it points at put in: *the cool-down is silly, drop it*."""
    yield clause
    before = sentence.partition(clause)[0] if clause != sentence else ""
    if _POINTING.search(clause):
        for topic in _topics().findall(before):
            yield _POINTING.sub(f"the {topic}", clause, count=1)


def _asks(reason: str, clause: str) -> bool:
    if reason == "out_of_field":
        clause = _MEANWHILE.sub("then", clause)
    if any(pattern.search(order) for order in orders(clause) for pattern in _patterns(reason, "order")):
        return True  # what opens like a preamble may be the order itself: *okay all proposals*
    texts = list(cores(clause))
    if any(pattern.search(text) for text in texts for pattern in _patterns(reason, "always")):
        return True
    if reason not in QUESTIONS_TOO and any(is_question(text) for text in texts):
        return False
    return any(pattern.search(text) for text in texts for pattern in _patterns(reason, "any"))
