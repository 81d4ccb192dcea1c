"""Facts that filled slots as facts plain prose is compared with, and what sentences say besides them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from agent.prose.claims import FactKind, Figure, ProseFact
from agent.prose.dates import said_dates
from agent.prose.figures import figures
from agent.prose_check import check_sentence

_ID = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+(?![\w-])")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_KINDS: dict[str, FactKind] = {"money": "money", "percent": "percent", "time": "days", "ratio": "ratio",
                               "count": "quantity"}  # fmt: skip


def sentences_unsupported(text: str, slots: Mapping[str, str], known_ids: Collection[str]) -> Iterator[str]:
    """Each figure, date, id and direction of a text that no slot says, with the sentence it stands in.

    Parameters
    ----------
    slots
        Printed text of each fact.
    known_ids
        Ids that exist, whether or not a slot says them.
    """
    facts = slot_facts(slots, known_ids)
    for sentence in _SENTENCE.split(text):
        for found in check_sentence(sentence, facts, known_ids):
            if found.kind == "number word" and any(found.said in slot for slot in slots.values()):
                continue  # ``4 item and site pairs``: a noun
            yield f"{found.kind} {found.said!r} in {sentence!r}"


def slot_facts(slots: Mapping[str, str], known_ids: Collection[str]) -> list[ProseFact]:
    """What filled slots say, as facts that plain prose is compared with."""
    facts: list[ProseFact] = []
    for name, value in sorted(slots.items()):
        text = value.replace("−", "-")
        for identifier in sorted({*known_ids, *_ID.findall(text)}, key=lambda one: (-len(one), one)):
            if re.search(rf"(?<![\w-]){re.escape(identifier)}(?![\w-])", text):
                role = next((role for role in ("origin", "destination") if name.endswith(role)), "")
                facts.append(ProseFact(name=name, value=identifier, kind="site" if role else "item", role=role))
                text = text.replace(identifier, " ")
        if name.endswith("clause"):
            numbers = re.findall(r"\d+(?:\.\d+)*[a-z]?", text)
            facts += [ProseFact(name=name, value=number, kind="clause") for number in numbers]
            continue
        days = said_dates(text)
        for said in days:
            if said.day and said.month and said.year:
                day = date(said.year, said.month, said.day).isoformat()
                facts.append(ProseFact(name=name, value=day, kind="date"))
        for said in reversed(days):
            text = text[: said.start] + text[said.end :]
        facts += [_fact(name, figure) for figure in figures(text, ())]
    return facts


def _fact(name: str, figure: Figure) -> ProseFact:
    return ProseFact(name=name, value=str(figure.value), kind=_KINDS.get(figure.measure, "ratio"), unit=figure.unit)
