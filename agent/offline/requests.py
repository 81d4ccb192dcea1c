"""A request in whatever form as the plain order behind it: *I want it signed* and *mind signing it?* say *sign it*.

Only the form of a clause is changed, never its words: what is asked for is told by the patterns that meet the order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from agent.offline import words
from agent.offline.clauses import cores, is_asking

_NO_OBJECT = r"(?!(?:to|me|us|know|see)\b)"
"""*I want to know*, *get me everything approved* ask to be told something."""
_TOLD = re.compile(
    r"\b(?:list|overview|report|summary|history|was|were|been|what|which|who|whether|how|why|only|not)\b"
)
"""Words of an object that make it something to be told about."""
_BY_SOMEBODY = re.compile(
    r"^ by (?!DATE|NUM|noon|midday|midnight|tonight|evening|then|now|close|the end|end|eod|you\b)"
)


@cache
def _forms() -> dict[str, str]:
    """Participles and gerunds, with the verb they are forms of."""
    listed = words.table("requests")["forms"]
    return {form: verb for verb, forms in listed.items() for form in forms}


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    forms = "|".join(sorted(map(re.escape, _forms()), key=len, reverse=True))
    wish = "|".join(words.table("requests")["wishes"])
    mild = "|".join(words.table("requests")["before_gerund"])
    return (
        re.compile(
            rf"^(?:{wish}) {_NO_OBJECT}(?P<object>(?:\S+ ){{1,10}}?)(?:(?:is|are|gets?|to be|be) )?"
            rf"(?P<form>{forms})\b(?P<rest>.*)$"
        ),
        re.compile(rf"^(?:{mild}) (?P<form>{forms})\b(?P<rest>.*)$"),
        re.compile(
            r"^(?P<object>(?:\S+ ){1,10}?)(?:should|must|shall|has to|have to|needs? to|ought to|is to|are to|may|can) "
            rf"(?:\w+ )?be (?:\w+ )?(?P<form>{forms})\b(?P<rest>.*)$"
        ),
    )


def orders(clause: str) -> Iterator[str]:
    """Every plain order a clause may stand for; the clause itself comes first.

    Parameters
    ----------
    clause
        Folded words with a mark for every mention.
    """
    for core in cores(clause):
        yield core
        order = _plain(core, asking=is_asking(clause))
        if order:
            yield from cores(order)


def _plain(core: str, *, asking: bool) -> str:
    """The order behind a wish, a mild request or a statement of what must be done; empty when there is none."""
    wished, mild, due = _patterns()
    match = wished.match(core) or mild.match(core) or (None if asking else due.match(core))
    if match is None:
        return ""
    about = match.groupdict().get("object") or ""
    if _TOLD.search(about) or (about and _BY_SOMEBODY.match(match["rest"])):
        return ""
    return " ".join(f"{_forms()[match['form']]} {about}{match['rest']}".split())
