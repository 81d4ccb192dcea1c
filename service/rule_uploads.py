"""Files people bring in: read, looked through for what hides in them, and turned into documents with their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from inventory.document_scan import DocumentScan, Scanned, scan_document
from inventory.errors import RuleError
from inventory.machine_rules import RuleRecord
from inventory.records import DocumentOfRecord
from knowledge.errors import KnowledgeError
from knowledge.passages import take_out_phrases
from knowledge.reading import read_document
from knowledge.reading.limits import BYTES
from service.errors import InputError
from service.rule_files import RuleFile, RuleFileError, as_record, parse_about, parse_rule_file, rules_of

MARKDOWN = "markdown"
"""The kind of file that holds its own front matter."""
NOT_SHOWN = "not shown"
"""Sort of what a page or a text document holds and does not show."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that was read."""

    name: str
    rule: RuleFile
    scan: DocumentScan

    def recorded(
        self, added_by: str, added_at: datetime
    ) -> tuple[DocumentOfRecord, DocumentScan, tuple[RuleRecord, ...]]:
        """The document, what was found in it, and its machine rules.

        Raises
        ------
        InputError
            If a rule breaks the format or names a clause that is not there, or the text cannot be cut into clauses.
        """
        document = as_record(self.rule, added_by=added_by, added_at=added_at)
        try:
            return document, self.scan, rules_of(self.rule, document)
        except (RuleError, KnowledgeError) as error:
            raise InputError(f"{self.name}: {error}") from error


def read_upload(file: Path, about: Path | None = None) -> Brought:
    """A file as it will be kept: Markdown, plain text, HTML, PDF or DOCX.

    Parameters
    ----------
    about
        Front matter and machine rules where the file cannot hold them itself: a file of Markdown without a body.

    Raises
    ------
    InputError
        If a file is too large, cannot be read, or breaks the format.
    """
    words = _read(file)
    if about is None:
        if words.kind != MARKDOWN:
            raise InputError(f"{file.name}: say what it is about in a file of Markdown, --about FILE")
        return Brought(file.name, _parsed(parse_rule_file, words.scanned.text, file.name), words.scanned.scan)
    told = _read(about)
    rule = _parsed(parse_about, told.scanned.text, about.name)
    body = words.scanned.text.strip()
    if take_out_phrases(rule.body)[0].strip() or not body:
        raise InputError(
            f"{about.name}: expected no words beside the front matter, the phrases and the rules, and some in "
            f"{file.name}"
        )
    whole = "\n\n".join(filter(None, (body, rule.body.strip())))
    return Brought(file.name, replace(rule, body=whole + "\n"), _both(words.scanned.scan, told.scanned.scan))


@dataclass(frozen=True, slots=True)
class _Read:
    kind: str
    scanned: Scanned


def _read(file: Path) -> _Read:
    try:
        with file.open("rb") as opened:
            raw = opened.read(BYTES + 1)
        found = read_document(raw, file.name)
    except KnowledgeError as error:
        raise InputError(str(error)) from error
    hidden = {NOT_SHOWN: found.hidden_characters} if found.hidden_characters else {}
    return _Read(found.kind, scan_document(raw, found.text, hidden))


def _parsed(parse: Callable[[str, str], RuleFile], text: str, name: str) -> RuleFile:
    try:
        return parse(text, name)
    except RuleFileError as error:
        raise InputError(str(error)) from error


def _both(words: DocumentScan, about: DocumentScan) -> DocumentScan:
    """What was found in the words and in what is said about them."""
    hidden = Counter(words.hidden) + Counter(about.hidden)
    return words.model_copy(update={"hidden": dict(sorted(hidden.items())), "alarms": (*words.alarms, *about.alarms)})
