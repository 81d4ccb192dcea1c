"""Documents cut into citable passages, one a clause.

Rules
-----
1. A clause begins with its dotted number (``3.2 A donor keeps …``) at the start of a block, or on the line after its
   predecessor when the number is the next one. A number inside a wrapped sentence therefore begins nothing.
2. Text under no clause keeps a place too: its paragraphs are numbered ``p1``, ``p2`` … in reading order.
3. A passage's id names document, version and clause and nothing else: ``SOP-TRF-01@v2#3.2``. It never depends on any
   other document.
4. A fenced block marked ``rules`` holds rules for machines and belongs to no passage.
5. A fenced block marked ``asked`` holds what people say when they need a clause: a line with the clause's number, then
   a phrase a line. A passage is found by its phrases too; they are never part of its text, and so never cited.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from knowledge.errors import DuplicateClauseError, InvalidDocumentError

_DOCUMENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PASSAGE_ID = re.compile(rf"({_DOCUMENT_ID.pattern})@v([1-9]\d*)#(\S+)")
_HEADING = re.compile(r"(#{1,6})\s+(.*\S)")
_CLAUSE = re.compile(r"(\d+(?:\.\d+)+)\.?\s+(\S.*)")
_BLOCK = r"^[ \t]*(```|~~~)[ \t]*{name}\b[^\n]*\n(.*?)^[ \t]*\1[ \t]*$"
_MACHINE_RULES = re.compile(_BLOCK.format(name="rules"), re.DOTALL | re.MULTILINE)
_ASKED = re.compile(_BLOCK.format(name="asked"), re.DOTALL | re.MULTILINE)
_ASKED_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*asked\b", re.MULTILINE)
_CLAUSE_ALONE = re.compile(r"\d+(?:\.\d+)+|p\d+")

MOST_PHRASES = 24
"""Of one clause: a document that lists the whole language would be found by every question."""
LONGEST_PHRASE = 160
"""Characters."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A written rule as it enters this package.

    Parameters
    ----------
    document_id
        Letters, digits, ``.``, ``_`` and ``-``; the same for every version.
    version
        From 1 upwards. Where two versions are in force on one day, the higher one counts.
    text
        Markdown.
    effective_from, effective_to
        First and last day in force, both included; ``None`` means until further notice.
    sites, suppliers, item_classes, actions
        What the document is about; an empty set means no restriction.

    Raises
    ------
    InvalidDocumentError
        If the id, the version or the dates are outside their range.
    """

    document_id: str
    title: str
    version: int
    text: str
    effective_from: date
    effective_to: date | None = None
    sites: frozenset[str] = frozenset()
    suppliers: frozenset[str] = frozenset()
    item_classes: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not _DOCUMENT_ID.fullmatch(self.document_id):
            raise InvalidDocumentError(
                f"document id {self.document_id!r}: expected letters, digits, '.', '_' and '-', no spaces"
            )
        if self.version < 1:
            raise InvalidDocumentError(f"document {self.document_id}: version {self.version}, expected 1 or more")
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise InvalidDocumentError(
                f"document {self.document_id} v{self.version}: effective until {self.effective_to}, "
                f"before it begins on {self.effective_from}"
            )

    @property
    def content_digest(self) -> str:
        """SHA-256 over every field in canonical form, 64 hexadecimal characters."""
        content = {
            "document_id": self.document_id,
            "title": self.title,
            "version": self.version,
            "text": self.text,
            "effective_from": self.effective_from.isoformat(),
            "effective_to": self.effective_to.isoformat() if self.effective_to else None,
            "sites": sorted(self.sites),
            "suppliers": sorted(self.suppliers),
            "item_classes": sorted(self.item_classes),
            "actions": sorted(self.actions),
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(f"evenkeel:source-document:v1:{canonical}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Passage:
    """One citable clause with the dates and the scope of its document."""

    passage_id: str
    document_id: str
    title: str
    version: int
    clause: str
    heading_path: tuple[str, ...]
    text: str
    effective_from: date
    effective_to: date | None
    sites: frozenset[str]
    suppliers: frozenset[str]
    item_classes: frozenset[str]
    actions: frozenset[str]
    asked_as: tuple[str, ...] = ()
    """What people say when they need it, in other words than its own: for finding only, never shown as the rule."""

    @property
    def indexed_text(self) -> str:
        """What is embedded: title and headings, each once, then the text itself and how people ask for it."""
        return "\n".join(dict.fromkeys((self.title, *self.heading_path, self.text, *self.asked_as)))


def split_into_passages(document: SourceDocument) -> tuple[Passage, ...]:
    """Passages of a document, in reading order.

    Raises
    ------
    DuplicateClauseError
        If two clauses carry the same number: a citation could not tell them apart.
    InvalidDocumentError
        If phrases are given for a clause that is not there, too many of them, or too long ones, or are not closed off.
    """
    passages: dict[str, Passage] = {}
    prose, asked = take_out_phrases(_MACHINE_RULES.sub("", document.text))
    name = f"document {document.document_id} v{document.version}"
    if _ASKED_FENCE.search(prose):
        raise InvalidDocumentError(f"{name}: a block of phrases is not closed, expected ``` on a line of its own")
    phrases = _phrases(asked, name)
    for block in _blocks(prose):
        if block.clause in passages:
            raise DuplicateClauseError(
                f"{name}: clause {block.clause} appears twice, the second time as {block.text[:60]!r}"
            )
        passages[block.clause] = _passage(document, block, tuple(phrases.pop(block.clause, ())))
    for clause in phrases:
        raise InvalidDocumentError(f"{name}: phrases are given for clause {clause}, which it lacks")
    return tuple(passages.values())


def take_out_phrases(text: str) -> tuple[str, str]:
    """A text without its blocks of phrases, and what these hold."""
    return _ASKED.sub("", text), "\n".join(matched[2] for matched in _ASKED.finditer(text))


def _phrases(asked: str, document: str) -> dict[str, list[str]]:
    """Phrases by clause."""
    found: dict[str, list[str]] = {}
    clause = ""
    for line in filter(None, (raw.strip() for raw in asked.splitlines())):
        if _CLAUSE_ALONE.fullmatch(line):
            clause = line
            continue
        if not clause:
            raise InvalidDocumentError(f"{document}: the phrase {line[:60]!r} stands under no clause number")
        if len(line) > LONGEST_PHRASE:
            raise InvalidDocumentError(
                f"{document}: a phrase for clause {clause} has {len(line)} characters, expected at most "
                f"{LONGEST_PHRASE}: {line[:60]!r}"
            )
        found.setdefault(clause, []).append(line)
        if len(found[clause]) > MOST_PHRASES:
            raise InvalidDocumentError(f"{document}: clause {clause} has more than {MOST_PHRASES} phrases")
    return found


def split_passage_id(passage_id: str) -> tuple[str, int, str]:
    """Document id, version and clause of a passage's id.

    Raises
    ------
    ValueError
        If it is not such an id.
    """
    matched = _PASSAGE_ID.fullmatch(passage_id)
    if matched is None:
        raise ValueError(f"{passage_id!r}, expected an id such as SOP-TRF-01@v2#3.2")
    return matched[1], int(matched[2]), matched[3]


@dataclass(slots=True)
class _Block:
    """A clause or a loose paragraph while it is being read."""

    clause: str
    heading_path: tuple[str, ...]
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def _blocks(markdown: str) -> Iterator[_Block]:
    headings: list[tuple[int, str]] = []
    block: _Block | None = None
    paragraphs = 0
    starts_block = True
    for line in (raw.strip() for raw in markdown.splitlines()):
        if heading := _HEADING.fullmatch(line):
            if block:
                yield block
            level = len(heading[1])
            headings = [*((above, text) for above, text in headings if above < level), (level, heading[2])]
            block, starts_block = None, True
            continue
        path = tuple(text for _, text in headings)
        clause = _CLAUSE.fullmatch(line)
        if clause and (starts_block or (block and _follows(block.clause, clause[1]))):
            if block:
                yield block
            block = _Block(clause[1], path, [clause[2]])
        elif line and block and not (starts_block and block.clause.startswith("p")):
            block.lines.append(line)
        elif line:
            if block:
                yield block
            paragraphs += 1
            block = _Block(f"p{paragraphs}", path, [line])
        elif block and block.lines[-1]:
            block.lines.append("")
        starts_block = not line
    if block:
        yield block


def _follows(previous: str, number: str) -> bool:
    """Whether a clause number is the next one: sibling (3.2 → 3.3), child (3.2 → 3.2.1) or back up (3.2.4 → 3.3)."""
    if previous.startswith("p"):
        return False
    before, after = ([int(part) for part in text.split(".")] for text in (previous, number))
    return after == [*before, 1] or (len(after) <= len(before) and after == _successor(before[: len(after)]))


def _successor(number: list[int]) -> list[int]:
    return [*number[:-1], number[-1] + 1]


def _passage(document: SourceDocument, block: _Block, asked_as: tuple[str, ...]) -> Passage:
    return Passage(
        passage_id=f"{document.document_id}@v{document.version}#{block.clause}",
        document_id=document.document_id,
        title=document.title,
        version=document.version,
        clause=block.clause,
        heading_path=block.heading_path,
        text=block.text,
        effective_from=document.effective_from,
        effective_to=document.effective_to,
        sites=document.sites,
        suppliers=document.suppliers,
        item_classes=document.item_classes,
        actions=document.actions,
        asked_as=asked_as,
    )
