"""What a document that comes in is looked through for, before anybody confirms it.

Rules
-----
1. Characters a reader cannot see are taken out and counted by sort: text must be what people see of it.
2. What is left is NFC, so that equal words are equal bytes.
3. Words that read like orders to a machine are pointed out to whoever confirms. They block nothing: a document is
   quoted and never obeyed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from inventory.record import Record, Text

LONGEST_EXCERPT = 160
MOST_ALARMS = 50

_SORTS: tuple[tuple[str, str], ...] = (
    ("soft hyphen", "\u00ad"),
    ("zero width", "\u180e\u200b\u200c\u200d\u2060\ufeff"),
    ("writing direction", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
    ("filler", "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"),
)
_BY_CHARACTER = {character: sort for sort, characters in _SORTS for character in characters}
_RANGES: tuple[tuple[str, int, int], ...] = (
    ("tag", 0xE0000, 0xE007F),
    ("variation selector", 0xFE00, 0xFE0F),
    ("variation selector", 0xE0100, 0xE01EF),
    ("variation selector", 0x180B, 0x180F),
)
_BY_CATEGORY = {"Cc": "control", "Cf": "format", "Cs": "surrogate", "Co": "private use", "Cn": "unassigned"}
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)

_WATCHED: tuple[tuple[str, str], ...] = (
    (
        "asks to set instructions aside",
        r"\b(?:ignore|disregard|forget|override|bypass|set aside)\b.{0,40}"
        r"\b(?:instruction|rule|polic|prompt|previous|above|procedure|guard|check)",
    ),
    (
        "speaks to a machine",
        r"\b(?:you are|act as|pretend to be|behave as)\b.{0,30}\b(?:assistant|ai|model|agent|bot)\b",
    ),
    ("speaks to a machine", r"\b(?:language model|chatbot|ai (?:assistant|agent|system)|llm)\b"),
    (
        "imitates a turn of a chat",
        r"^\W{0,4}(?:system|assistant|developer|tool|user)\W{0,3}:|<\|[^|\n]{1,40}\|>|\[/?inst\]",
    ),
    ("speaks of a prompt", r"\b(?:system|hidden|developer|initial) (?:prompt|message|instruction)"),
    ("orders an approval", r"\b(?:pre-?approved|auto-?approve|approve (?:everything|all|any|it|this)|tier auto)\b"),
    (
        "asks for silence",
        r"\b(?:do not|don't|never) (?:tell|mention|reveal|show|report)\b.{0,40}"
        r"\b(?:user|planner|person|people|anyone|anybody|human)",
    ),
    ("asks for a secret", r"\b(?:api[ _-]?key|password|access token|credential)"),
    ("speaks of calling a tool", r"\b(?:tool|function) ?calls?\b|\bcall the (?:tool|function)\b"),
    ("holds a long coded word", r"\b[A-Za-z0-9+/]{80,}={0,2}"),
)  # fmt: skip
_PATTERNS = tuple((why, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for why, pattern in _WATCHED)
_PARAGRAPH = re.compile(r"\S.*?(?=\n\s*\n|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_GREEK_LIKE_LATIN = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχ")


class ScanAlarm(Record):
    """A paragraph a person should look at before confirming."""

    line: int = Field(ge=1)
    """Its first line in the cleaned text, counted from 1."""
    why: Text
    excerpt: Text


class DocumentScan(Record):
    """What was found in a document that came in."""

    original: str
    """SHA-256 of the file as it came, 64 hexadecimal characters; empty where nothing was scanned."""
    hidden: dict[str, int] = Field(default_factory=dict)
    """How many characters or parts people could not see were taken out, by sort."""
    alarms: tuple[ScanAlarm, ...] = ()


@dataclass(frozen=True, slots=True)
class Scanned:
    """A text as people see it, and what was found."""

    text: str
    scan: DocumentScan


def scan_document(original: bytes, text: str, hidden: Mapping[str, int] | None = None) -> Scanned:
    """Clean a text and say what was taken out and what looks odd.

    Parameters
    ----------
    original
        The file as it came, for its digest.
    text
        Its words.
    hidden
        What reading the file left out already because people would not see it, by sort.
    """
    counted = Counter(hidden or {})
    visible = "".join(_kept(text.replace("\r\n", "\n"), counted))
    if comments := len(_COMMENT.findall(visible)):
        counted["comment"] += comments
        visible = _COMMENT.sub("", visible)
    cleaned = unicodedata.normalize("NFC", visible)
    found = DocumentScan(
        original=hashlib.sha256(original).hexdigest(),
        hidden=dict(sorted(counted.items())),
        alarms=tuple(_alarms(cleaned))[:MOST_ALARMS],
    )
    return Scanned(cleaned, found)


def hidden_sort(character: str) -> str | None:
    """Of which sort of invisible a character is; ``None`` when people see it."""
    if character in "\n\t":
        return None
    if character in _BY_CHARACTER:
        return _BY_CHARACTER[character]
    code = ord(character)
    named = next((sort for sort, first, last in _RANGES if first <= code <= last), None)
    return named or _BY_CATEGORY.get(unicodedata.category(character))


def _kept(text: str, counted: Counter[str]) -> Iterator[str]:
    for character in text:
        if character.isascii() and character.isprintable():
            yield character
        elif character in "\u2028\u2029\u0085":
            counted["line separator"] += 1
            yield "\n"
        elif sort := hidden_sort(character):
            counted[sort] += 1
        else:
            yield character


def _alarms(text: str) -> Iterator[ScanAlarm]:
    """By paragraph, since an order may run over the end of a line."""
    for paragraph in _PARAGRAPH.finditer(text):
        lines = paragraph[0]
        sentence = " ".join(lines.split())
        reasons = [why for why, pattern in _PATTERNS if pattern.search(sentence) or pattern.search(lines)]
        reasons += [f"mixes alphabets in {word!r}" for word in _WORD.findall(sentence) if _mixed(word)]
        for why in dict.fromkeys(reasons):
            first = text.count("\n", 0, paragraph.start()) + 1
            yield ScanAlarm(line=first, why=why, excerpt=sentence[:LONGEST_EXCERPT])


def _mixed(word: str) -> bool:
    """Whether a word has letters of two alphabets that look alike."""
    if word.isascii():
        return False
    names = {unicodedata.name(letter, "").split(" ", 1)[0] for letter in word}
    return "LATIN" in names and ("CYRILLIC" in names or not _GREEK_LIKE_LATIN.isdisjoint(word))
