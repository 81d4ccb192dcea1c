"""Machine rules in words and back as TOML: what people confirm is what a file would say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from inventory.machine_rules import RuleOfClause, RuleRecord

SCOPES = ("sites", "items", "families", "brands", "classes", "suppliers", "customers", "channels")
_NAMED_APART = ("rule_id", "document_id", "version", "clause", "kind", *SCOPES)


def asked_words(rule: RuleRecord) -> str:
    """What a rule asks and where: ``R-1 (SOP-TRF-01@v2#3.2) asks donor floor days 14 for sites DC-EAST``."""
    asked = " ".join([rule.kind.replace("_", " "), *(f"{name} {value}" for name, value in _parameters(rule))])
    where = ", ".join(f"{name} {' '.join(given)}" for name in SCOPES if (given := getattr(rule, name)))
    return f"{rule.rule_id} ({rule.passage_id}) asks {asked}{f' for {where}' if where else ''}"


def parameter_words(rule: RuleRecord) -> str:
    """A rule's own parameters: ``days 14``."""
    return ", ".join(f"{name} {value}" for name, value in _parameters(rule))


def scope_words(rule: RuleRecord) -> str:
    """Where a rule holds; ``everywhere`` without a scope."""
    return "; ".join(", ".join(given) for name in SCOPES if (given := getattr(rule, name))) or "everywhere"


def as_toml(rule: RuleRecord) -> str:
    """The ``[[rule]]`` table of a rule, as it would stand in a document's file."""
    lines = ["[[rule]]", f'id = "{rule.rule_id}"', f'clause = "{rule.clause}"', f'kind = "{rule.kind}"']
    for name, field in type(rule).model_fields.items():
        value = getattr(rule, name)
        if name in SCOPES or (name not in _NAMED_APART and value != field.default):
            lines += [f"{field.alias or name} = {_toml(value)}"] if value not in ((), "", None) else []
    return "\n".join(lines) + "\n"


def _parameters(rule: RuleOfClause) -> Iterator[tuple[str, str]]:
    for name, field in type(rule).model_fields.items():
        value = getattr(rule, name)
        if name not in _NAMED_APART and value not in ((), "", None) and value != field.default:
            yield field.alias or name, " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
