"""Written rules on paper: where versions stand, what a scan found, machine rules, and suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from rich.console import Group, RenderableType
from rich.text import Text

from inventory.document_revisions import DocumentRevision
from inventory.document_scan import DocumentScan
from inventory.document_windows import Window
from inventory.machine_rules import RuleRecord
from inventory.machine_rules_conflicts import RuleConflict
from inventory.machine_rules_suggestions import RuleSuggestion
from inventory.machine_rules_words import as_toml, asked_words, parameter_words, scope_words
from service.case_tables import cell, plain_table


def revisions_page(revisions: Iterable[DocumentRevision], windows: Iterable[Window], on: date) -> RenderableType:
    """Every version and where it stands on a day."""
    speaking = {(window.document_id, window.version): window for window in windows}
    table = plain_table(
        "document", "state", "from", "until", "uploaded by", "second person", "#rules", "found", "digest"
    )
    for revision in revisions:
        document = revision.document
        window = speaking.get((document.document_id, document.version))
        last = window.last if window and window.last != date.max else document.effective_to
        table.add_row(
            cell(revision.name), standing_words(revision, window, on), f"{document.effective_from}",
            f"{last or '–'}", cell(document.added_by), cell(revision.confirmed_by or "–"), str(len(revision.rules)),
            found_words(revision.scan), revision.digest[:12],
        )  # fmt: skip
    return table if table.row_count else Text("no documents")


def standing_words(revision: DocumentRevision, window: Window | None, on: date) -> str:
    """Where a version stands on a day, in one word."""
    if revision.state != "confirmed":
        return revision.state
    if window is None or window.last < on:
        later = window is not None and window.last == revision.document.effective_to
        return "expired" if later else "superseded"
    return "effective" if window.first <= on else "coming"


def revision_page(revision: DocumentRevision, contradictions: Sequence[RuleConflict]) -> RenderableType:
    """Everything a second person should see before confirming."""
    document = revision.document
    head = [
        f"{revision.name} {document.title}",
        f"{revision.state}, uploaded by {document.added_by} at {document.added_at:%Y-%m-%d %H:%M} UTC",
        f"in force from {document.effective_from} until {document.effective_to or 'further notice'}",
        *(
            f"{name} {', '.join(given)}"
            for name, given in (
                ("sites", document.sites),
                ("suppliers", document.suppliers),
                ("classes", document.item_classes),
                ("actions", document.actions),
            )
            if given
        ),
        f"digest {revision.digest}",
    ]
    found = [
        f"hidden from readers and taken out: {hidden_words(revision.scan)}",
        *(f"LOOK AT line {alarm.line}: it {alarm.why}: {alarm.excerpt}" for alarm in revision.scan.alarms),
        *(f"CONTRADICTION: {each.why}" for each in contradictions),
    ]
    rules = "\n".join(as_toml(rule) for rule in revision.rules) or "no machine rules\n"
    return Group(*(cell(part) for part in ("\n".join(head), "", "\n".join(found), "", document.text, rules)))


def scan_lines(name: str, scan: DocumentScan, rules: Sequence[RuleRecord]) -> list[str]:
    """What was found in one file."""
    lines = [f"{name}: hidden characters taken out: {hidden_words(scan)}; {len(rules)} machine rules"]
    lines += [f"  look at line {alarm.line}: it {alarm.why}: {alarm.excerpt}" for alarm in scan.alarms]
    return lines + [f"  {asked_words(rule)}" for rule in rules]


def found_words(scan: DocumentScan) -> str:
    """``3 hidden, 1 alarm``, or a dash."""
    hidden, alarms = sum(scan.hidden.values()), len(scan.alarms)
    parts = [f"{hidden} hidden"] * bool(hidden) + [f"{alarms} alarm{'s' if alarms > 1 else ''}"] * bool(alarms)
    return ", ".join(parts) or "–"


def hidden_words(scan: DocumentScan) -> str:
    """``3 zero width, 1 tag``, or ``none``."""
    return ", ".join(f"{count:,} {sort}" for sort, count in scan.hidden.items()) or "none"


def rules_page(rules: Iterable[RuleRecord], contradictions: Sequence[RuleConflict]) -> RenderableType:
    """Machine rules in force and what contradicts."""
    table = plain_table("rule", "kind", "asks", "where", "clause")
    for rule in rules:
        table.add_row(
            cell(rule.rule_id), rule.kind, cell(parameter_words(rule) or "–"), cell(scope_words(rule)),
            cell(rule.passage_id),
        )  # fmt: skip
    if not table.row_count:
        return Text("no machine rules")
    told = [cell(f"CONTRADICTION {each.cause}: {each.why}. {each.stricter.rule_id} holds.") for each in contradictions]
    return Group(table, *told)


def suggestions_page(suggestions: Iterable[RuleSuggestion]) -> RenderableType:
    """Suggestions and where they stand."""
    table = plain_table("suggestion", "state", "by", "second person", "asks", "note")
    for each in suggestions:
        author = f"{each.author} ({each.by})" if each.by == "model" else each.author
        table.add_row(
            cell(each.suggestion_id), each.state, cell(author), cell(each.settled_by or "–"),
            cell(asked_words(each.rule)), cell(each.note or "–"),
        )  # fmt: skip
    return table if table.row_count else Text("no suggestions")
