"""Machine rules out of the TOML people write beside a clause.

Every error names document, clause, rule and field, what was given and what was expected.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from math import isfinite
from types import MappingProxyType
from typing import Any, get_args

from pydantic import ValidationError

from inventory.errors import RuleError
from inventory.machine_rules import RuleOfClause, RuleRecord, rule_adapter
from inventory.record import canonical
from inventory.records import DocumentOfRecord

_INHERITED = MappingProxyType({"sites": "sites", "suppliers": "suppliers", "classes": "item_classes"})
"""Scope of a rule that names none, by the document's field."""
_WITH_ACTIONS = ("never_automatic", "approval_right")
"""Kinds of which no action named means those of the document."""
_GIVEN_BY_DOCUMENT = ("document_id", "version")


def read_rules(text: str, document: DocumentOfRecord, clauses: Collection[str]) -> tuple[RuleRecord, ...]:
    """The rules of a document's ``rules`` block, by id.

    Parameters
    ----------
    text
        TOML with ``[[rule]]`` tables.
    document
        The version they belong to; it gives the scope a rule leaves out.
    clauses
        Numbers of the clauses it has.

    Raises
    ------
    RuleError
        If the text is not TOML or a rule breaks the format; every problem is named.
    """
    where = f"document {document.document_id} v{document.version}"
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{where}: its rules are not TOML: {error}") from error
    tables = read.get("rule")
    if set(read) != {"rule"} or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise RuleError(f"{where}: the rules block holds {sorted(read) or 'nothing'}, expected [[rule]] tables only")
    rules, problems = [], []
    for number, table in enumerate(tables, start=1):
        name = f"{where}, clause {table.get('clause', '?')}, rule {table.get('id', f'number {number}')}"
        found = [*_misplaced(table, document, clauses)]
        if not found:
            try:
                rules.append(rule_adapter().validate_json(canonical(_completed(table, document))))
            except ValidationError as error:
                found = [_words(problem) for problem in error.errors()]
        problems += [f"{name}: {problem}" for problem in found]
    twice = sorted({rule.rule_id for rule in rules if sum(each.rule_id == rule.rule_id for each in rules) > 1})
    problems += [f"{where}: rule {rule_id} is given twice" for rule_id in twice]
    if problems:
        raise RuleError("; ".join(problems))
    return tuple(sorted(rules, key=lambda rule: rule.rule_id))


def _misplaced(table: Mapping[str, Any], document: DocumentOfRecord, clauses: Collection[str]) -> Iterator[str]:
    """What can be said before the values are looked at."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _fields():
        yield f"kind is {kind!r}, expected one of {', '.join(_fields())}"
        return
    for unknown in sorted(set(table) - _fields()[kind]):
        yield f"{unknown} is no field of {kind}, expected {', '.join(sorted(_fields()[kind]))}"
    if table.get("clause") not in clauses:
        yield f"clause is {table.get('clause')!r}, expected one of this document: {', '.join(sorted(clauses))}"
    for key, value in table.items():
        if not _plain(value) and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            yield f"{key} is {value!r}, expected text, a number, a day such as 2024-04-08, or a list of texts"
    for name, theirs in _INHERITED.items():
        allowed, given = set(getattr(document, theirs)), table.get(name)
        beyond = sorted(set(map(str, given)) - allowed) if allowed and isinstance(given, list) else []
        if beyond:
            yield f"{name} names {', '.join(beyond)}, expected some of the document's: {', '.join(sorted(allowed))}"


def _plain(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, date | str | int) and not isinstance(value, datetime)


def _completed(table: Mapping[str, Any], document: DocumentOfRecord) -> dict[str, Any]:
    """The table with what the document gives."""
    plain = {key: value.isoformat() if isinstance(value, date) else value for key, value in table.items()}
    given: dict[str, Any] = {name: list(getattr(document, theirs)) for name, theirs in _INHERITED.items()}
    if table["kind"] in _WITH_ACTIONS:
        given["actions"] = list(document.actions)
    return {**given, **plain, "document_id": document.document_id, "version": document.version}


@cache
def _fields() -> Mapping[str, frozenset[str]]:
    """Names that may be written, by kind."""
    return {
        _kind(record): frozenset(
            field.alias or name for name, field in record.model_fields.items() if name not in _GIVEN_BY_DOCUMENT
        )
        for record in get_args(RuleRecord)
    }


def _kind(record: type[RuleOfClause]) -> str:
    return str(record.model_fields["kind"].default)


def _words(problem: Any) -> str:
    """One problem: the field, what is wrong, and what was given."""
    field = ".".join(str(part) for part in problem["loc"][1:])
    said = str(problem["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
    given = "" if not field or problem["type"] == "missing" else f" (it is {problem['input']!r})"
    return f"{field}: {said}{given}" if field else said
