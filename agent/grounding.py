"""Prose may hold words; every figure, date and id comes from a fact through a ``{{slot}}``.

Outside slots the checker refuses

- every numeral of every script (``120``, ``１２０``, ``½``, ``Ⅻ``, ``①``) and roman numerals in letters (``XII``);
- English number words, also inside hyphens (``twenty-five``, ``twofold``), and ``one`` except in ``no one`` and
  ``one another``;
- names of months and weekdays and words for a day relative to now (``tomorrow``);
- ids of items, sites and suppliers, in any case;
- letters that are not Latin, symbols such as emoji, and characters nobody can see, because each can hide a numeral;
- slots no fact fills, broken braces, slots glued to a neighbour (``1{{cost}}``, ``-{{cost}}``), a unit after a slot
  (facts bring their own), and ``from {{..destination}}`` or ``to {{..origin}}``.

It cannot see a claim in plain words that happens to be false ("this is cheap"); what a proposal does is never read
from prose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from agent.errors import GroundingError
from agent.number_words import DATE_WORDS, DATE_WORDS_WHEN_CAPITAL, NUMBER_WORDS, UNIT_WORDS
from inventory.record import Record
from tools.plain_words import is_hidden

ViolationKind = Literal[
    "numeral", "number word", "date word", "id", "slot", "glued slot", "unit", "direction", "character"
]

SLOT = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_WORD = re.compile(r"[^\W\d_]+")
_ID_TOKEN = re.compile(r"[A-Za-z0-9._/@#:+\-]+")
_ROMAN = re.compile(r"\b[IVX]{2,}\b")
_EMPHASIS = re.compile(r"[*`~]")
"""Markdown that vanishes when shown: ``tw**o**`` reads as a number."""
_PLAIN_ONE = re.compile(r"\bno one\b|\bone another\b")
_BEFORE_SLOT = frozenset(" \n\t(\"'“‘*")
_AFTER_SLOT = frozenset(" \n\t)\"'”’*.,;:!?")
_BACKWARDS = re.compile(r"\bfrom\s+\{\{\w*destination\}\}|\b(?:to|into|towards?)\s+\{\{\w*origin\}\}", re.IGNORECASE)


class Violation(Record):
    """One thing in a template that no fact stands behind."""

    kind: ViolationKind
    found: str


def check_prose(template: str, facts: Mapping[str, str], known_ids: Collection[str]) -> tuple[Violation, ...]:
    """Everything in a template that no fact stands behind, by kind in the order of the module's list.

    Parameters
    ----------
    template
        Prose with ``{{slot}}`` where a figure, date or id belongs.
    facts
        What code fills the slots with, by slot name.
    known_ids
        Ids of items, sites, suppliers, documents … that may appear only through a slot.
    """
    prose = _EMPHASIS.sub("", SLOT.sub(" \n ", template))
    folded = _folded(prose)
    return tuple(
        Violation(kind=kind, found=found)
        for kind, hits in (
            ("numeral", _numerals(prose)),
            ("number word", _number_words(folded)),
            ("date word", _date_words(folded)),
            ("id", _ids(prose, known_ids)),
            ("character", _characters(prose, facts)),
            ("slot", _unfilled(template, prose, facts)),
            ("glued slot", _glued(template)),
            ("unit", _units_after(template)),
            ("direction", (match.group() for match in _BACKWARDS.finditer(template))),
        )
        for found in hits
    )


def fill(template: str, facts: Mapping[str, str]) -> str:
    """The template with every slot replaced by its fact, once; what a fact holds is not read as a slot again.

    Raises
    ------
    GroundingError
        If a slot has no fact.
    """

    def fact(slot: re.Match[str]) -> str:
        name = slot.group(1)
        if name not in facts:
            raise GroundingError(f"no fact fills the slot {name}")
        return facts[name]

    return SLOT.sub(fact, template)


def ground(template: str, facts: Mapping[str, str], known_ids: Collection[str]) -> str:
    """The filled text of a template that holds nothing but words and facts.

    Raises
    ------
    GroundingError
        If the template breaks a rule of this module; every violation is listed.
    """
    violations = check_prose(template, facts, known_ids)
    if violations:
        listed = "; ".join(f"{violation.kind} {violation.found!r}" for violation in violations)
        raise GroundingError(f"prose holds what no fact stands behind: {listed}")
    return fill(template, facts)


def _folded(prose: str) -> str:
    """Prose with look-alike forms and accents undone; capitals are kept."""
    decomposed = unicodedata.normalize("NFKD", prose)
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


def _numerals(prose: str) -> Iterator[str]:
    for character in prose:
        if unicodedata.category(character) in {"Nd", "Nl", "No"}:
            yield character
    for match in _ROMAN.finditer(prose):
        yield match.group()


def _number_words(folded: str) -> Iterator[str]:
    for match in _WORD.finditer(_PLAIN_ONE.sub(" ", folded.casefold())):
        word = match.group()
        if word in NUMBER_WORDS or (word.endswith("fold") and word.removesuffix("fold") in NUMBER_WORDS):
            yield word


def _date_words(folded: str) -> Iterator[str]:
    for match in _WORD.finditer(folded):
        word = match.group()
        if word.casefold() in DATE_WORDS or (word[0].isupper() and word.casefold() in DATE_WORDS_WHEN_CAPITAL):
            yield word


def _ids(prose: str, known_ids: Collection[str]) -> Iterator[str]:
    known = {name.casefold() for name in known_ids if name}
    for match in _ID_TOKEN.finditer(unicodedata.normalize("NFKC", prose)):
        token = match.group()
        candidates = {token, token.strip("._/@#:+-"), *re.split(r"[@/:#+]", token)}
        found = sorted(part for part in candidates if part.strip("._-").casefold() in known or part.casefold() in known)
        yield from found[:1]


def _characters(prose: str, facts: Mapping[str, str]) -> Iterator[str]:
    for character in prose:
        if is_hidden(character) or unicodedata.category(character) == "So" or _is_foreign_letter(character):
            yield f"U+{ord(character):04X}"
    for name in sorted(facts):
        if any(is_hidden(character) for character in facts[name]):
            yield f"hidden character in the fact {name}"


def _is_foreign_letter(character: str) -> bool:
    return character.isalpha() and not unicodedata.name(character, "").startswith("LATIN ")


def _unfilled(template: str, prose: str, facts: Mapping[str, str]) -> Iterator[str]:
    yield from sorted({name for name in SLOT.findall(template) if name not in facts})
    for character in prose:
        if character in "{}":
            yield character


def _glued(template: str) -> Iterator[str]:
    for slot in SLOT.finditer(template):
        before = template[slot.start() - 1 : slot.start()] or " "
        after = template[slot.end() : slot.end() + 1] or " "
        if before not in _BEFORE_SLOT or after not in _AFTER_SLOT:
            yield f"{before}{slot.group()}{after}".strip()
        elif re.match(r"[.,:]\w", template[slot.end() : slot.end() + 2]):
            yield template[slot.start() : slot.end() + 2]  # "{{cost}},5" would be another number


def _units_after(template: str) -> Iterator[str]:
    for slot in SLOT.finditer(template):
        following = re.match(r"\s*([^\s\w.,;:!?)\"'”’*{(–—-]|[^\W\d_]+)", template[slot.end() :])
        if following and following.group(1).casefold() in UNIT_WORDS:
            yield f"{slot.group()} {following.group(1)}"
