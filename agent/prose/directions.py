"""Who gives and who receives, as a sentence says it of the ids it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["gives", "receives"]

_GIVERS = "donor|sender|giver|origin|source|shipper|supplier"
_RECEIVERS = "receiver|recipient|destination|taker|consignee"
_GIVING = (
    "give|gives|gave|given|giving|send|sends|sent|sending|ship|ships|shipped|shipping|deliver|delivers|delivered"
    "|delivering|supply|supplies|supplied|supplying|serve|serves|served|serving|spare|spares|spared|provide|provides"
    "|provided|providing|transfer|transfers|transferred|feed|feeds|fed|replenish|replenishes|replenished|donate|donates"
)
_RECEIVING = "receive|receives|received|receiving|get|gets|got|getting|lack|lacks|lacked|obtain|obtains|obtained"
_SKIPPED = "can|could|would|will|shall|should|may|might|must|now|then|also|only|just|usually|has|have|had|does|do|to"
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being|gets|got)\s+(?:\w+ly\s+|now\s+)?$")
_BEFORE: list[tuple[re.Pattern[str], Role]] = [
    (re.compile(r"\b(?:from|out\s+of|off|leaves?|leaving|left)\s+(?:site\s+|the\s+)?$"), "gives"),
    (
        re.compile(
            r"\b(?:to|into|for|toward|towards|onto|reach|reaches|reaching|reached|enters?|arrives?\s+at|arriving\s+at)\s+"
            r"(?:site\s+|the\s+)?$"
        ),
        "receives",
    ),
    (re.compile(rf"\b(?:{_GIVERS})\s*(?:is|was|:|=|,)\s*$"), "gives"),
    (re.compile(rf"\b(?:{_RECEIVERS})\s*(?:is|was|:|=|,)\s*$"), "receives"),
    (re.compile(rf"\b(?:{_GIVING})\s+by\s+$"), "gives"),
    (re.compile(rf"\b(?:{_RECEIVING})\s+by\s+$"), "receives"),
    (re.compile(r"(?:→|->|=>|⇒)\s*$"), "receives"),
    (re.compile(r"(?:←|<-)\s*$"), "gives"),
]
_AFTER: list[tuple[re.Pattern[str], Role]] = [
    (re.compile(r"\s*(?:→|->|=>|⇒)"), "gives"),
    (re.compile(r"\s*(?:←|<-)"), "receives"),
    (re.compile(rf"\s*(?:,|is|was|as|being|,\s*being)?\s*the\s+(?:{_GIVERS})\b(?!\s*(?:is|was|:))"), "gives"),
    (re.compile(rf"\s*(?:,|is|was|as|being|,\s*being)?\s*the\s+(?:{_RECEIVERS})\b(?!\s*(?:is|was|:))"), "receives"),
    (re.compile(r"\s*(?:is|was)?\s*(?:at|on)\s+the\s+(?:sending|giving)\s+(?:end|side)\b"), "gives"),
    (re.compile(r"\s*(?:is|was)?\s*(?:at|on)\s+the\s+receiving\s+(?:end|side)\b"), "receives"),
    (re.compile(rf"\s*is\s+the\s+(?:one|site)\s+(?:to|that)\s+(?:{_GIVING})\b"), "gives"),
    (re.compile(rf"\s*is\s+the\s+(?:one|site)\s+(?:to|that)\s+(?:{_RECEIVING})\b"), "receives"),
    (re.compile(rf"\s+(?:(?:{_SKIPPED})\s+){{0,3}}(?:{_RECEIVING})\b"), "receives"),
]
_ACTIVE = re.compile(
    rf"\s+(?:(?:{_SKIPPED})\s+){{0,3}}(?P<be>(?:is|are|was|were|be|been)\s+(?:\w+ly\s+)?)?(?P<verb>{_GIVING})\b"
)
_AND = re.compile(r"\s*(?:,|and|or|&|,\s*and)\s*$")


@dataclass(frozen=True)
class Mention:
    """An id in the text."""

    start: int
    end: int
    name: str


def wrong_directions(text: str, mentions: list[Mention], roles: Mapping[str, Role]) -> Iterator[Mention]:
    """Ids of which the sentence says the other direction than their fact does; ids without a role are left alone."""
    lowered = text.lower()
    said: list[set[Role]] = []
    for place, mention in enumerate(mentions):
        claims = set(_claims(lowered, mention))
        if not claims and place and _AND.fullmatch(lowered[mentions[place - 1].end : mention.start]):
            claims = {role for role in said[-1] if _by_preposition(lowered, mentions, place, role)}
        said.append(claims)
        if mention.name in roles and claims - {roles[mention.name]}:
            yield mention


def _claims(text: str, mention: Mention) -> Iterator[Role]:
    before, after = text[: mention.start], text[mention.end :]
    for pattern, role in _BEFORE:
        if pattern.search(before[-40:]):
            yield role
    for pattern, role in _AFTER:
        if pattern.match(after):
            yield role
    active = _ACTIVE.match(after)
    if active is not None:
        passive = active.group("be") and not active.group("verb").endswith("ing")
        yield "receives" if passive else "gives"


def _by_preposition(text: str, mentions: list[Mention], place: int, role: Role) -> bool:
    """Whether the ids before it in the list got the role from what stands in front: ``from A and B``."""
    first = place - 1
    while first and _AND.fullmatch(text[mentions[first - 1].end : mentions[first].start]):
        first -= 1
    return any(pattern.search(text[: mentions[first].start][-40:]) for pattern, said in _BEFORE if said == role)
