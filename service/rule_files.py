"""Files that hold written rules: Markdown with a front matter block, and machine rules at the end.

A file begins with ``key: value`` lines between two ``---`` lines; a list is separated by commas, and an empty value
means "no restriction" (or, for ``effective_to``, "until further notice"). Every key must be there, once, and no other.
It may end with one fenced block named ``rules`` that holds the document's machine rules as TOML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date, datetime

from inventory.machine_rules import RuleRecord
from inventory.machine_rules_reading import read_rules
from inventory.records import DocumentOfRecord
from knowledge.passages import SourceDocument, split_into_passages

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_RULES = re.compile(r"(.*?)^```rules[ \t]*\n(.*?)^```[ \t]*\s*\Z", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~)\s*rules\b", re.MULTILINE)


class RuleFileError(ValueError):
    """A document file is not written as this module expects."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One version of one written rule, as its file says."""

    id: str
    title: str
    version: int
    effective_from: date
    effective_to: date | None
    sites: frozenset[str]
    suppliers: frozenset[str]
    item_classes: frozenset[str]
    actions: frozenset[str]
    body: str
    rules: str = ""
    """The machine rules, TOML; empty where the file holds none."""


_KEYS = tuple(field.name for field in fields(RuleFile) if field.name not in ("body", "rules"))


def parse_rule_file(text: str, name: str) -> RuleFile:
    """A document from the text of its file; ``name`` stands in error messages."""
    found = parse_about(text, name)
    if not found.body:
        raise RuleFileError(f"{name}: the body is empty")
    return found


def parse_about(text: str, name: str) -> RuleFile:
    """As :func:`parse_rule_file`, where the words may stand in another file."""
    matched = _FRONT_MATTER.fullmatch(text)
    if matched is None:
        raise RuleFileError(f"{name}: expected front matter between two '---' lines, then the body")
    values = _front_matter(matched[1], name)
    body, rules = _split_rules(matched[2], name)
    return RuleFile(
        id=_required(values, "id", name),
        title=_required(values, "title", name),
        version=_version(values["version"], name),
        effective_from=_date(values["effective_from"], "effective_from", name),
        effective_to=_date(values["effective_to"], "effective_to", name) if values["effective_to"] else None,
        sites=_set(values["sites"], "sites", name),
        suppliers=_set(values["suppliers"], "suppliers", name),
        item_classes=_set(values["item_classes"], "item_classes", name),
        actions=_set(values["actions"], "actions", name),
        body=body + "\n" if body else "",
        rules=rules,
    )


def _split_rules(text: str, name: str) -> tuple[str, str]:
    """Prose and machine rules."""
    fenced = _RULES.fullmatch(text)
    body, rules = (fenced[1], fenced[2]) if fenced else (text, "")
    if _FENCE.search(body) or (fenced and not rules.strip()):
        raise RuleFileError(f"{name}: expected one block that begins with ```rules, not empty, at the very end")
    return body.strip(), rules


def _front_matter(block: str, name: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in block.splitlines():
        key, colon, value = line.partition(":")
        if not colon or key not in _KEYS:
            raise RuleFileError(f"{name}: {line!r} in the front matter, expected one of {', '.join(_KEYS)}")
        if key in values:
            raise RuleFileError(f"{name}: {key} is given twice")
        values[key] = value.strip()
    if missing := [key for key in _KEYS if key not in values]:
        raise RuleFileError(f"{name}: the front matter lacks {', '.join(missing)}")
    return values


def _required(values: dict[str, str], key: str, name: str) -> str:
    if not values[key]:
        raise RuleFileError(f"{name}: {key} is empty")
    return values[key]


def _version(value: str, name: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise RuleFileError(f"{name}: version is {value!r}, expected a whole number from 1")
    return int(value)


def _date(value: str, key: str, name: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise RuleFileError(f"{name}: {key} is {value!r}, expected a date such as 2024-04-08") from error


def _set(value: str, key: str, name: str) -> frozenset[str]:
    parts = [part.strip() for part in value.split(",")] if value else []
    if "" in parts or len(set(parts)) != len(parts):
        raise RuleFileError(f"{name}: {key} is {value!r}, expected distinct names separated by commas")
    return frozenset(parts)


def as_record(rule: RuleFile, *, added_by: str, added_at: datetime) -> DocumentOfRecord:
    """The document of record a file becomes."""
    return DocumentOfRecord(
        document_id=rule.id,
        title=rule.title,
        version=rule.version,
        text=rule.body,
        effective_from=rule.effective_from,
        effective_to=rule.effective_to,
        sites=tuple(sorted(rule.sites)),
        suppliers=tuple(sorted(rule.suppliers)),
        item_classes=tuple(sorted(rule.item_classes)),
        actions=tuple(sorted(rule.actions)),
        added_by=added_by,
        added_at=added_at,
    )


def rules_of(rule: RuleFile, document: DocumentOfRecord) -> tuple[RuleRecord, ...]:
    """The machine rules of a file, each for a clause its document has; as :func:`rules_from`."""
    clauses = _clauses(document)
    return read_rules(rule.rules, document, clauses) if rule.rules else ()


def rules_from(text: str, document: DocumentOfRecord) -> tuple[RuleRecord, ...]:
    """Machine rules as TOML, each for a clause its document has.

    Raises
    ------
    inventory.errors.RuleError
        If a rule breaks the format or names a clause that is not there.
    knowledge.errors.KnowledgeError
        If the document cannot be cut into clauses.
    """
    return read_rules(text, document, _clauses(document))


def _clauses(document: DocumentOfRecord) -> frozenset[str]:
    source = SourceDocument(
        document.document_id, document.title, document.version, document.text, document.effective_from,
        document.effective_to,
    )  # fmt: skip
    return frozenset(passage.clause for passage in split_into_passages(source))
